//! Keeps the views up with the journal.
//!
//! The projector is a follower like any other: it folds the journal's rows into a state of its own
//! and takes nothing from the writer's. So when its digest at a checkpoint is the one that the
//! writer journalled, two folds agree; when it is not, something is corrupt and everything stops.
//!
//! Rows come from the committer while the projector keeps up, and from the journal when it does
//! not. They are written in chunks sized by time, with the watermark in the same transaction; while one
//! is written the next one is folded, if there are rows for it. After any failure the projector starts
//! again from the watermark that it finds: there is no other way of starting.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::engine::{Digest, Engine, Record, digest_of};
use crate::machine::Machine;
use crate::once::Place;
use crate::shell::chain::{Head, Row, hex};
use crate::shell::codec::{CodecError, Decoder};
use crate::shell::journal::{JournalError, ReadJournal};
use crate::shell::recovery::{self, READ_BYTES_MAX, RecoveryError};
use crate::shell::row_tree::{Edge, TreeError};
use crate::shell::sequencer::{Settings, Shared, StopReason};
use crate::shell::table::Rows;
use crate::shell::view::{Seen, View};
use crate::shell::views::{Snapshot, ViewsError, ViewsWriter};

/// A chunk is at least and at most this many events, whatever the clock says: the least is not
/// worth a transaction of its own, the most is what fits into memory well, twice.
const CHUNK_EVENTS_MIN: usize = 512;
const CHUNK_EVENTS_MAX: usize = 65_536;
/// Between two looks whether a burst is over.
const BURST_LOOK: Duration = Duration::from_millis(5);
/// Records that are decoded and foreseen at a time.
const FORESEEN: usize = 16;
/// Between two attempts after a failure: doubled each time, up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum ProjectError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Views(#[from] ViewsError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("{0}")]
    Corrupt(String),
}

impl From<RecoveryError> for ProjectError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Journal(error) => Self::Journal(error),
            RecoveryError::Corrupt { .. } => Self::Corrupt(error.to_string()),
        }
    }
}

/// Where the next row is.
enum Next {
    Here(Row),
    /// None yet.
    None,
    /// None any more.
    Ended,
}

pub(crate) struct Projector<M: Machine, V, R> {
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) settings: Settings,
    pub(crate) view: V,
    pub(crate) views: Arc<Mutex<ViewsWriter>>,
    /// The chunk that is being written, and what it was collected in, to be filled again.
    pub(crate) writing: Option<JoinHandle<Result<Rows, ViewsError>>>,
    pub(crate) journal: R,
    pub(crate) feed: Receiver<Row>,
    pub(crate) fed_bytes: Arc<AtomicUsize>,
}

/// One run from a watermark onwards.
struct Run<'a, M: Machine, V, R> {
    of: &'a mut Projector<M, V, R>,
    engine: Engine<M>,
    head: Head,
    /// The records that are being folded.
    records: Vec<Record<M>>,
    /// Of the tree over the rows, up to the head.
    edge: Edge,
    rows: Rows,
    snapshots: Vec<Snapshot>,
    /// Rows read from the journal, the next one last.
    read: Vec<Row>,
    /// Whether the committer is gone.
    ended: bool,
    /// A row from the committer that comes after rows still to be read.
    held: Option<Row>,
    /// Events folded into this chunk, and how many it should have.
    events: usize,
    target: usize,
}

