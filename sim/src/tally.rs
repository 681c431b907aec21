//! What the town saw: counts, latencies, what each purse should now hold and which webhooks are due.
//! It is kept from what was done alone, and fees are worked out here again, so it is a second set of books beside the
//! gateway's.

use std::collections::BTreeMap;
use std::time::Duration;

use fx::{Currency, Money};

use crate::rail::OrderId;

/// What somebody should hold: whom and in which currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purse {
    Person(usize, Currency),
    Shop(usize, Currency),
    /// What lies at the bank, and what the house has earned.
    Bank(Currency),
    Fees(Currency),
}

/// What a shop must hear of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum News {
    Paid,
    Closed,
    Expired,
    Refunded,
    Reversed,
}

impl News {
    pub(crate) const fn topic(self) -> &'static str {
        match self {
            Self::Paid => "order.paid",
            Self::Closed => "order.closed",
            Self::Expired => "order.expired",
            Self::Refunded => "order.refunded",
            Self::Reversed => "order.reversed",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub orders: u64,
    pub payments: u64,
    pub refunds: u64,
    /// Payments whose code a till scanned, and those that it took back.
    pub charges: u64,
    pub reversals: u64,
    pub closed: u64,
    pub expired: u64,
    pub transfers: u64,
    pub red_packets: u64,
    /// Shares of red packets that were taken.
    pub claims: u64,
    /// How often each code came as a refusal.
    pub refused: BTreeMap<String, u64>,
    /// What went wrong that should never: each with its story.
    pub faults: Vec<String>,
    /// From asking for the order to hearing that it is paid, less the customer's looking at the code.
    pub latencies: Vec<Duration>,
    pub purses: BTreeMap<Purse, i128>,
    /// Paid orders.
    paid: BTreeMap<OrderId, Paid>,
    /// How many webhooks of each kind are due for an order.
    pub due: BTreeMap<(OrderId, News), u32>,
}

/// More than this many stories of faults tell nothing new.
const FAULTS_MAX: usize = 20;

impl Tally {
    pub(crate) fn topped_up(&mut self, person: usize, amount: Money) {
        let Money { amount, currency } = amount;
        self.give(Purse::Person(person, currency), amount.into());
        self.give(Purse::Bank(currency), amount.into());
    }

    pub(crate) fn paid(&mut self, who: Payment<'_>, fee_basis_points: u16) {
        self.payments += 1;
        let Money { amount, currency } = who.amount;
        let amount = i128::from(amount);
        let fee = fee(amount, fee_basis_points);
        self.give(Purse::Person(who.person, currency), -amount);
        self.give(Purse::Shop(who.shop, currency), amount - fee);
        self.give(Purse::Fees(currency), fee);
        let paid = Paid {
            amount,
            fee,
            refunded: 0,
        };
        self.paid.insert(who.order.clone(), paid);
        self.news(who.order, News::Paid);
    }

    pub(crate) fn refunded(&mut self, who: Payment<'_>) {
        self.refunds += 1;
        let Money { amount, currency } = who.amount;
        let amount = i128::from(amount);
        let Some(paid) = self.paid.get_mut(who.order) else {
            return self.fault(format!("{} is refunded but was not paid", who.order));
        };
        let before = paid.fee_returned();
        paid.refunded += amount;
        let returned = paid.fee_returned() - before;
        self.give(Purse::Person(who.person, currency), amount);
        self.give(Purse::Shop(who.shop, currency), returned - amount);
        self.give(Purse::Fees(currency), -returned);
        self.news(who.order, News::Refunded);
    }

    /// A till took back what it had charged, and the house gives its whole fee back.
    pub(crate) fn taken_back(&mut self, who: Payment<'_>) {
        self.reversals += 1;
        let Some(paid) = self.paid.remove(who.order) else {
            return self.fault(format!("{} is reversed but was not paid", who.order));
        };
        let currency = who.amount.currency;
        self.give(Purse::Person(who.person, currency), paid.amount);
        self.give(Purse::Shop(who.shop, currency), paid.fee - paid.amount);
        self.give(Purse::Fees(currency), -paid.fee);
        self.news(who.order, News::Reversed);
    }

