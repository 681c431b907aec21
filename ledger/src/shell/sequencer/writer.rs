//! Decides, and builds batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::engine::{Engine, Record, Submission, Verdict};
use crate::machine::{Machine, Moment, Sequence};
use crate::shell::clock::{self, Stamps};
use crate::shell::codec::{CodecError, Encoder};
use crate::shell::sequencer::Settings;
use crate::shell::sequencer::committer::{Commit, Job};
use crate::shell::sequencer::handle::{Committed, RETRY_AFTER, StopReason, SubmitError};
use crate::shell::sequencer::inbox::{
    Answer, Answered, Gate, Group, Missing, News, Reply, Wanted, refuse,
};
use crate::shell::sequencer::lag::Lag;
use crate::shell::sequencer::shared::Shared;
use crate::time::Timestamp;

/// The writer looks at the clock at least this often, so that a jump of it is noticed.
const WAKE_AFTER: Duration = Duration::from_secs(1);

/// As many submissions are foreseen at a time as a processor fetches memory for, and a bit more.
const FORESEEN: usize = 16;

/// A batch as large as this is one of a burst: with a few milliseconds for each, hundreds of thousands a second come in,
/// whether in large requests or from thousands of callers at a time.
const BURST_EVENTS: usize = 1_000;

/// A group that is being decided: it has as many answers as submissions have been looked at.
struct Deciding<M: Machine> {
    answered: Answered<M>,
    answer: Answer<M>,
    /// Whether nothing has been recorded of a group that only looks.
    only_looks: bool,
}

impl<M: Machine> Deciding<M> {
    fn new(group: Group<M>) -> Self {
        Self {
            answered: Answered {
                replies: Vec::with_capacity(group.submissions.len()),
                submissions: group.submissions,
            },
            answer: group.answer,
            only_looks: group.looks,
        }
    }

    /// What has not been decided yet.
    fn left(&self) -> &[Submission<M>] {
        &self.answered.submissions[self.answered.replies.len()..]
    }

    /// Gives up in the middle: what is decided may yet be durable, what is not was not done.
    fn abandon(self) {
        let error = if self.answered.replies.is_empty() {
            SubmitError::Busy {
                retry_after: RETRY_AFTER,
            }
        } else {
            SubmitError::OutcomeUnknown
        };
        refuse(self.answer, self.answered.submissions, error);
    }
}

/// The batch that is being built.
struct Building<M: Machine> {
    records: Encoder,
    answers: Vec<(Answer<M>, Answered<M>)>,
    events: usize,
    /// Answers without a record: questions, repetitions, refusals. They wait as the others do, and
    /// count as much.
    unrecorded: usize,
    bytes: usize,
    /// Whether what is due has been looked for.
    due_done: bool,
}

