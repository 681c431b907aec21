//! Deciding on plain transactions, and the checks of postings that all kinds of steps share.
//!
//! In two rounds, so that precedence holds over the whole command: first everything that can be
//! seen without the balances, over all transactions; then the limits, one transaction after the
//! other, because each sees what those before it did.

use crate::core::draft::{Draft, Effect};
use crate::core::memo;
use crate::core::rejection::Foremost;
use crate::core::{
    Account, AccountNo, AccountState, Balance, Book, Day, Event, Ledger, Metadata, NewPosting,
    NewTransaction, POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting, Reason,
    Rejection, Transaction, TransactionNo,
};
use crate::few::Few;
use crate::time::Timestamp;

impl Ledger {
    /// Decides to post transactions, all or none, and returns the balances of what they touch.
    pub fn post_at(
        &self,
        at: Timestamp,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Few<(AccountNo, Balance), 2>, Rejection> {
        self.post_on(Some(self.day(book, at)), book, transactions, events)
    }

    /// The same without a time: an account under velocity limits then lets nothing through.
    pub fn post(
        &self,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Few<(AccountNo, Balance), 2>, Rejection> {
        self.post_on(None, book, transactions, events)
    }

    fn post_on(
        &self,
        today: Option<Day>,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Few<(AccountNo, Balance), 2>, Rejection> {
        let start = events.len();
        let decided = self.try_post(today, book, transactions, events);
        if decided.is_err() {
            events.truncate(start);
        }
        decided
    }

    fn try_post(
        &self,
        today: Option<Day>,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Few<(AccountNo, Balance), 2>, Rejection> {
        check_shapes(transactions)?;
        let start = events.len();
        let mut foremost = Foremost::default();
        for (position, new) in (0..).zip(transactions) {
            let transaction = Transaction {
                no: TransactionNo(self.transactions + u64::from(position) + 1),
                id: new.id,
                kind: new.kind,
                reference: new.reference.clone(),
                postings: self.resolve(book, position, &new.postings, &mut foremost),
            };
            events.push(Event::Posted { book, transaction });
        }
        foremost.or(())?;
        let mut draft = Draft::new(self, today);
        for (position, event) in (0..).zip(&events[start..]) {
            if let Event::Posted { transaction, .. } = event {
                draft.begin(position);
                draft.add(Effect::Post, &transaction.postings)?;
                draft.count(&transaction.postings)?;
            }
        }
        events.extend(draft.counters());
        Ok(draft.balances())
    }

    /// Finds the accounts of postings and notes all that is wrong with them before any balance is
    /// looked at.
    pub(super) fn resolve(
        &self,
        book: Book,
        step: u32,
        new: &[NewPosting],
        foremost: &mut Foremost,
    ) -> Few<Posting, 1> {
        if let [posting] = new
            && let Ok(posting) = self.resolve_posting(book, posting)
        {
            return [posting].into();
        }
        let mut postings = Vec::with_capacity(new.len());
        for (position, posting) in (0..).zip(new) {
            match self.resolve_posting(book, posting) {
                Ok(posting) => postings.push(posting),
                Err(rejection) => foremost.note(rejection.at(step, position)),
            }
        }
        postings.into()
    }

    fn resolve_posting(&self, book: Book, new: &NewPosting) -> Result<Posting, Rejection> {
        if new.amount <= 0 {
            return Err(Rejection::new(Reason::AmountNotPositive));
        }
        if new.debit == new.credit {
            return Err(Rejection::new(Reason::SameAccount).of_account(new.debit));
        }
        let (debit, credit) = (self.find(book, new.debit)?, self.find(book, new.credit)?);
        if debit.currency != credit.currency {
            return Err(Rejection::new(Reason::AssetsDiffer).of_account(new.credit));
        }
        check_states(debit, credit)?;
        Ok(Posting {
            debit: debit.no,
            credit: credit.no,
            amount: new.amount,
        })
    }
}

/// Whether the states of a posting's accounts let it through.
pub(super) fn check_states(debit: &Account, credit: &Account) -> Result<(), Rejection> {
    for account in [debit, credit] {
        if account.state == AccountState::Closed {
            return Err(Rejection::new(Reason::AccountClosed).of_account(account.id));
        }
    }
    for (account, is_debit) in [(debit, true), (credit, false)] {
        let inward = account.kind.is_debit_normal() == is_debit;
        let passes = if inward {
            account.state.lets_in()
        } else {
            account.state.lets_out()
        };
        if !passes {
            return Err(Rejection::new(Reason::AccountFrozen).of_account(account.id));
        }
    }
    Ok(())
}

/// What is wrong with the number of postings of a step, when it is one of so many in all.
pub(super) const fn size_fault(postings: usize, total: usize) -> Option<Reason> {
    if postings == 0 {
        Some(Reason::PostingsMissing)
    } else if postings > POSTINGS_PER_TRANSACTION_MAX || total > POSTINGS_PER_COMMAND_MAX {
        Some(Reason::PostingsTooMany)
    } else {
        None
    }
}

fn check_shapes(transactions: &[NewTransaction]) -> Result<(), Rejection> {
    if transactions.is_empty() {
        return Err(Rejection::new(Reason::TransactionsMissing));
    }
    let none = Metadata::new();
    let mut foremost = Foremost::default();
    let mut total = 0;
    for (position, new) in (0..).zip(transactions) {
        total += new.postings.len();
        let fault = size_fault(new.postings.len(), total)
            .or_else(|| memo::fault(new.reference.as_deref(), &none));
        if let Some(reason) = fault {
            foremost.note(Rejection::new(reason).at(position, 0));
        }
    }
    foremost.or(())
}
