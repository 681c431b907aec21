//! Stops replays: remembers which nonces each key has used, as long as their signatures would be accepted.
//!
//! A nonce is kept as a 64-bit keyed hash of (key id, nonce). At the limit of 16 million nonces the chance that a new
//! one collides, and its honest request is refused, is 1 in 10^12; the keys of the hash are random, so nobody can aim.
//!
//! Nonces live in three generations of [`GENERATION_S`]; a new one begins by forgetting the oldest as a whole, which
//! costs less than an expiry per nonce. A nonce seen at t is kept until t + 330 s at least: the time after which its
//! signature, created at most 30 s after t, is stale. When full the window refuses new requests: to forget a nonce
//! early would open a door to replays, to refuse a request only delays it.
//!
//! A clock that is set back keeps nonces longer, never shorter. The window is this process's own: it starts empty, and
//! two processes that serve the same keys do not share it. What a replay could do beyond reading is stopped by the
//! idempotency keys, which are journalled.

use std::{
    hash::{BuildHasher, RandomState},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hashbrown::{HashTable, hash_table::Entry};

use super::{AGE_MAX_S, AHEAD_MAX_S, SignatureError};

/// The most nonces kept at once: 30,000 requests a second, sustained, at 10 to 20 bytes each.
pub const NONCES_MAX: usize = 1 << 24;

/// Two generations are as long as a nonce must be kept; the third is the one being filled.
const GENERATION_S: i64 = i64::midpoint(AGE_MAX_S, AHEAD_MAX_S);

/// Enough that two cores seldom meet at a lock, and that a growing table stops only a small share of requests.
const SHARDS: usize = 64;

/// The nonces that were used within the time in which signatures are accepted.
#[derive(Debug)]
pub struct NonceWindow {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    shard_nonces_max: usize,
}

#[derive(Debug, Default)]
struct Shard {
    /// The number of the generation being filled.
    generation: i64,
    /// The newest first.
    nonces: [HashTable<u64>; 3],
}

impl Default for NonceWindow {
    fn default() -> Self {
        Self::new(NONCES_MAX)
    }
}

impl NonceWindow {
    /// A window that keeps at most about `nonces_max` nonces, and at least one in each shard.
    pub fn new(nonces_max: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shard_nonces_max: nonces_max.div_ceil(SHARDS).max(1),
        }
    }

    /// Takes note of a nonce at the time `now` (Unix seconds), unless the key has used it before.
    pub fn admit(&self, key_id: &str, nonce: &str, now: i64) -> Result<(), SignatureError> {
        let hash = self.hasher.hash_one((key_id, nonce));
        let mut shard = self.shard(hash);
        shard.turn_to(now.div_euclid(GENERATION_S));
        shard.admit(hash, self.shard_nonces_max)
    }

    /// How many nonces are kept now.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // Bits from the middle: the tables themselves use the lowest and the highest ones.
        let index = usize::try_from((hash >> 40) % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[index])
    }
}

/// A panic elsewhere while the lock was held leaves a whole table, so the shard stays in use.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn len(&self) -> usize {
        self.nonces.iter().map(HashTable::len).sum()
    }

    fn turn_to(&mut self, generation: i64) {
        let turns = generation.saturating_sub(self.generation);
        if turns <= 0 {
            return;
        }
        self.generation = generation;
        // After three turns nothing is left, so a long silence needs no more of them.
        for _ in 0..turns.min(3) {
            // The next generation will be about as large as the last, so it starts with that room.
            let room = self.nonces[0].len();
            self.nonces.rotate_right(1);
            drop(mem::replace(
                &mut self.nonces[0],
                HashTable::with_capacity(room),
            ));
        }
    }

    fn admit(&mut self, hash: u64, nonces_max: usize) -> Result<(), SignatureError> {
        let full = self.len() >= nonces_max;
        let [newest, older @ ..] = &mut self.nonces;
        if older
            .iter()
            .any(|nonces| nonces.find(hash, |kept| *kept == hash).is_some())
        {
            return Err(SignatureError::Replayed);
        }
        match newest.entry(hash, |kept| *kept == hash, |kept| *kept) {
            Entry::Occupied(_) => Err(SignatureError::Replayed),
            Entry::Vacant(_) if full => Err(SignatureError::WindowFull),
            Entry::Vacant(slot) => {
                slot.insert(hash);
                Ok(())
            }
        }
    }
}
