//! The journal in SQLite: a file of its own, which only the sequencer writes.
//!
//! Write-ahead log with `synchronous=FULL`: a commit is one write and one sync of the log's end.
//! Pages of 16 KiB and a checkpoint every 4 MiB are what large batches are fastest with and what
//! keeps the slowest commits near the usual ones; larger checkpoints stall for hundreds of
//! milliseconds. That the settings are in force is checked at every start.
//!
//! A lock on a file beside the journal keeps a second process away from the whole data directory.
//! It is the operating system's, so it goes with the process, however that ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Row as _, SqliteConnection};

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::archive::Archive;
use crate::shell::journal::{Journal, JournalError, ReadJournal, SHARD, fitting, signed, unsigned};
use crate::shell::sql::sqlite::TRUNCATE;

pub(crate) const FILE: &str = "journal.db";
const LOCK_FILE: &str = "lock";
const PAGE_BYTES: u32 = 16_384;
/// 4 MiB of pages.
const CHECKPOINT_PAGES: &str = "256";
/// How long deleting waits for the writer.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(30);
const DELETED_AT_ONCE: i64 = 64;
/// Rows in one answer to a reader, besides its limit in bytes.
const READ_ROWS_MAX: i64 = 4_096;

/// A file holds one shard, so the sequence alone is the key, and with it SQLite's own row number: a
/// key of two columns would stand in one record with the payload, and finding a place among them
/// would read whole payloads.
const CREATE: &str = "create table if not exists journal (
    shard integer not null,
    seq integer primary key,
    epoch integer not null,
    prev_hash blob not null,
    hash blob not null,
    payload blob not null
) strict";
const APPEND: &str = "insert into journal (shard, seq, epoch, prev_hash, hash, payload)
    values (?, ?, ?, ?, ?, ?)";
const SIZES: &str = "select seq, length(payload) from journal
    where shard = ? and seq > ? order by seq limit ?";
const READ: &str = "select seq, epoch, prev_hash, hash, payload from journal
    where shard = ? and seq > ? and seq <= ? order by seq";
const DELETE: &str = "delete from journal where shard = ?1 and seq in
    (select seq from journal where shard = ?1 and seq <= ?2 order by seq limit ?3)";
const OUTSIDE: &str = "select count(*) from journal where shard <> ? or seq < 1";
const LAST: &str = "select coalesce(max(seq), 0) from journal where shard = ?";

/// Reads the journal, beside whoever writes it.
#[derive(Debug)]
pub struct SqliteReader {
    connection: SqliteConnection,
    /// Where rows are that are not in the database any more.
    archive: Archive,
}

impl SqliteReader {
    /// Opens the journal of a data directory for reading only. It must be there.
    pub async fn open(directory: &Path) -> Result<Self, JournalError> {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .read_only(true);
        let connection = options.connect().await?;
        let archive = Archive::of(directory);
        Ok(Self {
            connection,
            archive,
        })
    }

    async fn between(&mut self, after: i64, to: i64) -> Result<Vec<Row>, JournalError> {
        let rows = sqlx::query(READ).bind(SHARD).bind(after).bind(to);
        let rows = rows.fetch_all(&mut self.connection).await?;
        rows.iter().map(row_of).collect()
    }

    pub async fn close(self) -> Result<(), JournalError> {
        Ok(self.connection.close().await?)
    }

    /// How many rows there are that no reader ever asks for. There should be none.
    pub(crate) async fn outside(&mut self) -> Result<u64, JournalError> {
        let outside: i64 = sqlx::query_scalar(OUTSIDE)
            .bind(SHARD)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(outside.unsigned_abs())
    }
}

fn row_of(row: &SqliteRow) -> Result<Row, JournalError> {
    let hash = |column| -> Result<[u8; 32], sqlx::Error> {
        let bytes: &[u8] = row.try_get(column)?;
        bytes
            .try_into()
            .map_err(|_| sqlx::Error::Decode(format!("column {column} is not 32 bytes").into()))
    };
    Ok(Row {
        sequence: Sequence(unsigned(row.try_get(0)?)?),
        epoch: unsigned(row.try_get(1)?)?,
        prev_hash: hash(2)?,
        hash: hash(3)?,
        payload: row.try_get(4)?,
    })
}

