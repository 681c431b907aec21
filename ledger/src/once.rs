//! The *once* index: what was asked under a key is done at most once, and asking again gets the
//! first answer.
//!
//! One index serves every kind of key: transaction ids, HTTP idempotency keys, merchants' order
//! and refund numbers, one-time codes. A key has a scope (so that one caller's keys are not
//! another's) and is bound to a fingerprint of the content: the same key with other content is an
//! error of its own. Entries are journalled in the same record as the effect. They leave memory in
//! commit order once the views hold them; from then on an absent key is only believed when it is
//! too young to have left, or when the command brings a fresh look into the views.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]

use std::collections::VecDeque;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::lookup::Lookup;
use crate::machine::Sequence;
use crate::time::Timestamp;

/// Whose key (scope) and which (key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OnceKey {
    pub scope: u64,
    pub key: u128,
}

impl OnceKey {
    /// A key given as text: its SHA-256 cut to 128 bits and marked as a UUID of version 8, so that
    /// no digest is ever mistaken for a time-ordered id.
    pub fn of_text(scope: u64, text: &str) -> Self {
        const VERSION: u128 = 0xf << 76;
        Self {
            scope,
            key: (digest128(text.as_bytes()) & !VERSION) | (8 << 76),
        }
    }

    /// The time inside a UUID of version 7, in nanoseconds, if this key is one.
    pub fn uuid_v7_time(self) -> Option<Timestamp> {
        let version = (self.key >> 76) & 0xf;
        let variant = (self.key >> 62) & 0b11;
        let millis = u64::try_from(self.key >> 80).ok()?;
        (version == 7 && variant == 0b10).then(|| Timestamp::from_millis(millis))
    }
}

/// A digest of what was asked, to tell a retry from a key used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    pub fn of(content: &[u8]) -> Self {
        Self(digest128(content))
    }
}

fn digest128(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(first)
}

/// Which outcomes use a key up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remember {
    /// Refusals too: for idempotency keys and transaction ids, whose retry gets the same answer.
    Always,
    /// Successes only: for names that must be unique, such as a merchant's order number.
    Successes,
}

/// A key as a command carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    pub key: OnceKey,
    pub fingerprint: Fingerprint,
    pub remember: Remember,
}

/// What the index holds of one key, in memory and in the views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnceEntry<O> {
    pub key: OnceKey,
    pub fingerprint: Fingerprint,
    pub outcome: O,
    pub sequence: Sequence,
    pub at: Timestamp,
}

/// How much a caller's clock may be ahead of or behind the ledger's before an id's own time is not
/// believed. An id from further in the future is refused.
pub const CLOCK_ALLOWANCE_NANOS: u64 = 60_000_000_000;

/// The entries still in memory, in the order they were committed.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Saved<O>", bound(deserialize = "O: Deserialize<'de>"))]
pub struct Once<O> {
    entries: VecDeque<OnceEntry<O>>,
    /// How many entries have left at the front: the position of `entries[0]`.
    gone: u64,
    /// When the last of those that left was committed.
    gone_until: Timestamp,
    index: Lookup<OnceKey, u64>,
}

/// The index as a snapshot keeps it: without the map, which follows from the entries.
#[derive(Deserialize)]
struct Saved<O> {
    entries: VecDeque<OnceEntry<O>>,
    gone: u64,
    gone_until: Timestamp,
}

impl<O> From<Saved<O>> for Once<O> {
    fn from(saved: Saved<O>) -> Self {
        let index = (saved.gone..)
            .zip(&saved.entries)
            .map(|(position, entry)| (entry.key, position))
            .collect();
        Self {
            entries: saved.entries,
            gone: saved.gone,
            gone_until: saved.gone_until,
            index,
        }
    }
}

/// The same fields in the same order, borrowed: a digest must not copy the index.
#[derive(Serialize)]
struct Saving<'a, O> {
    entries: &'a VecDeque<OnceEntry<O>>,
    gone: u64,
    gone_until: Timestamp,
}

impl<O: Serialize> Serialize for Once<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Saving {
            entries: &self.entries,
            gone: self.gone,
            gone_until: self.gone_until,
        }
        .serialize(serializer)
    }
}

impl<O> Default for Once<O> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            gone: 0,
            gone_until: Timestamp::ZERO,
            index: Lookup::default(),
        }
    }
}

impl<O> Once<O> {
    pub fn get(&self, key: OnceKey) -> Option<&OnceEntry<O>> {
        let position = *self.index.get(&key)?;
        self.entries
            .get(usize::try_from(position - self.gone).ok()?)
    }

    pub fn insert(&mut self, entry: OnceEntry<O>) {
        let position = self.gone + self.entries.len() as u64;
        self.index.insert(entry.key, position);
        self.entries.push_back(entry);
    }

    /// Whether a key that is not in memory may still be in the part that has left it. A UUIDv7
    /// younger than everything that ever left cannot be.
    pub fn may_have_left(&self, key: OnceKey) -> bool {
        if self.gone == 0 {
            return false;
        }
        match key.uuid_v7_time() {
            Some(made) => made <= self.gone_until.plus_nanos(CLOCK_ALLOWANCE_NANOS),
            None => true,
        }
    }

    /// Forgets the entries committed in row `through` and before it.
    pub fn evict(&mut self, through: Sequence) {
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.sequence <= through)
        {
            if let Some(entry) = self.entries.pop_front() {
                self.index.remove(&entry.key);
                self.gone += 1;
                self.gone_until = entry.at;
            }
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
