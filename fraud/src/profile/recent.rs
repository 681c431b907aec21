//! The newest events of an entity, exact to the second.
//!
//! While an entity has at most [`Recent::CAPACITY`] events in a window, counts, sums and distinct
//! counterparties of that window are exact. An entity with more is busy and is counted by buckets.

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use super::saved::Saved;

/// One attempt as an entity remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: u32,
    /// Half the bits of the counterparty's key; 0 if there is none.
    pub(crate) other: u32,
    pub(crate) amount: i64,
}

/// The newest events of an entity.
pub(crate) type Recent = Newest<Event, 32>;

/// The newest `N` of things that are ordered by their time, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<T>", from = "Vec<T>", bound = "T: Saved + Ord")]
#[repr(C)]
pub(crate) struct Newest<T: Saved + Ord, const N: usize> {
    len: u8,
    events: [T; N],
}

impl<T: Saved + Ord, const N: usize> Newest<T, N> {
    pub(crate) const CAPACITY: usize = {
        assert!(N < 256, "their number is kept in a byte");
        N
    };

    pub(crate) fn new() -> Self {
        Self {
            events: [T::default(); N],
            len: 0,
        }
    }

    /// Asks for its memory, whose part in use is not known yet.
    pub(crate) fn prefetch(&self) {
        (0..N)
            .step_by(4)
            .for_each(|place| prefetch_index(self.events.as_slice(), place));
    }

    pub(crate) fn events(&self) -> &[T] {
        &self.events[..usize::from(self.len)]
    }

    /// Adds an event in its place and returns the one that had to leave for it.
    pub(crate) fn insert(&mut self, event: T) -> Option<T> {
        let len = usize::from(self.len);
        let place = self.events().partition_point(|held| *held <= event);
        if len < Self::CAPACITY {
            self.events.copy_within(place..len, place + 1);
            self.events[place] = event;
            self.len += 1;
            return None;
        }
        if place == 0 {
            return Some(event);
        }
        let oldest = self.events[0];
        self.events.copy_within(1..place, 0);
        self.events[place - 1] = event;
        Some(oldest)
    }

    /// Takes an event out again; whether it was still here.
    pub(crate) fn remove(&mut self, event: T) -> bool {
        let len = usize::from(self.len);
        let Ok(place) = self.events().binary_search(&event) else {
            return false;
        };
        self.events.copy_within(place + 1..len, place);
        self.len -= 1;
        true
    }
}

impl<T: Saved + Ord, const N: usize> From<Newest<T, N>> for Vec<T> {
    fn from(newest: Newest<T, N>) -> Self {
        newest.events().to_vec()
    }
}

impl<T: Saved + Ord, const N: usize> From<Vec<T>> for Newest<T, N> {
    fn from(events: Vec<T>) -> Self {
        let mut newest = Self::new();
        for event in events {
            newest.insert(event);
        }
        newest
    }
}
