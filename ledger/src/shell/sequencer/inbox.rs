//! What waits for the writer: submissions, news from the committer, and requests to look again.
//!
//! Submissions are bounded in number and in bytes. When either is used up, callers are told `busy`
//! at once; nobody waits for room.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::engine::{Engine, Submission};
use crate::machine::{Machine, Sequence};
use crate::once::{OnceKey, Place};
use crate::shell::sequencer::Settings;
use crate::shell::sequencer::handle::{Committed, RETRY_AFTER, StopReason, SubmitError};

/// What the writer says to one submission.
#[derive(Debug)]
pub(crate) enum Reply<M: Machine> {
    Committed(Committed<M::Outcome>),
    /// Committed before: the outcome stands in this record of the journal.
    Again(Place),
    Failed(SubmitError),
    Missing(Box<Missing<M>>),
}

/// What a submission is to bring along, as it stands at or after `at_least`: it cannot be decided
/// from what is in memory.
#[derive(Debug)]
pub(crate) struct Missing<M: Machine> {
    pub(crate) keys: Vec<M::Key>,
    pub(crate) once: Vec<OnceKey>,
    pub(crate) at_least: Sequence,
}

/// The answers to a group, one for each submission. These come back with them, to be tried again
/// where something is missing; and memory is best given back by the thread that reserved it.
#[derive(Debug)]
pub(crate) struct Answered<M: Machine> {
    pub(crate) submissions: Vec<Submission<M>>,
    pub(crate) replies: Vec<Reply<M>>,
}

pub(crate) type Answer<M> = oneshot::Sender<Answered<M>>;

/// Submissions that came together and are answered together.
#[derive(Debug)]
pub(crate) struct Group<M: Machine> {
    pub(crate) submissions: Vec<Submission<M>>,
    pub(crate) bytes: usize,
    pub(crate) answer: Answer<M>,
    /// Whether it only looks, and is answered at once.
    pub(crate) looks: bool,
}

impl<M: Machine> Group<M> {
    pub(crate) fn new(submissions: Vec<Submission<M>>, answer: Answer<M>, looks: bool) -> Self {
        let bytes = submissions
            .iter()
            .map(|submission| M::weight(&submission.command))
            .sum();
        Self {
            submissions,
            bytes,
            answer,
            looks,
        }
    }
}

/// Gives everyone in a group the same answer. Who has gone away is not missed.
pub(crate) fn refuse<M: Machine>(
    answer: Answer<M>,
    submissions: Vec<Submission<M>>,
    error: SubmitError,
) {
    let replies = submissions.iter().map(|_| Reply::Failed(error)).collect();
    let _ = answer.send(Answered {
        submissions,
        replies,
    });
}

/// What the committer tells the writer.
pub(crate) enum News<M: Machine> {
    /// The batch in flight is durable.
    Durable,
    /// It is not, or nobody knows; the state must be dropped.
    Lost,
    /// Here is the state as the journal has it.
    Recovered(Box<Engine<M>>),
}

impl<M: Machine> fmt::Debug for News<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Durable => "Durable",
            Self::Lost => "Lost",
            Self::Recovered(_) => "Recovered",
        })
    }
}

/// Whether submissions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Not until the state is sealed, or what stalls goes on.
    Recovering,
    Open,
    /// No more; what has been taken is finished.
    Closing,
    Stopped(StopReason),
}

impl Gate {
    pub(crate) fn is_open(self) -> bool {
        self == Self::Open
    }

    pub(crate) fn stopped(self) -> Option<StopReason> {
        match self {
            Self::Stopped(reason) => Some(reason),
            Self::Recovering | Self::Open | Self::Closing => None,
        }
    }

    fn refusal(self) -> Option<SubmitError> {
        match self {
            Self::Open => None,
            Self::Recovering => Some(SubmitError::Busy {
                retry_after: RETRY_AFTER,
            }),
            Self::Closing => Some(SubmitError::Stopped {
                why: StopReason::ShutDown,
            }),
            Self::Stopped(why) => Some(SubmitError::Stopped { why }),
        }
    }
}

#[derive(Debug)]
struct State<M: Machine> {
    gate: Gate,
    groups: VecDeque<Group<M>>,
    commands: usize,
    bytes: usize,
    news: VecDeque<News<M>>,
    nudged: bool,
    /// Whether the writer sleeps and must be woken.
    asleep: bool,
}

#[derive(Debug)]
pub(crate) struct Inbox<M: Machine> {
    state: Mutex<State<M>>,
    wake: Condvar,
    /// The gate once more, for those who wait for it to open.
    gates: watch::Sender<Gate>,
    commands_max: usize,
    bytes_max: usize,
}

/// What the writer finds.
#[derive(Debug)]
pub(crate) struct Found<M: Machine> {
    pub(crate) gate: Gate,
    pub(crate) groups: Vec<Group<M>>,
    pub(crate) news: VecDeque<News<M>>,
}

