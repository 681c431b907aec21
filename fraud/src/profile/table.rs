//! A table of profiles that never outgrows its capacity.
//!
//! When it is full, a new key takes the place of the least worth keeping among up to 64 profiles, drawn
//! by a fixed sequence. Worth is the moment of the last event plus six hours for each event up to
//! sixty, so a profile with a past fades after fifteen days of silence at the most. Eight are drawn at
//! a time, and no more once one of them is not worth keeping any longer: a flood of a billion ids seen
//! once evicts its own kind and leaves two thirds of a full table of established profiles alone.
//! Profiles live in chunks, so growing never moves what is there.

use std::hash::{BuildHasher, RandomState};

use super::places::Places;
use crate::attempt::mix;

/// What a table needs to know of a profile to choose whom to forget.
pub(crate) trait Worth {
    /// The second of its last event.
    fn last_at(&self) -> u32;
    /// How many events it has seen.
    fn events(&self) -> u32;
}

/// Profiles of one role by key.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    /// Where each key's profile is; only the place is kept here, the key beside the profile.
    places: Places,
    /// Keeps whoever chooses keys from choosing what they hash to. Nothing else depends on it.
    seed: u64,
    chunks: Vec<Vec<(u64, V)>>,
    capacity: usize,
    evicted: u64,
    /// How far the fixed sequence of samples has come.
    draws: u64,
}

const CHUNK: usize = 1 << 10;
/// Profiles in a sample, and how many samples are drawn at most.
const SAMPLE: u64 = 8;
const SAMPLES: u64 = 8;
const KEEP_PER_EVENT: u32 = 6 * 3600;
const KEEP_EVENTS: u32 = 60;

impl<V: Worth> Table<V> {
    /// An empty table for at most `capacity` profiles.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            places: Places::new(),
            seed: RandomState::new().hash_one(0),
            chunks: Vec::new(),
            capacity: capacity.max(1),
            evicted: 0,
            draws: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Every key and profile, in the order of its place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(u64, V)> {
        self.chunks.iter().flatten()
    }

    /// Capacity, evictions and samples drawn so far.
    pub(super) const fn counters(&self) -> (usize, u64, u64) {
        (self.capacity, self.evicted, self.draws)
    }

    /// The table that had these counters and entries; entries beyond its capacity are left out.
    pub(super) fn restored(
        (capacity, evicted, draws): (usize, u64, u64),
        entries: Vec<(u64, V)>,
    ) -> Self {
        let mut table = Self {
            evicted,
            draws,
            ..Self::new(capacity)
        };
        for (key, value) in entries {
            if table.len() < table.capacity && table.place(key).is_none() {
                table.append(key, value);
            }
        }
        table
    }

    /// The memory it takes, without what profiles keep beside themselves.
    pub(crate) fn bytes(&self) -> usize {
        let profiles: usize = self
            .chunks
            .iter()
            .map(|chunk| chunk.capacity() * size_of::<(u64, V)>())
            .sum();
        profiles + self.places.bytes()
    }

    /// How many profiles were forgotten to make room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn get(&self, key: u64) -> Option<&V> {
        self.place(key).map(|place| &self.at(place).1)
    }

    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.place(key)?;
        Some(&mut self.chunks[place / CHUNK][place % CHUNK].1)
    }

    /// The profile of a key, made by `new` if there is none.
    pub(crate) fn entry(&mut self, key: u64, new: impl FnOnce() -> V) -> &mut V {
        let place = self.place_or_new(key, new);
        self.held(place)
    }

    /// Where the profile of a key is, made by `new` if there is none; until the next key comes.
    pub(super) fn place_or_new(&mut self, key: u64, new: impl FnOnce() -> V) -> usize {
        match self.place(key) {
            Some(place) => place,
            None if self.len() < self.capacity => self.append(key, new()),
            None => self.replace(key, new()),
        }
    }

    /// The profile at a place.
    pub(super) fn held(&mut self, place: usize) -> &mut V {
        &mut self.chunks[place / CHUNK][place % CHUNK].1
    }

    fn place(&self, key: u64) -> Option<usize> {
        self.places
            .find(self.hash(key), |place| self.at(place).0 == key)
    }

    /// Asks for the memory where the place of a key is kept.
    pub(super) fn prefetch(&self, key: u64) {
        self.places.prefetch(self.hash(key));
    }

    /// What is most likely the profile of a key: nothing of it is read yet, not even whose it is.
    pub(super) fn likely(&self, key: u64) -> Option<&V> {
        let place = self.places.find(self.hash(key), |_| true)?;
        Some(&self.at(place).1)
    }

    fn hash(&self, key: u64) -> u64 {
        mix(key ^ self.seed)
    }

    fn at(&self, place: usize) -> &(u64, V) {
        &self.chunks[place / CHUNK][place % CHUNK]
    }

    fn append(&mut self, key: u64, value: V) -> usize {
        let place = self.len();
        if place.is_multiple_of(CHUNK) {
            self.chunks
                .push(Vec::with_capacity(CHUNK.min(self.capacity - place)));
        }
        self.chunks[place / CHUNK].push((key, value));
        self.places.insert(self.hash(key), place);
        place
    }

    fn replace(&mut self, key: u64, value: V) -> usize {
        let place = self.least_worth(value.last_at());
        let old = self.at(place).0;
        self.places.remove(self.hash(old), place);
        self.chunks[place / CHUNK][place % CHUNK] = (key, value);
        self.places.insert(self.hash(key), place);
        self.evicted += 1;
        place
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the remainder is below a length"
    )]
    fn least_worth(&mut self, now: u32) -> usize {
        let mut least = (u64::MAX, 0);
        for _ in 0..SAMPLES * SAMPLE {
            self.draws += 1;
            let place = (mix(self.draws) % self.len() as u64) as usize;
            least = least.min((worth(&self.at(place).1), place));
            if self.draws.is_multiple_of(SAMPLE)
                && least.0 <= u64::from(now) + u64::from(KEEP_PER_EVENT)
            {
                break;
            }
        }
        least.1
    }
}

fn worth(profile: &impl Worth) -> u64 {
    u64::from(profile.last_at()) + u64::from(profile.events().min(KEEP_EVENTS) * KEEP_PER_EVENT)
}
