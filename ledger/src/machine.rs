//! What the sequencer runs: a pure state machine.
//!
//! `decide` reads the state and a command and answers with events or with a rejection; `evolve`
//! folds one event into the state. The journal stores the events, never the commands, so a rule can
//! change tomorrow and yesterday still replays as it was.
//!
//! The state holds what is open. What is finished leaves memory when its view is written
//! ([`Machine::evict`]); a command that needs such a thing is told so ([`Answer::Missing`]), its
//! handler reads the rows from the views and submits again with them in [`Cold`].

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::time::Timestamp;

/// The number of a row of the journal. The first row is 1; 0 is "before everything".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
pub struct Sequence(pub u64);

impl Sequence {
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// When something happens: in which row of the journal, and at what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub sequence: Sequence,
    pub at: Timestamp,
}

/// What a command brings along from the views: for each key the row, or the knowledge that there is
/// none, as it stood when the views had reached `read_at`.
#[derive(Clone, Debug)]
pub struct Cold<K, R> {
    pub read_at: Sequence,
    pub rows: BTreeMap<K, Option<R>>,
}

impl<K, R> Default for Cold<K, R> {
    fn default() -> Self {
        Self {
            read_at: Sequence(0),
            rows: BTreeMap::new(),
        }
    }
}

/// What `decide` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<O, K> {
    /// Decided, whether for or against: this is the answer, and the events (if any) happen.
    Decided(O),
    /// Not decidable from what is in memory: bring these along from the views.
    Missing(Vec<K>),
}

/// An outcome says whether the command was refused, so that what a refusal must not use up
/// (an order's number) stays free.
pub trait Refusable {
    fn is_refusal(&self) -> bool;
}

pub trait Machine: Default + Debug + Send + Serialize + DeserializeOwned + 'static {
    type Command: Debug + Send + 'static;
    type Event: Clone + Debug + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static;
    type Outcome: Refusable
        + Clone
        + Debug
        + PartialEq
        + Send
        + Sync
        + Serialize
        + DeserializeOwned
        + 'static;
    /// Names something finished that may have left memory.
    type Key: Clone + Debug + Ord + Send + Sync + 'static;
    /// What the views keep of such a thing: enough to decide about it.
    type Row: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static;

    /// About how many bytes a command holds in memory, for the limits of queues and batches.
    fn weight(command: &Self::Command) -> usize {
        size_of_val(command)
    }

    /// Pure: the same state, command, time and cold rows give the same answer and the same events.
    /// Rows in `cold` are fresh: the engine has already refused what was read too early.
    fn decide(
        &self,
        at: Timestamp,
        command: &Self::Command,
        cold: &Cold<Self::Key, Self::Row>,
        events: &mut Vec<Self::Event>,
    ) -> Answer<Self::Outcome, Self::Key>;

    /// Folds one event. Cannot fail: a panic here means a corrupt journal and stops the process.
    fn evolve(&mut self, moment: Moment, event: &Self::Event);

    /// Adds the events of what is due at `at` (holds and orders that expire, in order of due time
    /// and id), at most `limit` things.
    fn due(&self, at: Timestamp, limit: usize, events: &mut Vec<Self::Event>);

    /// When the next thing falls due, so that the writer wakes for it.
    fn next_due(&self) -> Option<Timestamp>;

    /// Reads what deciding this command will read and returns anything made of it, so that the
    /// processor has it near when the command's turn comes. Many are asked for at a time, and then
    /// they are fetched at the same time.
    fn foresee(&self, command: &Self::Command) -> u64 {
        let _ = command;
        0
    }

    /// The same for folding an event.
    fn foresee_event(&self, event: &Self::Event) -> u64 {
        let _ = event;
        0
    }

    /// Forgets what is finished and was last changed in row `through` or before it.
    fn evict(&mut self, through: Sequence);
}