    pub(crate) fn closed(&mut self, order: &OrderId) {
        self.closed += 1;
        self.news(order, News::Closed);
    }

    pub(crate) fn expired(&mut self, order: &OrderId) {
        self.expired += 1;
        self.news(order, News::Expired);
    }

    /// Money left a person, for another or to be taken.
    pub(crate) fn sent(&mut self, from: usize, to: Option<usize>, amount: Money) {
        self.give(
            Purse::Person(from, amount.currency),
            -i128::from(amount.amount),
        );
        if let Some(to) = to {
            self.received(to, amount);
        }
    }

    /// Money that was to be taken reached a person.
    pub(crate) fn received(&mut self, person: usize, amount: Money) {
        self.give(Purse::Person(person, amount.currency), amount.amount.into());
    }

    pub(crate) fn refused(&mut self, code: String) {
        *self.refused.entry(code).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, story: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(story);
        }
    }

    fn give(&mut self, purse: Purse, amount: i128) {
        *self.purses.entry(purse).or_default() += amount;
    }

    fn news(&mut self, order: &OrderId, news: News) {
        *self.due.entry((order.clone(), news)).or_default() += 1;
    }

    /// The latency that `per_mille` of the payments did not exceed.
    pub(crate) fn quantile(sorted: &[Duration], per_mille: usize) -> Duration {
        let rank = (sorted.len() * per_mille).div_ceil(1_000).saturating_sub(1);
        sorted.get(rank).copied().unwrap_or_default()
    }
}

/// A paid order, in minor units.
#[derive(Clone, Copy, Debug)]
struct Paid {
    amount: i128,
    fee: i128,
    refunded: i128,
}

impl Paid {
    /// Of the fee the house keeps the part of what was not refunded, rounded up.
    const fn fee_returned(&self) -> i128 {
        self.fee * self.refunded / self.amount
    }
}

/// What the house takes: hundredths of a percent, halves to the even unit.
const fn fee(amount: i128, basis_points: u16) -> i128 {
    let exact = amount * basis_points as i128;
    let (whole, rest) = (exact / 10_000, exact % 10_000);
    if rest > 5_000 || rest == 5_000 && whole % 2 == 1 {
        whole + 1
    } else {
        whole
    }
}

/// Who paid whom how much for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment<'a> {
    pub person: usize,
    pub shop: usize,
    pub order: &'a OrderId,
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_worked_out_by_hand() {
        for (amount, basis_points, expected) in [
            (2_500, 60, 15),
            (1, 60, 0),
            (125, 40, 0),
            (375, 40, 2),
            (126, 40, 1),
            (100, 10_000, 100),
        ] {
            assert_eq!(
                fee(amount, basis_points),
                expected,
                "{amount} {basis_points}"
            );
        }
    }

    #[test]
    fn what_is_paid_and_refunded_leaves_nothing_over() {
        let order = OrderId("ord_1".to_owned());
        let cny = |amount| Money::new(amount, Currency::CNY);
        let who = |amount| Payment {
            person: 1,
            shop: 2,
            order: &order,
            amount: cny(amount),
        };
        let mut tally = Tally::default();
        tally.topped_up(1, cny(10_000));
        tally.paid(who(2_500), 60);
        let purse = |tally: &Tally, purse| tally.purses[&purse];
        assert_eq!(purse(&tally, Purse::Shop(2, Currency::CNY)), 2_485);
        assert_eq!(purse(&tally, Purse::Fees(Currency::CNY)), 15);
        let mut kept = Vec::new();
        for part in [999, 1, 1_499, 1] {
            tally.refunded(who(part));
            kept.push(purse(&tally, Purse::Fees(Currency::CNY)));
        }
        assert_eq!(kept, [10, 9, 1, 0]);
        assert_eq!(purse(&tally, Purse::Person(1, Currency::CNY)), 10_000);
        assert_eq!(purse(&tally, Purse::Shop(2, Currency::CNY)), 0);
        assert_eq!(purse(&tally, Purse::Bank(Currency::CNY)), 10_000);
    }
}
