//! The rules of what people send each other again, as simply as they can be said: amounts in maps, nothing leaves memory,
//! no ledger. Slow and obvious on purpose.

use std::collections::{BTreeMap, BTreeSet};

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::{Mode, PacketState, Reply, Split, TransferState};

use super::super::model::OK;
use super::super::world::SECOND;
use super::Packet;

const DAY: u64 = 24 * 3600 * SECOND;
const CONFIRM: u64 = 300 * SECOND;

#[derive(Clone, Debug)]
pub(super) struct Transfer {
    from: u128,
    to: u128,
    amount: i64,
    currency: Currency,
    mode: Mode,
    pub state: TransferState,
    due: u64,
}

#[derive(Clone, Debug)]
pub(super) struct RedPacket {
    from: u128,
    to: Vec<u128>,
    amount: i64,
    currency: Currency,
    /// What is left in it, the next share first.
    shares: Vec<i64>,
    taken: BTreeSet<u128>,
    pub state: PacketState,
    due: u64,
    pub returned: i64,
}

/// Something that waits for its sender (who confirms) or for an analyst (the money is held).
#[derive(Clone, Debug)]
struct Waiting {
    wallet: u128,
    held: bool,
    due: u64,
    wrong: u32,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    wallets: u128,
    pub purses: BTreeMap<(u128, Currency), i128>,
    pub transit: BTreeMap<Currency, i128>,
    frozen: BTreeSet<u128>,
    pub transfers: BTreeMap<u128, Transfer>,
    pub packets: BTreeMap<u128, RedPacket>,
    /// By the number of the transfer or the packet.
    waiting: BTreeMap<u128, Waiting>,
    /// Who has a PIN, and how often it was wrong since it was right.
    pub pins: BTreeMap<u128, u32>,
}

impl Model {
    pub(super) fn new(wallets: u128) -> Self {
        Self {
            wallets,
            ..Self::default()
        }
    }

    pub(super) fn top_up(&mut self, wallet: u128, amount: i64, currency: Currency) {
        *self.purses.entry((wallet, currency)).or_default() += i128::from(amount);
    }

    pub(super) fn freeze(&mut self, wallet: u128, frozen: bool) {
        if frozen {
            self.frozen.insert(wallet);
        } else {
            self.frozen.remove(&wallet);
        }
    }

    pub(super) fn pass_time(&mut self, now: u64) {
        for (id, waiting) in self.waiting.clone() {
            if waiting.due < now {
                self.never_sent(id);
            }
        }
        for (id, transfer) in self.transfers.clone() {
            if transfer.state == TransferState::Offered && transfer.due < now {
                self.end_offer(id, TransferState::Expired);
            }
        }
        for packet in self.packets.values_mut() {
            if packet.state == PacketState::Open && packet.due < now {
                let left: i64 = packet.shares.iter().sum();
                (packet.state, packet.returned) = (PacketState::Expired, left);
                *self.transit.entry(packet.currency).or_default() -= i128::from(left);
                let purse = self
                    .purses
                    .entry((packet.from, packet.currency))
                    .or_default();
                *purse += i128::from(left);
            }
        }
    }

    fn known(&self, wallet: u128) -> bool {
        (1..=self.wallets).contains(&wallet)
    }

    /// What waits keeps from a wallet.
    pub(super) fn held(&self, wallet: u128, currency: Currency) -> i128 {
        let held = self.waiting.iter().filter(|(_, one)| one.held);
        held.map(|(id, _)| self.sent(*id))
            .filter(|(from, _, other)| (*from, *other) == (wallet, currency))
            .map(|(_, amount, _)| i128::from(amount))
            .sum()
    }

    /// Whose it is, and how much.
    fn sent(&self, id: u128) -> (u128, i64, Currency) {
        let transfer = self.transfers.get(&id);
        transfer.map_or_else(
            || {
                let packet = &self.packets[&id];
                (packet.from, packet.amount, packet.currency)
            },
            |transfer| (transfer.from, transfer.amount, transfer.currency),
        )
    }

