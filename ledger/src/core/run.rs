//! Taking the steps of a command one by one, each on top of those before it.

use crate::core::cold::{self, Rows};
use crate::core::draft::{Draft, Effect};
use crate::core::post::check_states;
use crate::core::rejection::Foremost;
use crate::core::{
    AccountNo, Amounts, Book, Details, Done, Event, Hold, HoldState, Ledger, Memo, Posting, Reason,
    Rejection, Standing, Step, Transaction, TransactionId, TransactionNo, TransactionRow,
};
use crate::time::Timestamp;

pub(super) struct Run<'a, 'e> {
    draft: Draft<'a>,
    at: Timestamp,
    book: Book,
    rows: &'a Rows,
    transactions: u64,
    events: &'e mut Vec<Event>,
}

impl<'a, 'e> Run<'a, 'e> {
    pub(super) fn new(
        ledger: &'a Ledger,
        at: Timestamp,
        book: Book,
        rows: &'a Rows,
        events: &'e mut Vec<Event>,
    ) -> Self {
        Self {
            draft: Draft::new(ledger, Some(ledger.day(book, at))),
            at,
            book,
            rows,
            transactions: ledger.transactions,
            events,
        }
    }

    /// Takes the step that stands at this place of the command.
    pub(super) fn take(
        &mut self,
        position: u32,
        step: &Step,
        postings: Vec<Posting>,
    ) -> Result<Done, Rejection> {
        self.draft.begin(position);
        self.step(step, postings).map_err(|rejection| Rejection {
            transaction: position,
            ..rejection
        })
    }

    /// When all steps are taken: how the touched accounts then stand.
    pub(super) fn finish(self) -> Vec<(AccountNo, Standing)> {
        self.events.extend(self.draft.counters());
        self.draft.standings()
    }

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
            postings: postings.into(),
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
            hold: Box::new(hold.clone()),
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
