//! The newest events of an entity, exact to the second.
//!
//! While an entity has at most [`Recent::CAPACITY`] events in a window, counts, sums and distinct
//! counterparties of that window are exact. An entity with more is busy and is counted by buckets.

use serde::{Deserialize, Serialize};

/// One attempt as an entity remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: u32,
    /// Half the bits of the counterparty's key; 0 if there is none.
    pub(crate) other: u32,
    pub(crate) amount: i64,
}

/// The newest events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<Event>", from = "Vec<Event>")]
#[repr(C)]
pub(crate) struct Recent {
    len: u8,
    events: [Event; Self::CAPACITY],
}

impl Recent {
    pub(crate) const CAPACITY: usize = 32;

    pub(crate) const fn new() -> Self {
        Self {
            events: [Event {
                at: 0,
                other: 0,
                amount: 0,
            }; Self::CAPACITY],
            len: 0,
        }
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events[..usize::from(self.len)]
    }

    pub(crate) fn touch(&self) -> u32 {
        self.events().last().map_or(0, |event| event.at)
    }

    /// Adds an event in its place and returns the one that had to leave for it.
    pub(crate) fn insert(&mut self, event: Event) -> Option<Event> {
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
    pub(crate) fn remove(&mut self, event: Event) -> bool {
        let len = usize::from(self.len);
        let Ok(place) = self.events().binary_search(&event) else {
            return false;
        };
        self.events.copy_within(place + 1..len, place);
        self.len -= 1;
        true
    }
}

impl From<Recent> for Vec<Event> {
    fn from(recent: Recent) -> Self {
        recent.events().to_vec()
    }
}

impl From<Vec<Event>> for Recent {
    fn from(events: Vec<Event>) -> Self {
        let mut recent = Self::new();
        for event in events {
            recent.insert(event);
        }
        recent
    }
}
