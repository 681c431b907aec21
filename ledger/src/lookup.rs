//! Look-up by key, in no order: a hash map that cannot be walked through.
//!
//! Hash maps are the fastest way to find a thing and the surest way to lose determinism, because
//! their order of iteration differs from run to run. The pure parts find things through this type,
//! which offers no iteration, and keep whatever they walk through in a `Vec` or a `BTreeMap`.

use std::fmt;
use std::hash::Hash;

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

    pub(crate) fn remove(&mut self, key: &K) {
        self.0.remove(key);
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
