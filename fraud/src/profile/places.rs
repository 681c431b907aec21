//! Where each key's profile is: a map from hashes to places, open addressing with linear probing.
//!
//! It exists because of [`Places::prefetch`]. An attempt asks for some eight keys, and among a million profiles every answer
//! is a wait for memory. A map of a library answers one key after the other; here the memory of all is asked for first, and
//! the waits overlap. A slot is eight bytes, hash and place side by side, so a place is found in one wait, and growing reads
//! no keys.

use prefetch_index::prefetch_index;

/// A map from hashes to places below `u32::MAX`; never more than half full.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// As many as a power of two.
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    place: u32,
}

impl Slot {
    const FREE: Self = Self {
        hash: 0,
        place: u32::MAX,
    };

    const fn is_free(self) -> bool {
        self.place == u32::MAX
    }
}

impl Places {
    const LEAST: usize = 16;
    const BYTES: usize = size_of::<Slot>();

    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::FREE; Self::LEAST],
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The memory it takes, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.slots.len() * Self::BYTES
    }

    /// The memory that so many places take at most, while the map grows and the smaller one is still there.
    pub(super) const fn bytes_max(places: usize) -> usize {
        let slots = (2 * places).next_power_of_two();
        let slots = if slots > Self::LEAST {
            slots
        } else {
            Self::LEAST
        };
        (slots + slots / 2) * Self::BYTES
    }

    /// Asks for the memory that [`Places::find`] will read first, and does not wait for it.
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch_index(self.slots.as_slice(), self.home(narrow(hash)));
    }

    /// The first place kept for a hash that is the right one.
    pub(super) fn find(&self, hash: u64, is_right: impl Fn(usize) -> bool) -> Option<usize> {
        let hash = narrow(hash);
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot.is_free() {
                return None;
            }
            if slot.hash == hash && is_right(slot.place as usize) {
                return Some(slot.place as usize);
            }
            at = self.after(at);
        }
    }

    /// Keeps a place that is not kept yet.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place is below a capacity that fits memory"
    )]
    pub(super) fn insert(&mut self, hash: u64, place: usize) {
        if 2 * (self.len + 1) > self.slots.len() {
            self.grow();
        }
        self.len += 1;
        self.put(Slot {
            hash: narrow(hash),
            place: place as u32,
        });
    }

    /// Forgets a place. What was pushed on by it moves back, so that no search ends early and none grows longer with time.
    pub(super) fn remove(&mut self, hash: u64, place: usize) {
        let mut at = self.home(narrow(hash));
        while self.slots[at].place as usize != place {
            if self.slots[at].is_free() {
                return;
            }
            at = self.after(at);
        }
        let mut next = self.after(at);
        while !self.slots[next].is_free() {
            let home = self.home(self.slots[next].hash);
            // How far each has come from home, around the end: only what does not jump before its home may move.
            if self.steps(home, next) >= self.steps(at, next) {
                self.slots[at] = self.slots[next];
                at = next;
            }
            next = self.after(next);
        }
        self.slots[at] = Slot::FREE;
        self.len -= 1;
    }

    fn grow(&mut self) {
        let larger = vec![Slot::FREE; 2 * self.slots.len()];
        let smaller = std::mem::replace(&mut self.slots, larger);
        for slot in smaller.into_iter().filter(|slot| !slot.is_free()) {
            self.put(slot);
        }
    }

    fn put(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while !self.slots[at].is_free() {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    fn steps(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "half of well-mixed bits are still well mixed"
)]
const fn narrow(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hashes from a small range collide, also around the end of the slots.
        #[test]
        fn finds_what_was_kept_and_not_removed(
            steps in prop::collection::vec((prop_oneof![0..40_u64, Just(u64::from(u32::MAX)), Just(u64::from(u32::MAX) - 1)], any::<bool>()), 1..200)
        ) {
            let mut places = Places::new();
            let mut kept = BTreeMap::new();
            let mut most = 0;
            for (place, (hash, keep)) in steps.into_iter().enumerate() {
                if keep {
                    places.insert(hash, place);
                    kept.insert(place, hash);
                } else if let Some((&old, &hash)) = kept.iter().find(|(_, other)| **other >= hash) {
                    places.remove(hash, old);
                    kept.remove(&old);
                }
                most = most.max(kept.len());
                prop_assert_eq!(places.len(), kept.len());
                for (place, hash) in &kept {
                    prop_assert_eq!(places.find(*hash, |it| it == *place), Some(*place));
                }
                prop_assert_eq!(places.slots.iter().filter(|slot| !slot.is_free()).count(), kept.len());
                prop_assert!(places.bytes() <= Places::bytes_max(most));
            }
        }
    }

    #[test]
    fn nothing_is_found_for_what_was_never_kept() {
        let mut places = Places::new();
        (0..1_000).for_each(|place| places.insert(place as u64 * 3, place));
        assert!((0..1_000_u64).all(|place| places.find(place * 3 + 1, |_| true).is_none()));
    }
}
