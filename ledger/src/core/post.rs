//! Deciding on transactions.
//!
//! In two steps, so that precedence holds over the whole command: first everything that needs no
//! balance, over all transactions; then the limits, one transaction after the other, because each
//! sees what those before it did.

use crate::core::draft::Draft;
use crate::core::rejection::Foremost;
use crate::core::{
    Account, AccountNo, AccountState, Balance, Book, Event, Ledger, NewPosting, NewTransaction,
    POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting, REFERENCE_BYTES_MAX, Reason,
    Rejection, Transaction, TransactionNo,
};

impl Ledger {
    /// Decides to post transactions, all or none, and returns the balances of what they touch.
    pub fn post(
        &self,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Vec<(AccountNo, Balance)>, Rejection> {
        check_sizes(transactions)?;
        let resolved = self.resolve(book, transactions)?;
        let mut draft = Draft::new(&self.accounts);
        for (position, postings) in (0..).zip(&resolved) {
            draft.add(position, postings)?;
        }
        for ((position, new), postings) in (1..).zip(transactions).zip(resolved) {
            let transaction = Transaction {
                no: TransactionNo(self.transactions + position),
                id: new.id,
                kind: new.kind,
                reference: new.reference.clone(),
                postings,
            };
            events.push(Event::Posted { book, transaction });
        }
        Ok(draft.balances())
    }

    /// Finds the accounts of all postings and checks all that does not need balances.
    fn resolve(
        &self,
        book: Book,
        transactions: &[NewTransaction],
    ) -> Result<Vec<Vec<Posting>>, Rejection> {
        let mut foremost = Foremost::default();
        let mut resolved = Vec::with_capacity(transactions.len());
        for (transaction, new) in (0..).zip(transactions) {
            let mut postings = Vec::with_capacity(new.postings.len());
            for (position, posting) in (0..).zip(&new.postings) {
                match self.resolve_posting(book, posting) {
                    Ok(posting) => postings.push(posting),
                    Err(rejection) => foremost.note(rejection.at(transaction, position)),
                }
            }
            resolved.push(postings);
        }
        foremost.or(resolved)
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
        for account in [debit, credit] {
            if account.state == AccountState::Closed {
                return Err(Rejection::new(Reason::AccountClosed).of_account(account.id));
            }
        }
        for (account, is_debit) in [(debit, true), (credit, false)] {
            if !passes(account, is_debit) {
                return Err(Rejection::new(Reason::AccountFrozen).of_account(account.id));
            }
        }
        Ok(Posting {
            debit: debit.no,
            credit: credit.no,
            amount: new.amount,
        })
    }
}

/// Whether the account's state lets a movement through on this side.
const fn passes(account: &Account, is_debit: bool) -> bool {
    if account.kind.is_debit_normal() == is_debit {
        account.state.lets_in()
    } else {
        account.state.lets_out()
    }
}

fn check_sizes(transactions: &[NewTransaction]) -> Result<(), Rejection> {
    if transactions.is_empty() {
        return Err(Rejection::new(Reason::TransactionsMissing));
    }
    let mut foremost = Foremost::default();
    let mut total = 0;
    for (position, transaction) in (0..).zip(transactions) {
        let postings = transaction.postings.len();
        total += postings;
        let too_long = |text: &str| text.len() > REFERENCE_BYTES_MAX;
        let reason = if postings == 0 {
            Reason::PostingsMissing
        } else if postings > POSTINGS_PER_TRANSACTION_MAX || total > POSTINGS_PER_COMMAND_MAX {
            Reason::PostingsTooMany
        } else if transaction.reference.as_deref().is_some_and(too_long) {
            Reason::ReferenceTooLong
        } else {
            continue;
        };
        foremost.note(Rejection::new(reason).at(position, 0));
    }
    foremost.or(())
}
