//! Things that never change, remembered so that the machine need not be asked again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    entries: RwLock<HashMap<K, V>>,
    entries_max: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Remembered<K, V> {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            entries: RwLock::default(),
            entries_max,
        }
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).cloned()
    }

    /// Keeps an entry; when there are too many, some other one goes.
    pub(super) fn keep(&self, key: K, value: V) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.entries_max {
            let some = entries.keys().next().cloned();
            some.map(|some| entries.remove(&some));
        }
        entries.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_may_be() {
        let remembered = Remembered::new(2);
        for number in 0..10 {
            remembered.keep(number, number * 2);
            assert_eq!(remembered.get(&number), Some(number * 2));
        }
        assert_eq!(
            (0..10).filter_map(|number| remembered.get(&number)).count(),
            2
        );
    }
}
