//! Reading the journal ahead of its replay: while rows are folded, the next ones are read, checked
//! against the chain and decoded, on another core if there is one.

use std::panic::resume_unwind;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::Record;
use crate::machine::{Machine, Sequence};
use crate::shell::chain::{Head, Row};
use crate::shell::codec;
use crate::shell::journal::ReadJournal;
use crate::shell::recovery::READ_BYTES_MAX;
use crate::shell::verify::{Halt, differ, in_journal};

/// Rows that wait to be folded: as many as make up for reading, which takes several at a time.
const ROWS_AHEAD: usize = 4;

/// A row that follows the one before it, with what it says; or why there is none.
type Opened<M> = Result<(Row, Vec<Record<M>>), Halt>;

pub(super) struct Ahead<M: Machine, R> {
    rows: mpsc::Receiver<Opened<M>>,
    last: Sequence,
    reading: JoinHandle<R>,
}

impl<M: Machine, R: ReadJournal> Ahead<M, R> {
    /// Begins to read, up to the last row.
    pub(super) fn start(mut journal: R, last: Sequence) -> Self {
        let (sender, rows) = mpsc::channel(ROWS_AHEAD);
        let reading = tokio::spawn(async move {
            if let Err(halt) = read(&mut journal, last, &sender).await {
                // Whoever ended early does not miss it.
                let _ = sender.send(Err(halt)).await;
            }
            journal
        });
        Self {
            rows,
            last,
            reading,
        }
    }

    /// The last row there is to read.
    pub(super) fn last(&self) -> Sequence {
        self.last
    }

    /// The next row, until the last.
    pub(super) async fn next(&mut self) -> Option<Opened<M>> {
        self.rows.recv().await
    }

    /// Gives the journal back.
    pub(super) async fn end(self) -> R {
        drop(self.rows);
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
            let records = codec::decode::<M>(&row.payload)
                .map_err(|error| differ(place(), "readable records", error.to_string()))?;
            head = row.head();
            if sender.send(Ok((row, records))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
