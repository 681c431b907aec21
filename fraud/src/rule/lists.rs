//! Lists of people, shops and devices that rules ask about: `payee in lists.blocked`.
//!
//! The names of lists are fixed when rules are compiled; their entries come and go at any time, each with an end if wanted.
//! Keys of different families never meet: payers and payees are one, since who pays can be paid; devices, links and places
//! are each their own, because they are named from outside and could be named after anybody's key.

use std::collections::HashMap;

use crate::attempt::{Key, Role};

/// Keys that stand for the same kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    Party,
    Device,
    Link,
    Place,
}

impl Family {
    const fn of(role: Role) -> Self {
        match role {
            Role::Payer | Role::Payee => Self::Party,
            Role::Device => Self::Device,
            Role::Link => Self::Link,
            Role::Place => Self::Place,
        }
    }
}

/// The last moment at which an entry counts, in nanoseconds since 1970; none if it has no end.
type End = Option<u64>;

/// All lists by name.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    names: Vec<String>,
    entries: Vec<HashMap<(Family, Key), End>>,
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

    /// Puts whoever or whatever can play a role on a list, in place of an older entry; whether there is such a list. The
    /// entry counts up to `until` and at that moment still, in nanoseconds since 1970.
    pub fn add(&mut self, list: &str, role: Role, key: Key, until: Option<u64>) -> bool {
        let slot = self.slot(list);
        slot.map(|slot| self.entries[slot].insert((Family::of(role), key), until))
            .is_some()
    }

    /// The names, in the order of their slots.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn slot(&self, list: &str) -> Option<usize> {
        self.names.iter().position(|name| name == list)
    }

    pub(crate) fn has(&self, slot: usize, role: Role, key: Key, now: u64) -> bool {
        let list = self.entries.get(slot);
        let end = list.and_then(|list| list.get(&(Family::of(role), key)));
        end.is_some_and(|end| end.is_none_or(|until| now <= until))
    }
}
