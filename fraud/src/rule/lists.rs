//! Lists of people, shops and devices that rules ask about: `payee in lists.blocked`.
//!
//! The names of lists are fixed when rules are compiled; their entries come and go at any time, each
//! with an end if wanted, and with the name of whoever put it there.

use std::collections::HashMap;

use crate::attempt::Key;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who put it there.
    pub author: String,
    /// Nanoseconds since 1970 after which it no longer counts; never, if absent.
    pub until: Option<u64>,
}

/// All lists by name.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    names: Vec<String>,
    entries: Vec<HashMap<Key, Entry>>,
}

impl Lists {
    /// Empty lists of these names.
    pub fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            entries: vec![HashMap::new(); names.len()],
            names,
        }
    }

    /// Puts a key on a list, replacing an older entry; whether there is such a list.
    pub fn add(&mut self, list: &str, key: Key, entry: Entry) -> bool {
        self.slot(list)
            .map(|slot| self.entries[slot].insert(key, entry))
            .is_some()
    }

    /// Takes a key off a list; the entry it had.
    pub fn remove(&mut self, list: &str, key: Key) -> Option<Entry> {
        let slot = self.slot(list)?;
        self.entries[slot].remove(&key)
    }

    /// Drops the entries that have ended; how many.
    pub fn expire(&mut self, now: u64) -> usize {
        let before: usize = self.entries.iter().map(HashMap::len).sum();
        for list in &mut self.entries {
            list.retain(|_, entry| entry.until.is_none_or(|until| now < until));
        }
        before - self.entries.iter().map(HashMap::len).sum::<usize>()
    }

    /// The names, in the order of their slots.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn slot(&self, list: &str) -> Option<usize> {
        self.names.iter().position(|name| name == list)
    }

    pub(crate) fn has(&self, slot: usize, key: Key, now: u64) -> bool {
        let entry = self.entries.get(slot).and_then(|list| list.get(&key));
        entry.is_some_and(|entry| entry.until.is_none_or(|until| now < until))
    }
}
