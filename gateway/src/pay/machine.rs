//! Payments as a machine: which rule decides on which command, what each event changes, what falls due, and what leaves
//! memory.

use std::sync::Arc;

use ledger::{Answer, Cold, Machine, Moment, Sequence, Timestamp};

use super::bill::Bill;
use super::combined::Combined;
use super::mandate::Mandate;
use super::message::{ColdKey, ColdRow, Command, Event, Lookup, Outcome};
use super::order::{Order, OrderState};
use super::quote::Quote;
use super::red_packet::RedPacket;
use super::state::Payments;
use super::step_up::StepUps;

impl Machine for Payments {
    type Command = Command;
    type Event = Event;
    type Outcome = Outcome;
    type Key = ColdKey;
    type Row = ColdRow;

    fn weight(command: &Command) -> usize {
        command.weight()
    }

    #[expect(
        clippy::too_many_lines,
        reason = "a table of which rule decides on which command"
    )]
    fn decide(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        let decided = match command {
            Command::RegisterAsset(currency) => self.register_asset(*currency, events),
            Command::OpenMerchant(merchant) => self.open_merchant(merchant, events),
            Command::OpenWallet {
                id,
                holder,
                currencies,
            } => self.open_wallet(*id, holder, currencies, events),
            Command::AddKey { id, owner, secret } => self.add_key(*id, *owner, secret, events),
            Command::RevokeKey { id } => self.revoke_key(*id, events),
            Command::RotateKey(rotate) => self.rotate_key(at, rotate, events),
            Command::ChangeKeyTerms { id, owner, change } => {
                self.change_key_terms(*id, *owner, change, events)
            }
            Command::AddEndpoint(endpoint) => self.add_endpoint(endpoint, events),
            Command::RemoveEndpoint { id, merchant } => {
                self.remove_endpoint(*id, *merchant, events)
            }
            Command::TopUp {
                transaction,
                wallet,
                amount,
                reference,
            } => self.top_up(at, *transaction, *wallet, *amount, reference, events),
            Command::CreateOrder(new) => self.create_order(at, new, events),
            Command::Pay(pay) => {
                return self.with_order(&Lookup::Id(pay.order), cold, |order| {
                    self.pay(at, order, pay, events)
                });
            }
            Command::CloseOrder { order, merchant } => {
                return self.with_order(order, cold, |order| {
                    self.close(at, order, *merchant, events)
                });
            }
            Command::Refund(new) => {
                return self.with_order(&new.order, cold, |order| {
                    self.refund(at, order, new, events)
                });
            }
            Command::Risk(command) => return self.decide_on_risk(at, command, cold, events),
            Command::Refuse(refusal) => Err(refusal.clone()),
            Command::FindOrder(lookup) => {
                return self.with_order(lookup, cold, |order| Ok(Outcome::Order(order.clone())));
            }
            Command::FindAsset(code) => self.find_asset(code),
            Command::FindKey(id) => self.find_key(*id),
            Command::KeysOf(owner) => Ok(self.keys_of(*owner)),
            Command::FindMerchant(id) => self.find_merchant(*id),
            Command::SetFees { merchant, schedule } => self.set_fees(*merchant, schedule, events),
            Command::FindFees(merchant) => self.find_fees(*merchant),
            Command::FindWallet(id) => self.find_wallet(*id),
            Command::FindStepUps(wallet) => Ok(Outcome::StepUps(Box::new(
                self.step_ups(*wallet).cloned().unwrap_or_default(),
            ))),
            Command::FindPending(id) => self.find_pending(*id),
            Command::FindAwaiting(wallet) => Ok(self.find_awaiting(*wallet)),
            Command::Endpoints(merchant) => Ok(Outcome::Endpoints(
                self.endpoints_of(*merchant).cloned().collect(),
            )),
            Command::OpenBook { id, settings } => self.open_book(*id, settings, events),
            Command::FindBook(id) => self.find_book(*id),
            Command::Books => Ok(Outcome::Books(self.books().cloned().collect())),
            Command::Ledger(asked) => return self.in_book(at, asked, cold, events),
            Command::TrialBalance => Ok(self.trial_balance()),
            Command::Transfer(_)
            | Command::Reply { .. }
            | Command::RedPacket(_)
            | Command::Claim { .. }
            | Command::FindTransfer(_)
            | Command::FindRedPacket(_) => {
                return self.decide_on_sending(at, command, cold, events);
            }
            Command::LockQuote(new) => self.lock_quote(at, new, events),
            Command::Convert { quote, wallet } => {
                return self.with_quote(*quote, cold, |quote| {
                    self.convert(at, quote, *wallet, events)
                });
            }
            Command::FindQuote(id) => {
                return self.with_quote(*id, cold, |quote| {
                    Ok(Outcome::Quote(Box::new(quote.clone())))
                });
            }
            Command::LimitPosition { currency, limit } => {
                self.limit_position(*currency, *limit, events)
            }
            Command::Positions => Ok(self.positions()),
            Command::Charge(_)
            | Command::RefuseCode { .. }
            | Command::FindCodeDevice(_)
            | Command::Reverse { .. }
            | Command::Forestall
            | Command::PrintCode(_)
            | Command::RetireCode { .. }
            | Command::FindPrintedCode(_)
            | Command::PrintedCodes { .. }
            | Command::PayPrinted(_) => return self.decide_at_till(at, command, cold, events),
            Command::MakeCoupon(new) => self.make_coupon(at, new, events),
            Command::WithdrawCoupon { id, owner } => self.withdraw_coupon(*id, *owner, events),
            Command::SetScheme(scheme) => self.set_scheme(scheme, events),
            Command::RegisterBiller(new) => self.register_biller(new, events),
            Command::RetireBiller(id) => self.retire_biller(*id, events),
            Command::PayBiller(pay) => self.pay_biller(at, pay, events),
            Command::FindBiller(id) => self.find_biller(*id),
            Command::Billers {
                category,
                after,
                limit,
            } => Ok(self.list_billers(*category, *after, *limit)),
            Command::Propose(_)
            | Command::AcceptMandate { .. }
            | Command::RevokeMandate { .. }
            | Command::Debit(_)
            | Command::FindMandate(_) => {
                return self.decide_on_mandate(at, command, cold, events);
            }
            Command::Share(new) => {
                return self
                    .with_order(&new.order, cold, |order| self.share(at, order, new, events));
            }
            Command::ReturnShare(back) => {
                return self.with_order(&Lookup::Id(back.order), cold, |order| {
                    self.return_share(at, order, back, events)
                });
            }
            Command::PayCombined(pay) => return self.pay_combined(at, pay, cold, events),
            Command::FindCombined(id) => return self.find_combined(*id, cold),
            Command::FindCoupon(id) => self.find_coupon(*id),
            Command::Coupons { of, after, limit } => Ok(self.list_coupons(at, *of, *after, *limit)),
            Command::Schemes => Ok(self.list_schemes()),
            Command::OpenBill(_)
            | Command::PayBill(_)
            | Command::Remind { .. }
            | Command::CancelBill { .. }
            | Command::FindBill(_) => return self.decide_on_bill(at, command, cold, events),
        };
        Answer::Decided(decided.into())
    }

    fn evolve(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::Ledger(event) => self.ledger.fold_at(moment.sequence, event),
            Event::MerchantOpened(merchant) => {
                self.merchants.insert(merchant.id, merchant.clone());
            }
            Event::WalletOpened(wallet) => {
                self.wallets.insert(wallet.id, wallet.clone());
            }
            Event::KeyAdded(key) => self.keys.add(key),
            Event::KeyRevoked(id) => self.keys.revoke(*id),
            Event::KeyTermsSet { id, terms } => self.keys.set_terms(*id, terms),
            Event::EndpointAdded(endpoint) => {
                self.endpoints.insert(endpoint.id, endpoint.clone());
            }
            Event::EndpointRemoved(id) => drop(self.endpoints.remove(id)),
            Event::OrderCreated(order)
            | Event::OrderPaid(order)
            | Event::OrderClosed(order)
            | Event::OrderExpired(order)
            | Event::OrderHeld(order)
            | Event::OrderReopened(order)
            | Event::OrderAwaitsPayer(order)
            | Event::OrderReversed(order)
            | Event::OrderRefunded { order, .. } => {
                self.return_coupons(order);
                self.follow_mandate(moment, order);
                self.keep(moment, order);
            }
            Event::Decided(decision) => {
                self.take_coupons(decision);
                self.pending.keep(decision);
            }
            Event::DecisionChanged(decision) => {
                self.free_coupons(decision);
                self.pending.keep(decision);
            }
            Event::StepUpsChanged { wallet, step_ups } => {
                let before = self.step_ups.get(wallet);
                self.codes.follow(*wallet, before, step_ups);
                self.step_ups.insert(*wallet, StepUps::clone(step_ups));
            }
            Event::Desk(event) => Arc::make_mut(&mut self.desk).fold(event),
            Event::BookOpened(book) => {
                self.books.insert(book.tenant.id, book.clone());
            }
            Event::TransferChanged(transfer) => self.keep_transfer(moment, transfer),
            Event::QuoteChanged(quote) => self.keep_quote(moment, quote),
            Event::PaymentCodeUsed { handle, step } => self.codes.used(*handle, *step),
            Event::PaymentCodeGuessed { merchant, till, at } => {
                self.codes.guessed(*merchant, till, *at);
            }
            Event::PrintedCodeChanged(code) => self.printed_codes.keep(code),
            Event::FeesChanged { merchant, schedule } => {
                self.fee_schedules.insert(*merchant, schedule.clone());
            }
            Event::OrderShared { order, .. } | Event::ShareReturned { order, .. } => {
                self.keep(moment, order);
            }
            Event::BillerChanged(biller) => self.billers.keep(biller),
            Event::MandateChanged(mandate) => {
                self.keep_mandate(moment, Mandate::clone(mandate));
            }
            Event::CombinedChanged(combined) => {
                self.combined.keep(moment, Combined::clone(combined));
            }
            Event::CouponChanged(coupon) => self.coupons.keep(coupon),
            Event::SchemeChanged(scheme) => self.keep_scheme(scheme),
            Event::BillChanged(bill) => self.keep_bill(moment, Bill::clone(bill)),
            Event::RedPacketChanged(packet) => {
                self.keep_red_packet(moment, RedPacket::clone(packet));
            }
            Event::RedPacketClaimed { packet, claim } => {
                let claim = claim.clone();
                self.change_red_packet(moment, *packet, |packet| packet.claimed(claim));
            }
            Event::RedPacketEnded {
                packet,
                state,
                at,
                returned,
            } => {
                self.change_red_packet(moment, *packet, |packet| {
                    packet.ended(*at, *state, *returned)
                });
            }
            Event::TransferExtended {
                transfer,
                expires_at,
            } => {
                let extended = self.transfers.take(*transfer);
                let extended = extended.expect("a transfer that is under way is in memory");
                self.transfers.keep(moment, extended.extended(*expires_at));
            }
            Event::RedPacketExtended { packet, expires_at } => {
                self.change_red_packet(moment, *packet, |packet| packet.extended(*expires_at));
            }
        }
    }

    fn due(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let expired = self.orders.due(at).take(limit).map(|order| {
            Event::OrderExpired(Order {
                state: OrderState::Expired,
                ..order.clone()
            })
        });
        events.extend(expired);
        let room = limit.saturating_sub(events.len());
        let expired = self.quotes.due(at).take(room).map(Quote::expired);
        events.extend(expired.map(Box::new).map(Event::QuoteChanged));
        self.expire_bills(at, limit.saturating_sub(events.len()), events);
        self.expire_mandates(at, limit.saturating_sub(events.len()), events);
        self.end_coupons(at, limit.saturating_sub(events.len()), events);
        self.lapse(at, limit.saturating_sub(events.len()), events);
        self.give_back_untaken(at, limit.saturating_sub(events.len()), events);
        self.expire_keys(at, limit.saturating_sub(events.len()), events);
        let mut holds = Vec::new();
        self.ledger
            .due(at, limit.saturating_sub(events.len()), &mut holds);
        events.extend(holds.into_iter().map(Event::Ledger));
    }

    fn next_due(&self) -> Option<Timestamp> {
        let all = [
            self.orders.next_due(),
            self.transfers.next_due(),
            self.red_packets.next_due(),
            self.quotes.next_due(),
            self.bills.next_due(),
            self.coupons.next_due(),
            self.mandates.next_due(),
            self.pending.next_due(),
            self.keys.next_expiry(),
            self.ledger.next_due(),
        ];
        all.into_iter().flatten().min()
    }

    fn evict(&mut self, through: Sequence) {
        self.ledger.evict(through);
        while let Some(order) = self.orders.evict(through) {
            self.numbers.remove(&(order.merchant, order.number));
        }
        while self.transfers.evict(through).is_some() {}
        while self.red_packets.evict(through).is_some() {}
        while self.quotes.evict(through).is_some() {}
        while self.bills.evict(through).is_some() {}
        while self.combined.evict(through).is_some() {}
        while self.mandates.evict(through).is_some() {}
    }
}
