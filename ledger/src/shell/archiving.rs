//! Moving old rows of the journal into archive files, while the journal is written or while it rests.
//!
//! What moves is older than the oldest snapshot, so a start never needs it; reads of history, retries of old commands
//! and verification find it in the files ([`journal`](crate::shell::journal) looks there by itself). A file is written,
//! made durable, read back and checked as a chain before its rows are deleted, a few at a time, so that the writer does
//! not wait. Being killed in between loses nothing: the next call goes on.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::machine::Sequence;
use crate::shell::chain::{Head, Row};
use crate::shell::journal::{
    ARCHIVE_DIRECTORY, Archive, ArchiveWriter, JournalError, OldRows, ReadJournal as _,
    SqliteReader,
};
use crate::shell::recovery::READ_BYTES_MAX;
use crate::shell::views::{Views, ViewsError};

/// About how large a file becomes.
const FILE_BYTES: u64 = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Views(#[from] ViewsError),
    #[error("the archive cannot be written: {0}")]
    File(#[from] io::Error),
    #[error(
        "row {row} of the journal is not what it should be, so nothing more is moved: {what}; run verify"
    )]
    Corrupt { row: u64, what: String },
    #[error("the archive of {0} is being written by another process")]
    Locked(String),
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub rows: u64,
    /// The last row that is in the archive.
    pub last: Sequence,
}

/// Moves rows of a data directory into its archive, all but the newest `keep` and those that a start needs. `told` hears
/// how far it has come.
pub async fn archive(
    data: &Path,
    keep: u64,
    mut told: impl FnMut(Archived),
) -> Result<Archived, ArchiveError> {
    std::fs::create_dir_all(data.join(ARCHIVE_DIRECTORY))?;
    let lock = File::create(data.join(ARCHIVE_DIRECTORY).join("lock"))?;
    if lock.try_lock().is_err() {
        return Err(ArchiveError::Locked(data.display().to_string()));
    }
    let mut journal = SqliteReader::open(data).await?;
    let mut old = OldRows::open(data).await?;
    let mut archive = Archive::of(data);
    let until = until(data, journal.last().await?, keep).await?;
    let mut archived = Archived {
        rows: 0,
        last: archive.last()?,
    };
    // Rows of a file that was finished before whoever wrote it was stopped.
    old.delete_through(archived.last).await?;
    let mut head = head_of(&mut journal, archived.last).await?;
    while head.sequence < until {
        let first = head;
        head = write_file(data, &mut journal, head, until).await?;
        check_file(&mut archive, first, head)?;
        old.delete_through(head.sequence).await?;
        archived.rows += head.sequence.0 - first.sequence.0;
        archived.last = head.sequence;
        told(archived);
    }
    journal.close().await?;
    old.close().await?;
    Ok(archived)
}

/// The last row that may be moved.
async fn until(data: &Path, last: Sequence, keep: u64) -> Result<Sequence, ArchiveError> {
    let views = Views::open(data);
    let oldest = views.oldest_snapshot().await?;
    views.close().await;
    let needed = oldest.map_or(0, |oldest| oldest.0.saturating_sub(1));
    Ok(Sequence(needed.min(last.0.saturating_sub(keep))))
}

async fn head_of(journal: &mut SqliteReader, last: Sequence) -> Result<Head, ArchiveError> {
    if last == Sequence(0) {
        return Ok(Head::GENESIS);
    }
    let row = journal.row(last).await?;
    let missing = || corrupt(last, &"it is missing");
    Ok(row.ok_or_else(missing)?.head())
}

fn corrupt(row: Sequence, what: &impl ToString) -> ArchiveError {
    ArchiveError::Corrupt {
        row: row.0,
        what: what.to_string(),
    }
}

/// Writes a file of the rows after `head`, up to `until` or until it is large enough. Returns its last row.
async fn write_file(
    data: &Path,
    journal: &mut SqliteReader,
    mut head: Head,
    until: Sequence,
) -> Result<Head, ArchiveError> {
    let mut writer = ArchiveWriter::new(data)?;
    while head.sequence < until && writer.len() < FILE_BYTES {
        let rows = journal.read(head.sequence, READ_BYTES_MAX).await?;
        if rows.is_empty() {
            return Err(corrupt(head.sequence.next(), &"it is missing"));
        }
        for row in rows.iter().take_while(|row| row.sequence <= until) {
            head = follow(row, head)?;
            writer.push(row)?;
        }
    }
    writer.finish()?;
    Ok(head)
}

fn follow(row: &Row, head: Head) -> Result<Head, ArchiveError> {
    let checked = row.check(head);
    checked.map_err(|error| corrupt(head.sequence.next(), &error))?;
    Ok(row.head())
}

/// Reads a file back, as the chain that it must be.
fn check_file(archive: &mut Archive, first: Head, last: Head) -> Result<(), ArchiveError> {
    let mut head = first;
    while head.sequence < last.sequence {
        let rows = archive.read(head.sequence, READ_BYTES_MAX)?;
        if rows.is_empty() {
            return Err(corrupt(
                head.sequence.next(),
                &"it is missing from the archive",
            ));
        }
        for row in &rows {
            head = follow(row, head)?;
        }
    }
    if head == last {
        Ok(())
    } else {
        Err(corrupt(last.sequence, &"the archive has another one"))
    }
}
