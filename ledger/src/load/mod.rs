//! A load on a ledger, and what it took: the figures that others can repeat.
//!
//! A [`Load`] says how many transfers between how many accounts come from how many submitters, and
//! in which batches. [`run`] puts it on a ledger in an empty database and measures, in this order:
//! how fast transfers are acknowledged, and how fast with the views caught up; the disk's own limit
//! for the same bytes ([`disk`]); how long a start takes after the process is gone without a word;
//! and how fast everything is verified. What was measured is also checked: every transfer is
//! answered, counted, and in the views, and the books balance.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures for people: the first few digits count"
)]

pub mod disk;
mod figures;
pub mod memory;
mod run;
mod size;
mod transfers;

use std::path::PathBuf;

use crate::shell::{OpenError, SubmitError, VerifyError, ViewsError};

pub use disk::DiskLimit;
pub use figures::Figures;
pub use run::{quantile, run};

/// What to put on a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub transfers: u64,
    pub accounts: u64,
    /// Transfers in one request; they are decided independently.
    pub batch: usize,
    /// Requests under way at the same time.
    pub submitters: usize,
    /// Whether one side of every transfer is the same account.
    pub hot: bool,
    /// Whether the ids are of no time (UUID version 4) instead of ordered by time (version 7).
    pub random_ids: bool,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            transfers: 1_000_000,
            accounts: 10_000,
            batch: 8_190,
            submitters: 4,
            hot: false,
            random_ids: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Views(#[from] ViewsError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("a transfer was not done: {0}")]
    Submit(#[from] SubmitError),
    #[error("{}: {error}", path.display())]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("what came out is wrong: {0}")]
    Wrong(String),
    #[error("a submitter ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}