impl<M: Machine, V: View<M>, R: ReadJournal> Projector<M, V, R> {
    /// Works until the committer is gone and everything durable is projected.
    pub(crate) fn run(mut self, runtime: &Runtime) {
        let mut pause = BACKOFF_FIRST;
        loop {
            let before = self.shared.projected();
            match runtime.block_on(self.follow()) {
                Ok(()) => break,
                Err(ProjectError::Corrupt(what)) => {
                    tracing::error!(what, "the views' fold and the journal disagree");
                    return self.shared.stop(StopReason::Corrupt);
                }
                Err(error) => {
                    self.shared.views_failures.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, "the views could not be written; trying again");
                    runtime.block_on(self.forget_connection());
                }
            }
            if self.shared.inbox.gate().stopped().is_some() {
                break;
            }
            let moved = self.shared.projected() > before;
            pause = if moved {
                BACKOFF_FIRST
            } else {
                (pause * 2).min(BACKOFF_MAX)
            };
            std::thread::sleep(pause);
        }
        if let Err(error) = runtime.block_on(self.close()) {
            tracing::warn!(%error, "the views' database was not closed well; nothing is lost");
        }
    }

    /// Waits for the chunk that is being written, if there is one, and gives back what it was collected in.
    async fn written(&mut self) -> Result<Option<Rows>, ViewsError> {
        match self.writing.take() {
            Some(writing) => writing
                .await
                .unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()))
                .map(Some),
            None => Ok(None),
        }
    }

    /// Whoever starts anew after a failure has no use for what was going on, but waits for its end.
    async fn forget_connection(&mut self) {
        let _ = self.written().await;
        self.views.lock().await.forget_connection();
    }

    async fn close(mut self) -> Result<(), ViewsError> {
        let written = self.written().await.map(drop);
        if let Some(views) = Arc::into_inner(self.views) {
            views.into_inner().close().await?;
        }
        written
    }

    /// Starts at the watermark and follows.
    async fn follow(&mut self) -> Result<(), ProjectError> {
        let head = self.watermark().await?;
        let snapshots = self.views.lock().await.snapshots().await?;
        let recovered =
            recovery::recover(&mut self.journal, snapshots, Some(head.sequence)).await?;
        let (edge, rows) = {
            let mut views = self.views.lock().await;
            (views.edge(head, &mut self.journal).await?, views.rows())
        };
        self.shared.set_projected(head.sequence);
        let run = Run {
            engine: recovered.engine,
            head,
            records: Vec::with_capacity(FORESEEN),
            edge,
            rows,
            snapshots: Vec::new(),
            read: Vec::new(),
            ended: false,
            held: None,
            events: 0,
            target: CHUNK_EVENTS_MIN,
            of: self,
        };
        run.follow().await
    }

    /// The watermark, if the journal has its row. Else the journal was cut or is another one, and
    /// the views are made anew.
    async fn watermark(&mut self) -> Result<Head, ProjectError> {
        let mut views = self.views.lock().await;
        let head = views.watermark().await?;
        let known = head == Head::GENESIS
            || self
                .journal
                .row(head.sequence)
                .await?
                .is_some_and(|row| row.hash == head.hash);
        if known {
            return Ok(head);
        }
        tracing::warn!(
            row = head.sequence.0,
            "the views stand at a row that the journal does not have; they are made anew"
        );
        views.reset().await?;
        Ok(Head::GENESIS)
    }
}

