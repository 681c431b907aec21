//! Velocity limits: how often and how much may move within a day, a month or a year.
//!
//! A limit is set for one account or for a class of accounts (a tier of wallets); each account of
//! the class is counted by itself. A transaction counts once in each direction in which it moves
//! the account, with all that it moves there. A hold counts when it is made, a capture does not, and
//! what is released or expires is given back to the day on which it was counted. Reversals are not
//! counted. Counting begins when a limit is set: an account without limits costs nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::calendar::Day;
use crate::core::{Account, AccountId, AccountNo, Book, Event, Ledger, Reason, Rejection};

/// As many as there are combinations of direction and window, for counts and for amounts.
pub const VELOCITY_LIMITS_MAX: usize = 18;

/// A group of accounts in a book with velocity limits in common. Accounts are in class 0 at first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Class(pub u16);

/// In is what raises the balance on its normal side, out what lowers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    In,
    Out,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    Day,
    Month,
    Year,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VelocityLimit {
    pub direction: Direction,
    pub window: Window,
    pub count_max: Option<u32>,
    pub amount_max: Option<i64>,
}

impl VelocityLimit {
    fn is_valid(&self) -> bool {
        let bounds_something = self.count_max.is_some() || self.amount_max.is_some();
        bounds_something && self.amount_max.is_none_or(|amount| amount >= 0)
    }
}

/// Whom velocity limits are for, in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VelocityOf {
    Account(AccountId),
    Class(Class),
}

/// How often and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub count: u64,
    pub amount: i128,
}

/// What moved in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub inward: Flow,
    pub outward: Flow,
}

impl Tally {
    const fn of(&self, direction: Direction) -> Flow {
        match direction {
            Direction::In => self.inward,
            Direction::Out => self.outward,
            Direction::Both => Flow {
                count: self.inward.count + self.outward.count,
                amount: self.inward.amount + self.outward.amount,
            },
        }
    }

    /// Adds one posting of a transaction, which counts as one in each direction.
    pub(super) fn add(&mut self, inward: bool, amount: i64) {
        let flow = if inward {
            &mut self.inward
        } else {
            &mut self.outward
        };
        flow.count = 1;
        flow.amount += i128::from(amount);
    }

    fn each(&mut self, other: &Self, change: impl Fn(&mut Flow, Flow)) {
        change(&mut self.inward, other.inward);
        change(&mut self.outward, other.outward);
    }
}

/// What has moved on an account on a day, in its month and in its year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    pub day: Day,
    pub in_day: Tally,
    pub in_month: Tally,
    pub in_year: Tally,
}

impl Counter {
    /// Begins anew what ends before this day. A day never goes back, also when the book's offset
    /// does.
    pub(super) fn turn_to(&mut self, day: Day) {
        if day <= self.day {
            return;
        }
        self.in_day = Tally::default();
        if day.month() != self.day.month() {
            self.in_month = Tally::default();
        }
        if day.year() != self.day.year() {
            self.in_year = Tally::default();
        }
        self.day = day;
    }

    pub(super) fn add(&mut self, tally: &Tally) {
        for window in [&mut self.in_day, &mut self.in_month, &mut self.in_year] {
            window.each(tally, |flow, added| {
                flow.count += added.count;
                flow.amount += added.amount;
            });
        }
    }

    /// Takes back what was counted on a day, where it still counts.
    pub(super) fn give_back(&mut self, day: Day, tally: &Tally) {
        let windows = [
            (day == self.day, &mut self.in_day),
            (day.month() == self.day.month(), &mut self.in_month),
            (day.year() == self.day.year(), &mut self.in_year),
        ];
        for (counts, window) in windows {
            if counts {
                window.each(tally, |flow, back| {
                    flow.count -= back.count;
                    flow.amount -= back.amount;
                });
            }
        }
    }

