//! The state of payments: parties and keys always, orders while they are open or freshly finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{Answer, Cold, Ledger, Machine, Moment, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

use super::bill::Bill;
use super::book::TenantBook;
use super::charge::Codes;
use super::coupon::Coupons;
use super::desk::Desk;
use super::endpoint::Endpoint;
use super::fee::FeeSchedule;
use super::id::{
    BillId, BookId, EndpointId, KeyId, MerchantId, MerchantNo, OrderId, RedPacketId, TransferId,
    WalletId, WalletNo,
};
use super::key::{Key, Keys};
use super::message::{ColdKey, ColdRow, Command, Event, Lookup, Outcome, RiskCommand};
use super::order::{Order, OrderNumber, OrderState};
use super::party::{Merchant, Wallet};
use super::pending::Pending;
use super::points::Scheme;
use super::printed_code::PrintedCodes;
use super::quote::Quote;
use super::red_packet::RedPacket;
use super::refusal::Refusal;
use super::shelf::{Shelf, Shelved};
use super::step_up::StepUps;
use super::transfer::Transfer;

/// Orders that are paid, closed or expired are *finished*: nothing falls due for them, and they may
/// leave memory once their view is written. A refund brings one back until it is evicted again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Payments {
    pub(super) ledger: Ledger,
    pub(super) merchants: BTreeMap<MerchantId, Merchant>,
    pub(super) wallets: BTreeMap<WalletId, Wallet>,
    pub(super) keys: Keys,
    pub(super) endpoints: BTreeMap<EndpointId, Endpoint>,
    pub(super) step_ups: BTreeMap<WalletId, StepUps>,
    pub(super) pending: Pending,
    /// Shared with whoever reads it, so that a look copies nothing.
    #[serde(with = "super::desk::shared")]
    pub(super) desk: Arc<Desk>,
    orders: Shelf<Order>,
    numbers: BTreeMap<(MerchantId, OrderNumber), OrderId>,
    /// How many orders each merchant has open.
    open: BTreeMap<MerchantId, u32>,
    pub(super) books: BTreeMap<BookId, TenantBook>,
    pub(super) transfers: Shelf<Transfer>,
    pub(super) red_packets: Shelf<RedPacket>,
    pub(super) bills: Shelf<Bill>,
    /// How many bills each wallet has open.
    open_bills: BTreeMap<WalletId, u32>,
    /// How many transfers and red packets each wallet has under way.
    pub(super) under_way: BTreeMap<WalletId, u32>,
    pub(super) quotes: Shelf<Quote>,
    /// How many quotes each wallet has open.
    pub(super) quotes_open: BTreeMap<WalletId, u32>,
    pub(super) codes: Codes,
    pub(super) printed_codes: PrintedCodes,
    pub(super) fee_schedules: BTreeMap<MerchantId, FeeSchedule>,
    pub(super) coupons: Coupons,
    /// How points are earned and spent, by the code of the currency that is paid in.
    pub(super) schemes: BTreeMap<String, Scheme>,
}

impl Shelved for Order {
    type Id = OrderId;

    fn id(&self) -> OrderId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        (self.state == OrderState::Open).then_some(self.expires_at)
    }

    fn is_finished(&self) -> bool {
        !matches!(
            self.state,
            OrderState::Open | OrderState::InReview | OrderState::AwaitingPayer
        )
    }
}

fn is_open(order: &Order) -> bool {
    order.state == OrderState::Open
}

/// Either the thing, or what to bring along from the views to know.
pub(super) enum Found<T> {
    Here(T),
    Missing(ColdKey),
}

impl Payments {
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn merchant(&self, id: MerchantId) -> Option<&Merchant> {
        self.merchants.get(&id)
    }

    pub fn wallet(&self, id: WalletId) -> Option<&Wallet> {
        self.wallets.get(&id)
    }

    pub fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.get(id)
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// A merchant's webhook endpoints, in order of id.
    pub fn endpoints_of(&self, merchant: MerchantId) -> impl Iterator<Item = &Endpoint> {
        self.endpoints
            .values()
            .filter(move |endpoint| endpoint.merchant == merchant)
    }

