//! The events of a ledger as a table to be read from any place on, each with the balances that it
//! led to.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `ledger_events` | event of a book | book, row of the journal, position in it |
//!
//! Both columns of contents are in the journal's encoding; they are for the ledger itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::{AccountNo, Book, Event, Ledger, Posting, Standing};
use crate::machine::Sequence;
use crate::shell::ledger_cold::encoded;
use crate::shell::table::{Column, Growth, Rows, Table};
use crate::shell::view::Seen;

pub(super) static LEDGER_EVENTS: Table = Table {
    name: "ledger_events",
    columns: &[
        Column::integer("book"),
        Column::integer("seq"),
        Column::integer("position"),
        Column::integer("at"),
        Column::blob("event"),
        Column::blob("standings"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &[],
};

/// How accounts stood right after an event.
pub type Standings = Vec<(AccountNo, Standing)>;

/// A place in the order of all events: a row of the journal, and a position in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPlace {
    pub sequence: Sequence,
    pub position: u32,
}

/// Puts the events of a ledger's books.
#[derive(Debug, Default)]
pub struct LedgerEvents {
    /// The book of the last transaction, which what follows it is about.
    posted_in: Book,
}

impl LedgerEvents {
    pub fn tables() -> [&'static Table; 1] {
        [&LEDGER_EVENTS]
    }

    /// Puts an event of one of the books that are `wanted`; `ledger` stands as it does after it.
    pub fn fold(
        &mut self,
        seen: Seen,
        event: &Event,
        ledger: &Ledger,
        wanted: impl Fn(Book) -> bool,
        rows: &mut Rows,
    ) {
        if let Event::Posted { book, .. } = event {
            self.posted_in = *book;
        }
        let Some(book) = self.book_of(event, ledger).filter(|book| wanted(*book)) else {
            return;
        };
        let touched = touched(event, ledger);
        let standings: Standings = touched
            .into_iter()
            .filter_map(|no| Some((no, ledger.account_by_no(no)?.standing())))
            .collect();
        rows.put(
            &LEDGER_EVENTS,
            [
                book.0.into(),
                seen.moment.sequence.0.into(),
                seen.position.into(),
                seen.moment.at.0.into(),
                encoded(event),
                encoded(&standings),
            ],
        );
    }

    /// The book that an event happens in. Counters are the ledger's own affair.
    fn book_of(&self, event: &Event, ledger: &Ledger) -> Option<Book> {
        match event {
            Event::Opened(account) => Some(account.book),
            Event::Posted { book, .. }
            | Event::Captured { book, .. }
            | Event::Released { book, .. }
            | Event::Expired { book, .. }
            | Event::ClassVelocitySet { book, .. }
            | Event::BookSet { book, .. }
            | Event::PeriodClosed { book, .. } => Some(*book),
            Event::Held { hold, .. } => Some(hold.book),
            Event::LimitsSet { account, .. }
            | Event::StateSet { account, .. }
            | Event::AccountVelocitySet { account, .. }
            | Event::ClassSet { account, .. }
            | Event::Described { account, .. }
            | Event::Named { account, .. } => ledger.account_by_no(*account).map(|of| of.book),
            Event::Detailed { .. } | Event::Reversed { .. } => Some(self.posted_in),
            Event::AssetRegistered(_) | Event::Counted { .. } => None,
        }
    }
}

/// The accounts whose standing an event changes.
fn touched(event: &Event, ledger: &Ledger) -> BTreeSet<AccountNo> {
    match event {
        Event::Posted { transaction, .. } => accounts(&transaction.postings),
        Event::Held { hold, .. } => accounts(&hold.postings),
        Event::Captured { book, hold, .. }
        | Event::Released { book, hold, .. }
        | Event::Expired { book, hold, .. } => {
            let hold = ledger.hold(*book, *hold);
            hold.map(|hold| accounts(&hold.postings))
                .unwrap_or_default()
        }
        _ => BTreeSet::new(),
    }
}

fn accounts(postings: &[Posting]) -> BTreeSet<AccountNo> {
    let sides = postings
        .iter()
        .flat_map(|posting| [posting.debit, posting.credit]);
    sides.collect()
}
