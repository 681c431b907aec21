//! Where rows become durable.
//!
//! A journal is one table, `journal(shard, seq, epoch, prev_hash, hash, payload)`, with the primary
//! key (shard, seq). The key is the fence: two writers cannot both append the same sequence. An
//! append is one row and one commit, and nothing else in the house commits anything that matters.
//!
//! Old rows may be moved into files (`archive`); a reader finds them there as if they had never moved.
//!
//! An append that fails may still have happened, or may yet happen. Nobody guesses: whoever
//! appended reads the row of that sequence and sees.

mod archive;
mod database;
mod faulty;
mod memory;
mod postgres;
mod sqlite;

use std::fs::File;
use std::future::Future;
use std::path::PathBuf;

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::sql::Database;

pub(crate) use archive::{Archive, DIRECTORY as ARCHIVE_DIRECTORY, Writer as ArchiveWriter};
pub use database::{DatabaseJournal, DatabaseReader};
pub use faulty::{Fault, Faults, FaultyJournal};
pub use memory::MemoryJournal;
pub use postgres::{Examined, PostgresJournal, PostgresReader, examine};
pub(crate) use sqlite::{FILE, OldRows};
pub use sqlite::{SqliteJournal, SqliteReader};

/// One journal is one shard; more of them come with more writers.
pub(crate) const SHARD: i64 = 0;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the data directory {} is in use by another process; stop that one first, or choose another directory", .0.display()
    )]
    Locked(PathBuf),
    #[error(
        "the journal is held by another writer ({0}); stop that one first, or choose another database"
    )]
    Held(String),
    #[error("the last append is still under way in the database")]
    StillAtWork,
    #[error("the database did not answer within {0} s")]
    NoAnswer(u64),
    #[error("the database has no journal; the first start makes it")]
    Missing,
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

impl JournalError {
    /// Whether another writer is there.
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Held(_))
    }
}

/// Whether a database has a journal: whether there was a writer before.
pub async fn exists(database: &Database) -> Result<bool, JournalError> {
    match database {
        Database::Sqlite(directory) => Ok(directory.join(sqlite::FILE).exists()),
        Database::Postgres(options) => match PostgresReader::open(options).await {
            Ok(reader) => reader.close().await.map(|()| true),
            Err(JournalError::Missing) => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Keeps every writer away for as long as it is there.
#[derive(Debug)]
pub(crate) enum Held {
    File { _lock: File },
    Lease { _lease: Box<PostgresJournal> },
}

/// Takes a database for this process alone, without opening it.
pub(crate) async fn hold(database: &Database) -> Result<Held, JournalError> {
    Ok(match database {
        Database::Sqlite(directory) => Held::File {
            _lock: sqlite::lock(directory)?,
        },
        Database::Postgres(options) => Held::Lease {
            _lease: Box::new(PostgresJournal::lease(options).await?),
        },
    })
}

/// The last of the rows, given with their sizes, that an answer of so many bytes has room for: at
/// least the first.
fn fitting(sizes: &[(i64, i64)], bytes_max: usize) -> Option<i64> {
    let mut bytes = 0;
    let fitting = sizes.iter().take_while(|(_, size)| {
        let more = bytes < bytes_max;
        bytes += usize::try_from(*size).unwrap_or_default();
        more
    });
    fitting.last().map(|(sequence, _)| *sequence)
}

fn unsigned(number: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn signed(number: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(number).map_err(|error| sqlx::Error::Encode(error.into()))
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
