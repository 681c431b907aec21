//! What the threads and the handles share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::machine::{Machine, Sequence};
use crate::shell::clock::{Clock, nanos};
use crate::shell::sequencer::handle::StopReason;
use crate::shell::sequencer::inbox::Inbox;
use crate::time::Timestamp;

#[derive(Debug)]
pub(crate) struct Shared<M: Machine> {
    pub(crate) inbox: Inbox<M>,
    clock: Arc<dyn Clock>,
    /// What the stamps would have said, in nanoseconds, when the monotonic clock began.
    began: AtomicU64,
    /// The last row that is durable.
    pub(crate) durable: watch::Sender<Sequence>,
    /// The last row that the views hold.
    pub(crate) projected: watch::Sender<Sequence>,
    /// Whether the views need not be finished: the store was dropped, as in a crash.
    pub(crate) abandoned: AtomicBool,
    /// Whether the writer waits for the projector.
    pub(crate) held_up: AtomicBool,
    /// Whether more comes in than small batches take, so that the projector should let others work.
    pub(crate) bursting: AtomicBool,
    pub(crate) epoch: AtomicU64,
    pub(crate) once_in_memory: AtomicU64,
    /// The newest time in a key that has left memory, and one more; zero when none has.
    pub(crate) gone: AtomicU64,
    pub(crate) lag_events: AtomicU64,
    pub(crate) clock_steps: AtomicU64,
    pub(crate) recoveries: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) replayed: AtomicU64,
    pub(crate) cold_reads: AtomicU64,
    pub(crate) views_failures: AtomicU64,
}

/// How the sequencer and the projector are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether commands are taken.
    pub ready: bool,
    pub stopped: Option<StopReason>,
    pub durable: Sequence,
    pub projected: Sequence,
    pub epoch: u64,
    pub queued_commands: usize,
    pub queued_bytes: usize,
    /// Events the views are behind.
    pub lag_events: u64,
    /// Keys of the *once* index in memory.
    pub once_in_memory: u64,
    /// Rows appended since the start.
    pub commits: u64,
    /// Rows that the start folded one by one, after the snapshot that it found.
    pub replayed: u64,
    /// Commands for which something that had left memory was read from the views.
    pub cold_reads: u64,
    /// Times the views could not be written and were tried again.
    pub views_failures: u64,
    /// Jumps of the wall clock that were not followed.
    pub clock_steps: u64,
    /// Times the state was dropped and recovered.
    pub recoveries: u64,
}

impl<M: Machine> Shared<M> {
    pub(crate) fn new(
        inbox: Inbox<M>,
        clock: Arc<dyn Clock>,
        durable: Sequence,
        projected: Sequence,
    ) -> Self {
        Self {
            inbox,
            clock,
            began: AtomicU64::new(0),
            durable: watch::Sender::new(durable),
            projected: watch::Sender::new(projected),
            abandoned: AtomicBool::new(false),
            held_up: AtomicBool::new(false),
            bursting: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            once_in_memory: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            lag_events: AtomicU64::new(0),
            clock_steps: AtomicU64::new(0),
            recoveries: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            cold_reads: AtomicU64::new(0),
            views_failures: AtomicU64::new(0),
        }
    }

    /// The time by which records are stamped, as of now: a jump of the wall clock is not in it, and its small corrections may
    /// take it back by as much.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.began.load(Ordering::Relaxed)).plus_nanos(nanos(self.clock.monotonic()))
    }

    /// Tells what the stamps said when the monotonic clock said this.
    pub(crate) fn set_now(&self, (now, monotonic): (Timestamp, Duration)) {
        let began = now.0.saturating_sub(nanos(monotonic));
        self.began.store(began, Ordering::Relaxed);
    }

    pub(crate) fn durable(&self) -> Sequence {
        *self.durable.borrow()
    }

    pub(crate) fn projected(&self) -> Sequence {
        *self.projected.borrow()
    }

    /// The newest time in a key of the *once* index that has left memory, if any has.
    pub(crate) fn gone(&self) -> Option<Timestamp> {
        let gone = self.gone.load(Ordering::Relaxed);
        gone.checked_sub(1).map(Timestamp)
    }

    /// Tells that the views hold this row, and wakes a writer that waits for it.
    pub(crate) fn set_projected(&self, sequence: Sequence) {
        self.projected.send_replace(sequence);
        if self.held_up.load(Ordering::SeqCst) {
            self.inbox.nudge();
        }
    }

    /// Stops everything, for good.
    pub(crate) fn stop(&self, reason: StopReason) {
        if self.inbox.stop(reason) && reason != StopReason::ShutDown {
            tracing::error!(code = reason.code(), "the sequencer stops: {reason}");
        }
    }

    pub(crate) fn status(&self) -> Status {
        let (gate, queued_commands, queued_bytes) = self.inbox.look();
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Status {
            ready: gate.is_open(),
            stopped: gate.stopped(),
            durable: self.durable(),
            projected: self.projected(),
            epoch: read(&self.epoch),
            queued_commands,
            queued_bytes,
            lag_events: read(&self.lag_events),
            once_in_memory: read(&self.once_in_memory),
            commits: read(&self.commits),
            replayed: read(&self.replayed),
            cold_reads: read(&self.cold_reads),
            views_failures: read(&self.views_failures),
            clock_steps: read(&self.clock_steps),
            recoveries: read(&self.recoveries),
        }
    }
}
