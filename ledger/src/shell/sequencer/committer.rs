//! Makes batches durable, one after the other, and answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::machine::Machine;
use crate::shell::chain::{Head, Row};
use crate::shell::journal::Journal;
use crate::shell::recovery::{self, RecoveryError};
use crate::shell::sequencer::handle::{StopReason, SubmitError};
use crate::shell::sequencer::inbox::{Answer, Answered, Gate, News, refuse};
use crate::shell::sequencer::shared::Shared;
use crate::shell::views::SnapshotSource;

/// How often a row is read to learn whether its append happened.
const RESOLVE_TRIES: u32 = 4;
const RESOLVE_PAUSE: Duration = Duration::from_millis(20);
/// Between two attempts to recover: doubled each time, up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What the writer asks for.
pub(crate) enum Job<M: Machine> {
    Commit(Commit<M>),
    /// Read the state anew from the journal.
    Recover,
}

/// A batch with the answers that depend on it.
pub(crate) struct Commit<M: Machine> {
    pub(crate) epoch: u64,
    /// Its records, encoded.
    pub(crate) payload: Vec<u8>,
    pub(crate) answers: Vec<(Answer<M>, Answered<M>)>,
}

/// The way to the projector: bounded in bytes. When it is full, rows are left out, and the
/// projector finds them in the journal.
pub(crate) struct Feed {
    pub(crate) sender: Sender<Row>,
    pub(crate) bytes: Arc<AtomicUsize>,
    pub(crate) bytes_max: usize,
}

impl Feed {
    fn send(&self, row: Row) {
        let bytes = row.payload.len();
        if self.bytes.load(Ordering::SeqCst) + bytes <= self.bytes_max {
            self.bytes.fetch_add(bytes, Ordering::SeqCst);
            let _ = self.sender.send(row);
        }
    }
}

enum Appended {
    Durable,
    /// Not there, or not readable.
    Lost,
    Stopped(StopReason),
}

pub(crate) struct Committer<M: Machine, J: Journal> {
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) journal: J,
    pub(crate) snapshots: SnapshotSource,
    pub(crate) head: Head,
    pub(crate) feed: Feed,
    /// False between a loss and the recovery from it.
    pub(crate) healthy: bool,
    /// Before the next attempt to recover; none after a durable row.
    pub(crate) pause: Duration,
}

impl<M: Machine, J: Journal> Committer<M, J> {
    /// Works until the writer is gone.
    pub(crate) fn run(mut self, runtime: &Runtime, jobs: &Receiver<Job<M>>) {
        for job in jobs {
            match job {
                Job::Commit(commit) => runtime.block_on(self.commit(commit)),
                Job::Recover => runtime.block_on(self.recover()),
            }
        }
        if let Err(error) = runtime.block_on(self.journal.close()) {
            tracing::warn!(%error, "the journal was not closed well; nothing is lost");
        }
    }

    async fn commit(&mut self, commit: Commit<M>) {
        let Commit {
            epoch,
            payload,
            answers,
        } = commit;
        let unknown = SubmitError::OutcomeUnknown;
        if !self.healthy {
            refuse_all(answers, unknown);
            return;
        }
        let row = match Row::of_payload(self.head, epoch, payload) {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%error, "a batch is not readable");
                return self.stop(StopReason::Defect, answers);
            }
        };
        match self.append(&row).await {
            Appended::Durable => {
                self.pause = Duration::ZERO;
                self.shared.durable.send_replace(self.head.sequence);
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                self.shared.inbox.tell(News::Durable);
                answer_all(answers);
                self.feed.send(row);
            }
            Appended::Lost => {
                self.healthy = false;
                self.shared.inbox.tell(News::Lost);
                refuse_all(answers, unknown);
            }
            Appended::Stopped(reason) => self.stop(reason, answers),
        }
    }

    fn stop(&mut self, reason: StopReason, answers: Vec<(Answer<M>, Answered<M>)>) {
        self.healthy = false;
        self.shared.stop(reason);
        refuse_all(answers, SubmitError::OutcomeUnknown);
    }

    async fn append(&mut self, row: &Row) -> Appended {
        let appended = match self.journal.append(row).await {
            Ok(()) => Appended::Durable,
            Err(error) => {
                let sequence = row.sequence.0;
                tracing::warn!(%error, sequence, "an append failed; looking whether it happened");
                self.resolve(row).await
            }
        };
        if matches!(appended, Appended::Durable) {
            self.head = row.head();
        }
        appended
    }

    /// Whether a row whose append failed is there after all.
    async fn resolve(&mut self, row: &Row) -> Appended {
        let mut pause = RESOLVE_PAUSE;
        for _ in 0..RESOLVE_TRIES {
            match self.journal.row(row.sequence).await {
                Ok(Some(found)) if found == *row => return Appended::Durable,
                Ok(Some(found)) if found.hash == row.hash => {
                    return Appended::Stopped(StopReason::Corrupt);
                }
                // An append of our own, from before the state was dropped, which came through late.
                Ok(Some(found)) if found.epoch < row.epoch => return Appended::Lost,
                Ok(Some(_)) => return Appended::Stopped(StopReason::Fenced),
                Ok(None) => return Appended::Lost,
                Err(error) if error.is_held() => return Appended::Stopped(StopReason::Fenced),
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Appended::Lost
    }

    /// Reads the state anew, however long it takes, unless everything is to end. On a disk that is full the state is
    /// readable and its seal is lost again: that is not tried without rest either.
    async fn recover(&mut self) {
        loop {
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).clamp(BACKOFF_FIRST, BACKOFF_MAX);
            match self.shared.inbox.gate() {
                Gate::Stopped(_) => return,
                Gate::Closing => return self.shared.stop(StopReason::ShutDown),
                Gate::Recovering | Gate::Open => {}
            }
            match recovery::recover(&mut self.journal, self.snapshots.read().await, None).await {
                Ok(recovered) => {
                    self.head = recovered.head;
                    self.healthy = true;
                    let engine = Box::new(recovered.engine);
                    return self.shared.inbox.tell(News::Recovered(engine));
                }
                Err(RecoveryError::Journal(error)) if error.is_held() => {
                    tracing::error!(%error, "another writer has taken over");
                    return self.shared.stop(StopReason::Fenced);
                }
                Err(RecoveryError::Journal(error)) => {
                    tracing::warn!(%error, "the journal is not readable; trying again");
                }
                Err(error @ RecoveryError::Corrupt { .. }) => {
                    tracing::error!(%error, "the journal is corrupt");
                    return self.shared.stop(StopReason::Corrupt);
                }
            }
        }
    }
}

fn answer_all<M: Machine>(answers: Vec<(Answer<M>, Answered<M>)>) {
    for (answer, answered) in answers {
        let _ = answer.send(answered);
    }
}

fn refuse_all<M: Machine>(answers: Vec<(Answer<M>, Answered<M>)>, error: SubmitError) {
    for (answer, answered) in answers {
        refuse(answer, answered.submissions, error);
    }
}