    /// Whether a limit does not let this through.
    pub(super) fn refuses(&self, limit: &VelocityLimit, tally: &Tally) -> Option<Reason> {
        let used = match limit.window {
            Window::Day => &self.in_day,
            Window::Month => &self.in_month,
            Window::Year => &self.in_year,
        };
        let (used, added) = (used.of(limit.direction), tally.of(limit.direction));
        let (count, amount) = (used.count + added.count, used.amount + added.amount);
        if added.count == 0 {
            None
        } else if limit.count_max.is_some_and(|max| count > u64::from(max)) {
            Some(Reason::VelocityCountExceeded)
        } else if limit.amount_max.is_some_and(|max| amount > i128::from(max)) {
            Some(Reason::VelocityAmountExceeded)
        } else {
            None
        }
    }
}

/// All velocity limits, and the counters of the accounts that have some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Velocities {
    accounts: BTreeMap<AccountNo, Vec<VelocityLimit>>,
    classes: BTreeMap<(Book, Class), Vec<VelocityLimit>>,
    /// By the account's number, as far as anything was ever counted.
    counters: Vec<Option<Box<Counter>>>,
}

impl Velocities {
    /// The account's own limits and those of its class.
    pub(super) fn limits(&self, account: &Account) -> impl Iterator<Item = &VelocityLimit> {
        let own = self.accounts.get(&account.no);
        let of_class = self.classes.get(&(account.book, account.class));
        own.into_iter().chain(of_class).flatten()
    }

    /// Whether there are limits at all: most ledgers have none, and are spared the look-ups.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.classes.is_empty()
    }

    pub(super) fn counter(&self, account: AccountNo) -> Counter {
        let counter = self
            .counters
            .get(account.index())
            .and_then(Option::as_deref);
        counter.copied().unwrap_or_default()
    }

    pub(super) fn set_counter(&mut self, account: AccountNo, counter: Counter) {
        let index = account.index();
        if self.counters.len() <= index {
            self.counters.resize(index + 1, None);
        }
        match &mut self.counters[index] {
            Some(kept) => **kept = counter,
            none => *none = Some(Box::new(counter)),
        }
    }

    pub(super) fn set_account(&mut self, account: AccountNo, limits: &[VelocityLimit]) {
        set(&mut self.accounts, account, limits);
    }

    pub(super) fn set_class(&mut self, book: Book, class: Class, limits: &[VelocityLimit]) {
        set(&mut self.classes, (book, class), limits);
    }
}

fn set<K: Ord>(of: &mut BTreeMap<K, Vec<VelocityLimit>>, key: K, limits: &[VelocityLimit]) {
    if limits.is_empty() {
        of.remove(&key);
    } else {
        of.insert(key, limits.to_vec());
    }
}

impl Ledger {
    /// The velocity limits that an account is under: its own, then those of its class.
    pub fn velocity_limits(&self, account: &Account) -> Vec<VelocityLimit> {
        self.velocities.limits(account).copied().collect()
    }

    /// What has been counted of an account, up to the last day on which something was.
    pub fn counter(&self, account: AccountNo) -> Counter {
        self.velocities.counter(account)
    }

    /// Decides on the velocity limits of an account or class, in place of those it had.
    pub fn set_velocity(
        &self,
        book: Book,
        of: VelocityOf,
        limits: &[VelocityLimit],
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        let is_valid = limits.len() <= VELOCITY_LIMITS_MAX;
        if !is_valid || !limits.iter().all(VelocityLimit::is_valid) {
            return Err(Rejection::new(Reason::VelocityInvalid));
        }
        let limits = limits.to_vec();
        match of {
            VelocityOf::Account(id) => {
                let account = self.find(book, id)?.no;
                let known = self.velocities.accounts.get(&account);
                if known.map_or(&[] as &[_], Vec::as_slice) != limits {
                    events.push(Event::AccountVelocitySet { account, limits });
                }
            }
            VelocityOf::Class(class) => {
                let known = self.velocities.classes.get(&(book, class));
                if known.map_or(&[] as &[_], Vec::as_slice) != limits {
                    events.push(Event::ClassVelocitySet {
                        book,
                        class,
                        limits,
                    });
                }
            }
        }
        Ok(())
    }

    /// Decides to put an account into a class.
    pub fn set_class(
        &self,
        book: Book,
        id: AccountId,
        class: Class,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        let account = self.find(book, id)?;
        if account.class != class {
            let account = account.no;
            events.push(Event::ClassSet { account, class });
        }
        Ok(())
    }
}