    /// How many orders are in memory, open or freshly finished.
    pub fn orders_in_memory(&self) -> usize {
        self.orders.len()
    }

    pub fn orders_open(&self) -> usize {
        self.orders.waiting()
    }

    /// A transfer that is under way or has just ended.
    pub fn transfer_in_memory(&self, id: TransferId) -> Option<&Transfer> {
        self.transfers.get(id)
    }

    /// A red packet that is open or has just ended, with what was taken out of it.
    pub fn red_packet_in_memory(&self, id: RedPacketId) -> Option<&RedPacket> {
        self.red_packets.get(id)
    }

    /// How many orders of a merchant can be paid.
    pub fn orders_open_of(&self, merchant: MerchantId) -> u32 {
        self.open.get(&merchant).copied().unwrap_or_default()
    }

    /// A bill that is open or has just ended.
    pub fn bill_in_memory(&self, id: BillId) -> Option<&Bill> {
        self.bills.get(id)
    }

    /// How many bills somebody has open.
    pub(super) fn bills_of(&self, owner: WalletId) -> usize {
        let open = self.open_bills.get(&owner).copied().unwrap_or_default();
        usize::try_from(open).unwrap_or(usize::MAX)
    }

    pub(super) fn next_merchant_no(&self) -> MerchantNo {
        MerchantNo(u32::try_from(self.merchants.len()).expect("fewer than 2^32 merchants"))
    }

    pub(super) fn next_wallet_no(&self) -> WalletNo {
        WalletNo(u32::try_from(self.wallets.len()).expect("fewer than 2^32 wallets"))
    }

