//! What the ledger may need from the views: what is finished and has left memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::{Book, Hold, TransactionId, TransactionNo, TransactionRow};

/// Names something that may have left memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    Hold(Book, TransactionId),
    Transaction(TransactionNo),
}

/// What the views keep of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    Hold(Hold),
    Transaction(TransactionRow),
}

/// Rows that a command brought along, or the knowledge that there are none.
pub type Rows = BTreeMap<Key, Option<Row>>;

pub(super) fn hold(rows: &Rows, book: Book, id: TransactionId) -> Option<&Hold> {
    match rows.get(&Key::Hold(book, id))? {
        Some(Row::Hold(hold)) => Some(hold),
        _ => None,
    }
}

pub(super) fn transaction(rows: &Rows, no: TransactionNo) -> Option<&TransactionRow> {
    match rows.get(&Key::Transaction(no))? {
        Some(Row::Transaction(row)) => Some(row),
        _ => None,
    }
}
