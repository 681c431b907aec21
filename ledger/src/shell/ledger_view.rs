//! The tables of a ledger, for any SQL tool.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `accounts` | account, as it stands | number |
//! | `transactions` | transaction | number |
//! | `postings` | side of a posting, so two for each | account, transaction, posting |
//! | `transaction_ids` | transaction | book, the caller's id |
//! | `holds`, `reversals` | see `ledger_cold` | |
//! | details | see `ledger_detail` | |
//!
//! `hex(id)` shows an id; `at` is in nanoseconds since 1970; amounts are in minor units of the
//! account's currency. A line of `postings` has the amount under `debit` or under `credit`, zero
//! under the other, and the account's balance on its normal side after the line, so a balance at
//! any moment is one look-up.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use crate::core::{
    Account, AccountKind, AccountNo, AccountState, Book, Event, Key, Ledger, Row, Transaction,
};
use crate::machine::Moment;
use crate::shell::ledger_cold::{self, HOLDS, REVERSALS};
use crate::shell::ledger_detail::{self, DetailView};
use crate::shell::table::{Column, Growth, Rows, Table, Value};
use crate::shell::view::View;

pub static ACCOUNTS: Table = Table {
    name: "accounts",
    columns: &[
        Column::integer("account_no"),
        Column::integer("book"),
        Column::blob("id"),
        Column::text("currency"),
        Column::text("kind"),
        Column::text("state"),
        Column::integer("minimum").or_null(),
        Column::integer("maximum").or_null(),
        Column::wide("debits"),
        Column::wide("credits"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["book, id"],
};

pub static TRANSACTIONS: Table = Table {
    name: "transactions",
    columns: &[
        Column::integer("transaction_no"),
        Column::integer("book"),
        Column::blob("id"),
        Column::integer("kind"),
        Column::text("reference").or_null(),
        Column::integer("at"),
        Column::integer("seq"),
        Column::blob("postings"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub static POSTINGS: Table = Table {
    name: "postings",
    columns: &[
        Column::integer("account_no"),
        Column::integer("transaction_no"),
        Column::integer("posting"),
        Column::integer("other_account_no"),
        Column::integer("debit"),
        Column::integer("credit"),
        Column::wide("balance"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &[],
};

pub static TRANSACTION_IDS: Table = Table {
    name: "transaction_ids",
    columns: &[
        Column::integer("book"),
        Column::blob("id"),
        Column::integer("transaction_no"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &[],
};

/// The view of a ledger, alone or inside another machine.
#[derive(Debug, Default)]
pub struct LedgerView {
    /// The accounts touched in this chunk.
    touched: BTreeSet<AccountNo>,
    details: DetailView,
}

impl LedgerView {
    pub fn tables() -> Vec<&'static Table> {
        let mut tables = vec![
            &ACCOUNTS,
            &TRANSACTIONS,
            &POSTINGS,
            &TRANSACTION_IDS,
            &HOLDS,
            &REVERSALS,
        ];
        tables.extend(ledger_detail::TABLES);
        tables
    }

    /// A view that does not look up transactions of this book by their references.
    pub fn without_references_of(book: Book) -> Self {
        Self {
            touched: BTreeSet::new(),
            details: DetailView::without_references_of(book),
        }
    }

    /// Puts the rows of an event; `ledger` stands as it does after it.
    pub fn fold(&mut self, moment: Moment, event: &Event, ledger: &Ledger, rows: &mut Rows) {
        self.details.fold(moment, event, ledger, rows);
        match event {
            Event::Opened(_) => {
                self.touched
                    .extend(ledger.accounts().last().map(|account| account.no));
            }
            Event::LimitsSet { account, .. } | Event::StateSet { account, .. } => {
                self.touched.insert(*account);
            }
            Event::Posted { book, transaction } => {
                put_transaction(moment, *book, transaction, rows);
                self.put_postings(transaction, ledger, rows);
            }
            Event::Held { hold, .. } => ledger_cold::put_hold(hold, rows),
            Event::Captured { book, hold: id, .. }
            | Event::Released { book, hold: id, .. }
            | Event::Expired { book, hold: id, .. } => {
                if let Some(hold) = ledger.hold(*book, *id) {
                    ledger_cold::put_hold(hold, rows);
                }
            }
            Event::Reversed {
                transaction,
                reversed,
                ..
            } => ledger_cold::put_reversed(*transaction, reversed, rows),
            // Shown in the tables of details, or not at all.
            Event::AssetRegistered(_)
            | Event::Detailed { .. }
            | Event::Counted { .. }
            | Event::AccountVelocitySet { .. }
            | Event::ClassVelocitySet { .. }
            | Event::ClassSet { .. }
            | Event::BookSet { .. }
            | Event::PeriodClosed { .. }
            | Event::Described { .. }
            | Event::Named { .. } => {}
        }
    }

    /// Two lines for each posting. The balances after the transaction are known, so the lines are
    /// made from the last one backwards.
    fn put_postings(&mut self, transaction: &Transaction, ledger: &Ledger, rows: &mut Rows) {
        let mut after: BTreeMap<AccountNo, i128> = BTreeMap::new();
        for (position, posting) in transaction.postings.iter().enumerate().rev() {
            let sides = [
                (posting.debit, posting.credit, posting.amount, 0),
                (posting.credit, posting.debit, 0, posting.amount),
            ];
            for (no, other, debit, credit) in sides {
                let Some(account) = ledger.account_by_no(no) else {
                    continue;
                };
                let balance = after.entry(no).or_insert_with(|| account.net());
                rows.put(
                    &POSTINGS,
                    [
                        no.0.into(),
                        transaction.no.0.into(),
                        (position as u64).into(),
                        other.0.into(),
                        debit.into(),
                        credit.into(),
                        (*balance).into(),
                    ],
                );
                let raised = i128::from(debit) - i128::from(credit);
                *balance -= if account.kind.is_debit_normal() {
                    raised
                } else {
                    -raised
                };
                self.touched.insert(no);
            }
        }
    }

    /// Puts the touched accounts as they now stand.
    pub fn finish(&mut self, ledger: &Ledger, rows: &mut Rows) {
        for no in std::mem::take(&mut self.touched) {
            if let Some(account) = ledger.account_by_no(no) {
                put_account(account, rows);
            }
        }
    }
}

fn put_transaction(moment: Moment, book: Book, transaction: &Transaction, rows: &mut Rows) {
    rows.put(
        &TRANSACTIONS,
        [
            transaction.no.0.into(),
            book.0.into(),
            Value::id(transaction.id.0),
            transaction.kind.into(),
            transaction.reference.as_deref().into(),
            moment.at.0.into(),
            moment.sequence.0.into(),
            ledger_cold::encoded(&transaction.postings),
        ],
    );
    rows.put(
        &TRANSACTION_IDS,
        [
            book.0.into(),
            Value::id(transaction.id.0),
            transaction.no.0.into(),
        ],
    );
}

fn put_account(account: &Account, rows: &mut Rows) {
    rows.put(
        &ACCOUNTS,
        [
            account.no.0.into(),
            account.book.0.into(),
            Value::id(account.id.0),
            account.currency.code().into(),
            kind_name(account.kind).into(),
            state_name(account.state).into(),
            account.limits.minimum.into(),
            account.limits.maximum.into(),
            account.balance.debits.into(),
            account.balance.credits.into(),
        ],
    );
}

const fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Asset => "asset",
        AccountKind::Liability => "liability",
        AccountKind::Equity => "equity",
        AccountKind::Income => "income",
        AccountKind::Expense => "expense",
    }
}

const fn state_name(state: AccountState) -> &'static str {
    match state {
        AccountState::Open => "open",
        AccountState::FrozenIn => "frozen_in",
        AccountState::FrozenOut => "frozen_out",
        AccountState::Frozen => "frozen",
        AccountState::Closed => "closed",
    }
}

impl View<Ledger> for LedgerView {
    fn tables(&self) -> Vec<&'static Table> {
        Self::tables()
    }

    fn fold(&mut self, moment: Moment, event: &Event, machine: &Ledger, rows: &mut Rows) {
        self.fold(moment, event, machine, rows);
    }

    fn finish(&mut self, machine: &Ledger, rows: &mut Rows) {
        self.finish(machine, rows);
    }

    async fn cold(
        connection: &mut SqliteConnection,
        keys: &[Key],
    ) -> Result<BTreeMap<Key, Option<Row>>, sqlx::Error> {
        ledger_cold::read(connection, keys).await
    }
}
