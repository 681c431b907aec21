//! The payment rules again, as simply as they can be said: amounts in maps, nothing leaves memory,
//! no ledger. Slow and obvious on purpose.

use std::collections::BTreeMap;

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::{FeeLine, Method};

use super::world::SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Paid,
    Closed,
    Expired,
    InReview,
    AwaitingPayer,
    Reversed,
}

/// An attempt that waits for its payer (who confirms) or for an analyst (the money is held).
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub order: u128,
    wallet: u128,
    held: bool,
    due: u64,
    wrong: u32,
    /// What the house takes, and whether it keeps it.
    fee: (i128, bool),
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub merchant: u128,
    pub amount: i64,
    pub currency: Currency,
    pub state: State,
    pub expires_at: u64,
    pub payer: u128,
    pub paid_at: u64,
    pub fee: i64,
    pub refunded: i64,
    pub fee_back: i64,
    pub refunds: u32,
    /// Whether the house keeps its fee when it is refunded.
    pub kept: bool,
    /// By a code at a till it is made together with its payer, who alone can pay it.
    pub method: Method,
}

impl Order {
    pub(super) fn open(merchant: u128, amount: i64, currency: Currency, expires_at: u64) -> Self {
        Self {
            merchant,
            amount,
            currency,
            state: State::Open,
            expires_at,
            payer: 0,
            paid_at: 0,
            fee: 0,
            refunded: 0,
            fee_back: 0,
            refunds: 0,
            kept: false,
            method: Method::Order,
        }
    }
}

#[derive(Debug)]
pub(super) struct Model {
    pub fee_basis_points: i128,
    /// What each merchant has instead, where a line fits.
    pub schedules: BTreeMap<u128, Vec<FeeLine>>,
    pub merchants: u128,
    pub wallets: u128,
    /// What each wallet, each merchant and the house's income hold.
    pub wallet: BTreeMap<(u128, Currency), i128>,
    pub merchant: BTreeMap<(u128, Currency), i128>,
    pub fees: BTreeMap<Currency, i128>,
    pub bank: BTreeMap<Currency, i128>,
    pub orders: BTreeMap<u128, Order>,
    pub waiting: BTreeMap<u128, Waiting>,
    /// Who has a PIN, and how often it was wrong since it was right.
    pub pins: BTreeMap<u128, u32>,
    pub tills: super::till::Tills,
}

pub(super) const OK: &str = "ok";

impl Model {
    pub(super) fn new(merchants: u128, wallets: u128, fee_basis_points: u16) -> Self {
        let maps = (
            BTreeMap::new(),
            BTreeMap::new(),
            BTreeMap::new(),
            BTreeMap::new(),
        );
        let (wallet, merchant, fees, bank) = maps;
        let fee_basis_points = i128::from(fee_basis_points);
        let orders = BTreeMap::new();
        Self {
            fee_basis_points,
            schedules: BTreeMap::new(),
            merchants,
            wallets,
            wallet,
            merchant,
            fees,
            bank,
            orders,
            waiting: BTreeMap::new(),
            pins: BTreeMap::new(),
            tills: super::till::Tills::default(),
        }
    }

