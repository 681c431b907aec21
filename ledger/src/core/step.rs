//! The steps of a command that happens as a whole: posting, holding, capturing, releasing,
//! reversing. Each step sees what those before it did.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::core::{AccountNo, Memo, Metadata, NewPosting, Standing, TransactionId, TransactionNo};
use crate::time::Timestamp;

/// How to read the amounts of postings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amounts {
    #[default]
    Exact,
    /// Each posting moves at most its amount: what is there on the account it lowers, down to the
    /// minimum (zero if it has none), and what has room on the account it raises, up to the
    /// maximum. What comes to nothing is left out; at least one posting must move something.
    AtMost,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Post {
        memo: Memo,
        postings: Vec<NewPosting>,
        amounts: Amounts,
        /// When it takes effect, if not now: in the past, in a period that is not closed.
        effective: Option<Timestamp>,
        /// The transaction in whose place this one stands.
        corrects: Option<TransactionNo>,
    },
    /// Puts the amounts aside: they count against what is available until they are captured,
    /// released or expire.
    Hold {
        memo: Memo,
        postings: Vec<NewPosting>,
        amounts: Amounts,
        timeout_secs: Option<NonZeroU32>,
    },
    /// Posts what a hold put aside, all that remains or an amount for each of its postings. What
    /// then remains stays on hold.
    Capture {
        memo: Memo,
        hold: TransactionId,
        amounts: Option<Vec<i64>>,
        effective: Option<Timestamp>,
    },
    /// Gives back all that a hold still holds.
    Release { hold: TransactionId },
    /// Posts the opposite of a transaction, all that has not been reversed or an amount for each of
    /// its postings.
    Reverse {
        memo: Memo,
        transaction: TransactionNo,
        amounts: Option<Vec<i64>>,
        effective: Option<Timestamp>,
    },
}

impl Step {
    pub(super) fn weight(&self) -> usize {
        let within = match self {
            Self::Post { memo, postings, .. } | Self::Hold { memo, postings, .. } => {
                memo.weight() + size_of_val(postings.as_slice())
            }
            Self::Capture { memo, amounts, .. } | Self::Reverse { memo, amounts, .. } => {
                memo.weight() + amounts.as_deref().map_or(0, size_of_val)
            }
            Self::Release { .. } => 0,
        };
        size_of_val(self) + within
    }
}

/// What a transaction has besides its postings, where it has any of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    pub effective: Option<Timestamp>,
    pub corrects: Option<TransactionNo>,
    pub metadata: Metadata,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The transaction that was posted, if one was.
    pub transaction: Option<TransactionNo>,
    /// What was moved, held or released by each posting that was asked for.
    pub amounts: Vec<i64>,
}

/// What a command of steps did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transacted {
    /// One for each step.
    pub done: Vec<Done>,
    /// How the touched accounts stand, in order of first touch.
    pub standings: Vec<(AccountNo, Standing)>,
}
