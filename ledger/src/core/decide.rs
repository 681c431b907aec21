//! Which decision answers which command.

use crate::core::cold::{self, Rows};
use crate::core::{
    Account, Book, Command, Event, Key, KnownAccount, Ledger, Outcome, Reason, Rejection,
    TransactionId, TransactionNo,
};
use crate::machine::Answer;
use crate::time::Timestamp;

impl Ledger {
    pub(super) fn answer(
        &self,
        at: Timestamp,
        command: &Command,
        rows: &Rows,
        events: &mut Vec<Event>,
    ) -> Result<Answer<Outcome, Key>, Rejection> {
        use Command as C;
        match command {
            C::RegisterAsset(currency) => self.register_asset(*currency, events)?,
            C::Open(accounts) => {
                let numbers = self.open(accounts, events)?;
                return Ok(Answer::Decided(Outcome::Opened(numbers)));
            }
            C::OpenNamed { book, accounts } => {
                let numbers = self.open_named(*book, accounts, events)?;
                return Ok(Answer::Decided(Outcome::Opened(numbers)));
            }
            C::Try(command) => return self.answer(at, command, rows, &mut Vec::new()),
            C::Post { book, transactions } => {
                let first = TransactionNo(self.transactions + 1);
                let balances = self.post_at(at, *book, transactions, events)?;
                return Ok(Answer::Decided(Outcome::Posted { first, balances }));
            }
            C::Transact { book, steps } => {
                return match self.transact(at, *book, steps, rows, events) {
                    Answer::Decided(done) => Ok(Answer::Decided(Outcome::Transacted(done?))),
                    Answer::Missing(keys) => Ok(Answer::Missing(keys)),
                };
            }
            C::Balances { book, accounts } => {
                let found = accounts.iter().map(|id| self.find(*book, *id).copied());
                let found = found.collect::<Result<_, _>>()?;
                return Ok(Answer::Decided(Outcome::Accounts(found)));
            }
            C::Accounts { book, accounts } => {
                let found = accounts.iter().map(|id| self.find(*book, *id));
                return self.known(found);
            }
            C::Named { book, accounts } => {
                let found = accounts.iter().map(|no| self.account_by_no(*no));
                let found = found.map(|account| account.filter(|account| account.book == *book));
                return self.known(
                    found.map(|found| found.ok_or(Rejection::new(Reason::AccountNotFound))),
                );
            }
            C::Change {
                book,
                account,
                changes,
            } => {
                let after = self.change(*book, *account, changes, events)?;
                return Ok(Answer::Decided(Outcome::Accounts(vec![after])));
            }
            C::Holds { book, holds } => return self.ask_holds(*book, holds, rows),
            terms => self.set(at, terms, events)?,
        }
        Ok(Answer::Decided(Outcome::Done))
    }

    /// Decides on what changes the terms of accounts, classes and books.
    fn set(
        &self,
        at: Timestamp,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        use Command as C;
        match command {
            C::SetLimits {
                book,
                account,
                limits,
            } => self.set_limits(*book, *account, *limits, events)?,
            C::SetState {
                book,
                account,
                state,
            } => self.set_state(*book, *account, *state, events)?,
            C::SetVelocity { book, of, limits } => {
                self.set_velocity(*book, *of, limits, events)?;
            }
            C::SetClass {
                book,
                account,
                class,
            } => self.set_class(*book, *account, *class, events)?,
            C::SetBook { book, settings } => self.set_book(*book, settings, events)?,
            C::ClosePeriod { book, before } => self.close_period(at, *book, *before, events)?,
            C::Describe {
                book,
                account,
                description,
            } => self.describe(*book, *account, description, events)?,
            // All other commands have an answer of their own.
            _ => {}
        }
        Ok(())
    }

    fn known<'a>(
        &self,
        found: impl Iterator<Item = Result<&'a Account, Rejection>>,
    ) -> Result<Answer<Outcome, Key>, Rejection> {
        let known = found.map(|account| {
            let account = *account?;
            Ok(KnownAccount {
                account,
                name: self.name(account.no).cloned(),
                velocity: self.velocity_limits(&account),
                counter: self.counter(account.no),
            })
        });
        let known = known.collect::<Result<_, _>>()?;
        Ok(Answer::Decided(Outcome::Known(known)))
    }

    fn ask_holds(
        &self,
        book: Book,
        ids: &[TransactionId],
        rows: &Rows,
    ) -> Result<Answer<Outcome, Key>, Rejection> {
        let mut holds = Vec::with_capacity(ids.len());
        let mut lacking = Vec::new();
        for id in ids {
            let key = Key::Hold(book, *id);
            let brought = || cold::hold(rows, book, *id);
            if let Some(hold) = self.holds.get(book, *id).or_else(brought) {
                holds.push(hold.clone());
            } else if self.holds.any_left() && !rows.contains_key(&key) {
                lacking.push(key);
            } else {
                return Err(Rejection::new(Reason::HoldNotFound));
            }
        }
        Ok(if lacking.is_empty() {
            Answer::Decided(Outcome::Holds(holds))
        } else {
            Answer::Missing(lacking)
        })
    }
}