/// What the writer has use for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// About how many commands.
    pub(crate) commands: usize,
    /// Whether it has nothing else to do, and so wants to know when to end.
    pub(crate) idle: bool,
    /// When to wake it in any case.
    pub(crate) within: Option<Duration>,
}

impl<M: Machine> Inbox<M> {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            state: Mutex::new(State {
                gate: Gate::Recovering,
                groups: VecDeque::new(),
                commands: 0,
                bytes: 0,
                news: VecDeque::new(),
                nudged: false,
                asleep: false,
            }),
            wake: Condvar::new(),
            gates: watch::Sender::new(Gate::Recovering),
            commands_max: settings.queue_commands_max,
            bytes_max: settings.queue_bytes_max,
        }
    }

    /// The state is whole whenever the lock is free, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State<M>) -> T) -> T {
        let mut state = self.state();
        let before = state.gate;
        let result = change(&mut state);
        if state.gate != before {
            self.gates.send_replace(state.gate);
        }
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
        result
    }

    /// Takes a group in, or says why not. An empty queue takes a group of any size.
    pub(crate) fn push(&self, group: Group<M>) -> Result<(), SubmitError> {
        self.change(|state| {
            if let Some(refusal) = state.gate.refusal() {
                return Err(refusal);
            }
            let commands = state.commands + group.submissions.len();
            let bytes = state.bytes + group.bytes;
            let full = commands > self.commands_max || bytes > self.bytes_max;
            if full && !state.groups.is_empty() {
                return Err(SubmitError::Busy {
                    retry_after: RETRY_AFTER,
                });
            }
            (state.commands, state.bytes) = (commands, bytes);
            state.groups.push_back(group);
            Ok(())
        })
    }

    pub(crate) fn tell(&self, news: News<M>) {
        self.change(|state| state.news.push_back(news));
    }

    /// Lets the writer look at the clock and at the views.
    pub(crate) fn nudge(&self) {
        self.change(|state| state.nudged = true);
    }

    /// Opens the gate, unless it has been closed for good.
    pub(crate) fn open(&self) {
        self.change(|state| {
            if state.gate == Gate::Recovering {
                state.gate = Gate::Open;
            }
        });
    }

    /// Closes the gate while the state is recovered or nothing moves, and gives back what waits.
    pub(crate) fn recover(&self) -> Vec<Group<M>> {
        self.change(|state| {
            if state.gate == Gate::Open {
                state.gate = Gate::Recovering;
            }
            state.drain()
        })
    }

    /// No more submissions; the writer finishes what it has.
    pub(crate) fn close(&self) {
        self.change(|state| {
            if state.gate.stopped().is_none() {
                state.gate = Gate::Closing;
            }
        });
    }

    /// The end. The first reason counts; tells whether this was the first.
    pub(crate) fn stop(&self, reason: StopReason) -> bool {
        let (first, left) = self.change(|state| {
            let first = state.gate.stopped().is_none();
            if first {
                state.gate = Gate::Stopped(reason);
            }
            (first, state.drain())
        });
        for group in left {
            let error = SubmitError::Stopped { why: reason };
            refuse(group.answer, group.submissions, error);
        }
        first
    }

    pub(crate) fn gate(&self) -> Gate {
        self.state().gate
    }

    /// Waits until the gate is open, or will not be.
    pub(crate) async fn opened(&self) -> Gate {
        let mut gates = self.gates.subscribe();
        let decided = gates.wait_for(|gate| *gate != Gate::Recovering).await;
        decided.map_or_else(|_| self.gate(), |gate| *gate)
    }

    /// The gate, and what waits in commands and in bytes.
    pub(crate) fn look(&self) -> (Gate, usize, usize) {
        let state = self.state();
        (state.gate, state.commands, state.bytes)
    }

    /// Waits until there is something the writer has use for, and takes it.
    pub(crate) fn wait(&self, wanted: Wanted) -> Found<M> {
        let nothing = |state: &mut State<M>| {
            let found = !state.news.is_empty()
                || state.nudged
                || (wanted.commands > 0 && !state.groups.is_empty())
                || (wanted.idle && state.gate == Gate::Closing)
                || state.gate.stopped().is_some();
            state.asleep = !found;
            !found
        };
        let state = self.state();
        let mut state = match wanted.within {
            None => self
                .wake
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                self.wake
                    .wait_timeout_while(state, within, nothing)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        state.asleep = false;
        state.nudged = false;
        Found {
            gate: state.gate,
            groups: state.take(wanted.commands),
            news: std::mem::take(&mut state.news),
        }
    }
}

impl<M: Machine> State<M> {
    /// Whole groups, until there are at least so many commands.
    fn take(&mut self, commands: usize) -> Vec<Group<M>> {
        let (mut taken, mut groups) = (0, Vec::new());
        while taken < commands
            && let Some(group) = self.groups.pop_front()
        {
            taken += group.submissions.len();
            self.bytes -= group.bytes;
            groups.push(group);
        }
        self.commands -= taken;
        groups
    }

    fn drain(&mut self) -> Vec<Group<M>> {
        self.take(usize::MAX)
    }
}
