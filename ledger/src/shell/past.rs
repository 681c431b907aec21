//! Reading single records of the past from the journal: the outcomes of commands that are asked
//! again.
//!
//! Rows are large when much is done at once, and who retries usually retries a whole batch, so the
//! last row that a reader read is kept. There are a few readers, so that a large row does not hold up
//! those who ask for others.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::engine::Record;
use crate::machine::{Machine, Sequence};
use crate::once::{OnceKey, Place, Unique};
use crate::shell::chain::Row;
use crate::shell::codec::{self, CodecError};
use crate::shell::journal::{JournalError, ReadJournal};
use crate::shell::sequencer::Committed;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PastError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("row {0} of the journal is missing")]
    Missing(u64),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("record {record} of row {row} of the journal has no outcome")]
    NoOutcome { row: u64, record: u32 },
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Arc<Row>, PastError>> + Send + 'a>>;

/// Reads a row of a journal that is not named, so that a handle is not bound to one.
pub(crate) trait ReadPast: Send + Sync {
    fn row(&self, sequence: Sequence) -> Reading<'_>;
}

/// As many as a small machine has use for; each keeps a row, of some megabytes at most.
pub(crate) const READERS: usize = 4;

/// Readers of the journal, each with the row it read last. A row is always read by the same one.
pub(crate) struct Past<R> {
    readers: Vec<Mutex<(R, Option<Arc<Row>>)>>,
}

impl<R> Past<R> {
    pub(crate) fn new(readers: Vec<R>) -> Self {
        let readers = readers.into_iter();
        Self {
            readers: readers.map(|reader| Mutex::new((reader, None))).collect(),
        }
    }
}

impl<R> fmt::Debug for Past<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Past")
    }
}

impl<R: ReadJournal> ReadPast for Past<R> {
    fn row(&self, sequence: Sequence) -> Reading<'_> {
        Box::pin(async move {
            let number = sequence.0 % self.readers.len() as u64;
            let number = usize::try_from(number).unwrap_or_default();
            let mut locked = self.readers[number].lock().await;
            let (reader, last) = &mut *locked;
            if let Some(row) = last
                && row.sequence == sequence
            {
                return Ok(row.clone());
            }
            let row = reader.row(sequence).await?;
            let row = Arc::new(row.ok_or(PastError::Missing(sequence.0))?);
            *last = Some(row.clone());
            Ok(row)
        })
    }
}

/// What was answered by the record that stands at a place.
pub(crate) async fn committed<M: Machine>(
    past: &dyn ReadPast,
    place: Place,
) -> Result<Committed<M::Outcome>, PastError> {
    let row = past.row(place.sequence).await?;
    match codec::decode_one::<M>(&row.payload, place.record as usize)? {
        Some(Record::Command {
            at,
            outcome: Some(outcome),
            ..
        }) => Ok(Committed {
            outcome,
            sequence: place.sequence,
            at,
            again: true,
        }),
        _ => Err(PastError::NoOutcome {
            row: place.sequence.0,
            record: place.record,
        }),
    }
}

/// The key as it was used by the record that stands at a place, if it was.
pub(crate) async fn unique<M: Machine>(
    past: &dyn ReadPast,
    place: Place,
    key: OnceKey,
) -> Result<Option<Unique>, PastError> {
    let row = past.row(place.sequence).await?;
    let record = codec::decode_one::<M>(&row.payload, place.record as usize)?;
    Ok(match record {
        Some(Record::Command {
            uniques,
            outcome: Some(_),
            ..
        }) => uniques.into_iter().find(|unique| unique.key == key),
        _ => None,
    })
}
