//! How everyone else reaches the one writer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::engine::Submission;
use crate::machine::{Machine, Sequence};
use crate::once::{OnceKey, Place};
use crate::shell::checkpoint::{self, CheckpointError, Inclusion, Statement, Sums};
use crate::shell::cold::{self, ReadCold};
use crate::shell::once_filter::OnceFilters;
use crate::shell::past::{self, ReadPast};
use crate::shell::row_tree::PastRows;
use crate::shell::sequencer::inbox::{Answered, Gate, Group, Missing, Reply};
use crate::shell::sequencer::shared::{Shared, Status};
use crate::shell::views::{Reading, Views};
use crate::time::Timestamp;

/// When to come back after `busy`: the queue is emptied several times a second.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(250);
/// How often a command is sent back for something cold before it is given up as `busy`. Twice is
/// rare already: something must have left memory between reading it and deciding.
const COLD_ROUNDS_MAX: usize = 5;

/// The answer to a command, durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed<O> {
    pub outcome: O,
    /// The row of the journal that holds it. For what changed nothing: the newest row it was
    /// decided on.
    pub sequence: Sequence,
    pub at: Timestamp,
    /// Whether this is the first answer again, to a command that was given before.
    pub again: bool,
}

/// Why a command has no outcome. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("too much is waiting already; nothing was done, try again in a moment")]
    Busy { retry_after: Duration },
    #[error("whether it was done is not known; ask again under the same key, which tells")]
    OutcomeUnknown,
    #[error("the key {:032x} was used before with other content", .0.key)]
    KeyReused(OnceKey),
    #[error("the time in the key {:032x} is more than a minute ahead; check the clock", .0.key)]
    KeyFromFuture(OnceKey),
    #[error("a defect on our side; nothing was done")]
    Internal,
    #[error("no more commands are taken: {why}")]
    Stopped { why: StopReason },
}

impl SubmitError {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::KeyReused(_) => "key_reused",
            Self::KeyFromFuture(_) => "key_from_future",
            Self::Internal => "internal",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// Why the sequencer stopped for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    #[error("it was shut down")]
    ShutDown,
    #[error("another writer has taken over the journal")]
    Fenced,
    #[error("the journal and the state disagree; verify the journal before starting again")]
    Corrupt,
    #[error("a panic while folding an event, which is a defect or a corrupt journal")]
    Defect,
}

impl StopReason {
    pub const fn code(self) -> &'static str {
        match self {
            Self::ShutDown => "shut_down",
            Self::Fenced => "fenced",
            Self::Corrupt => "corrupt",
            Self::Defect => "defect",
        }
    }
}

/// Submits commands and reads views. Clones are cheap and share everything.
pub struct Handle<M: Machine> {
    shared: Arc<Shared<M>>,
    views: Views,
    cold: Arc<dyn ReadCold<M>>,
    past: Arc<dyn ReadPast>,
    filters: OnceFilters,
}

impl<M: Machine> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            views: self.views.clone(),
            cold: self.cold.clone(),
            past: self.past.clone(),
            filters: self.filters.clone(),
        }
    }
}

impl<M: Machine> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// A submission that lacks something, and its place among those that were submitted with it.
#[derive(Debug)]
pub(crate) struct Lacking<M: Machine> {
    place: usize,
    pub(crate) submission: Submission<M>,
    pub(crate) what: Missing<M>,
}

type Submitted<M> = Result<Committed<<M as Machine>::Outcome>, SubmitError>;

impl<M: Machine> Handle<M> {
    pub(crate) fn new(
        shared: Arc<Shared<M>>,
        views: Views,
        cold: Arc<dyn ReadCold<M>>,
        past: Arc<dyn ReadPast>,
        filters: OnceFilters,
    ) -> Self {
        Self {
            shared,
            views,
            cold,
            past,
            filters,
        }
    }

    /// Submits a command and waits until its answer is durable.
    pub async fn submit(&self, submission: Submission<M>) -> Submitted<M> {
        self.submit_many(vec![submission])
            .await
            .pop()
            .unwrap_or(Err(SubmitError::OutcomeUnknown))
    }

    /// Submits commands that are decided one after the other and independently, and waits until
    /// all answers are durable. The answers come in the order of the commands.
    pub async fn submit_many(&self, submissions: Vec<Submission<M>>) -> Vec<Submitted<M>> {
        self.decided(submissions, false).await
    }

    /// Asks what would become of a command that may change nothing yet. What the answer says may not
    /// be durable, so nobody outside may hear of it: it is for preparing a command, whose own answer
    /// is durable, and everything that its state saw with it. What was recorded all the same, or was
    /// answered before, is answered as ever.
    pub async fn look(&self, submission: Submission<M>) -> Submitted<M> {
        self.decided(vec![submission], true)
            .await
            .pop()
            .unwrap_or(Err(SubmitError::OutcomeUnknown))
    }

    async fn decided(&self, mut submissions: Vec<Submission<M>>, looks: bool) -> Vec<Submitted<M>> {
        self.look_ahead(&mut submissions);
        let (mut results, mut lacking) = self.ask(submissions, looks).await;
        for _ in 1..COLD_ROUNDS_MAX {
            if lacking.is_empty() || !self.bring(&mut lacking).await {
                break;
            }
            let places: Vec<usize> = lacking.iter().map(|one| one.place).collect();
            let again = lacking.into_iter().map(|one| one.submission).collect();
            let (answers, still) = self.ask(again, looks).await;
            for (place, answer) in places.iter().zip(answers) {
                results[*place] = answer;
            }
            lacking = still;
            for one in &mut lacking {
                one.place = places[one.place];
            }
        }
        results
    }