    pub(super) fn pass_time(&mut self, now: u64) {
        for order in self.orders.values_mut() {
            if order.state == State::Open && order.expires_at < now {
                order.state = State::Expired;
            }
        }
        let due = self.waiting.iter().filter(|(_, waiting)| waiting.due < now);
        let due: Vec<u128> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.end_waiting(id, now, true);
        }
    }

    /// What waited waits no more, and nothing moved.
    fn end_waiting(&mut self, id: u128, now: u64, lapsed: bool) {
        let waiting = self.waiting.remove(&id).unwrap();
        let order = self.orders.get_mut(&waiting.order).unwrap();
        if order.method != Method::Order {
            order.state = if lapsed {
                State::Expired
            } else {
                State::Closed
            };
        } else if waiting.held {
            order.state = if now <= order.expires_at {
                State::Open
            } else {
                State::Expired
            };
        }
    }

    /// What the payments in review keep from a wallet.
    pub(super) fn held(&self, wallet: u128, currency: Currency) -> i128 {
        let held = self
            .waiting
            .values()
            .filter(|waiting| waiting.held && waiting.wallet == wallet);
        held.map(|waiting| &self.orders[&waiting.order])
            .filter(|order| order.currency == currency)
            .map(|order| i128::from(order.amount))
            .sum()
    }

    pub(super) fn top_up(&mut self, wallet: u128, amount: i64, currency: Currency) -> &'static str {
        if !(1..=self.wallets).contains(&wallet) {
            return "wallet_not_found";
        }
        if amount <= 0 {
            return "amount_invalid";
        }
        if currency == Currency::EUR {
            return "currency_not_held";
        }
        *self.wallet.entry((wallet, currency)).or_default() += i128::from(amount);
        *self.bank.entry(currency).or_default() += i128::from(amount);
        OK
    }

    pub(super) fn create(
        &mut self,
        order: u128,
        merchant: u128,
        amount: i64,
        currency: Currency,
        expires_at: u64,
    ) -> &'static str {
        if !(1..=self.merchants).contains(&merchant) {
            return "merchant_not_found";
        }
        if amount <= 0 {
            return "amount_invalid";
        }
        if currency == Currency::EUR {
            return "currency_not_held";
        }
        let new = Order::open(merchant, amount, currency, expires_at);
        self.orders.insert(order, new);
        OK
    }

    pub(super) fn pay(
        &mut self,
        decision: u128,
        order_id: u128,
        wallet: u128,
        risk: Risk,
        now: u64,
    ) -> &'static str {
        let Some(order) = self.orders.get(&order_id) else {
            return "order_not_found";
        };
        if let Some(refusal) = not_open(order.state) {
            return refusal;
        }
        if !(1..=self.wallets).contains(&wallet) {
            return "wallet_not_found";
        }
        self.attempt(decision, order_id, wallet, risk, now)
    }

    /// What the scorer's verdict leads to.
    pub(super) fn attempt(
        &mut self,
        decision: u128,
        order_id: u128,
        wallet: u128,
        risk: Risk,
        now: u64,
    ) -> &'static str {
        let order = self.orders[&order_id].clone();
        let fee = self.fee_of(&order);
        if risk == Risk::Deny {
            return "risk_denied";
        }
        if risk == Risk::Allow {
            return self.move_money(order_id, wallet, fee, now);
        }
        let mut waiting = self.waiting.values();
        let asked = waiting.any(|one| one.order == order_id && one.wallet == wallet);
        if risk == Risk::Challenge && asked {
            return OK;
        }
        let of_wallet = self.waiting.values().filter(|one| one.wallet == wallet);
        if of_wallet.count() == 8 {
            return "pending_too_many";
        }
        let confirms = risk == Risk::Challenge && self.can_confirm(wallet);
        if !confirms && self.available(wallet, order.currency) < i128::from(order.amount) {
            return "insufficient_funds";
        }
        let due = if confirms {
            if order.method != Method::Order {
                self.orders.get_mut(&order_id).unwrap().state = State::AwaitingPayer;
            }
            (now + 300 * SECOND).min(order.expires_at)
        } else {
            self.orders.get_mut(&order_id).unwrap().state = State::InReview;
            now + 24 * 3600 * SECOND
        };
        let waiting = Waiting {
            order: order_id,
            wallet,
            held: !confirms,
            due,
            wrong: 0,
            fee,
        };
        self.waiting.insert(decision, waiting);
        OK
    }

    /// A phone is never blocked, as a PIN is after ten mistakes.
    fn can_confirm(&self, wallet: u128) -> bool {
        let pin = self.pins.get(&wallet).is_some_and(|n| *n < 10);
        pin || self.tills.has_phone(wallet)
    }

    pub(super) fn set_fees(&mut self, merchant: u128, lines: Vec<FeeLine>) -> &'static str {
        self.schedules.insert(merchant, lines);
        OK
    }

    /// Looks for a line of the method first, then for one of all methods, from the highest threshold down.
    fn fee_of(&self, order: &Order) -> (i128, bool) {
        let amount = i128::from(order.amount);
        let lines = self.schedules.get(&order.merchant).into_iter().flatten();
        let mut lines: Vec<&FeeLine> = lines
            .filter(|line| line.currency == order.currency && line.from <= order.amount)
            .collect();
        lines.sort_by_key(|line| -line.from);
        let own = lines.iter().find(|line| line.method == Some(order.method));
        let Some(line) = own.or(lines.iter().find(|line| line.method.is_none())) else {
            return (half_even(amount * self.fee_basis_points, 10_000), false);
        };
        let terms = line.terms;
        let mut fee = half_even(amount * i128::from(terms.basis_points), 10_000);
        fee += i128::from(terms.fixed);
        if fee < i128::from(terms.least) {
            fee = terms.least.into();
        }
        if terms.most.is_some_and(|most| fee > i128::from(most)) {
            fee = terms.most.unwrap().into();
        }
        (fee.min(amount), terms.kept)
    }

    fn available(&self, wallet: u128, currency: Currency) -> i128 {
        let purse = self.wallet.get(&(wallet, currency)).copied();
        purse.unwrap_or_default() - self.held(wallet, currency)
    }

    fn move_money(
        &mut self,
        order_id: u128,
        wallet: u128,
        (fee, kept): (i128, bool),
        now: u64,
    ) -> &'static str {
        let currency = self.orders[&order_id].currency;
        let available = self.available(wallet, currency);
        let order = self.orders.get_mut(&order_id).unwrap();
        if available < i128::from(order.amount) {
            return "insufficient_funds";
        }
        *self.wallet.entry((wallet, currency)).or_default() -= i128::from(order.amount);
        *self.merchant.entry((order.merchant, currency)).or_default() +=
            i128::from(order.amount) - fee;
        *self.fees.entry(currency).or_default() += fee;
        order.state = State::Paid;
        order.payer = wallet;
        order.paid_at = now;
        order.kept = kept;
        order.fee = i64::try_from(fee).unwrap();
        OK
    }

    pub(super) fn confirm(&mut self, decision: u128, wallet: u128, now: u64) -> &'static str {
        let waits = |one: &&Waiting| !one.held && one.wallet == wallet;
        let Some(waiting) = self.waiting.get(&decision).filter(waits) else {
            return "decision_not_pending";
        };
        let (order, fee) = (waiting.order, waiting.fee);
        if self.pins.get(&wallet).is_some_and(|n| *n >= 10) {
            return "pin_blocked";
        }
        self.pins.insert(wallet, 0);
        let state = self.orders[&order].state;
        let its_own = state == State::AwaitingPayer;
        if let Some(refusal) = not_open(state).filter(|_| !its_own) {
            return refusal;
        }
        let said = self.move_money(order, wallet, fee, now);
        if said == OK {
            self.waiting.remove(&decision);
        }
        said
    }

    pub(super) fn wrong_proof(&mut self, decision: u128, wallet: u128, now: u64) -> &'static str {
        let waits = |one: &&mut Waiting| !one.held && one.wallet == wallet;
        let Some(waiting) = self.waiting.get_mut(&decision).filter(waits) else {
            return "decision_not_pending";
        };
        if self.pins.get(&wallet).is_some_and(|n| *n >= 10) {
            return "pin_blocked";
        }
        waiting.wrong += 1;
        let wrong = waiting.wrong;
        *self.pins.entry(wallet).or_default() += 1;
        if wrong == 3 {
            self.end_waiting(decision, now, false);
        }
        "proof_wrong"
    }

    pub(super) fn release(&mut self, decision: u128, now: u64) -> &'static str {
        let Some(waiting) = self.waiting.get(&decision).filter(|one| one.held).cloned() else {
            return "decision_not_pending";
        };
        self.waiting.remove(&decision);
        self.move_money(waiting.order, waiting.wallet, waiting.fee, now)
    }

    pub(super) fn deny(&mut self, decision: u128, now: u64) -> &'static str {
        if !self.waiting.contains_key(&decision) {
            return "decision_not_pending";
        }
        self.end_waiting(decision, now, false);
        OK
    }

    pub(super) fn close(&mut self, order_id: u128, merchant: u128) -> &'static str {
        let Some(order) = self
            .orders
            .get_mut(&order_id)
            .filter(|order| order.merchant == merchant)
        else {
            return "order_not_found";
        };
        match order.state {
            State::Open | State::Closed => order.state = State::Closed,
            State::InReview | State::AwaitingPayer => {
                let direct = order.method != Method::Order;
                order.state = State::Closed;
                self.waiting
                    .retain(|_, waiting| waiting.order != order_id || !(waiting.held || direct));
            }
            State::Reversed => return "order_reversed",
            State::Paid => return "order_already_paid",
            State::Expired => return "order_expired",
        }
        OK
    }

    pub(super) fn refund(
        &mut self,
        order: u128,
        merchant: u128,
        amount: i64,
        currency: Currency,
    ) -> &'static str {
        let Some(order) = self
            .orders
            .get_mut(&order)
            .filter(|order| order.merchant == merchant)
        else {
            return "order_not_found";
        };
        if order.state == State::Reversed {
            return "order_reversed";
        }
        if order.state != State::Paid {
            return "order_not_paid";
        }
        if amount <= 0 || currency != order.currency {
            return "amount_invalid";
        }
        if amount > order.amount - order.refunded {
            return "refund_exceeds_paid";
        }
        if order.refunds == 50 {
            return "refunds_too_many";
        }
        let so_far = i128::from(order.refunded + amount) * i128::from(order.fee);
        let fee_back = if order.kept {
            0
        } else {
            i64::try_from(so_far / i128::from(order.amount)).unwrap()
        };
        let fee = i128::from(fee_back - order.fee_back);
        let purse = self.merchant.entry((merchant, currency)).or_default();
        if *purse < i128::from(amount) - fee {
            return "merchant_balance_too_low";
        }
        *purse -= i128::from(amount) - fee;
        *self.fees.entry(currency).or_default() -= fee;
        *self.wallet.entry((order.payer, currency)).or_default() += i128::from(amount);
        order.refunded += amount;
        order.fee_back = fee_back;
        order.refunds += 1;
        OK
    }
}

fn not_open(state: State) -> Option<&'static str> {
    match state {
        State::Open => None,
        State::Paid => Some("order_already_paid"),
        State::Closed => Some("order_closed"),
        State::Expired => Some("order_expired"),
        State::InReview => Some("order_in_review"),
        State::AwaitingPayer => Some("order_awaiting_payer"),
        State::Reversed => Some("order_reversed"),
    }
}

/// Rounds to the nearest, a tie to the even neighbour; by looking at twice the remainder.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    match (2 * remainder).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
    }
}
