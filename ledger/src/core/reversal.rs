//! Reversals: how much of which transaction has been reversed.
//!
//! Transactions are not kept in memory. Who reverses one brings its row along, postings and what
//! had been reversed when the row was read; what was reversed since is kept here until the views
//! hold it, and goes before what the row says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::{Book, Posting, TransactionNo};
use crate::machine::Sequence;

/// A posted transaction, as the views keep it for reversals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRow {
    pub book: Book,
    pub postings: Vec<Posting>,
    /// How much of each posting has been reversed; empty as long as nothing has.
    pub reversed: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    reversed: Vec<i64>,
    changed: Sequence,
}

/// What was reversed lately.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub(super) struct Reversals {
    kept: BTreeMap<TransactionNo, Kept>,
    #[serde(skip)]
    order: BTreeSet<(Sequence, TransactionNo)>,
}

/// The reversals as a snapshot keeps them: the order follows from them.
#[derive(Deserialize)]
struct Saved {
    kept: BTreeMap<TransactionNo, Kept>,
}

impl From<Saved> for Reversals {
    fn from(Saved { kept }: Saved) -> Self {
        let order = kept.iter().map(|(no, kept)| (kept.changed, *no)).collect();
        Self { kept, order }
    }
}

impl Reversals {
    pub(super) fn get(&self, no: TransactionNo) -> Option<&[i64]> {
        self.kept.get(&no).map(|kept| kept.reversed.as_slice())
    }

    pub(super) fn put(&mut self, no: TransactionNo, reversed: Vec<i64>, changed: Sequence) {
        if let Some(before) = self.kept.insert(no, Kept { reversed, changed }) {
            self.order.remove(&(before.changed, no));
        }
        self.order.insert((changed, no));
    }

    pub(super) fn evict(&mut self, through: Sequence) {
        while let Some(&(changed, no)) = self.order.first()
            && changed <= through
        {
            self.order.pop_first();
            self.kept.remove(&no);
        }
    }
}
