//! Where rows become durable.
//!
//! A journal is one table, `journal(shard, seq, epoch, prev_hash, hash, payload)`, with the primary
//! key (shard, seq). The key is the fence: two writers cannot both append the same sequence. An
//! append is one row and one commit, and nothing else in the house commits anything that matters.
//!
//! An append that fails may still have happened, or may yet happen. Nobody guesses: whoever
//! appended reads the row of that sequence and sees.

mod faulty;
mod memory;
mod sqlite;

use std::future::Future;
use std::path::PathBuf;

use crate::machine::Sequence;
use crate::shell::chain::Row;

pub use faulty::{Fault, Faults, FaultyJournal};
pub use memory::MemoryJournal;
pub use sqlite::{SqliteJournal, SqliteReader};
pub(crate) use sqlite::{TRUNCATE, lock};

/// One journal is one shard; more of them come with more writers.
pub(crate) const SHARD: i64 = 0;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the data directory {} is in use by another process; stop that one first, or choose another directory", .0.display()
    )]
    Locked(PathBuf),
    #[error("{setting} is {found} where {wanted} is needed, so an answer would not be durable")]
    NotDurable {
        setting: &'static str,
        found: String,
        wanted: &'static str,
    },
    #[error("the journal's database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{} is not accessible: {error}", path.display())]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the journal has a row {0} already")]
    Taken(u64),
    #[error("injected: {0}")]
    Injected(&'static str),
}

/// Reads rows.
pub trait ReadJournal: Send + 'static {
    /// The rows after `after`, in order, up to about `bytes_max` of payload; at least one row if
    /// there is any.
    fn read(
        &mut self,
        after: Sequence,
        bytes_max: usize,
    ) -> impl Future<Output = Result<Vec<Row>, JournalError>> + Send;

    /// One row, if it is there.
    fn row(
        &mut self,
        sequence: Sequence,
    ) -> impl Future<Output = Result<Option<Row>, JournalError>> + Send;

    /// The number of the last row; 0 when there is none.
    fn last(&mut self) -> impl Future<Output = Result<Sequence, JournalError>> + Send;
}

/// Appends rows; only one writer does.
pub trait Journal: ReadJournal {
    type Reader: ReadJournal;

    /// Makes a row durable. After an error the row may or may not be there.
    fn append(&mut self, row: &Row) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Ends in good order. Not needed for durability.
    fn close(self) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Another connection, for those who follow.
    fn reader(&self) -> impl Future<Output = Result<Self::Reader, JournalError>> + Send;
}
