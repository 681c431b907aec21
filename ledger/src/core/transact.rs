//! Deciding on steps: posting, holding, capturing, releasing and reversing, all or none.
//!
//! As with plain transactions in two rounds: first what can be seen of every step without regard
//! to the others (here), then step by step what each does to accounts, holds and earlier
//! transactions (in `run`).

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cold::{self, Rows};
use crate::core::post::size_fault;
use crate::core::rejection::Foremost;
use crate::core::run::Run;
use crate::core::{
    Book, Event, Key, Ledger, Posting, Reason, Rejection, Step, Transacted, TransactionId,
};
use crate::machine::Answer;
use crate::time::Timestamp;

impl Ledger {
    /// Decides on steps, all or none. Rows brought from the views are in `rows`; what is lacking is
    /// named in the answer.
    pub fn transact(
        &self,
        at: Timestamp,
        book: Book,
        steps: &[Step],
        rows: &Rows,
        events: &mut Vec<Event>,
    ) -> Answer<Result<Transacted, Rejection>, Key> {
        let lacking = self.lacking(book, steps, rows);
        if !lacking.is_empty() {
            return Answer::Missing(lacking);
        }
        let start = events.len();
        let decided = self.try_transact(at, book, steps, rows, events);
        if decided.is_err() {
            events.truncate(start);
        }
        Answer::Decided(decided)
    }

    /// What is neither in memory nor brought along. A hold is looked for elsewhere only if holds
    /// have left memory, and an earlier transaction always, but not one that cannot exist.
    fn lacking(&self, book: Book, steps: &[Step], rows: &Rows) -> Vec<Key> {
        let mut lacking = Vec::new();
        let mut made = BTreeSet::new();
        for step in steps {
            match step {
                Step::Capture { hold, .. } | Step::Release { hold } => {
                    let key = Key::Hold(book, *hold);
                    let known = self.holds.get(book, *hold).is_some() || !self.holds.any_left();
                    if !known && !rows.contains_key(&key) && !made.contains(hold) {
                        lacking.push(key);
                    }
                }
                Step::Reverse {
                    transaction: no, ..
                }
                | Step::Post {
                    corrects: Some(no), ..
                } => {
                    let exists = (1..=self.transactions).contains(&no.0);
                    if exists && cold::transaction(rows, *no).is_none() {
                        lacking.push(Key::Transaction(*no));
                    }
                }
                Step::Hold { memo, .. } => {
                    made.insert(memo.id);
                }
                Step::Post { .. } => {}
            }
        }
        lacking
    }

    fn try_transact(
        &self,
        at: Timestamp,
        book: Book,
        steps: &[Step],
        rows: &Rows,
        events: &mut Vec<Event>,
    ) -> Result<Transacted, Rejection> {
        if steps.is_empty() {
            return Err(Rejection::new(Reason::TransactionsMissing));
        }
        let mut foremost = Foremost::default();
        let mut total = 0;
        let mut sizes = BTreeMap::new();
        let mut resolved = Vec::with_capacity(steps.len());
        for (position, step) in (0..).zip(steps) {
            let size = self.size(book, step, rows, &mut sizes);
            total += size;
            let fault = size_fault(size, total).or_else(|| self.step_fault(at, book, step));
            if let Some(reason) = fault {
                foremost.note(Rejection::new(reason).at(position, 0));
            }
            resolved.push(self.resolve_step(book, position, step, &mut foremost));
        }
        let resolved = foremost.or(resolved)?;
        let mut run = Run::new(self, at, book, rows, events);
        let mut done = Vec::with_capacity(steps.len());
        for ((position, step), postings) in (0..).zip(steps).zip(resolved) {
            done.push(run.take(position, step, postings)?);
        }
        let standings = run.finish();
        Ok(Transacted { done, standings })
    }

    /// How many postings a step is about; those of a hold or transaction that is not there are
    /// none of its faults yet, so it counts as one.
    fn size(
        &self,
        book: Book,
        step: &Step,
        rows: &Rows,
        made: &mut BTreeMap<TransactionId, usize>,
    ) -> usize {
        match step {
            Step::Post { postings, .. } => postings.len(),
            Step::Hold { memo, postings, .. } => {
                made.insert(memo.id, postings.len());
                postings.len()
            }
            Step::Capture { hold, .. } | Step::Release { hold } => {
                let kept = self.holds.get(book, *hold).map(|hold| hold.postings.len());
                kept.or(made.get(hold).copied()).unwrap_or(1).max(1)
            }
            Step::Reverse { transaction, .. } => {
                let row = cold::transaction(rows, *transaction);
                row.map_or(1, |row| row.postings.len())
            }
        }
    }

    /// What is wrong with a step apart from its postings.
    fn step_fault(&self, at: Timestamp, book: Book, step: &Step) -> Option<Reason> {
        let (memo, effective) = match step {
            Step::Post {
                memo, effective, ..
            }
            | Step::Capture {
                memo, effective, ..
            }
            | Step::Reverse {
                memo, effective, ..
            } => (memo, *effective),
            Step::Hold { memo, .. } => (memo, None),
            Step::Release { .. } => return None,
        };
        let effective = effective.and_then(|effective| self.effective_fault(book, at, effective));
        memo.fault().or(effective)
    }

    /// The postings of a step that has some of its own.
    fn resolve_step(
        &self,
        book: Book,
        position: u32,
        step: &Step,
        foremost: &mut Foremost,
    ) -> Vec<Posting> {
        match step {
            Step::Post { postings, .. } | Step::Hold { postings, .. } => {
                self.resolve(book, position, postings, foremost).into_vec()
            }
            Step::Capture {
                amounts: Some(amounts),
                ..
            }
            | Step::Reverse {
                amounts: Some(amounts),
                ..
            } => {
                let negative = (0..).zip(amounts).find(|(_, amount)| **amount < 0);
                if let Some((posting, _)) = negative {
                    let rejection = Rejection::new(Reason::AmountNotPositive);
                    foremost.note(rejection.at(position, posting));
                }
                Vec::new()
            }
            Step::Capture { .. } | Step::Release { .. } | Step::Reverse { .. } => Vec::new(),
        }
    }
}
