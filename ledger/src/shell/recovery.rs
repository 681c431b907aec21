//! Getting a state back from the journal.
//!
//! The newest snapshot is taken whose SHA-256 is the digest that the journal's checkpoint record
//! carries, in a row that the chain's hash vouches for; the rows after it are folded one by one,
//! each checked against the chain. A snapshot that does not fit is passed over, and without any the
//! journal is folded from its start: snapshots are a shortcut, never an authority.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{Engine, Record, digest_of};
use crate::machine::{Machine, Sequence};
use crate::shell::chain::{Head, Row};
use crate::shell::codec::{self, CodecError, Decoder};
use crate::shell::journal::{JournalError, ReadJournal};
use crate::shell::views::Snapshot;

/// Rows are read in pieces of about this size.
pub(crate) const READ_BYTES_MAX: usize = 8 << 20;

/// Records that are decoded and foreseen at a time.
const FORESEEN: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("row {row} of the journal is not what it should be: {what}")]
    Corrupt { row: u64, what: String },
}

/// A state and the last row folded into it.
#[derive(Debug)]
pub(crate) struct Recovered<M: Machine> {
    pub(crate) engine: Engine<M>,
    pub(crate) head: Head,
    /// Rows that were folded one by one.
    pub(crate) replayed: u64,
}

/// The state at row `up_to` of the journal, or at its end.
pub(crate) async fn recover<M: Machine, J: ReadJournal>(
    journal: &mut J,
    snapshots: Vec<Snapshot>,
    up_to: Option<Sequence>,
) -> Result<Recovered<M>, RecoveryError> {
    let last = match up_to {
        Some(sequence) => sequence,
        None => journal.last().await?,
    };
    let mut recovered = start(journal, snapshots, last).await?;
    while recovered.head.sequence < last {
        let rows = journal
            .read(recovered.head.sequence, READ_BYTES_MAX)
            .await?;
        if rows.is_empty() {
            return Err(RecoveryError::Corrupt {
                row: recovered.head.sequence.next().0,
                what: format!("it is missing, though the last row is {}", last.0),
            });
        }
        for row in rows.iter().take_while(|row| row.sequence <= last) {
            fold_row(&mut recovered, row)?;
            recovered.replayed += 1;
        }
    }
    Ok(recovered)
}

/// The state at the newest fitting snapshot, or the empty state.
async fn start<M: Machine, J: ReadJournal>(
    journal: &mut J,
    snapshots: Vec<Snapshot>,
    last: Sequence,
) -> Result<Recovered<M>, RecoveryError> {
    for snapshot in snapshots {
        if snapshot.head.sequence > last {
            continue;
        }
        let Some(row) = journal.row(snapshot.head.sequence).await? else {
            continue;
        };
        if let Some(recovered) = restore(&snapshot, &row) {
            return Ok(recovered);
        }
        let row = row.sequence.0;
        tracing::warn!(
            row,
            "a snapshot does not fit the journal and is passed over"
        );
    }
    Ok(Recovered {
        engine: Engine::default(),
        head: Head::GENESIS,
        replayed: 0,
    })
}

/// The state of a snapshot with the rest of its row folded in, if the row vouches for it.
fn restore<M: Machine>(snapshot: &Snapshot, row: &Row) -> Option<Recovered<M>> {
    let genuine = row.computed_hash().ok()? == row.hash
        && row.hash == snapshot.head.hash
        && digest_of(&snapshot.state) == snapshot.digest;
    if !genuine {
        return None;
    }
    let records = codec::decode::<M>(&row.payload).ok()?;
    let checkpoint = records.iter().position(
        |record| matches!(record, Record::Checkpoint { digest, .. } if *digest == snapshot.digest),
    )?;
    let mut recovered = Recovered {
        engine: Engine::restore(&snapshot.state).ok()?,
        head: row.head(),
        replayed: 0,
    };
    fold(&mut recovered, row.head(), &records[checkpoint..]).ok()?;
    Some(recovered)
}

/// Folds a row, if it is the next one.
fn fold_row<M: Machine>(recovered: &mut Recovered<M>, row: &Row) -> Result<(), RecoveryError> {
    let head = recovered.head;
    let corrupt = |what| RecoveryError::Corrupt {
        row: head.sequence.next().0,
        what,
    };
    row.check(head)
        .map_err(|error| corrupt(error.to_string()))?;
    let unreadable = |error: CodecError| corrupt(error.to_string());
    let mut decoder = Decoder::new(&row.payload).map_err(unreadable)?;
    let mut records = Vec::with_capacity(FORESEEN);
    while !decoder.is_at_end() {
        decoder.read(FORESEEN, &mut records).map_err(unreadable)?;
        recovered.engine.foresee_records(records.iter());
        fold(recovered, row.head(), &records)?;
    }
    recovered.head = row.head();
    Ok(())
}

/// Folds records; one that cannot be folded is a corrupt journal, not an end of the process.
fn fold<M: Machine>(
    recovered: &mut Recovered<M>,
    head: Head,
    records: &[Record<M>],
) -> Result<(), RecoveryError> {
    recovered.head = head;
    let engine = &mut recovered.engine;
    catch_unwind(AssertUnwindSafe(|| {
        for record in records {
            engine.apply(head.sequence, record, |_, _, _| {});
        }
    }))
    .map_err(|_| RecoveryError::Corrupt {
        row: head.sequence.0,
        what: "an event in it does not fit the state before it".to_owned(),
    })
}
