//! The state of payments: parties and keys always, orders while they are open or freshly finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{Answer, Cold, Ledger, Moment, Timestamp};
use serde::{Deserialize, Serialize};

use super::bill::Bill;
use super::biller::Billers;
use super::book::TenantBook;
use super::charge::Codes;
use super::combined::Combined;
use super::coupon::Coupons;
use super::desk::Desk;
use super::endpoint::Endpoint;
use super::fee::FeeSchedule;
use super::id::{
    BillId, BookId, EndpointId, KeyId, MerchantId, MerchantNo, OrderId, RedPacketId, TransferId,
    WalletId, WalletNo,
};
use super::key::{Key, Keys};
use super::mandate::Mandate;
use super::message::{ColdKey, ColdRow, Event, Lookup, Outcome, RiskCommand};
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
    pub(super) orders: Shelf<Order>,
    pub(super) numbers: BTreeMap<(MerchantId, OrderNumber), OrderId>,
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
    pub(super) combined: Shelf<Combined>,
    pub(super) billers: Billers,
    pub(super) mandates: Shelf<Mandate>,
    /// How many mandates each merchant and each wallet has open.
    pub(super) mandates_of_merchant: BTreeMap<MerchantId, u32>,
    pub(super) mandates_of_wallet: BTreeMap<WalletId, u32>,
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

    /// The key of the house itself that has this short number.
    pub fn house_key(&self, no: u32) -> Option<KeyId> {
        self.keys.of_house(no)
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
    pub(super) fn decide_on_risk(
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
    pub(super) fn keep(&mut self, moment: Moment, order: &Order) {
        let before = self.orders.get(order.id).is_some_and(is_open);
        let open = self.open.entry(order.merchant).or_default();
        *open = (*open + u32::from(is_open(order))).saturating_sub(u32::from(before));
        self.numbers
            .insert((order.merchant, order.number.clone()), order.id);
        self.orders.keep(moment, order.clone());
    }

    pub(super) fn keep_transfer(&mut self, moment: Moment, transfer: &Transfer) {
        let before = self.transfers.take(transfer.id);
        let was_under_way = before.is_some_and(|before| !before.is_finished());
        self.count(transfer.from, was_under_way, !transfer.is_finished());
        self.transfers.keep(moment, transfer.clone());
        if let Some(bill) = self.settled_by(transfer) {
            self.keep_bill(moment, bill);
        }
    }

    pub(super) fn keep_bill(&mut self, moment: Moment, bill: Bill) {
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

    pub(super) fn keep_red_packet(&mut self, moment: Moment, packet: RedPacket) {
        let before = self.red_packets.take(packet.id);
        let was_under_way = before.is_some_and(|before| !before.is_finished());
        self.count(packet.from, was_under_way, !packet.is_finished());
        self.red_packets.keep(moment, packet);
    }

    /// Changes a red packet that is open.
    pub(super) fn change_red_packet(
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

    pub(super) fn keep_quote(&mut self, moment: Moment, quote: &Quote) {
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

/// Counts one thing of somebody that was there before, or is there after, or both.
pub(super) fn count<K: Copy + Ord>(
    counts: &mut BTreeMap<K, u32>,
    whose: K,
    before: bool,
    after: bool,
) {
    let count = counts.entry(whose).or_default();
    *count = (*count + u32::from(after)).saturating_sub(u32::from(before));
    if *count == 0 {
        counts.remove(&whose);
    }
}
