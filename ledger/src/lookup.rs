//! Look-up by key, in no order: a hash map that cannot be walked through.
//!
//! Hash maps are the fastest way to find a thing and the surest way to lose determinism, because
//! their order of iteration differs from run to run. The pure parts find things through this type,
//! which offers no iteration, and keep whatever they walk through in a `Vec` or a `BTreeMap`.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

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
#[derive(Clone, Default)]
pub(crate) struct Positions {
    table: HashTable<u64>,
    hasher: DefaultHashBuilder,
}

impl Positions {
    /// The latest position put in with this key.
    pub(crate) fn find<K: Hash + Eq>(&self, key: &K, key_of: impl Fn(u64) -> K) -> Option<u64> {
        let hash = self.hasher.hash_one(key);
        let found = self.table.find(hash, |position| key_of(*position) == *key);
        found.copied()
    }

    /// Whether there seems to be a position of this key, told without asking for keys.
    pub(crate) fn foresee<K: Hash>(&self, key: &K) -> bool {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |_| true).is_some()
    }

    /// Puts a position in, in place of an earlier one of the same key.
    pub(crate) fn insert<K: Hash + Eq>(
        &mut self,
        key: &K,
        position: u64,
        key_of: impl Fn(u64) -> K,
    ) {
        let hasher = &self.hasher;
        let entry = self.table.entry(
            hasher.hash_one(key),
            |known| key_of(*known) == *key,
            |known| hasher.hash_one(key_of(*known)),
        );
        entry.insert(position);
    }

    /// Takes a position out, if it is still there.
    pub(crate) fn remove<K: Hash>(&mut self, key: &K, position: u64) {
        let hash = self.hasher.hash_one(key);
        if let Ok(found) = self.table.find_entry(hash, |known| *known == position) {
            found.remove();
        }
    }
}

/// Only how much there is, as above.
impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Positions({})", self.table.len())
    }
}
