//! Books of tenants: ledgers of their own beside the payments' book, in the same journal.
//!
//! A tenant says to its book whatever the ledger understands. The payments' book understands only
//! the payment rules, so no tenant is ever given its number.

use ledger::core::BookSettings;
use ledger::{Account, AccountState, Answer, Book, Machine as _, Timestamp};
use serde::{Deserialize, Serialize};

use super::id::BookId;
use super::key::Tenant;
use super::message::{ColdKey, Event, InBook, Outcome};
use super::recipe::PAYMENTS_BOOK;
use super::refusal::Refusal;
use super::state::Payments;

/// More than one machine keeps well; each has accounts of its own.
pub const BOOKS_MAX: usize = 100_000;

/// A tenant's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantBook {
    pub tenant: Tenant,
    pub settings: BookSettings,
}

type Decided = Result<Outcome, Refusal>;

impl Payments {
    /// The tenants' books, in order of id.
    pub fn books(&self) -> impl Iterator<Item = &TenantBook> {
        self.books.values()
    }

    pub(super) fn open_book(
        &self,
        id: BookId,
        settings: &BookSettings,
        events: &mut Vec<Event>,
    ) -> Decided {
        if self.books.contains_key(&id) {
            return Err(Refusal::IdTaken);
        }
        if self.books.len() >= BOOKS_MAX {
            return Err(Refusal::BooksTooMany);
        }
        let opened = u32::try_from(self.books.len()).expect("fewer than 2^32 books");
        let tenant = Tenant {
            id,
            book: Book(PAYMENTS_BOOK.0 + 1 + opened),
        };
        let mut set = Vec::new();
        self.ledger.set_book(tenant.book, settings, &mut set)?;
        let book = TenantBook {
            tenant,
            settings: settings.clone(),
        };
        events.push(Event::BookOpened(book.clone()));
        events.extend(set.into_iter().map(Event::Ledger));
        Ok(Outcome::Books(vec![book]))
    }

    pub(super) fn find_book(&self, id: BookId) -> Decided {
        let book = self.books.get(&id).ok_or(Refusal::BookNotFound)?;
        Ok(Outcome::Books(vec![book.clone()]))
    }

    /// Decides on what a tenant asks of its book.
    pub(super) fn in_book(
        &self,
        at: Timestamp,
        asked: &InBook,
        cold: &ledger::Cold<ColdKey, super::message::ColdRow>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ColdKey> {
        if let Err(refusal) = self.may(asked) {
            return Answer::Decided(Outcome::Refused(refusal));
        }
        let rows = cold.rows.iter().filter_map(|(key, row)| match (key, row) {
            (ColdKey::Ledger(key), None) => Some((*key, None)),
            (ColdKey::Ledger(key), Some(super::message::ColdRow::Ledger(row))) => {
                Some((*key, Some(row.clone())))
            }
            _ => None,
        });
        let cold = ledger::Cold {
            read_at: cold.read_at,
            rows: rows.collect(),
        };
        let mut happened = Vec::new();
        match self.ledger.decide(at, &asked.command, &cold, &mut happened) {
            Answer::Missing(keys) => {
                Answer::Missing(keys.into_iter().map(ColdKey::Ledger).collect())
            }
            Answer::Decided(ledger::Outcome::Refused(rejection)) => {
                Answer::Decided(Outcome::Refused(Refusal::Ledger(rejection)))
            }
            Answer::Decided(outcome) => {
                events.extend(happened.into_iter().map(Event::Ledger));
                Answer::Decided(Outcome::Ledger(outcome))
            }
        }
    }

    /// Whether this may be asked of this book at all.
    fn may(&self, asked: &InBook) -> Result<(), Refusal> {
        let InBook {
            book,
            command,
            assets,
            by_operator,
        } = asked;
        let is_tenants =
            *book > PAYMENTS_BOOK && ((book.0 - PAYMENTS_BOOK.0) as usize) <= self.books.len();
        if !is_tenants || !is_about(command, *book) {
            return Err(Refusal::BookNotFound);
        }
        let find = |id| self.ledger.account(*book, id);
        for (account, currency) in assets {
            if find(*account).is_some_and(|found| found.currency != *currency) {
                return Err(Refusal::CurrencyMismatch {
                    account: *account,
                    code: currency.code().to_owned(),
                });
            }
        }
        let is_closed = |account: &Account| account.state == AccountState::Closed;
        match command {
            ledger::Command::Change {
                account, changes, ..
            } if changes
                .state
                .is_some_and(|state| state != AccountState::Closed)
                && !by_operator
                && find(*account).is_some_and(is_closed) =>
            {
                let rejection = ledger::Rejection::new(ledger::Reason::AccountClosed);
                Err(Refusal::Ledger(rejection.of_account(*account)))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a command is one that tenants give, and about this book.
fn is_about(command: &ledger::Command, wanted: Book) -> bool {
    use ledger::Command as C;
    match command {
        C::OpenNamed { book, .. }
        | C::Change { book, .. }
        | C::Transact { book, .. }
        | C::SetVelocity { book, .. }
        | C::SetBook { book, .. }
        | C::ClosePeriod { book, .. }
        | C::Accounts { book, .. }
        | C::Named { book, .. }
        | C::Holds { book, .. } => *book == wanted,
        C::Try(command) => is_about(command, wanted),
        C::RegisterAsset(_)
        | C::Open(_)
        | C::Post { .. }
        | C::SetLimits { .. }
        | C::SetState { .. }
        | C::Balances { .. }
        | C::SetClass { .. }
        | C::Describe { .. } => false,
    }
}
