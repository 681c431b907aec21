//! The ledger side by side with the oracle: every command runs on both and everything is compared.
//!
//! The pair also plays the part of the views: rows of what has left memory, folded from the events,
//! as far behind as they are allowed to be.

use std::collections::BTreeMap;

use ledger::core::{Flow, Hold, HoldState, Key, Row, Rows, Tally, TransactionRow, Window};
use ledger::{
    Account, Cold, Command, Engine, Event, Ledger, Machine, Moment, Outcome, Record, Sequence,
    Submission, Timestamp, Verdict,
};

use crate::core_oracle::{Name, Oracle, worsened};

#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub(crate) engine: Engine<Ledger>,
    oracle: Oracle,
    journal: Vec<(Sequence, Record<Ledger>)>,
    views: Rows,
    /// How many records of the journal the views hold.
    projected: usize,
}

impl Pair {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock()
    }

    fn next(&self, nanos: u64) -> Moment {
        Moment {
            sequence: self.engine.applied().next(),
            at: self.engine.clock().plus_nanos(nanos),
        }
    }

    /// Lets time pass and what is due expire, at most `limit` holds.
    pub(crate) fn pass(&mut self, nanos: u64, limit: usize) {
        let moment = self.next(nanos);
        self.oracle.sequence = moment.sequence;
        self.oracle.expire(moment.at, limit);
        let before = self.engine.machine().accounts().to_vec();
        if let Some(record) = self.engine.due(moment, limit) {
            check_limits(before, record.events(), self.engine.machine());
            self.journal.push((moment.sequence, record));
        } else {
            self.apply(
                moment,
                Record::Seal {
                    at: moment.at,
                    epoch: 1,
                },
            );
        }
        self.compare("time passed");
    }

    /// What is finished leaves memory, but for the last `rows` rows of the journal.
    pub(crate) fn evict(&mut self, rows: u64) {
        let through = Sequence(self.engine.applied().0.saturating_sub(rows));
        self.project(through);
        for pending in self.oracle.holds.values_mut() {
            let finished = pending.hold.state != HoldState::Open;
            pending.gone |= finished && pending.changed <= through;
        }
        let moment = self.next(1);
        self.apply(
            moment,
            Record::Evict {
                at: moment.at,
                through,
            },
        );
        self.compare("evicted");
    }

    fn apply(&mut self, moment: Moment, record: Record<Ledger>) {
        self.engine.apply(moment.sequence, &record, |_, _, _| {});
        self.journal.push((moment.sequence, record));
    }

    /// Runs a command on both; whatever they disagree on fails the test.
    pub(crate) fn run(&mut self, command: Command) -> Outcome {
        let moment = self.next(1);
        let shown = format!("{command:?}");
        self.oracle.sequence = moment.sequence;
        let expected = self.oracle.run(moment.at, &command);
        let before = self.engine.machine().accounts().to_vec();
        let (outcome, record) = self.submit(moment, Submission::new(command));
        assert_eq!(outcome, expected, "{shown}");
        let is_refusal = matches!(outcome, Outcome::Refused(_));
        assert!(
            !is_refusal || record.is_none(),
            "a refusal changed something: {shown}"
        );
        if let Some(record) = record {
            check_limits(before, record.events(), self.engine.machine());
            self.journal.push((moment.sequence, record));
        }
        self.compare(&shown);
        outcome
    }

    /// Submits, and brings along what is missing: first from views as old as they may be, then from
    /// views that hold everything.
    fn submit(
        &mut self,
        moment: Moment,
        mut submission: Submission<Ledger>,
    ) -> (Outcome, Option<Record<Ledger>>) {
        for attempt in 0..3 {
            match self.engine.submit(moment, &submission) {
                (Verdict::New(outcome), record) => return (outcome, record),
                (Verdict::Missing { keys, at_least, .. }, None) => {
                    let read_at = if attempt == 0 {
                        at_least
                    } else {
                        self.engine.applied()
                    };
                    self.project(read_at);
                    let row = |key: &Key| (*key, self.views.get(key).cloned().flatten());
                    let before = submission.cold.rows.into_keys();
                    let rows = keys
                        .iter()
                        .copied()
                        .chain(before)
                        .map(|key| row(&key))
                        .collect();
                    submission.cold = Cold { read_at, rows };
                }
                (verdict, _) => panic!("{verdict:?} to {submission:?}"),
            }
        }
        panic!("never enough: {submission:?}");
    }

    /// Folds the journal into the views, up to a row.
    fn project(&mut self, through: Sequence) {
        while let Some((sequence, record)) = self.journal.get(self.projected)
            && *sequence <= through
        {
            for event in record.events() {
                fold_row(&mut self.views, event);
            }
            self.projected += 1;
        }
    }

    fn compare(&self, after: &str) {
        let ledger = self.engine.machine();
        assert_eq!(ledger.accounts(), self.oracle.accounts(), "{after}");
        for sum in ledger.trial_balance() {
            assert!(sum.balances(), "{sum:?} after {after}");
        }
        let mut next_due = None;
        for (&(book, id), pending) in &self.oracle.holds {
            let hold = ledger.hold(book, id);
            assert_eq!(hold, (!pending.gone).then_some(&pending.hold), "{after}");
            if pending.hold.state == HoldState::Open {
                next_due = [next_due, pending.hold.due].into_iter().flatten().min();
            }
        }
        assert_eq!(ledger.next_due(), next_due, "{after}");
        for (name, account) in &self.oracle.accounts {
            let known = ledger.name(account.no);
            assert_eq!(known, self.oracle.names.get(name), "{after}");
            self.compare_counter(*name, account, after);
        }
    }

    fn compare_counter(&self, name: Name, account: &Account, after: &str) {
        let ledger = self.engine.machine();
        assert_eq!(
            ledger.velocity_limits(account),
            self.oracle.velocity_limits(name)
        );
        let counter = ledger.counter(account.no);
        let windows = [
            (Window::Day, counter.in_day),
            (Window::Month, counter.in_month),
            (Window::Year, counter.in_year),
        ];
        for (window, tally) in windows {
            let (count, amount) = self.oracle.within(name, window, counter.day.0);
            let flow = |direction| Flow {
                count: count[direction],
                amount: amount[direction],
            };
            let expected = Tally {
                inward: flow(0),
                outward: flow(1),
            };
            assert_eq!(tally, expected, "{window:?} of {name:?} after {after}");
        }
    }

    /// Replay gives the live state, and a snapshot gives the same state again.
    pub(crate) fn check_replay(&self) {
        let mut replayed = Engine::<Ledger>::default();
        for (sequence, record) in &self.journal {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        let digest = self.engine.digest().unwrap();
        assert_eq!(replayed.digest().unwrap(), digest);
        let restored = Engine::<Ledger>::restore(&self.engine.snapshot().unwrap()).unwrap();
        assert_eq!(restored.digest().unwrap(), digest);
        assert_eq!(
            restored.machine().next_due(),
            self.engine.machine().next_due()
        );
    }
}

