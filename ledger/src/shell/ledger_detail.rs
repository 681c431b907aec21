//! What accounts, transactions and holds say about themselves, and what belongs together.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `account_names` | account with a name | account |
//! | `account_descriptions` | account that is described | account |
//! | `transaction_details` | transaction with an effective date, metadata or a correction | transaction |
//! | `effective_postings` | side of a posting with an effective date of its own | account, effective, transaction, posting |
//! | `transaction_references` | transaction with a reference | book, reference, transaction |
//! | `transaction_metadata` | pair of a transaction's metadata | book, key, value, transaction |
//! | `transaction_reversals` | reversal | what was reversed, by what |
//! | `hold_details` | hold | book, id |
//! | `hold_accounts` | account of a hold | account, hold |
//! | `hold_captures` | capture | book, hold, transaction |
//!
//! Metadata are JSON objects of texts. Payments give every transaction a reference, so that table is
//! not kept for them: they are found by their orders.

use std::collections::BTreeSet;

use crate::core::{
    AccountNo, Book, Details, Event, Hold, Ledger, Metadata, Posting, Transaction, TransactionNo,
};
use crate::few::Few;
use crate::machine::Moment;
use crate::shell::table::{Column, Growth, Rows, Table, Value};

pub(super) static ACCOUNT_NAMES: Table = Table {
    name: "account_names",
    columns: &[
        Column::integer("account_no"),
        Column::integer("book"),
        Column::text("name"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["book, name"],
};

pub(super) static ACCOUNT_DESCRIPTIONS: Table = Table {
    name: "account_descriptions",
    columns: &[
        Column::integer("account_no"),
        Column::integer("kind"),
        Column::text("reference").or_null(),
        Column::text("metadata"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

pub(super) static TRANSACTION_DETAILS: Table = Table {
    name: "transaction_details",
    columns: &[
        Column::integer("transaction_no"),
        Column::integer("effective").or_null(),
        Column::integer("corrects").or_null(),
        Column::text("metadata"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static EFFECTIVE_POSTINGS: Table = Table {
    name: "effective_postings",
    columns: &[
        Column::integer("account_no"),
        Column::integer("effective"),
        Column::integer("transaction_no"),
        Column::integer("posting"),
        Column::integer("debit"),
        Column::integer("credit"),
    ],
    key: 4,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static TRANSACTION_REFERENCES: Table = Table {
    name: "transaction_references",
    columns: &[
        Column::integer("book"),
        Column::text("reference"),
        Column::integer("transaction_no"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static TRANSACTION_METADATA: Table = Table {
    name: "transaction_metadata",
    columns: &[
        Column::integer("book"),
        Column::text("key"),
        Column::text("value"),
        Column::integer("transaction_no"),
    ],
    key: 4,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static TRANSACTION_REVERSALS: Table = Table {
    name: "transaction_reversals",
    columns: &[Column::integer("transaction_no"), Column::integer("by_no")],
    key: 2,
    growth: Growth::Append,
    indexes: &["by_no"],
};

pub(super) static HOLD_DETAILS: Table = Table {
    name: "hold_details",
    columns: &[
        Column::integer("book"),
        Column::blob("id"),
        Column::text("reference").or_null(),
        Column::text("metadata"),
        Column::integer("at"),
        Column::integer("seq"),
        Column::blob("amounts"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static HOLD_ACCOUNTS: Table = Table {
    name: "hold_accounts",
    columns: &[
        Column::integer("account_no"),
        Column::integer("book"),
        Column::blob("id"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &[],
};

pub(super) static HOLD_CAPTURES: Table = Table {
    name: "hold_captures",
    columns: &[
        Column::integer("book"),
        Column::blob("id"),
        Column::integer("transaction_no"),
    ],
    key: 3,
    growth: Growth::Append,
    indexes: &["transaction_no"],
};

pub(super) static TABLES: [&Table; 10] = [
    &ACCOUNT_NAMES,
    &ACCOUNT_DESCRIPTIONS,
    &TRANSACTION_DETAILS,
    &EFFECTIVE_POSTINGS,
    &TRANSACTION_REFERENCES,
    &TRANSACTION_METADATA,
    &TRANSACTION_REVERSALS,
    &HOLD_DETAILS,
    &HOLD_ACCOUNTS,
    &HOLD_CAPTURES,
];

/// Puts the rows of these tables.
#[derive(Debug, Default)]
pub(super) struct DetailView {
    /// The postings of the last transaction: its details come right after it.
    last: Few<Posting, 1>,
    /// A book whose references are not kept.
    without_references: Option<Book>,
}

impl DetailView {
    pub(super) fn without_references_of(book: Book) -> Self {
        Self {
            last: Few::default(),
            without_references: Some(book),
        }
    }

    pub(super) fn fold(&mut self, moment: Moment, event: &Event, ledger: &Ledger, rows: &mut Rows) {
        match event {
            Event::Posted { book, transaction } => self.posted(*book, transaction, rows),
            Event::Detailed {
                transaction,
                details,
            } => self.detailed(*transaction, details, ledger, rows),
            Event::Held {
                hold,
                reference,
                metadata,
            } => put_hold(moment, hold, reference.as_deref(), metadata, rows),
            Event::Captured {
                book,
                hold,
                transaction,
                ..
            } => rows.put(
                &HOLD_CAPTURES,
                [book.0.into(), Value::id(hold.0), transaction.0.into()],
            ),
            Event::Reversed {
                transaction, by, ..
            } => rows.put(&TRANSACTION_REVERSALS, [transaction.0.into(), by.0.into()]),
            Event::Named { account, name } => {
                let book = ledger.account_by_no(*account).map_or(0, |of| of.book.0);
                rows.put(
                    &ACCOUNT_NAMES,
                    [account.0.into(), book.into(), name.as_str().into()],
                );
            }
            Event::Described {
                account,
                description,
            } => rows.put(
                &ACCOUNT_DESCRIPTIONS,
                [
                    account.0.into(),
                    description.kind.into(),
                    description.reference.as_deref().into(),
                    json(&description.metadata),
                ],
            ),
            _ => {}
        }
    }

    fn posted(&mut self, book: Book, transaction: &Transaction, rows: &mut Rows) {
        self.last.clone_from(&transaction.postings);
        if let Some(reference) = &transaction.reference
            && self.without_references != Some(book)
        {
            rows.put(
                &TRANSACTION_REFERENCES,
                [
                    book.0.into(),
                    reference.as_ref().into(),
                    transaction.no.0.into(),
                ],
            );
        }
    }

    fn detailed(&self, no: TransactionNo, details: &Details, ledger: &Ledger, rows: &mut Rows) {
        rows.put(
            &TRANSACTION_DETAILS,
            [
                no.0.into(),
                details.effective.map(|at| at.0).into(),
                details.corrects.map(|no| no.0).into(),
                json(&details.metadata),
            ],
        );
        let first = self.last.first();
        let account = first.and_then(|posting| ledger.account_by_no(posting.debit));
        let book = account.map_or(0, |account| account.book.0);
        for (key, value) in &details.metadata {
            let (key, value) = (key.as_ref().into(), value.as_ref().into());
            rows.put(
                &TRANSACTION_METADATA,
                [book.into(), key, value, no.0.into()],
            );
        }
        let Some(effective) = details.effective else {
            return;
        };
        for (position, posting) in (0_u32..).zip(&self.last) {
            for (account, debit, credit) in sides(posting) {
                rows.put(
                    &EFFECTIVE_POSTINGS,
                    [
                        account.0.into(),
                        effective.0.into(),
                        no.0.into(),
                        position.into(),
                        debit.into(),
                        credit.into(),
                    ],
                );
            }
        }
    }
}

/// The two sides of a posting: the account, and what it was debited and credited.
fn sides(posting: &Posting) -> [(AccountNo, i64, i64); 2] {
    [
        (posting.debit, posting.amount, 0),
        (posting.credit, 0, posting.amount),
    ]
}

fn put_hold(
    moment: Moment,
    hold: &Hold,
    reference: Option<&str>,
    metadata: &Metadata,
    rows: &mut Rows,
) {
    let amounts: Vec<i64> = hold.postings.iter().map(|posting| posting.amount).collect();
    rows.put(
        &HOLD_DETAILS,
        [
            hold.book.0.into(),
            Value::id(hold.id.0),
            reference.into(),
            json(metadata),
            moment.at.0.into(),
            moment.sequence.0.into(),
            super::ledger_cold::encoded(&amounts),
        ],
    );
    let accounts = hold.postings.iter().flat_map(sides);
    let accounts: BTreeSet<AccountNo> = accounts.map(|(no, _, _)| no).collect();
    for no in accounts {
        rows.put(
            &HOLD_ACCOUNTS,
            [no.0.into(), hold.book.0.into(), Value::id(hold.id.0)],
        );
    }
}

/// An object of texts.
fn json(metadata: &Metadata) -> Value {
    let text = serde_json::to_string(metadata).expect("texts can be written as JSON");
    Value::Text(text.into())
}