    pub(super) fn transfer(
        &mut self,
        id: u128,
        (from, to): (u128, u128),
        (amount, currency): (i64, Currency),
        mode: Mode,
        (risk, now): (Risk, u64),
    ) -> &'static str {
        if !self.known(from) {
            return "wallet_not_found";
        }
        if !self.known(to) {
            return "payee_not_found";
        }
        if from == to {
            return "payee_is_payer";
        }
        if amount <= 0 {
            return "amount_invalid";
        }
        if currency == Currency::EUR {
            return "currency_not_held";
        }
        let state = TransferState::AwaitingConfirmation;
        let due = 0;
        let transfer = Transfer {
            from,
            to,
            amount,
            currency,
            mode,
            state,
            due,
        };
        self.transfers.insert(id, transfer);
        let said = self.judge(id, risk, now);
        if said != OK {
            self.transfers.remove(&id);
        }
        said
    }

    pub(super) fn red_packet(
        &mut self,
        id: u128,
        packet: &Packet,
        shares: Option<Vec<i64>>,
        (risk, now): (Risk, u64),
    ) -> &'static str {
        let (amount, currency) = (packet.amount.amount, packet.amount.currency);
        if !self.known(packet.from) {
            return "wallet_not_found";
        }
        if packet.to == [packet.from] {
            return "payee_is_payer";
        }
        if packet.to.is_empty() {
            return "shares_invalid";
        }
        if !packet.to.iter().all(|to| self.known(*to)) {
            return "payee_not_found";
        }
        if currency == Currency::EUR {
            return "currency_not_held";
        }
        if amount <= 0 {
            return "amount_invalid";
        }
        let count = i64::from(packet.shares);
        let fits = (1..=packet.to.len()).contains(&usize::from(packet.shares)) && count <= amount;
        if !fits || (packet.split == Split::Fixed && amount % count != 0) {
            return "shares_invalid";
        }
        // How chance cuts is for another test: here the shares are what they are. What is refused has none.
        if let Some(shares) = &shares {
            assert_eq!(shares.iter().sum::<i64>(), amount);
            assert_eq!(shares.len(), usize::from(packet.shares));
        }
        let shares = shares.unwrap_or_default();
        let new = RedPacket {
            from: packet.from,
            to: packet.to.clone(),
            amount,
            currency,
            shares,
            taken: BTreeSet::new(),
            state: PacketState::AwaitingConfirmation,
            due: 0,
            returned: 0,
        };
        self.packets.insert(id, new);
        let said = self.judge(id, risk, now);
        if said != OK {
            self.packets.remove(&id);
        }
        said
    }

    fn judge(&mut self, id: u128, risk: Risk, now: u64) -> &'static str {
        let (wallet, amount, currency) = self.sent(id);
        match risk {
            Risk::Deny => return "risk_denied",
            Risk::Allow => return self.go(id, now),
            Risk::Challenge | Risk::Review => {}
        }
        let of_wallet = self.waiting.values().filter(|one| one.wallet == wallet);
        if of_wallet.count() == 8 {
            return "pending_too_many";
        }
        let confirms = risk == Risk::Challenge && self.pins.get(&wallet).is_some_and(|n| *n < 10);
        let held = !confirms;
        if held && self.frozen.contains(&wallet) {
            return "account_frozen";
        }
        if held && self.available(wallet, currency) < i128::from(amount) {
            return "insufficient_funds";
        }
        let due = now + if held { DAY } else { CONFIRM };
        let (in_review, wrong) = (TransferState::InReview, 0);
        if held && let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.state = in_review;
        } else if held {
            self.packets.get_mut(&id).unwrap().state = PacketState::InReview;
        }
        let waiting = Waiting {
            wallet,
            held,
            due,
            wrong,
        };
        self.waiting.insert(id, waiting);
        OK
    }

    fn available(&self, wallet: u128, currency: Currency) -> i128 {
        let purse = self.purses.get(&(wallet, currency)).copied();
        purse.unwrap_or_default() - self.held(wallet, currency)
    }

    /// The money leaves its sender, if it is there.
    fn go(&mut self, id: u128, now: u64) -> &'static str {
        let (from, amount, currency) = self.sent(id);
        if self.frozen.contains(&from) {
            return "account_frozen";
        }
        if self.available(from, currency) < i128::from(amount) {
            return "insufficient_funds";
        }
        self.leave(id, now);
        OK
    }

    fn leave(&mut self, id: u128, now: u64) {
        let (from, amount, currency) = self.sent(id);
        *self.purses.entry((from, currency)).or_default() -= i128::from(amount);
        let to = match self.transfers.get_mut(&id) {
            Some(transfer) if transfer.mode == Mode::Instant => {
                transfer.state = TransferState::Completed;
                Some(transfer.to)
            }
            Some(transfer) => {
                (transfer.state, transfer.due) = (TransferState::Offered, now + DAY);
                None
            }
            None => {
                let packet = self.packets.get_mut(&id).unwrap();
                (packet.state, packet.due) = (PacketState::Open, now + DAY);
                None
            }
        };
        let purse = match to {
            Some(to) => self.purses.entry((to, currency)).or_default(),
            None => self.transit.entry(currency).or_default(),
        };
        *purse += i128::from(amount);
    }

    fn never_sent(&mut self, id: u128) {
        self.waiting.remove(&id);
        match self.transfers.get_mut(&id) {
            Some(transfer) => transfer.state = TransferState::Cancelled,
            None => self.packets.get_mut(&id).unwrap().state = PacketState::Cancelled,
        }
    }

    fn end_offer(&mut self, id: u128, state: TransferState) {
        let transfer = self.transfers.get_mut(&id).unwrap();
        transfer.state = state;
        let whose = if state == TransferState::Completed {
            transfer.to
        } else {
            transfer.from
        };
        *self.transit.entry(transfer.currency).or_default() -= i128::from(transfer.amount);
        let purse = self.purses.entry((whose, transfer.currency)).or_default();
        *purse += i128::from(transfer.amount);
    }

    pub(super) fn reply(&mut self, id: u128, wallet: u128, reply: Reply) -> &'static str {
        let Some(transfer) = self.transfers.get(&id).filter(|one| one.to == wallet) else {
            return "transfer_not_found";
        };
        match transfer.state {
            TransferState::Offered => {}
            TransferState::Completed => return "transfer_completed",
            TransferState::Declined => return "transfer_declined",
            TransferState::Expired => return "transfer_expired",
            _ => return "transfer_not_found",
        }
        if reply == Reply::Accept && self.frozen.contains(&transfer.from) {
            return "account_frozen";
        }
        let state = match reply {
            Reply::Accept => TransferState::Completed,
            Reply::Decline => TransferState::Declined,
        };
        self.end_offer(id, state);
        OK
    }

    pub(super) fn claim(&mut self, id: u128, wallet: u128) -> &'static str {
        let may = |one: &&mut RedPacket| one.to.contains(&wallet);
        let Some(packet) = self.packets.get_mut(&id).filter(may) else {
            return "red_packet_not_found";
        };
        if packet.taken.contains(&wallet) {
            return "red_packet_claimed";
        }
        match packet.state {
            PacketState::Open => {}
            PacketState::Emptied => return "red_packet_empty",
            PacketState::Expired => return "red_packet_expired",
            _ => return "red_packet_not_found",
        }
        if self.frozen.contains(&packet.from) {
            return "account_frozen";
        }
        let share = packet.shares.remove(0);
        packet.taken.insert(wallet);
        if packet.shares.is_empty() {
            packet.state = PacketState::Emptied;
        }
        *self.transit.entry(packet.currency).or_default() -= i128::from(share);
        let purse = self.purses.entry((wallet, packet.currency)).or_default();
        *purse += i128::from(share);
        OK
    }

    pub(super) fn confirm(&mut self, id: u128, wallet: u128, now: u64) -> &'static str {
        let waits = |one: &Waiting| !one.held && one.wallet == wallet;
        if !self.waiting.get(&id).is_some_and(waits) {
            return "decision_not_pending";
        }
        let said = self.go(id, now);
        if said == OK {
            self.waiting.remove(&id);
            self.pins.insert(wallet, 0);
        }
        said
    }

    pub(super) fn wrong_proof(&mut self, id: u128, wallet: u128) -> &'static str {
        let waits = |one: &&mut Waiting| !one.held && one.wallet == wallet;
        let Some(waiting) = self.waiting.get_mut(&id).filter(waits) else {
            return "decision_not_pending";
        };
        waiting.wrong += 1;
        let wrong = waiting.wrong;
        *self.pins.entry(wallet).or_default() += 1;
        if wrong == 3 {
            self.never_sent(id);
        }
        "proof_wrong"
    }

    pub(super) fn release(&mut self, id: u128, now: u64) -> &'static str {
        if !self.waiting.get(&id).is_some_and(|one| one.held) {
            return "decision_not_pending";
        }
        if self.frozen.contains(&self.sent(id).0) {
            return "account_frozen";
        }
        self.waiting.remove(&id);
        self.leave(id, now);
        OK
    }

    pub(super) fn deny(&mut self, id: u128) -> &'static str {
        if !self.waiting.contains_key(&id) {
            return "decision_not_pending";
        }
        self.never_sent(id);
        OK
    }
}
