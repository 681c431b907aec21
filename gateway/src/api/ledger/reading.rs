//! What reads take in common: a moment, a place in the journal, an account by name.

use ledger::core::AccountName;
use ledger::shell::Reading;
use ledger::shell::ledger_read::account::{self, AccountRow};
use ledger::shell::ledger_read::balance::{AsOf, TimeKind};
use ledger::{AccountKind, AccountNo, Book, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::wire::Time;
use crate::app::views_problem;
use crate::problem::{Code, Problem};

/// Accounts read at a time.
const CHUNK: u32 = 1_000;

/// Which of a transaction's two times is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ByTime {
    #[default]
    Recorded,
    Effective,
}

impl From<ByTime> for TimeKind {
    fn from(by: ByTime) -> Self {
        match by {
            ByTime::Recorded => Self::Recorded,
            ByTime::Effective => Self::Effective,
        }
    }
}

/// The balance of accounts now, or as of a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Balances(Option<AsOf>);

impl Balances {
    pub(super) async fn new(
        reading: &mut Reading,
        as_of: Option<Time>,
        by: ByTime,
    ) -> Result<Self, Problem> {
        let at = match (as_of, by) {
            (Some(time), _) => time.0,
            // Everything has taken effect by now, so both kinds of time say the same.
            (None, _) => return Ok(Self(None)),
        };
        let as_of = AsOf::new(reading, by.into(), at).await;
        Ok(Self(Some(as_of.map_err(|error| views_problem(&error))?)))
    }

    /// The balance on the account's normal side.
    pub(super) async fn of(
        &self,
        reading: &mut Reading,
        account: &AccountRow,
    ) -> Result<i128, Problem> {
        match &self.0 {
            None => Ok(account.net()),
            Some(as_of) => as_of
                .balance(reading, account.no, account.kind)
                .await
                .map_err(|error| views_problem(&error)),
        }
    }
}

/// The account of a name, as the views have it.
pub(super) async fn account_row(
    reading: &mut Reading,
    book: Book,
    name: &str,
) -> Result<AccountRow, Problem> {
    let found = account::find(reading, book, name).await;
    let found = found.map_err(|error| views_problem(&error))?;
    found.ok_or_else(|| {
        Problem::new(
            Code::AccountNotFound,
            format!("There is no account {name} in this book."),
        )
    })
}

/// All accounts of a book or of a branch of its tree, in pieces.
#[derive(Debug)]
pub(super) struct Accounts {
    book: Book,
    branch: Option<AccountName>,
    after: String,
}

impl Accounts {
    pub(super) fn new(book: Book, branch: Option<AccountName>) -> Self {
        Self {
            book,
            branch,
            after: String::new(),
        }
    }

    /// The next accounts; none at the end.
    pub(super) async fn next(&mut self, reading: &mut Reading) -> Result<Vec<AccountRow>, Problem> {
        let branch = self.branch.as_ref().map(AccountName::as_str);
        let rows = account::page(reading, self.book, branch, &self.after, CHUNK).await;
        let rows = rows.map_err(|error| views_problem(&error))?;
        if let Some(last) = rows.last() {
            self.after.clone_from(&last.name);
        }
        Ok(rows)
    }
}

/// Debits less credits of a balance on the account's normal side.
pub(super) const fn debits_less_credits(kind: AccountKind, net: i128) -> i128 {
    if kind.is_debit_normal() { net } else { -net }
}

/// A moment that is not given is the end of time that a database holds.
pub(super) fn until(time: Option<Time>) -> Timestamp {
    time.map_or(Timestamp(i64::MAX.cast_unsigned()), |time| time.0)
}

/// Names of accounts by number, from rows that were read.
pub(super) fn name_of(rows: &[AccountRow], no: AccountNo) -> String {
    let row = rows.iter().find(|row| row.no == no);
    row.map_or_else(String::new, |row| row.name.clone())
}