impl ReadJournal for SqliteReader {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        let after = signed(after.0)?;
        let sizes: Vec<(i64, i64)> = sqlx::query_as(SIZES)
            .bind(SHARD)
            .bind(after)
            .bind(READ_ROWS_MAX)
            .fetch_all(&mut self.connection)
            .await?;
        let Some(to) = fitting(&sizes, bytes_max) else {
            return Ok(Vec::new());
        };
        let next = after + 1;
        if sizes.first().is_some_and(|(first, _)| *first == next) {
            let here = self.between(after, to).await?;
            // Unless it was moved just now.
            if here
                .first()
                .is_some_and(|row| row.sequence.0 == next.unsigned_abs())
            {
                return Ok(here);
            }
        }
        self.archive.read(Sequence(unsigned(after)?), bytes_max)
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        let number = signed(sequence.0)?;
        let mut rows = self.between(number.saturating_sub(1), number).await?;
        match rows.pop() {
            Some(row) => Ok(Some(row)),
            None => self.archive.row(sequence),
        }
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        let last = sqlx::query_scalar(LAST).bind(SHARD);
        Ok(Sequence(unsigned(
            last.fetch_one(&mut self.connection).await?,
        )?))
    }
}

/// The journal of a data directory, held by this process alone.
#[derive(Debug)]
pub struct SqliteJournal {
    inner: SqliteReader,
    directory: PathBuf,
    /// Held for as long as the journal is open.
    _lock: File,
}

impl SqliteJournal {
    /// Opens the journal of a data directory, which is created when it is not there.
    pub async fn open(directory: &Path) -> Result<Self, JournalError> {
        let lock = lock(directory)?;
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        check(&mut connection, "journal_mode", "wal").await?;
        check(&mut connection, "synchronous", "2").await?;
        sqlx::query(CREATE).execute(&mut connection).await?;
        Ok(Self {
            inner: SqliteReader {
                connection,
                archive: Archive::of(directory),
            },
            directory: directory.to_owned(),
            _lock: lock,
        })
    }
}

/// Takes rows out of the journal that are in its archive.
#[derive(Debug)]
pub(crate) struct OldRows {
    connection: SqliteConnection,
}

impl OldRows {
    pub(crate) async fn open(directory: &Path) -> Result<Self, JournalError> {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .busy_timeout(BUSY_WAIT_MAX)
            .disable_statement_logging();
        let connection = options.connect().await?;
        Ok(Self { connection })
    }

    /// Deletes the rows up to this one, a few at a time: the writer waits for each transaction.
    pub(crate) async fn delete_through(&mut self, last: Sequence) -> Result<(), JournalError> {
        loop {
            let deleted = sqlx::query(DELETE)
                .bind(SHARD)
                .bind(signed(last.0)?)
                .bind(DELETED_AT_ONCE)
                .execute(&mut self.connection)
                .await?;
            if deleted.rows_affected() == 0 {
                return Ok(());
            }
        }
    }

    pub(crate) async fn close(self) -> Result<(), JournalError> {
        Ok(self.connection.close().await?)
    }
}

/// Takes the data directory for this process alone, for as long as the file is open.
pub(crate) fn lock(directory: &Path) -> Result<File, JournalError> {
    let path = directory.join(LOCK_FILE);
    let opened = std::fs::create_dir_all(directory).and_then(|()| {
        let mut options = File::options();
        options.create(true).truncate(false).write(true).open(&path)
    });
    let failed = |error| JournalError::File { path, error };
    let file = match opened {
        Ok(file) => file,
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Refuses to go on when a setting that durability rests on is not in force.
async fn check(
    connection: &mut SqliteConnection,
    setting: &'static str,
    wanted: &'static str,
) -> Result<(), JournalError> {
    let query = format!("select cast({setting} as text) from pragma_{setting}");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
    let found: String = query.fetch_one(connection).await?;
    if found == wanted {
        Ok(())
    } else {
        Err(JournalError::NotDurable {
            setting,
            found,
            wanted,
        })
    }
}

impl ReadJournal for SqliteJournal {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        self.inner.read(after, bytes_max).await
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.inner.row(sequence).await
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        self.inner.last().await
    }
}

impl Journal for SqliteJournal {
    type Reader = SqliteReader;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        let insert = sqlx::query(APPEND)
            .bind(SHARD)
            .bind(signed(row.sequence.0)?)
            .bind(signed(row.epoch)?)
            .bind(row.prev_hash.as_slice())
            .bind(row.hash.as_slice())
            .bind(row.payload.as_slice());
        match insert.execute(&mut self.inner.connection).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(JournalError::Taken(row.sequence.0))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Folds the write-ahead log into the file, so that the file alone is the journal.
    async fn close(mut self) -> Result<(), JournalError> {
        let connection = &mut self.inner.connection;
        sqlx::query(TRUNCATE).execute(connection).await?;
        self.inner.close().await
    }

    async fn reader(&self) -> Result<SqliteReader, JournalError> {
        SqliteReader::open(&self.directory).await
    }
}
