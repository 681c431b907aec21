//! Reading the journal ahead of its replay: while rows are folded, the next ones are read, checked
//! against the chain and decoded, on another core if there is one.

use std::panic::resume_unwind;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::Record;
use crate::machine::{Machine, Sequence};
use crate::shell::chain::Head;
use crate::shell::codec::{CodecError, Decoder};
use crate::shell::journal::ReadJournal;
use crate::shell::recovery::READ_BYTES_MAX;
use crate::shell::verify::{Halt, differ, in_journal};

/// Records in a piece: few enough that whoever folds them still finds them near where they were put.
const PIECE_RECORDS: usize = 512;
/// Pieces that wait to be folded: as many as make up for reading, which takes several rows at a time.
const PIECES_AHEAD: usize = 64;

/// A piece of a row that follows the one before it.
pub(super) struct Piece<M: Machine> {
    pub(super) head: Head,
    pub(super) epoch: u64,
    /// How many records of the row came before these.
    pub(super) first: usize,
    pub(super) records: Vec<Record<M>>,
    /// Whether these are the last.
    pub(super) is_last: bool,
}

/// The next piece, or why there is none.
type Opened<M> = Result<Piece<M>, Halt>;

pub(super) struct Ahead<M: Machine, R> {
    pieces: mpsc::Receiver<Opened<M>>,
    last: Sequence,
    reading: JoinHandle<R>,
}

impl<M: Machine, R: ReadJournal> Ahead<M, R> {
    /// Begins to read, up to the last row.
    pub(super) fn start(mut journal: R, last: Sequence) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let reading = tokio::spawn(async move {
            if let Err(halt) = read(&mut journal, last, &sender).await {
                // Whoever ended early does not miss it.
                let _ = sender.send(Err(halt)).await;
            }
            journal
        });
        Self {
            pieces,
            last,
            reading,
        }
    }

    /// The last row there is to read.
    pub(super) fn last(&self) -> Sequence {
        self.last
    }

    /// The next piece, until the last of the last row.
    pub(super) async fn next(&mut self) -> Option<Opened<M>> {
        self.pieces.recv().await
    }

    /// Gives the journal back.
    pub(super) async fn end(self) -> R {
        drop(self.pieces);
        let ended = self.reading.await;
        ended.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()))
    }
}

async fn read<M: Machine>(
    journal: &mut impl ReadJournal,
    last: Sequence,
    sender: &mpsc::Sender<Opened<M>>,
) -> Result<(), Halt> {
    let mut head = Head::GENESIS;
    while head.sequence < last {
        let rows = journal.read(head.sequence, READ_BYTES_MAX).await?;
        if rows.is_empty() {
            let place = in_journal(head.sequence.next(), None);
            return Err(differ(place, "a row", "none"));
        }
        for row in rows {
            let place = || in_journal(head.sequence.next(), None);
            row.check(head)
                .map_err(|error| differ(place(), "the row after the last", error.to_string()))?;
            let unreadable =
                |error: CodecError| differ(place(), "readable records", error.to_string());
            let mut decoder = Decoder::new(&row.payload).map_err(unreadable)?;
            let mut first = 0;
            loop {
                let mut records = Vec::with_capacity(PIECE_RECORDS);
                let read = decoder.read(PIECE_RECORDS, &mut records);
                read.map_err(unreadable)?;
                let (count, is_last) = (records.len(), decoder.is_at_end());
                let piece = Piece {
                    head: row.head(),
                    epoch: row.epoch,
                    first,
                    records,
                    is_last,
                };
                if sender.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
                if is_last {
                    break;
                }
                first += count;
            }
            head = row.head();
        }
    }
    Ok(())
}
