//! Deciding on steps: posting, holding, capturing, releasing and reversing, all or none.
//!
//! As with plain transactions in two rounds: first what can be seen of every step without regard
//! to the others, then step by step what each does to accounts, holds and earlier transactions.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cold::{self, Rows};
use crate::core::draft::{Draft, Effect};
use crate::core::post::{check_states, size_fault};
use crate::core::rejection::Foremost;
use crate::core::{
    Amounts, Book, Details, Done, Event, Hold, HoldState, Key, Ledger, Memo, Posting, Reason,
    Rejection, Step, Transacted, Transaction, TransactionId, TransactionNo, TransactionRow,
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
        let decided = self.run(at, book, steps, rows, events);
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

    fn run(
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
        let mut run = Run {
            draft: Draft::new(self, Some(self.day(book, at))),
            at,
            book,
            rows,
            transactions: self.transactions,
            events,
        };
        let mut done = Vec::with_capacity(steps.len());
        for ((position, step), postings) in (0..).zip(steps).zip(resolved) {
            run.draft.begin(position);
            let did = run.step(step, postings).map_err(|rejection| Rejection {
                transaction: position,
                ..rejection
            });
            done.push(did?);
        }
        let standings = run.draft.standings();
        let counters = run.draft.counters();
        run.events.extend(counters);
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
                self.resolve(book, position, postings, foremost)
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

/// The second round.
struct Run<'a, 'e> {
    draft: Draft<'a>,
    at: Timestamp,
    book: Book,
    rows: &'a Rows,
    transactions: u64,
    events: &'e mut Vec<Event>,
}

impl Run<'_, '_> {
    fn step(&mut self, step: &Step, postings: Vec<Posting>) -> Result<Done, Rejection> {
        match step {
            Step::Post {
                memo,
                amounts,
                effective,
                corrects,
                ..
            } => {
                if let Some(no) = corrects {
                    self.earlier(*no)?;
                }
                let postings = self.add(Effect::Post, *amounts, postings)?;
                self.draft.count(&postings)?;
                let details = Details {
                    effective: *effective,
                    corrects: *corrects,
                    metadata: memo.metadata.clone(),
                };
                Ok(self.post(memo, details, postings))
            }
            Step::Hold {
                memo,
                amounts,
                timeout_secs,
                ..
            } => {
                let due = timeout_secs.map(|secs| self.at.plus_secs(u64::from(secs.get())));
                self.hold(memo, *amounts, due, postings)
            }
            Step::Capture {
                memo,
                hold,
                amounts,
                effective,
            } => self.capture(memo, *hold, amounts.as_deref(), *effective),
            Step::Release { hold } => self.release(*hold),
            Step::Reverse {
                memo,
                transaction,
                amounts,
                effective,
            } => self.reverse(memo, *transaction, amounts.as_deref(), *effective),
        }
    }

    fn add(
        &mut self,
        effect: Effect,
        amounts: Amounts,
        mut postings: Vec<Posting>,
    ) -> Result<Vec<Posting>, Rejection> {
        match amounts {
            Amounts::Exact => self.draft.add(effect, &postings)?,
            Amounts::AtMost => {
                self.draft.add_at_most(effect, &mut postings);
                if postings.iter().all(|posting| posting.amount == 0) {
                    return Err(Rejection::new(Reason::NothingToMove));
                }
            }
        }
        Ok(postings)
    }

    /// The postings, of which those that move nothing are left out, become a transaction.
    fn post(&mut self, memo: &Memo, details: Details, mut postings: Vec<Posting>) -> Done {
        let amounts = postings.iter().map(|posting| posting.amount).collect();
        postings.retain(|posting| posting.amount > 0);
        self.transactions += 1;
        let no = TransactionNo(self.transactions);
        let transaction = Transaction {
            no,
            id: memo.id,
            kind: memo.kind,
            reference: memo.reference.clone(),
            postings,
        };
        let book = self.book;
        self.events.push(Event::Posted { book, transaction });
        if details != Details::default() {
            self.events.push(Event::Detailed {
                transaction: no,
                details,
            });
        }
        Done {
            transaction: Some(no),
            amounts,
        }
    }

    fn hold(
        &mut self,
        memo: &Memo,
        amounts: Amounts,
        due: Option<Timestamp>,
        postings: Vec<Posting>,
    ) -> Result<Done, Rejection> {
        if self.find_hold(memo.id).is_some() {
            return Err(Rejection::new(Reason::HoldExists));
        }
        let postings = self.add(Effect::Hold, amounts, postings)?;
        let counted = self.draft.count(&postings)?;
        let hold = Hold {
            book: self.book,
            id: memo.id,
            kind: memo.kind,
            postings,
            due,
            counted,
            captured: false,
            state: HoldState::Open,
        };
        self.events.push(Event::Held {
            hold: hold.clone(),
            reference: memo.reference.clone(),
            metadata: memo.metadata.clone(),
        });
        let amounts = hold.remaining();
        self.draft.holds.insert((self.book, memo.id), hold);
        Ok(Done {
            transaction: None,
            amounts,
        })
    }

    fn capture(
        &mut self,
        memo: &Memo,
        id: TransactionId,
        amounts: Option<&[i64]>,
        effective: Option<Timestamp>,
    ) -> Result<Done, Rejection> {
        let mut hold = self.open_hold(id)?;
        let mut foremost = Foremost::default();
        self.note_states(&hold.postings, &mut foremost);
        if self.is_overdue(&hold) {
            foremost.note(Rejection::new(Reason::HoldExpired));
        }
        let amounts = share(amounts, &hold.remaining(), &mut foremost);
        foremost.or(())?;
        let postings = with_amounts(&hold.postings, &amounts);
        self.draft.add(Effect::Capture, &postings)?;
        let details = Details {
            effective,
            corrects: None,
            metadata: memo.metadata.clone(),
        };
        let done = self.post(memo, details, postings);
        hold.take(&amounts);
        self.draft.holds.insert((self.book, id), hold);
        self.events.push(Event::Captured {
            book: self.book,
            hold: id,
            transaction: TransactionNo(self.transactions),
            amounts,
        });
        Ok(done)
    }

    fn release(&mut self, id: TransactionId) -> Result<Done, Rejection> {
        let mut hold = self.open_hold(id)?;
        if self.is_overdue(&hold) {
            return Err(Rejection::new(Reason::HoldExpired));
        }
        let amounts = hold.remaining();
        self.draft.add(Effect::Release, &hold.postings)?;
        self.draft.uncount(&hold);
        hold.give_back(HoldState::Released);
        self.draft.holds.insert((self.book, id), hold);
        self.events.push(Event::Released {
            book: self.book,
            hold: id,
            amounts: amounts.clone(),
        });
        Ok(Done {
            transaction: None,
            amounts,
        })
    }

    fn reverse(
        &mut self,
        memo: &Memo,
        no: TransactionNo,
        amounts: Option<&[i64]>,
        effective: Option<Timestamp>,
    ) -> Result<Done, Rejection> {
        let row = self.earlier(no)?;
        let drafted = self.draft.reversed.get(&no).map(Vec::as_slice);
        let known = drafted.or(self.draft.ledger.reversals.get(no));
        let mut reversed = known.unwrap_or(&row.reversed).to_vec();
        reversed.resize(row.postings.len(), 0);
        let opposite = row
            .postings
            .iter()
            .zip(&reversed)
            .map(|(posting, done)| Posting {
                debit: posting.credit,
                credit: posting.debit,
                amount: posting.amount - done,
            });
        let left: Vec<Posting> = opposite.collect();
        let mut foremost = Foremost::default();
        self.note_states(&left, &mut foremost);
        let remaining: Vec<i64> = left.iter().map(|posting| posting.amount).collect();
        let amounts = share(amounts, &remaining, &mut foremost);
        foremost.or(())?;
        let postings = with_amounts(&left, &amounts);
        self.draft.add(Effect::Post, &postings)?;
        let details = Details {
            effective,
            corrects: None,
            metadata: memo.metadata.clone(),
        };
        let done = self.post(memo, details, postings);
        for (total, amount) in reversed.iter_mut().zip(&amounts) {
            *total += amount;
        }
        self.draft.reversed.insert(no, reversed.clone());
        self.events.push(Event::Reversed {
            transaction: no,
            by: TransactionNo(self.transactions),
            reversed,
        });
        Ok(done)
    }

    /// A transaction of this book from before this command.
    fn earlier(&self, no: TransactionNo) -> Result<&TransactionRow, Rejection> {
        cold::transaction(self.rows, no)
            .filter(|row| row.book == self.book && no.0 <= self.draft.ledger.transactions)
            .ok_or(Rejection::new(Reason::TransactionNotFound))
    }

    fn find_hold(&self, id: TransactionId) -> Option<&Hold> {
        let drafted = self.draft.holds.get(&(self.book, id));
        drafted.or_else(|| self.draft.ledger.holds.get(self.book, id))
    }

    /// A hold that is not finished, as it stands after the steps so far.
    fn open_hold(&self, id: TransactionId) -> Result<Hold, Rejection> {
        let Some(hold) = self.find_hold(id) else {
            let brought = cold::hold(self.rows, self.book, id).and_then(Hold::finished);
            let reason = brought.unwrap_or(Reason::HoldNotFound);
            return Err(Rejection::new(reason));
        };
        match hold.finished() {
            Some(reason) => Err(Rejection::new(reason)),
            None => Ok(hold.clone()),
        }
    }

    /// Whether a hold's time is over, also if the event of its expiry is still to come.
    fn is_overdue(&self, hold: &Hold) -> bool {
        hold.due.is_some_and(|due| due <= self.at)
    }

    /// Notes the accounts of what remains that do not let it through.
    fn note_states(&self, postings: &[Posting], foremost: &mut Foremost) {
        let moving = (0..)
            .zip(postings)
            .filter(|(_, posting)| posting.amount > 0);
        for (position, posting) in moving {
            let (debit, credit) = (posting.debit, posting.credit);
            let passes = check_states(self.draft.account(debit), self.draft.account(credit));
            if let Err(rejection) = passes {
                foremost.note(rejection.at(0, position));
            }
        }
    }
}

/// The amounts that were asked for, if they are there; all that remains when none were named.
fn share(asked: Option<&[i64]>, remaining: &[i64], foremost: &mut Foremost) -> Vec<i64> {
    let amounts = asked.unwrap_or(remaining);
    if amounts.len() != remaining.len() {
        foremost.note(Rejection::new(Reason::AmountsMismatch));
    }
    for (position, (amount, remains)) in (0..).zip(amounts.iter().zip(remaining)) {
        if amount > remains {
            foremost.note(Rejection::new(Reason::AmountExceedsRest).at(0, position));
        }
    }
    if amounts.iter().all(|amount| *amount == 0) {
        foremost.note(Rejection::new(Reason::NothingToMove));
    }
    amounts.to_vec()
}

fn with_amounts(postings: &[Posting], amounts: &[i64]) -> Vec<Posting> {
    let pairs = postings.iter().zip(amounts);
    pairs
        .map(|(posting, amount)| Posting {
            amount: *amount,
            ..*posting
        })
        .collect()
}