/// What views keep for the ledger to ask.
fn fold_row(views: &mut Rows, event: &Event) {
    match event {
        Event::Posted { book, transaction } => {
            let row = TransactionRow {
                book: *book,
                postings: transaction.postings.to_vec(),
                reversed: Vec::new(),
            };
            let key = Key::Transaction(transaction.no);
            views.insert(key, Some(Row::Transaction(row)));
        }
        Event::Reversed {
            transaction,
            reversed,
            ..
        } => {
            let row = views.get_mut(&Key::Transaction(*transaction));
            let Some(Some(Row::Transaction(row))) = row else {
                panic!("{transaction:?} was never posted")
            };
            row.reversed.clone_from(reversed);
        }
        Event::Held { hold, .. } => {
            let key = Key::Hold(hold.book, hold.id);
            views.insert(key, Some(Row::Hold(Hold::clone(hold))));
        }
        Event::Captured {
            book,
            hold,
            amounts,
            ..
        }
        | Event::Released {
            book,
            hold,
            amounts,
        }
        | Event::Expired {
            book,
            hold,
            amounts,
        } => {
            let Some(Some(Row::Hold(hold))) = views.get_mut(&Key::Hold(*book, *hold)) else {
                panic!("{hold:?} was never made")
            };
            for (posting, amount) in hold.postings.iter_mut().zip(amounts) {
                posting.amount -= amount;
            }
            let empty = hold.postings.iter().all(|posting| posting.amount == 0);
            hold.captured |= matches!(event, Event::Captured { .. });
            hold.state = match event {
                Event::Captured { .. } if empty => HoldState::Captured,
                Event::Captured { .. } => HoldState::Open,
                Event::Released { .. } => HoldState::Released,
                _ => HoldState::Expired,
            };
        }
        _ => {}
    }
}

/// Folds the events by hand, one step at a time: none worsened a breach of a limit. What a capture
/// posts and what it takes off the hold are one step.
fn check_limits(mut accounts: Vec<Account>, events: &[Event], after: &Ledger) {
    let mut postings = BTreeMap::new();
    let mut before = accounts.clone();
    let mut steps = events.iter().peekable();
    while let Some(event) = steps.next() {
        match event {
            Event::Posted { transaction, .. } => {
                for posting in &transaction.postings {
                    let amount = i128::from(posting.amount);
                    accounts[posting.debit.0 as usize].balance.debits += amount;
                    accounts[posting.credit.0 as usize].balance.credits += amount;
                }
            }
            Event::Held { hold, .. } => {
                change_held(&mut accounts, &hold.postings, &[], 1);
                postings.insert((hold.book, hold.id), hold.postings.clone());
            }
            Event::Captured {
                book,
                hold,
                amounts,
                ..
            }
            | Event::Released {
                book,
                hold,
                amounts,
            }
            | Event::Expired {
                book,
                hold,
                amounts,
            } => {
                let made = postings.get(&(*book, *hold)).cloned();
                let kept = || after.hold(*book, *hold).unwrap().postings.clone();
                change_held(&mut accounts, &made.unwrap_or_else(kept), amounts, -1);
            }
            _ => {}
        }
        if matches!(
            steps.peek(),
            Some(Event::Detailed { .. } | Event::Captured { .. })
        ) {
            continue;
        }
        for (before, after) in before.iter().zip(&accounts) {
            assert_eq!(worsened(before, after), [], "{event:?}");
        }
        before.clone_from(&accounts);
    }
}

fn change_held(
    accounts: &mut [Account],
    postings: &[ledger::Posting],
    amounts: &[i64],
    sign: i128,
) {
    for (position, posting) in postings.iter().enumerate() {
        let amount = amounts.get(position).copied().unwrap_or(posting.amount);
        accounts[posting.debit.0 as usize].held.debits += i128::from(amount) * sign;
        accounts[posting.credit.0 as usize].held.credits += i128::from(amount) * sign;
    }
}
