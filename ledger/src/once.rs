//! The *once* index: what was asked under a key is done at most once, and asking again gets the
//! first answer.
//!
//! One index serves every kind of key: transaction ids, HTTP idempotency keys, merchants' order
//! and refund numbers, one-time codes. A key has a scope (so that one caller's keys are not
//! another's) and is bound to a fingerprint of the content: the same key with other content is an
//! error of its own. Entries are journalled in the same record as the effect, and the index only says
//! where that record stands: the outcome is read from there when somebody asks again. Entries leave
//! memory in commit order once the views hold them; from then on an absent key is only believed when
//! its own time is later than that of all that left, or when the command brings a fresh look into
//! the views.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lookup::Positions;
use crate::machine::Sequence;
use crate::queue::Queue;
use crate::time::Timestamp;
use crate::wide;

/// Whose key (scope) and which (key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OnceKey {
    pub scope: u64,
    #[serde(with = "wide")]
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
pub struct Fingerprint(#[serde(with = "wide")] pub u128);

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

/// Where in the journal a record stands: in which row, and as which of its records, from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Place {
    pub sequence: Sequence,
    pub record: u32,
}

/// What the index holds of one key: what it was used for, and where the outcome stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnceEntry {
    pub key: OnceKey,
    pub fingerprint: Fingerprint,
    pub place: Place,
}

/// How far a caller's clock may be ahead of the ledger's. An id from further in the future is
/// refused.
pub const CLOCK_ALLOWANCE_NANOS: u64 = 60_000_000_000;

/// The entries still in memory, in the order they were committed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Once {
    entries: Queue<OnceEntry>,
    /// How many entries have left at the front: the position of `entries[0]`.
    gone: u64,
    /// The newest time inside a key that has left.
    gone_until: Timestamp,
    /// Made when a key is first looked for: whoever only folds never looks.
    #[serde(skip)]
    index: Option<Positions>,
}

impl Once {
    /// Makes ready for looking up keys.
    pub fn prepare(&mut self) {
        if self.index.is_none() {
            let mut index = Positions::default();
            for (position, entry) in (self.gone..).zip(self.entries.iter()) {
                put(&mut index, &self.entries, self.gone, entry.key, position);
            }
            self.index = Some(index);
        }
    }

    /// The entry of a key.
    ///
    /// # Panics
    /// When nobody has made [ready](Self::prepare) for it.
    pub fn get(&self, key: OnceKey) -> Option<&OnceEntry> {
        let (entries, gone) = (&self.entries, self.gone);
        let index = self.index.as_ref().expect("whoever looks has prepared");
        let position = index.find(&key, |position| at(entries, gone, position).key)?;
        Some(at(entries, gone, position))
    }

    /// Reads what looking for a key and putting it in will read.
    pub(crate) fn foresee(&self, key: OnceKey) -> u64 {
        let index = self.index.as_ref();
        index.map_or(0, |index| u64::from(index.foresee(&key)))
    }

    pub fn insert(&mut self, entry: OnceEntry) {
        let position = self.gone + self.entries.len() as u64;
        self.entries.push_back(entry);
        if let Some(index) = &mut self.index {
            put(index, &self.entries, self.gone, entry.key, position);
        }
    }

    /// Whether a key that is not in memory may still be in the part that has left it. A `UUIDv7`
    /// with a later time than every key that has left is none of them.
    pub fn may_have_left(&self, key: OnceKey) -> bool {
        if self.gone == 0 {
            return false;
        }
        key.uuid_v7_time()
            .is_none_or(|made| made <= self.gone_until)
    }

    /// The newest time in a key that has left, if any has.
    pub fn gone_until(&self) -> Option<Timestamp> {
        (self.gone > 0).then_some(self.gone_until)
    }

    /// Forgets the entries committed in row `through` and before it.
    pub fn evict(&mut self, through: Sequence) {
        while let Some(entry) = self.entries.get(0)
            && entry.place.sequence <= through
        {
            if let Some(index) = &mut self.index {
                index.remove(&entry.key, self.gone);
            }
            if let Some(made) = entry.key.uuid_v7_time() {
                self.gone_until = self.gone_until.max(made);
            }
            self.entries.drop_front();
            self.gone += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }
}

fn put(index: &mut Positions, entries: &Queue<OnceEntry>, gone: u64, key: OnceKey, position: u64) {
    index.insert(&key, position, |position| at(entries, gone, position).key);
}

/// The entry at a position that the index knows, which is therefore there.
fn at(entries: &Queue<OnceEntry>, gone: u64, position: u64) -> &OnceEntry {
    let index = usize::try_from(position - gone).expect("what is in memory has an address");
    entries
        .get(index)
        .expect("the index knows what is in memory")
}
