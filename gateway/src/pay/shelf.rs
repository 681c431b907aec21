//! Things of one kind that are in memory: those that are open, and those that have just finished.
//!
//! What is open may fall due. What is finished leaves when its view is written. An operation takes a time that grows with
//! the logarithm of how many things there are:
//!
//! | operation | what |
//! |---|---|
//! | [`Shelf::get`] | looks one up |
//! | [`Shelf::keep`] | puts one as it now is |
//! | [`Shelf::take`] | takes one away, to put it back changed |
//! | [`Shelf::due`], [`Shelf::next_due`] | what is due, in order of (due, id); when the next thing is |
//! | [`Shelf::evict`] | takes away what finished up to a row of the journal |

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Moment, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

/// What can lie on a shelf.
pub(super) trait Shelved {
    type Id: Copy + Ord;

    fn id(&self) -> Self::Id;
    /// The last moment before something must happen to it; never for what is finished.
    fn due(&self) -> Option<Timestamp>;
    /// Whether nothing can happen to it any more, or only by what brings it back.
    fn is_finished(&self) -> bool;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: Serialize, T::Id: Serialize",
    deserialize = "T: Deserialize<'de>, T::Id: Deserialize<'de>"
))]
pub(super) struct Shelf<T: Shelved> {
    things: BTreeMap<T::Id, (Sequence, T)>,
    due: BTreeSet<(Timestamp, T::Id)>,
    finished: BTreeSet<(Sequence, T::Id)>,
}

impl<T: Shelved> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            due: BTreeSet::new(),
            finished: BTreeSet::new(),
        }
    }
}

impl<T: Shelved> Shelf<T> {
    pub(super) fn get(&self, id: T::Id) -> Option<&T> {
        self.things.get(&id).map(|(_, thing)| thing)
    }

    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    /// How many things can fall due.
    pub(super) fn waiting(&self) -> usize {
        self.due.len()
    }

    pub(super) fn keep(&mut self, moment: Moment, thing: T) {
        let id = thing.id();
        self.take(id);
        if let Some(due) = thing.due() {
            self.due.insert((due, id));
        }
        if thing.is_finished() {
            self.finished.insert((moment.sequence, id));
        }
        self.things.insert(id, (moment.sequence, thing));
    }

    pub(super) fn take(&mut self, id: T::Id) -> Option<T> {
        let (changed, thing) = self.things.remove(&id)?;
        self.finished.remove(&(changed, id));
        if let Some(due) = thing.due() {
            self.due.remove(&(due, id));
        }
        Some(thing)
    }

    /// Those whose last moment is over.
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = &T> {
        let due = self.due.iter().take_while(move |(due, _)| *due < at);
        due.filter_map(|(_, id)| self.get(*id))
    }

    /// Right after the last moment of what is due next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| due.plus_nanos(1))
    }

    /// The next thing that finished in row `through` or before it, taken away.
    pub(super) fn evict(&mut self, through: Sequence) -> Option<T> {
        let (changed, id) = *self.finished.first()?;
        if changed > through {
            return None;
        }
        self.take(id)
    }
}