impl<M: Machine> Building<M> {
    /// Nothing yet, of which about so many bytes are to be expected.
    fn new(bytes: usize) -> Self {
        Self {
            records: Encoder::with_capacity(bytes),
            answers: Vec::new(),
            events: 0,
            unrecorded: 0,
            bytes: 0,
            due_done: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.filled() == 0 && self.answers.is_empty()
    }

    /// How much of what a batch takes has been used up.
    fn filled(&self) -> usize {
        self.events + self.unrecorded
    }

    /// A record that cannot be encoded leaves a batch that must not be handed over.
    fn push(&mut self, record: &Record<M>) -> Result<(), CodecError> {
        // A record counts as its events, and as one at least.
        self.events += record.events().len().max(1);
        self.records.push(record)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The state has been dropped and is being recovered.
    Recovering,
    /// The first row of this life of the state is not durable yet.
    Sealing,
    Open,
    /// To end when everything is finished.
    Closing,
    /// The last checkpoint has been made.
    Closed,
}

pub(crate) struct Writer<M: Machine> {
    shared: Arc<Shared<M>>,
    jobs: Sender<Job<M>>,
    settings: Settings,
    engine: Engine<M>,
    stamps: Stamps,
    now: Timestamp,
    building: Building<M>,
    deciding: VecDeque<Deciding<M>>,
    phase: Phase,
    in_flight: bool,
    /// When a batch was last handed over or found durable, or nothing stood in its way.
    moved: Duration,
    /// Whether nothing has moved for so long that commands are refused.
    stalled: bool,
    lag: Lag,
    since_checkpoint: u64,
    evicted_at: u64,
}

impl<M: Machine> Writer<M> {
    pub(crate) fn new(
        shared: Arc<Shared<M>>,
        jobs: Sender<Job<M>>,
        settings: Settings,
        engine: Engine<M>,
    ) -> Self {
        let stamps = Stamps::after(engine.clock(), settings.clock.clone());
        let now = engine.clock();
        shared.set_now(stamps.base());
        Self {
            shared,
            jobs,
            settings,
            engine,
            stamps,
            now,
            building: Building::new(0),
            deciding: VecDeque::new(),
            phase: Phase::Sealing,
            in_flight: false,
            moved: Duration::ZERO,
            stalled: false,
            lag: Lag::default(),
            since_checkpoint: 0,
            evicted_at: 0,
        }
    }

    /// Works until it is told to end, or has to.
    pub(crate) fn run(mut self) {
        self.read_clock();
        self.seal();
        loop {
            self.dispatch();
            let found = self.shared.inbox.wait(self.wanted());
            // Before the news: what came together with a loss is refused with all that waits.
            self.deciding
                .extend(found.groups.into_iter().map(Deciding::new));
            for news in found.news {
                self.hear(news);
            }
            if found.gate.stopped().is_some() {
                return self.abandon();
            }
            self.read_clock();
            self.look_for_a_stall();
            if !self.is_sealed() {
                continue;
            }
            self.let_happen();
            self.decide();
            if found.gate == Gate::Closing && !self.close() {
                return self.shared.stop(StopReason::ShutDown);
            }
        }
    }

    /// While nothing becomes durable, or the views do not follow, what waits undecided is refused
    /// after a while, and so is what comes: nobody is left hanging behind more than one batch.
    fn look_for_a_stall(&mut self) {
        let now = self.settings.clock.monotonic();
        let held_up = self.shared.held_up.load(Ordering::SeqCst);
        if !self.is_sealed() || !(self.in_flight || held_up) {
            self.moved = now;
        }
        let stalled = now.saturating_sub(self.moved) > self.settings.stall_max;
        if stalled {
            if !self.stalled {
                tracing::warn!("nothing becomes durable; commands are refused until it does");
            }
            self.refuse_undecided();
        } else if self.stalled && self.phase == Phase::Open {
            self.shared.inbox.open();
        }
        self.stalled = stalled;
    }

    fn is_sealed(&self) -> bool {
        match self.phase {
            Phase::Recovering | Phase::Sealing => false,
            Phase::Open | Phase::Closing | Phase::Closed => true,
        }
    }

    fn is_idle(&self) -> bool {
        let nothing = self.building.is_empty() && self.deciding.is_empty();
        self.is_sealed() && !self.in_flight && nothing
    }

    fn is_full(&self) -> bool {
        self.building.filled() >= self.settings.batch_events_max
            || self.building.bytes >= self.settings.batch_bytes_max
    }

    /// What to wait for.
    fn wanted(&self) -> Wanted {
        let room = self
            .settings
            .batch_events_max
            .saturating_sub(self.building.filled());
        let takes = self.is_sealed() && self.deciding.is_empty() && !self.is_full();
        // Something due is waited for only while it could be let happen.
        let due = (self.is_sealed() && !self.building.due_done)
            .then(|| self.engine.machine().next_due())
            .flatten()
            .map(|due| Duration::from_nanos(due.nanos_since(self.now)));
        Wanted {
            commands: if takes { room } else { 0 },
            idle: self.is_idle(),
            within: Some(due.map_or(WAKE_AFTER, |due| due.min(WAKE_AFTER))),
        }
    }

    fn read_clock(&mut self) {
        let (now, step) = self.stamps.now();
        self.now = now;
        self.shared.set_now(self.stamps.base());
        if let Some(step) = step {
            self.shared.clock_steps.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                seconds = step.seconds,
                "the wall clock jumped; the ledger's time goes on without it until the next start"
            );
        }
    }

    /// When the next record happens. The row of what is being built is the next after the last one
    /// that was handed over.
    fn moment(&self) -> Moment {
        Moment {
            sequence: self.sequence(),
            at: clock::next(self.engine.clock(), self.now),
        }
    }

    fn sequence(&self) -> Sequence {
        if self.building.records.is_empty() {
            self.engine.applied().next()
        } else {
            self.engine.applied()
        }
    }

    /// Folds a record of the writer's own and adds it to the batch.
    fn record(&mut self, record: &Record<M>) {
        self.engine.apply(self.sequence(), record, |_, _, _| {});
        self.push(record);
    }

    fn push(&mut self, record: &Record<M>) {
        let pushed = self.building.push(record);
        self.check(pushed);
    }

    /// A record that could not be added to the batch is in the state and never in the journal, so
    /// this is the end.
    fn check(&self, pushed: Result<(), CodecError>) {
        if let Err(error) = pushed {
            tracing::error!(%error, "a record could not be encoded");
            self.shared.stop(StopReason::Defect);
        }
    }

    /// The first row of a life: a new epoch, and the state it begins with.
    fn seal(&mut self) {
        let epoch = self.engine.epoch() + 1;
        let at = self.moment().at;
        self.record(&Record::Seal { at, epoch });
        self.shared.epoch.store(epoch, Ordering::Relaxed);
        self.checkpoint();
    }

    fn checkpoint(&mut self) {
        self.since_checkpoint = 0;
        let at = self.moment().at;
        match self.engine.digest() {
            Ok(digest) => self.record(&Record::Checkpoint { at, digest }),
            Err(error) => {
                tracing::error!(%error, "the state could not be encoded");
                self.shared.stop(StopReason::Defect);
            }
        }
    }

    /// Ends this life of the state in good order: when nothing is left to do, with a checkpoint.
    /// False when that is durable.
    fn close(&mut self) -> bool {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing;
        }
        if !self.is_idle() {
            return true;
        }
        if self.phase == Phase::Closed {
            return false;
        }
        self.phase = Phase::Closed;
        self.checkpoint();
        true
    }