impl<M: Machine, V: View<M>, R: ReadJournal> Run<'_, M, V, R> {
    async fn follow(mut self) -> Result<(), ProjectError> {
        loop {
            self.let_burst();
            if self.of.shared.durable() <= self.head.sequence {
                // A failure is not to wait until something happens again.
                self.of.written().await?;
            }
            let (started, ended) = self.fill().await?;
            self.write().await?;
            self.adapt(started.elapsed());
            if ended {
                self.of.written().await?;
                return Ok(());
            }
        }
    }

    /// While commands come in a burst, those who make them durable have the processor to
    /// themselves for a while: nothing is lost by it, and larger chunks are less work.
    fn let_burst(&self) {
        let (shared, settings) = (&self.of.shared, &self.of.settings);
        let started = Instant::now();
        while shared.bursting.load(Ordering::Relaxed)
            && shared.lag_events.load(Ordering::Relaxed) < settings.lag_events_max / 4 * 3
            && started.elapsed() < settings.chunk_wait_in_burst
            && !shared.abandoned.load(Ordering::Relaxed)
        {
            std::thread::sleep(BURST_LOOK);
        }
    }

    /// Folds rows until the chunk is full or nothing more comes for a moment. Tells when the first
    /// one was there, for waiting is no work, and whether nothing will come any more.
    async fn fill(&mut self) -> Result<(Instant, bool), ProjectError> {
        let mut started = Instant::now();
        while self.events < self.target {
            let patience = (self.events > 0).then(|| {
                self.of
                    .settings
                    .chunk_pause
                    .saturating_sub(started.elapsed())
            });
            match self.next(patience).await? {
                Next::Here(row) => {
                    if self.events == 0 {
                        started = Instant::now();
                    }
                    self.fold(&row)?;
                }
                Next::None => return Ok((started, false)),
                Next::Ended => return Ok((started, true)),
            }
        }
        Ok((started, false))
    }

    /// The next row; without a limit to its patience it waits until there is one.
    async fn next(&mut self, patience: Option<Duration>) -> Result<Next, ProjectError> {
        loop {
            if self.of.shared.abandoned.load(Ordering::Relaxed) {
                return Ok(Next::Ended);
            }
            if let Some(row) = self.read.pop() {
                let checked = row.check(self.head);
                checked.map_err(|error| ProjectError::Corrupt(error.to_string()))?;
                return Ok(Next::Here(row));
            }
            let fed = match self.held.take() {
                Some(held) => Some(held),
                None => self.receive(patience),
            };
            match fed {
                Some(row) if row.sequence == self.head.sequence.next() => {
                    // The committer has just made its hash.
                    return Ok(Next::Here(row));
                }
                Some(row) if row.sequence <= self.head.sequence => {}
                Some(row) => {
                    self.held = Some(row);
                    self.read_journal().await?;
                }
                // What is durable and does not come was left out, and is in the journal.
                None if self.of.shared.durable() > self.head.sequence => {
                    self.read_journal().await?;
                }
                None if self.ended => return Ok(Next::Ended),
                None => return Ok(Next::None),
            }
        }
    }

    /// The next row from the committer, if there is one in time.
    fn receive(&mut self, patience: Option<Duration>) -> Option<Row> {
        let rows = &self.of.feed;
        let behind = self.of.shared.durable() > self.head.sequence;
        let received = match patience {
            Some(patience) => rows.recv_timeout(patience),
            None if behind => rows.recv_timeout(self.of.settings.chunk_pause),
            None => rows.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(row) => {
                let bytes = row.payload.len();
                self.of.fed_bytes.fetch_sub(bytes, Ordering::SeqCst);
                Some(row)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                None
            }
        }
    }

    /// Reads durable rows from the journal: there are some.
    async fn read_journal(&mut self) -> Result<(), ProjectError> {
        let durable = self.of.shared.durable();
        let mut rows = self
            .of
            .journal
            .read(self.head.sequence, READ_BYTES_MAX)
            .await?;
        rows.retain(|row| row.sequence <= durable);
        if rows.is_empty() {
            let missing = self.head.sequence.next().0;
            let what = format!("row {missing} is missing from the journal");
            return Err(ProjectError::Corrupt(what));
        }
        rows.reverse();
        self.read = rows;
        Ok(())
    }

    fn fold(&mut self, row: &Row) -> Result<(), ProjectError> {
        let unreadable = |error: CodecError| ProjectError::Corrupt(error.to_string());
        let mut decoder = Decoder::new(&row.payload).map_err(unreadable)?;
        let mut records = std::mem::take(&mut self.records);
        let (mut position, mut events) = (0, 0);
        loop {
            decoder.read(FORESEEN, &mut records).map_err(unreadable)?;
            if records.is_empty() {
                break;
            }
            self.engine.foresee_records(records.iter());
            for record in &records {
                self.fold_record(row.head(), position, record, &mut events)?;
                position += 1;
            }
        }
        self.records = records;
        self.edge.push(&row.hash, Some(&mut self.rows));
        self.head = row.head();
        Ok(())
    }

    /// Folds a record of a row that has so many records and events before it.
    fn fold_record(
        &mut self,
        head: Head,
        position: u32,
        record: &Record<M>,
        events: &mut u32,
    ) -> Result<(), ProjectError> {
        if let Record::Checkpoint { digest, .. } = record {
            self.checkpoint(head, *digest)?;
        }
        let place = Place {
            sequence: head.sequence,
            record: position,
        };
        put_once(place, record, &mut self.rows);
        let (view, rows) = (&mut self.of.view, &mut self.rows);
        self.engine
            .apply(head.sequence, record, |moment, event, machine| {
                let position = *events;
                view.fold(Seen { moment, position }, event, machine, rows);
                *events += 1;
            });
        view.record(place, record, self.engine.machine(), rows);
        self.events += record.events().len().max(1);
        Ok(())
    }

    /// The writer says what its state hashed to here; so must this one, and then it is kept.
    fn checkpoint(&mut self, head: Head, digest: Digest) -> Result<(), ProjectError> {
        let unreadable = |error: postcard::Error| ProjectError::Corrupt(error.to_string());
        let state = self.engine.snapshot().map_err(unreadable)?;
        let found = digest_of(&state);
        if found != digest {
            return Err(ProjectError::Corrupt(format!(
                "the checkpoint in row {} has the digest {}, but the journal up to it folds to {}",
                head.sequence.0,
                hex(&digest),
                hex(&found)
            )));
        }
        self.snapshots = vec![Snapshot {
            head,
            digest,
            state,
        }];
        Ok(())
    }

    /// Begins to write the chunk, when the one before is written.
    async fn write(&mut self) -> Result<(), ProjectError> {
        if self.events == 0 {
            return Ok(());
        }
        self.of.view.finish(self.engine.machine(), &mut self.rows);
        let spare = self.of.written().await?;
        let mut views = self.of.views.clone().lock_owned().await;
        let spare = spare.unwrap_or_else(|| views.rows());
        let mut rows = std::mem::replace(&mut self.rows, spare);
        let snapshots = std::mem::take(&mut self.snapshots);
        let (head, shared) = (self.head, self.of.shared.clone());
        self.of.writing = Some(tokio::spawn(async move {
            views.write(&mut rows, head, snapshots).await?;
            shared.set_projected(head.sequence);
            Ok(rows)
        }));
        Ok(())
    }

    /// Sizes the next chunk so that it takes about as long as it should.
    fn adapt(&mut self, took: Duration) {
        let full = self.events >= self.target;
        self.events = 0;
        if !full {
            return;
        }
        let behind = self.of.shared.durable().0 - self.head.sequence.0 > 1;
        let wanted = if behind {
            self.of.settings.chunk_time_behind
        } else {
            self.of.settings.chunk_time
        };
        let target = if took < wanted {
            self.target * 2
        } else {
            self.target / 2
        };
        self.target = target.clamp(CHUNK_EVENTS_MIN, CHUNK_EVENTS_MAX);
    }
}

/// What a record remembers goes into the *once* index.
pub(crate) fn put_once<M: Machine>(place: Place, record: &Record<M>, rows: &mut Rows) {
    if let Record::Command {
        uniques,
        outcome: Some(_),
        ..
    } = record
    {
        for unique in uniques {
            rows.packed().put_once(unique.key, place);
        }
    }
}
