//! What the town saw: counts, latencies, what each purse should now hold and which webhooks are due.
//! It is kept from the answers alone, so it is a second set of books beside the gateway's.

use std::collections::BTreeMap;
use std::time::Duration;

use fx::{Currency, Money};

use crate::rail::OrderId;

/// What somebody should hold: whom and in which currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purse {
    Person(usize, Currency),
    Shop(usize, Currency),
}

/// What a shop must hear of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum News {
    Paid,
    Closed,
    Expired,
    Refunded,
}

impl News {
    pub(crate) const fn topic(self) -> &'static str {
        match self {
            Self::Paid => "order.paid",
            Self::Closed => "order.closed",
            Self::Expired => "order.expired",
            Self::Refunded => "order.refunded",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub orders: u64,
    pub payments: u64,
    pub refunds: u64,
    pub closed: u64,
    pub expired: u64,
    /// How often each code came as a refusal.
    pub refused: BTreeMap<String, u64>,
    /// What went wrong that should never: each with its story.
    pub faults: Vec<String>,
    /// From asking for the order to hearing that it is paid, less the customer's looking at the code.
    pub latencies: Vec<Duration>,
    pub purses: BTreeMap<Purse, i128>,
    /// How many webhooks of each kind are due for an order.
    pub due: BTreeMap<(OrderId, News), u32>,
}

/// More than this many stories of faults tell nothing new.
const FAULTS_MAX: usize = 20;

impl Tally {
    pub(crate) fn topped_up(&mut self, person: usize, amount: Money) {
        self.give(Purse::Person(person, amount.currency), amount.amount);
    }

    pub(crate) fn paid(&mut self, who: Payment<'_>, fee: i64) {
        self.payments += 1;
        let Payment {
            person,
            shop,
            order,
            amount,
        } = who;
        self.give(Purse::Person(person, amount.currency), -amount.amount);
        self.give(Purse::Shop(shop, amount.currency), amount.amount - fee);
        self.news(order, News::Paid);
    }

    pub(crate) fn refunded(&mut self, who: Payment<'_>, fee: i64) {
        self.refunds += 1;
        let Payment {
            person,
            shop,
            order,
            amount,
        } = who;
        self.give(Purse::Person(person, amount.currency), amount.amount);
        self.give(Purse::Shop(shop, amount.currency), fee - amount.amount);
        self.news(order, News::Refunded);
    }

    pub(crate) fn closed(&mut self, order: &OrderId) {
        self.closed += 1;
        self.news(order, News::Closed);
    }

    pub(crate) fn expired(&mut self, order: &OrderId) {
        self.expired += 1;
        self.news(order, News::Expired);
    }

    pub(crate) fn refused(&mut self, code: String) {
        *self.refused.entry(code).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, story: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(story);
        }
    }

    fn give(&mut self, purse: Purse, amount: i64) {
        *self.purses.entry(purse).or_default() += i128::from(amount);
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

/// Who paid whom how much for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment<'a> {
    pub person: usize,
    pub shop: usize,
    pub order: &'a OrderId,
    pub amount: Money,
}