    /// Lets happen what is due, once in a batch and before anything else of it.
    fn let_happen(&mut self) {
        if self.building.due_done {
            return;
        }
        let moment = self.moment();
        let due = self.engine.machine().next_due();
        if due.is_none_or(|due| due > moment.at) {
            return;
        }
        self.building.due_done = true;
        if let Some(record) = self.engine.due(moment, self.settings.batch_due_max) {
            self.push(&record);
        }
    }

    /// Decides what waits, until the batch is full.
    fn decide(&mut self) {
        while let Some(mut deciding) = self.deciding.pop_front() {
            let mut foreseen = 0;
            while !self.is_full()
                && let [submission, ..] = deciding.left()
            {
                if foreseen == 0 {
                    let next = deciding.left();
                    foreseen = next.len().min(FORESEEN);
                    self.engine.foresee(&next[..foreseen]);
                }
                foreseen -= 1;
                let (reply, recorded) = self.decide_one(submission);
                // Earlier answers, and keys that are used up, may stand in a row that is not durable yet.
                let looked = matches!(reply, Reply::Committed(_) | Reply::Missing(_));
                deciding.only_looks &= looked && !recorded;
                deciding.answered.replies.push(reply);
            }
            if !deciding.left().is_empty() {
                self.deciding.push_front(deciding);
                return;
            }
            let Deciding {
                answered,
                answer,
                only_looks,
            } = deciding;
            if only_looks {
                let looked = answered.replies.len();
                self.building.unrecorded = self.building.unrecorded.saturating_sub(looked);
                // Whoever has gone away is not missed.
                let _ = answer.send(answered);
            } else {
                self.building.answers.push((answer, answered));
            }
        }
    }

    /// The reply, and whether something was recorded.
    fn decide_one(&mut self, submission: &Submission<M>) -> (Reply<M>, bool) {
        let moment = self.moment();
        let mut pushed = None;
        let building = &mut self.building;
        let verdict = self.engine.submit_to(moment, submission, |record| {
            pushed = Some(building.push(record));
        });
        self.building.bytes += M::weight(&submission.command);
        let recorded = pushed.is_some();
        match pushed {
            Some(pushed) => self.check(pushed),
            None => self.building.unrecorded += 1,
        }
        let reply = match verdict {
            Verdict::New(outcome) => Reply::Committed(Committed {
                outcome,
                sequence: self.engine.applied(),
                at: moment.at,
                again: false,
            }),
            Verdict::Again(place) => Reply::Again(place),
            Verdict::Missing {
                keys,
                once,
                at_least,
            } => Reply::Missing(Box::new(Missing {
                keys,
                once,
                at_least,
            })),
            Verdict::KeyReused(key) => Reply::Failed(SubmitError::KeyReused(key)),
            Verdict::KeyFromFuture(key) => Reply::Failed(SubmitError::KeyFromFuture(key)),
            Verdict::Internal => Reply::Failed(SubmitError::Internal),
        };
        (reply, recorded)
    }

