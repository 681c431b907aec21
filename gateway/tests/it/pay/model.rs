//! The payment rules again, as simply as they can be said: amounts in maps, nothing leaves memory,
//! no ledger. Slow and obvious on purpose.

use std::collections::BTreeMap;

use fx::Currency;
use gateway::pay::order::Verdict as Risk;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Paid,
    Closed,
    Expired,
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    merchant: u128,
    amount: i64,
    currency: Currency,
    state: State,
    expires_at: u64,
    payer: u128,
    fee: i64,
    refunded: i64,
    fee_back: i64,
    refunds: u32,
}

#[derive(Debug)]
pub(super) struct Model {
    pub fee_basis_points: i128,
    pub merchants: u128,
    pub wallets: u128,
    /// What each wallet, each merchant and the house's income hold.
    pub wallet: BTreeMap<(u128, Currency), i128>,
    pub merchant: BTreeMap<(u128, Currency), i128>,
    pub fees: BTreeMap<Currency, i128>,
    pub bank: BTreeMap<Currency, i128>,
    pub orders: BTreeMap<u128, Order>,
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
            merchants,
            wallets,
            wallet,
            merchant,
            fees,
            bank,
            orders,
        }
    }

    pub(super) fn pass_time(&mut self, now: u64) {
        for order in self.orders.values_mut() {
            if order.state == State::Open && order.expires_at < now {
                order.state = State::Expired;
            }
        }
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
        let state = State::Open;
        let (payer, fee, refunded, fee_back, refunds) = (0, 0, 0, 0, 0);
        let new = Order {
            merchant,
            amount,
            currency,
            state,
            expires_at,
            payer,
            fee,
            refunded,
            fee_back,
            refunds,
        };
        self.orders.insert(order, new);
        OK
    }

    pub(super) fn pay(
        &mut self,
        order: u128,
        wallet: u128,
        risk: Risk,
        confirmed: bool,
    ) -> &'static str {
        let Some(order) = self.orders.get_mut(&order) else {
            return "order_not_found";
        };
        match order.state {
            State::Open => {}
            State::Paid => return "order_already_paid",
            State::Closed => return "order_closed",
            State::Expired => return "order_expired",
        }
        if !(1..=self.wallets).contains(&wallet) {
            return "wallet_not_found";
        }
        match (risk, confirmed) {
            (Risk::Deny, _) => return "risk_denied",
            (Risk::Review, _) => return "risk_review",
            (Risk::Challenge, false) => return "risk_challenge",
            (Risk::Allow, _) | (Risk::Challenge, true) => {}
        }
        let purse = self.wallet.entry((wallet, order.currency)).or_default();
        if *purse < i128::from(order.amount) {
            return "insufficient_funds";
        }
        let fee = half_even(i128::from(order.amount) * self.fee_basis_points, 10_000);
        *purse -= i128::from(order.amount);
        *self
            .merchant
            .entry((order.merchant, order.currency))
            .or_default() += i128::from(order.amount) - fee;
        *self.fees.entry(order.currency).or_default() += fee;
        order.state = State::Paid;
        order.payer = wallet;
        order.fee = i64::try_from(fee).unwrap();
        OK
    }

    pub(super) fn close(&mut self, order: u128, merchant: u128) -> &'static str {
        let Some(order) = self
            .orders
            .get_mut(&order)
            .filter(|order| order.merchant == merchant)
        else {
            return "order_not_found";
        };
        match order.state {
            State::Open | State::Closed => order.state = State::Closed,
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
        let fee_back = i64::try_from(so_far / i128::from(order.amount)).unwrap();
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

/// Rounds to the nearest, a tie to the even neighbour; by looking at twice the remainder.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    match (2 * remainder).cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
    }
}
