//! Look-up by key, in no order: a hash map that cannot be walked through.
//!
//! Hash maps are the fastest way to find a thing and the surest way to lose determinism, because
//! their order of iteration differs from run to run. The pure parts find things through this type,
//! which offers no iteration, and keep whatever they walk through in a `Vec` or a `BTreeMap`.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

#[expect(
    clippy::disallowed_types,
    reason = "this is the one wrapper that hides the map's order"
)]
type Map<K, V> = hashbrown::HashMap<K, V>;

#[derive(Clone)]
pub(crate) struct Lookup<K, V>(Map<K, V>);

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<K: Eq + Hash, V> Lookup<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.0.insert(key, value);
    }
}

impl<K: Eq + Hash, V> Extend<(K, V)> for Lookup<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        self.0.extend(pairs);
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Lookup<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Only how much there is: showing the entries would show their order.
impl<K, V> fmt::Debug for Lookup<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lookup({})", self.0.len())
    }
}

/// Look-up by a key that stands elsewhere: keeps only positions, and asks for the key of one.
///
/// A position is the last 32 bits of a number that may have grown beyond them: whoever asks knows from where on there is
/// anything, and memory does not hold so many things that two would be the same. Beside it stands as much of the key's
/// hash, so most wrong positions are told without asking for their keys, and the table grows without asking for any.
///
/// The slots stand in one row and a key's is the first free one from where its hash points to. So finding, putting in and
/// [guessing](Self::guess) touch the same memory, mostly once: with millions of keys, waiting for it is most of the work.
#[derive(Clone, Default)]
pub(crate) struct Positions {
    /// A power of two of them, or none yet; some are always free.
    slots: Vec<Slot>,
    taken: usize,
    hasher: DefaultHashBuilder,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// [`FREE`] when there is nothing here.
    hash: u32,
    position: u32,
}

const FREE: u32 = 0;
const SLOTS_MIN: usize = 16;

impl Positions {
    fn hash<K: Hash>(&self, key: &K) -> u32 {
        let [.., a, b, c, d] = self.hasher.hash_one(key).to_be_bytes();
        u32::from_be_bytes([a, b, c, d]).max(FREE + 1)
    }

    /// Where the search for a hash begins.
    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn after(&self, index: usize) -> usize {
        (index + 1) & (self.slots.len() - 1)
    }

    /// The slot that is meant, or the free one at which the search for it ends; none when there are no slots.
    fn search(&self, hash: u32, is_meant: impl Fn(u32) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut index = self.home(hash);
        loop {
            let slot = self.slots[index];
            if slot.hash == FREE || (slot.hash == hash && is_meant(slot.position)) {
                return Some(index);
            }
            index = self.after(index);
        }
    }

    fn position_at(&self, index: Option<usize>) -> Option<u32> {
        let slot = self.slots[index?];
        (slot.hash != FREE).then_some(slot.position)
    }

    /// The latest position put in with this key.
    pub(crate) fn find<K: Hash + Eq>(&self, key: &K, key_of: impl Fn(u32) -> K) -> Option<u32> {
        let found = self.search(self.hash(key), |position| key_of(position) == *key);
        self.position_at(found)
    }

    /// The position of this key, if it has one, or once in a long time another: told without asking for keys.
    pub(crate) fn guess<K: Hash>(&self, key: &K) -> Option<u32> {
        let found = self.search(self.hash(key), |_| true);
        self.position_at(found)
    }

    /// Puts a position in, in place of an earlier one of the same key.
    pub(crate) fn insert<K: Hash + Eq>(
        &mut self,
        key: &K,
        position: u32,
        key_of: impl Fn(u32) -> K,
    ) {
        // A quarter stays free, so that searches are short.
        if self.slots.len() / 4 * 3 <= self.taken {
            self.grow();
        }
        let hash = self.hash(key);
        if let Some(index) = self.search(hash, |position| key_of(position) == *key) {
            self.taken += usize::from(self.slots[index].hash == FREE);
            self.slots[index] = Slot { hash, position };
        }
    }

    fn grow(&mut self) {
        let slots = (2 * self.slots.len()).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
        for slot in old {
            if slot.hash != FREE
                && let Some(index) = self.search(slot.hash, |_| false)
            {
                self.slots[index] = slot;
            }
        }
    }

    /// Takes a position out, if it is still there.
    pub(crate) fn remove<K: Hash>(&mut self, key: &K, position: u32) {
        let found = self.search(self.hash(key), |other| other == position);
        if let Some(index) = found
            && self.slots[index].hash != FREE
        {
            self.taken -= 1;
            self.close_up(index);
        }
    }

    /// Frees a slot, and moves into it and after it what would no longer be found.
    fn close_up(&mut self, mut free: usize) {
        let mask = self.slots.len() - 1;
        let mut index = free;
        loop {
            index = self.after(index);
            let slot = self.slots[index];
            if slot.hash == FREE {
                break;
            }
            let from_home = index.wrapping_sub(self.home(slot.hash)) & mask;
            let from_free = index.wrapping_sub(free) & mask;
            if from_home >= from_free {
                self.slots[free] = slot;
                free = index;
            }
        }
        self.slots[free] = Slot::default();
    }
}

/// Only how much there is, as above.
impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Positions({})", self.taken)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few keys and many turns, so that keys come again, go and share their way through the slots.
        #[test]
        fn what_is_put_in_is_found_until_it_is_taken_out(
            turns in proptest::collection::vec((0..200_u8, any::<bool>()), 0..2_000),
        ) {
            let mut positions = Positions::default();
            let (mut keys, mut naive) = (Vec::new(), BTreeMap::new());
            for (key, puts) in turns {
                let key_of = |position: u32| keys[position as usize];
                let known = naive.get(&key).copied();
                prop_assert_eq!(positions.find(&key, key_of), known);
                prop_assert!(known.is_none() || positions.guess(&key).is_some());
                if puts {
                    let position = u32::try_from(keys.len()).unwrap();
                    keys.push(key);
                    positions.insert(&key, position, |position| keys[position as usize]);
                    naive.insert(key, position);
                } else if let Some(position) = naive.remove(&key) {
                    // Another one of the same key is not taken for it.
                    positions.remove(&key, position.wrapping_sub(1));
                    positions.remove(&key, position);
                }
                prop_assert_eq!(positions.taken, naive.len());
            }
            for key in 0..200_u8 {
                let found = positions.find(&key, |position| keys[position as usize]);
                prop_assert_eq!(found, naive.get(&key).copied());
            }
        }
    }
}
