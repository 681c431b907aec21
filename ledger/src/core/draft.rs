//! A command in the making: accounts, holds and counters as they would be, beside the ledger's own.
//!
//! `decide` may not change the state, yet the second step of a command must see the first. So what
//! a command touches is copied here and worked on; the limits are checked when a step is complete,
//! against how each account stood before that step.

use std::collections::BTreeMap;

use crate::core::rejection::Foremost;
use crate::core::velocity::{Counter, Tally};
use crate::core::{
    Account, AccountNo, Balance, Book, Day, Event, Hold, Ledger, Posting, Reason, Rejection,
    Standing, TransactionId, TransactionNo,
};
use crate::few::Few;
use crate::lookup::Lookup;

/// Up to this many accounts a linear search beats any index.
const LINEAR_MAX: usize = 16;

/// What postings do to the accounts.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Post,
    Hold,
    /// Posts what was held.
    Capture,
    Release,
}

struct Touched {
    account: AccountNo,
    before: Standing,
    now: Standing,
    /// The step of the command that `before` was taken for.
    step: u32,
    /// What it has moved, if that was counted or given back in this command.
    counter: Option<Box<Counter>>,
}

pub(super) struct Draft<'a> {
    pub(super) ledger: &'a Ledger,
    /// Today, in the book; not told where time plays no part.
    today: Option<Day>,
    /// Most commands touch two accounts.
    touched: Few<Touched, 2>,
    index: Lookup<AccountNo, usize>,
    step: u32,
    pub(super) holds: BTreeMap<(Book, TransactionId), Hold>,
    pub(super) reversed: BTreeMap<TransactionNo, Vec<i64>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(ledger: &'a Ledger, today: Option<Day>) -> Self {
        Self {
            ledger,
            today,
            touched: Few::new(),
            index: Lookup::default(),
            step: 0,
            holds: BTreeMap::new(),
            reversed: BTreeMap::new(),
        }
    }

    pub(super) fn begin(&mut self, step: u32) {
        self.step = step;
    }

    pub(super) fn account(&self, no: AccountNo) -> &'a Account {
        &self.ledger.accounts[no.index()]
    }

    pub(super) fn apply(&mut self, effect: Effect, posting: &Posting) {
        let amount = i128::from(posting.amount);
        let (posted, held) = match effect {
            Effect::Post => (amount, 0),
            Effect::Hold => (0, amount),
            Effect::Capture => (amount, -amount),
            Effect::Release => (0, -amount),
        };
        let debit = self.touch(posting.debit);
        debit.balance.debits += posted;
        debit.held.debits += held;
        let credit = self.touch(posting.credit);
        credit.balance.credits += posted;
        credit.held.credits += held;
    }

    /// Adds the postings of a step and checks the limits of what they touch.
    pub(super) fn add(&mut self, effect: Effect, postings: &[Posting]) -> Result<(), Rejection> {
        for posting in postings {
            self.apply(effect, posting);
        }
        self.check_limits(postings)
    }

    /// Adds the postings one by one, each with as much of its amount as the accounts let through,
    /// and says how much that was.
    pub(super) fn add_at_most(&mut self, effect: Effect, postings: &mut [Posting]) {
        for posting in postings {
            let sides = [(posting.debit, true), (posting.credit, false)];
            let mut fitting = i128::from(posting.amount);
            for (no, is_debit) in sides {
                fitting = fitting.min(self.room(no, is_debit));
            }
            posting.amount = i64::try_from(fitting.max(0)).unwrap_or(posting.amount);
            self.apply(effect, posting);
        }
    }

    /// How much can be debited or credited before a limit is reached.
    fn room(&mut self, no: AccountNo, is_debit: bool) -> i128 {
        let account = self.account(no);
        let standing = *self.touch(no);
        if account.kind.is_debit_normal() == is_debit {
            let maximum = account.limits.maximum;
            maximum.map_or(i128::MAX, |maximum| {
                i128::from(maximum) - standing.highest(account.kind)
            })
        } else {
            let minimum = account.limits.minimum.unwrap_or(0);
            standing.lowest(account.kind) - i128::from(minimum)
        }
    }

    fn check_limits(&self, postings: &[Posting]) -> Result<(), Rejection> {
        let mut foremost = Foremost::default();
        for (position, posting) in (0..).zip(postings) {
            for no in [posting.debit, posting.credit] {
                if let Some(reason) = self.breach(no) {
                    foremost.note(self.refuse(reason, position, no));
                }
            }
        }
        foremost.or(())
    }

    fn refuse(&self, reason: Reason, position: u32, no: AccountNo) -> Rejection {
        Rejection::new(reason)
            .at(self.step, position)
            .of_account(self.account(no).id)
    }

    fn breach(&self, no: AccountNo) -> Option<Reason> {
        let account = self.account(no);
        let touched = &self.touched[self.position(no)?];
        let (before, now, kind) = (&touched.before, &touched.now, account.kind);
        let under = |minimum: i64| {
            let lowest = now.lowest(kind);
            lowest < i128::from(minimum) && lowest < before.lowest(kind)
        };
        let over = |maximum: i64| {
            let highest = now.highest(kind);
            highest > i128::from(maximum) && highest > before.highest(kind)
        };
        if account.limits.minimum.is_some_and(under) {
            Some(Reason::BelowMinimum)
        } else if account.limits.maximum.is_some_and(over) {
            Some(Reason::AboveMaximum)
        } else {
            None
        }
    }

    /// Counts a step against velocity limits; returns which accounts were counted, and on which
    /// day. An account that has such limits lets nothing through when the day is not told.
    pub(super) fn count(
        &mut self,
        postings: &[Posting],
    ) -> Result<Vec<(AccountNo, Day)>, Rejection> {
        if self.ledger.velocities.is_empty() {
            return Ok(Vec::new());
        }
        let mut foremost = Foremost::default();
        let mut days = Vec::new();
        for (no, position, tally) in self.tallies(postings) {
            let account = self.account(no);
            let mut limits = self.ledger.velocities.limits(account).peekable();
            if limits.peek().is_none() {
                continue;
            }
            let Some(today) = self.today else {
                foremost.note(self.refuse(Reason::VelocityCountExceeded, position, no));
                continue;
            };
            let counter = self.counter(no);
            counter.turn_to(today);
            days.push((no, counter.day));
            let mut refused = Foremost::default();
            for reason in limits.filter_map(|limit| counter.refuses(limit, &tally)) {
                refused.note(Rejection::new(reason));
            }
            counter.add(&tally);
            if let Err(rejection) = refused.or(()) {
                foremost.note(self.refuse(rejection.reason, position, no));
            }
        }
        foremost.or(days)
    }

    /// What the postings move on each account, in order of first touch, with the posting that
    /// touches it first.
    fn tallies(&self, postings: &[Posting]) -> Vec<(AccountNo, u32, Tally)> {
        let mut tallies: Vec<(AccountNo, u32, Tally)> = Vec::new();
        let moving = (0..)
            .zip(postings)
            .filter(|(_, posting)| posting.amount > 0);
        for (position, posting) in moving {
            for (no, is_debit) in [(posting.debit, true), (posting.credit, false)] {
                let inward = self.account(no).kind.is_debit_normal() == is_debit;
                let known = tallies.iter().position(|(of, _, _)| *of == no);
                let place = known.unwrap_or_else(|| {
                    tallies.push((no, position, Tally::default()));
                    tallies.len() - 1
                });
                tallies[place].2.add(inward, posting.amount);
            }
        }
        tallies
    }

    /// Gives back to velocity limits what a hold was counted for and still holds. The count itself
    /// is given back only if nothing was ever captured.
    pub(super) fn uncount(&mut self, hold: &Hold) {
        for (no, _, mut tally) in self.tallies(&hold.postings) {
            let Some((_, day)) = hold.counted.iter().find(|(of, _)| *of == no) else {
                continue;
            };
            if hold.captured {
                tally.inward.count = 0;
                tally.outward.count = 0;
            }
            self.counter(no).give_back(*day, &tally);
        }
    }

    fn counter(&mut self, no: AccountNo) -> &mut Counter {
        let ledger = self.ledger;
        let counter = &mut self.touched(no).counter;
        counter.get_or_insert_with(|| Box::new(ledger.velocities.counter(no)))
    }

    /// The counters as they would be, one event each, in order of first touch.
    pub(super) fn counters(&self) -> impl Iterator<Item = Event> {
        self.touched.iter().filter_map(|touched| {
            Some(Event::Counted {
                account: touched.account,
                counter: touched.counter.clone()?,
            })
        })
    }

    /// The accounts touched so far as they would stand, in order of first touch.
    pub(super) fn standings(&self) -> Vec<(AccountNo, Standing)> {
        let touched = self.touched.iter();
        touched
            .map(|touched| (touched.account, touched.now))
            .collect()
    }

    /// The same, without what is held.
    pub(super) fn balances(&self) -> Few<(AccountNo, Balance), 2> {
        let balance = |touched: &Touched| (touched.account, touched.now.balance);
        match self.touched.as_slice() {
            [one, other] => [balance(one), balance(other)].into(),
            touched => touched.iter().map(balance).collect(),
        }
    }

    fn position(&self, no: AccountNo) -> Option<usize> {
        if self.touched.len() <= LINEAR_MAX {
            self.touched
                .iter()
                .position(|touched| touched.account == no)
        } else {
            self.index.get(&no).copied()
        }
    }

    fn touch(&mut self, no: AccountNo) -> &mut Standing {
        &mut self.touched(no).now
    }

    fn touched(&mut self, no: AccountNo) -> &mut Touched {
        let step = self.step;
        let position = match self.position(no) {
            Some(position) => position,
            None => self.insert(no),
        };
        let touched = &mut self.touched[position];
        if touched.step != step {
            touched.before = touched.now;
            touched.step = step;
        }
        touched
    }

    fn insert(&mut self, no: AccountNo) -> usize {
        let standing = self.account(no).standing();
        let position = self.touched.len();
        self.touched.push(Touched {
            account: no,
            before: standing,
            now: standing,
            step: self.step,
            counter: None,
        });
        if position == LINEAR_MAX {
            self.index.extend(
                (0..)
                    .zip(&self.touched)
                    .map(|(at, touched)| (touched.account, at)),
            );
        } else if position > LINEAR_MAX {
            self.index.insert(no, position);
        }
        position
    }
}