    pub(super) fn order_in_memory(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// Decides on what payers and analysts do about attempts that look risky.
    fn decide_on_risk(
        &self,
        at: Timestamp,
        command: &RiskCommand,
        cold: &Cold<ColdKey, ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        let decided = match command {
            RiskCommand::Confirm {
                decision,
                wallet,
                proof,
            } => {
                let proven = (*decision, *wallet, proof.as_ref());
                return self.with_pending(*decision, cold, |subject| {
                    self.confirm(at, subject, proven, events)
                });
            }
            RiskCommand::Release { decision, by, note } => {
                let said = (*decision, *by, note.as_str());
                return self.with_pending(*decision, cold, |subject| {
                    self.release(at, subject, said, events)
                });
            }
            RiskCommand::Deny { decision, by, note } => {
                let said = (*decision, *by, note.as_str());
                self.deny(at, said, events)
            }
            RiskCommand::ChangeStepUps {
                wallet,
                change,
                proof,
            } => self.change_step_ups(*wallet, change, proof.as_deref(), events),
            RiskCommand::Desk(command) => self.at_desk(at, command, events),
        };
        Answer::Decided(decided.into())
    }

    /// Finds an order in memory or among what the command brought along.
    pub(super) fn order<'a>(
        &'a self,
        lookup: &Lookup,
        cold: &'a Cold<ColdKey, ColdRow>,
    ) -> Found<Option<&'a Order>> {
        let id = match lookup {
            Lookup::Id(id) => Some(id),
            Lookup::Number(merchant, number) => self.numbers.get(&(*merchant, number.clone())),
        };
        if let Some(order) = id.and_then(|id| self.orders.get(*id)) {
            return Found::Here(Some(order));
        }
        let key = ColdKey::Order(lookup.clone());
        match cold.rows.get(&key) {
            Some(Some(ColdRow::Order(row))) => Found::Here(Some(&row.order)),
            Some(_) => Found::Here(None),
            None => Found::Missing(key),
        }
    }

    /// Decides with an order at hand, or says that it must be brought along.
    pub(super) fn with_order(
        &self,
        lookup: &Lookup,
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&Order) -> Result<Outcome, Refusal>,
    ) -> Answer<Outcome, ColdKey> {
        match self.order(lookup, cold) {
            Found::Here(Some(order)) => Answer::Decided(decide(order).into()),
            Found::Here(None) => Answer::Decided(Outcome::Refused(Refusal::OrderNotFound)),
            Found::Missing(key) => Answer::Missing(vec![key]),
        }
    }

    /// Puts an order as it now is into memory.
    fn keep(&mut self, moment: Moment, order: &Order) {
        let before = self.orders.get(order.id).is_some_and(is_open);
        let open = self.open.entry(order.merchant).or_default();
        *open = (*open + u32::from(is_open(order))).saturating_sub(u32::from(before));
        self.numbers
            .insert((order.merchant, order.number.clone()), order.id);
        self.orders.keep(moment, order.clone());
    }

    fn keep_transfer(&mut self, moment: Moment, transfer: &Transfer) {
        let before = self.transfers.take(transfer.id);
        let was_under_way = before.is_some_and(|before| !before.is_finished());
        self.count(transfer.from, was_under_way, !transfer.is_finished());
        self.transfers.keep(moment, transfer.clone());
        if let Some(bill) = self.settled_by(transfer) {
            self.keep_bill(moment, bill);
        }
    }

    fn keep_bill(&mut self, moment: Moment, bill: Bill) {
        let before = self.bills.take(bill.id);
        let was_open = before.is_some_and(|before| !before.is_finished());
        count(
            &mut self.open_bills,
            bill.owner,
            was_open,
            !bill.is_finished(),
        );
        self.bills.keep(moment, bill);
    }

    fn keep_red_packet(&mut self, moment: Moment, packet: RedPacket) {
        let before = self.red_packets.take(packet.id);
        let was_under_way = before.is_some_and(|before| !before.is_finished());
        self.count(packet.from, was_under_way, !packet.is_finished());
        self.red_packets.keep(moment, packet);
    }

    /// Changes a red packet that is open.
    fn change_red_packet(
        &mut self,
        moment: Moment,
        id: RedPacketId,
        change: impl FnOnce(RedPacket) -> RedPacket,
    ) {
        let packet = self.red_packets.take(id);
        let packet = packet.expect("a red packet that is open is in memory");
        let (from, packet) = (packet.from, change(packet));
        self.count(from, true, !packet.is_finished());
        self.red_packets.keep(moment, packet);
    }

    fn keep_quote(&mut self, moment: Moment, quote: &Quote) {
        let before = self.quotes.take(quote.id);
        let was_open = before.is_some_and(|before| !before.is_finished());
        let is_open = !quote.is_finished();
        count(&mut self.quotes_open, quote.wallet, was_open, is_open);
        self.quotes.keep(moment, quote.clone());
    }

    /// Counts what a wallet has under way.
    fn count(&mut self, wallet: WalletId, before: bool, after: bool) {
        count(&mut self.under_way, wallet, before, after);
    }
}

/// Counts one thing of a wallet that was there before, or is there after, or both.
fn count(counts: &mut BTreeMap<WalletId, u32>, wallet: WalletId, before: bool, after: bool) {
    let count = counts.entry(wallet).or_default();
    *count = (*count + u32::from(after)).saturating_sub(u32::from(before));
    if *count == 0 {
        counts.remove(&wallet);
    }
}

impl Machine for Payments {
    type Command = Command;
    type Event = Event;
    type Outcome = Outcome;
    type Key = ColdKey;
    type Row = ColdRow;

    fn weight(command: &Command) -> usize {
        command.weight()
    }

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
            Event::EndpointAdded(endpoint) => {
                self.endpoints.insert(endpoint.id, endpoint.clone());
            }
            Event::EndpointRemoved(id) => {
                self.endpoints.remove(id);
            }
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
            Event::CouponChanged(coupon) => self.coupons.keep(coupon),
            Event::SchemeChanged(scheme) => {
                let code = scheme.currency.code().to_owned();
                self.schemes.insert(code, Scheme::clone(scheme));
            }
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
        self.end_coupons(at, limit.saturating_sub(events.len()), events);
        self.lapse(at, limit.saturating_sub(events.len()), events);
        self.give_back_untaken(at, limit.saturating_sub(events.len()), events);
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
            self.pending.next_due(),
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
    }
}
