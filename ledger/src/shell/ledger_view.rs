//! The tables of a ledger, for any SQL tool.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `accounts` | account: its terms, as they stand | number |
//! | `balances` | block of accounts: what was posted, see [`packed`](crate::shell::packed) | number |
//! | `transactions` and the indexes `postings` and `transaction_ids` | see [`packed`](crate::shell::packed) | |
//! | `holds`, `reversals` | see `ledger_cold` | |
//! | details | see `ledger_detail` | |
//!
//! `hex(id)` shows an id; `at` is in nanoseconds since 1970; amounts are in minor units of the
//! account's currency. A [`Line`] of `postings` has the account's balance on its normal side after
//! it, so a balance at any moment is one look-up.

use std::collections::BTreeMap;

use crate::core::{
    Account, AccountKind, AccountNo, AccountState, Book, Event, Key, Ledger, Row, Transaction,
};
use crate::machine::Moment;
use crate::shell::ledger_cold::{self, HOLDS, REVERSALS};
use crate::shell::ledger_detail::{self, DetailView};
use crate::shell::packed::{self, BALANCES, Line};
use crate::shell::sql::Connection;
use crate::shell::table::{Column, Growth, Rows, Table, Value};
use crate::shell::view::{Seen, View};

pub static ACCOUNTS: Table = Table {
    name: "accounts",
    columns: &[
        Column::integer("account_no"),
        Column::integer("book").fixed(),
        Column::blob("id").fixed(),
        Column::text("currency").fixed(),
        Column::text("kind").fixed(),
        Column::text("state"),
        Column::integer("minimum").or_null(),
        Column::integer("maximum").or_null(),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["book, id"],
};

/// The view of a ledger, alone or inside another machine.
#[derive(Debug, Default)]
pub struct LedgerView {
    /// By number of a block of balances whether one of them has changed in this chunk.
    moved: Vec<bool>,
    details: DetailView,
}

impl LedgerView {
    pub fn tables() -> Vec<&'static Table> {
        let mut tables = vec![&ACCOUNTS, &BALANCES, &HOLDS, &REVERSALS];
        tables.extend(ledger_detail::TABLES);
        tables
    }

    /// A view that does not look up transactions of this book by their references.
    pub fn without_references_of(book: Book) -> Self {
        Self {
            details: DetailView::without_references_of(book),
            ..Self::default()
        }
    }

    /// Puts the rows of an event; `ledger` stands as it does after it.
    pub fn fold(&mut self, moment: Moment, event: &Event, ledger: &Ledger, rows: &mut Rows) {
        self.details.fold(moment, event, ledger, rows);
        match event {
            Event::Opened(_) => {
                if let Some(account) = ledger.accounts().last() {
                    put_account(account, rows);
                    self.move_balance(account.no);
                }
            }
            Event::LimitsSet { account, .. } | Event::StateSet { account, .. } => {
                if let Some(account) = ledger.account_by_no(*account) {
                    put_account(account, rows);
                }
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
        let mut after: Vec<(AccountNo, i128)> = Vec::new();
        let lines = &mut rows.packed().lines;
        let first = lines.len();
        for (position, posting) in transaction.postings.iter().enumerate().rev() {
            let sides = [
                (posting.debit, posting.credit, posting.amount),
                (posting.credit, posting.debit, -posting.amount),
            ];
            for (no, other, debited) in sides.into_iter().rev() {
                let Some(account) = ledger.account_by_no(no) else {
                    continue;
                };
                let raised = if account.kind.is_debit_normal() {
                    debited
                } else {
                    -debited
                };
                let known = after.iter().position(|(of, _)| *of == no);
                let known = known.unwrap_or_else(|| {
                    after.push((no, account.net()));
                    after.len() - 1
                });
                let balance = after[known].1;
                after[known].1 -= i128::from(raised);
                lines.push(Line {
                    account_no: no.0,
                    transaction_no: transaction.no.0,
                    posting: u32::try_from(position).unwrap_or(u32::MAX),
                    other_account_no: other.0,
                    raised,
                    balance,
                });
                self.move_balance(no);
            }
        }
        lines[first..].reverse();
    }

    fn move_balance(&mut self, no: AccountNo) {
        let block = packed::block_of(no) as usize;
        if self.moved.len() <= block {
            self.moved.resize(block + 1, false);
        }
        self.moved[block] = true;
    }

    /// Puts the balances that have changed as they now stand.
    pub fn finish(&mut self, ledger: &Ledger, rows: &mut Rows) {
        for (block, moved) in (0..).zip(&mut self.moved) {
            if std::mem::take(moved) {
                rows.put(&BALANCES, packed::balances_row(block, ledger.accounts()));
            }
        }
    }
}

fn put_transaction(moment: Moment, book: Book, transaction: &Transaction, rows: &mut Rows) {
    let packed = rows.packed();
    packed.bodies.push(moment, book, transaction);
    packed.put_id(book, transaction.id, transaction.no);
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

    fn fold(&mut self, seen: Seen, event: &Event, machine: &Ledger, rows: &mut Rows) {
        self.fold(seen.moment, event, machine, rows);
    }

    fn finish(&mut self, machine: &Ledger, rows: &mut Rows) {
        self.finish(machine, rows);
    }

    async fn cold(
        connection: &mut Connection<'_>,
        keys: &[Key],
    ) -> Result<BTreeMap<Key, Option<Row>>, sqlx::Error> {
        ledger_cold::read(connection, keys).await
    }
}
