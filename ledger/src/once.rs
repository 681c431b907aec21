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

use std::hint::black_box;

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

/// Entries whose places in the index are read at a time before they are forgotten: as many as a processor fetches memory
/// for.
const FORESEEN: usize = 16;

/// A place has this many bits for the record: a row has fewer, for a batch is bounded.
const RECORD_BITS: u32 = 24;

impl Place {
    /// The place as one number, in the order of all that happened.
    ///
    /// # Panics
    /// When the record is beyond what a row can have.
    pub const fn number(self) -> u64 {
        assert!(self.record >> RECORD_BITS == 0, "a batch is bounded");
        (self.sequence.0 << RECORD_BITS) | self.record as u64
    }

    /// The last place that a row can have.
    pub(crate) const fn last_of(sequence: Sequence) -> Self {
        Self {
            sequence,
            record: (1 << RECORD_BITS) - 1,
        }
    }

    /// The place of a number.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the record has 24 bits of it"
    )]
    pub const fn of_number(number: u64) -> Self {
        Self {
            sequence: Sequence(number >> RECORD_BITS),
            record: number as u32 & Self::last_of(Sequence(0)).record,
        }
    }
}

/// An entry as it is held: in 48 bytes and not in 64, for this is most of what memory holds of a burst.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "OnceEntry", into = "OnceEntry")]
struct Held {
    scope: u64,
    key: [u64; 2],
    fingerprint: [u64; 2],
    place: u64,
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
const fn halves(number: u128) -> [u64; 2] {
    [(number >> 64) as u64, number as u64]
}

const fn whole([high, low]: [u64; 2]) -> u128 {
    ((high as u128) << 64) | low as u128
}

impl Held {
    const fn key(&self) -> OnceKey {
        OnceKey {
            scope: self.scope,
            key: whole(self.key),
        }
    }
}

impl From<OnceEntry> for Held {
    fn from(entry: OnceEntry) -> Self {
        Self {
            scope: entry.key.scope,
            key: halves(entry.key.key),
            fingerprint: halves(entry.fingerprint.0),
            place: entry.place.number(),
        }
    }
}

impl From<Held> for OnceEntry {
    fn from(held: Held) -> Self {
        Self {
            key: held.key(),
            fingerprint: Fingerprint(whole(held.fingerprint)),
            place: Place::of_number(held.place),
        }
    }
}

/// The entries still in memory, in the order they were committed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Once {
    entries: Queue<Held>,
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
            for (number, entry) in (self.gone..).zip(self.entries.iter()) {
                put(&mut index, &self.entries, self.gone, entry.key(), number);
            }
            self.index = Some(index);
        }
    }

    /// The entry of a key.
    ///
    /// # Panics
    /// When nobody has made [ready](Self::prepare) for it.
    pub fn get(&self, key: OnceKey) -> Option<OnceEntry> {
        let (entries, gone) = (&self.entries, self.gone);
        let index = self.index.as_ref().expect("whoever looks has prepared");
        let position = index.find(&key, |position| at(entries, gone, position).key())?;
        Some((*at(entries, gone, position)).into())
    }

    /// Reads what looking for a key and putting it in will read.
    pub(crate) fn foresee(&self, key: OnceKey) -> u64 {
        self.index.as_ref().map_or(0, |index| guess(index, key))
    }

    pub fn insert(&mut self, entry: OnceEntry) {
        let number = self.gone + self.entries.len() as u64;
        self.entries.push_back(entry.into());
        if let Some(index) = &mut self.index {
            put(index, &self.entries, self.gone, entry.key, number);
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
        let mut foreseen = 0;
        while let Some(entry) = self.entries.get(0)
            && Place::of_number(entry.place).sequence <= through
        {
            let key = entry.key();
            if let Some(index) = &mut self.index {
                if foreseen == 0 {
                    let next = self.entries.iter().take(FORESEEN);
                    black_box(next.fold(0, |seen, next| seen ^ guess(index, next.key())));
                    foreseen = FORESEEN;
                }
                foreseen -= 1;
                index.remove(&key, position(self.gone));
            }
            if let Some(made) = key.uuid_v7_time() {
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

fn put(index: &mut Positions, entries: &Queue<Held>, gone: u64, key: OnceKey, number: u64) {
    index.insert(&key, position(number), |position| {
        at(entries, gone, position).key()
    });
}

fn guess(index: &Positions, key: OnceKey) -> u64 {
    index.guess(&key).map_or(0, u64::from)
}

/// How the index knows the entry of this number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "fewer entries than there are positions are in memory at a time"
)]
const fn position(number: u64) -> u32 {
    number as u32
}

/// The entry at a position that the index knows, which is therefore there.
fn at(entries: &Queue<Held>, gone: u64, at: u32) -> &Held {
    let index = at.wrapping_sub(position(gone)) as usize;
    entries
        .get(index)
        .expect("the index knows what is in memory")
}