    /// Hands the batch over, when the committer is free and the views are near enough.
    fn dispatch(&mut self) {
        self.lag.project(self.shared.projected());
        let behind = self.lag.behind();
        self.shared.lag_events.store(behind, Ordering::Relaxed);
        if self.is_idle() {
            self.shared.bursting.store(false, Ordering::Relaxed);
        }
        let ending = matches!(self.phase, Phase::Closing | Phase::Closed);
        let held_up = behind > self.settings.lag_events_max && !ending;
        self.shared.held_up.store(held_up, Ordering::SeqCst);
        // The projector may have moved just before it could see that it is waited for.
        if held_up && self.shared.projected() > self.lag.seen() {
            self.shared.inbox.nudge();
        }
        let recovering = self.phase == Phase::Recovering;
        if self.in_flight || held_up || recovering || self.building.is_empty() {
            return;
        }
        // What stopped everything may be a record of this batch.
        if self.shared.inbox.gate().stopped().is_some() {
            return;
        }
        if self.is_sealed() && !self.building.records.is_empty() {
            self.keep_house();
        }
        // The next batch is probably as large.
        let next = Building::new(self.building.records.bytes());
        let Building {
            records,
            answers,
            events,
            ..
        } = std::mem::replace(&mut self.building, next);
        if records.is_empty() {
            for (answer, answered) in answers {
                let _ = answer.send(answered);
            }
            // No news of this batch will come to go on with the rest of a group.
            if !self.deciding.is_empty() {
                self.shared.inbox.nudge();
            }
            return;
        }
        let bursting = events >= BURST_EVENTS && !ending;
        self.shared.bursting.store(bursting, Ordering::Relaxed);
        self.in_flight = true;
        self.moved = self.settings.clock.monotonic();
        self.lag.commit(self.engine.applied(), events);
        let epoch = self.engine.epoch();
        let commit = Commit {
            epoch,
            payload: records.finish(),
            answers,
        };
        if self.jobs.send(Job::Commit(commit)).is_err() {
            self.shared.stop(StopReason::Defect);
        }
    }

    /// Lets go what the views hold, and checkpoints, when there is enough for it.
    fn keep_house(&mut self) {
        self.since_checkpoint += self.building.events as u64;
        if self.lag.projected() - self.evicted_at >= self.settings.evict_events {
            self.evicted_at = self.lag.projected();
            let (at, through) = (self.moment().at, self.lag.seen());
            self.record(&Record::Evict { at, through });
        }
        if self.since_checkpoint >= self.settings.checkpoint_events {
            self.checkpoint();
        }
        let once = self.engine.once_len() as u64;
        self.shared.once_in_memory.store(once, Ordering::Relaxed);
        let gone = self.engine.once_gone_until();
        let gone = gone.map_or(0, |gone| gone.0.saturating_add(1));
        self.shared.gone.store(gone, Ordering::Relaxed);
    }

    fn hear(&mut self, news: News<M>) {
        match news {
            News::Durable => {
                self.in_flight = false;
                self.moved = self.settings.clock.monotonic();
                if self.phase == Phase::Sealing {
                    self.phase = Phase::Open;
                    self.shared.inbox.open();
                }
            }
            News::Lost => {
                self.abandon();
                tracing::warn!("the state is dropped and recovered from the journal");
                self.shared.recoveries.fetch_add(1, Ordering::Relaxed);
                if self.jobs.send(Job::Recover).is_err() {
                    self.shared.stop(StopReason::Defect);
                }
            }
            News::Recovered(engine) => {
                self.engine = *engine;
                self.lag = Lag::default();
                self.evicted_at = 0;
                self.phase = Phase::Sealing;
                self.seal();
            }
        }
    }

    /// Drops the state: answers everyone whose answer depended on it, and who waits for it.
    fn abandon(&mut self) {
        self.phase = Phase::Recovering;
        self.in_flight = false;
        for (answer, answered) in std::mem::replace(&mut self.building, Building::new(0)).answers {
            refuse(answer, answered.submissions, SubmitError::OutcomeUnknown);
        }
        self.refuse_undecided();
    }

    /// Closes the gate for a while and answers everyone who waits before it.
    fn refuse_undecided(&mut self) {
        let waiting = self.shared.inbox.recover().into_iter().map(Deciding::new);
        for deciding in self.deciding.drain(..).chain(waiting) {
            deciding.abandon();
        }
    }
}