    /// Asks the writer once. What lacks something is `busy` for now.
    async fn ask(
        &self,
        submissions: Vec<Submission<M>>,
        looks: bool,
    ) -> (Vec<Submitted<M>>, Vec<Lacking<M>>) {
        let Answered {
            submissions,
            replies,
        } = match self.send(submissions, looks).await {
            Ok(answered) => answered,
            Err((count, error)) => return (vec![Err(error); count], Vec::new()),
        };
        let busy = SubmitError::Busy {
            retry_after: RETRY_AFTER,
        };
        let (mut again, mut missing) = (Vec::new(), Vec::new());
        let results = replies.into_iter().enumerate();
        let results = results.map(|(place, reply)| match reply {
            Reply::Committed(committed) => Ok(committed),
            Reply::Failed(error) => Err(error),
            Reply::Again(at) => {
                again.push((place, at));
                Err(busy)
            }
            Reply::Missing(what) => {
                missing.push((place, what));
                Err(busy)
            }
        });
        let mut results: Vec<Submitted<M>> = results.collect();
        for (place, at) in again {
            results[place] = self.again(at).await;
        }
        let mut submissions = submissions.into_iter().enumerate();
        let lacking = missing.into_iter().filter_map(|(place, what)| {
            let (_, submission) = submissions.find(|(at, _)| *at == place)?;
            Some(Lacking {
                place,
                submission,
                what: *what,
            })
        });
        (results, lacking.collect())
    }

    /// Puts a group into the queue and waits for its answers; or how many have the same one.
    async fn send(
        &self,
        submissions: Vec<Submission<M>>,
        looks: bool,
    ) -> Result<Answered<M>, (usize, SubmitError)> {
        let count = submissions.len();
        let (answer, answered) = oneshot::channel();
        let group = Group::new(submissions, answer, looks);
        let pushed = self.shared.inbox.push(group);
        pushed.map_err(|refusal| (count, refusal))?;
        // The writer drops an answer only when it ends in the middle of something.
        let answered = answered.await;
        answered.map_err(|_| (count, SubmitError::OutcomeUnknown))
    }

    /// Gives keys that may have left memory the knowledge along that they have not, where the
    /// filters over all that left are sure of it. It saves them a way to the writer and back.
    fn look_ahead(&self, submissions: &mut [Submission<M>]) {
        let Some(gone) = self.shared.gone() else {
            return;
        };
        let filters = self.filters.now();
        for submission in submissions {
            // What a command brings was all read at one row.
            if !submission.cold.rows.is_empty() || !submission.once_cold.is_empty() {
                continue;
            }
            for unique in &submission.uniques {
                let made = unique.key.uuid_v7_time();
                if made.is_none_or(|made| made <= gone) && filters.is_absent(unique.key) {
                    submission.once_cold.insert(unique.key, None);
                    submission.cold.read_at = filters.at;
                }
            }
        }
    }

    /// The first answer again, from where it stands in the journal. It is durable: the answer that
    /// named the place was.
    async fn again(&self, place: Place) -> Submitted<M> {
        let committed = past::committed::<M>(self.past.as_ref(), place).await;
        committed.map_err(|error| {
            tracing::warn!(%error, "an earlier answer could not be read from the journal");
            SubmitError::Busy {
                retry_after: RETRY_AFTER,
            }
        })
    }

    /// Reads what submissions lack. False when the views are too far behind or not readable.
    async fn bring(&self, lacking: &mut [Lacking<M>]) -> bool {
        let count = lacking.len() as u64;
        self.shared.cold_reads.fetch_add(count, Ordering::Relaxed);
        let at_least = lacking.iter().map(|one| one.what.at_least);
        let at_least = at_least.max().unwrap_or_default();
        if !self.projected_at_least(at_least, cold::WAIT_MAX).await {
            return false;
        }
        let (cold, past) = (self.cold.as_ref(), self.past.as_ref());
        let brought = cold::bring(&self.views, cold, past, &self.filters, lacking).await;
        if let Err(error) = &brought {
            tracing::warn!(%error, "what has left memory could not be read from the views");
        }
        brought.is_ok()
    }

    /// Waits until the views hold this row, but not longer than the time given. Tells whether they
    /// do.
    pub async fn projected_at_least(&self, sequence: Sequence, within: Duration) -> bool {
        let mut projected = self.shared.projected.subscribe();
        let reached = projected.wait_for(|projected| *projected >= sequence);
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }

    /// Waits until commands are taken, but not longer than the time given. Tells whether they are.
    pub async fn ready(&self, within: Duration) -> bool {
        let opened = tokio::time::timeout(within, self.shared.inbox.opened());
        opened.await.is_ok_and(Gate::is_open)
    }

    /// The views, to read history from.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// What the journal is as far as the views have come, and the sums of all accounts.
    pub async fn statement(
        &self,
        reading: &mut Reading,
    ) -> Result<(Statement, Sums), CheckpointError> {
        checkpoint::of(reading, &mut PastRows(self.past.as_ref())).await
    }

    /// Shows that the record of a row that has a wanted event is in the journal up to row `through`, which the views
    /// have reached.
    pub async fn inclusion(
        &self,
        reading: &mut Reading,
        row: Sequence,
        through: Sequence,
        wanted: impl Fn(&M::Event) -> bool + Send,
    ) -> Result<Option<Inclusion>, CheckpointError> {
        let mut rows = PastRows(self.past.as_ref());
        checkpoint::inclusion::<M>(reading, &mut rows, row, through, wanted).await
    }

    /// Lets the writer look at the clock now: for clocks that are moved by hand.
    pub fn tick(&self) {
        self.shared.inbox.nudge();
    }

    /// The time by which records are stamped. A jump of the wall clock is not in it, so nothing that is computed with it can
    /// be led astray by one.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    pub fn status(&self) -> Status {
        self.shared.status()
    }
}
