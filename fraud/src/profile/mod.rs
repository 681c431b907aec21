//! Profiles: what is remembered of everyone who takes part in payments.
//!
//! One table a role, one for pairs of payer and payee. An attempt is reserved when it is scored, so
//! that a hundred attempts in the same second see one another; then it settles, is cancelled, or is forgotten if there is
//! no trace of it anywhere else.
//! Everything is bounded: tables by eviction (`table.rs`), reservations by number (the oldest is
//! given back when there are too many), windows by their rings.
//!
//! The same calls, made by a training run over the past or by the gateway today, give the same
//! profiles to the bit: there is no clock, no randomness and no unordered iteration here.

mod counts;
mod distinct;
mod entity;
mod labels;
mod pair;
mod places;
#[cfg(test)]
mod proofs;
mod recent;
mod ring;
mod saved;
mod sources;
mod table;
mod usual;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};

pub(crate) use counts::Counts;
pub(crate) use entity::{DAY, Entity, HOUR};
pub(crate) use pair::Pair;
use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, Key, Label, Outcome, Role, mix};
use labels::Known;
use places::Places;
use prefetch_index::prefetch_index;
use recent::Event;
pub(crate) use sources::Sources;
use table::Table;

/// How much may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Profiles in each role's table; a profile takes about 2 KiB.
    pub entities_per_role: usize,
    /// Pairs of payer and payee; a pair takes about 60 bytes.
    pub pairs: usize,
    /// Attempts scored and not yet settled or cancelled.
    pub in_flight: usize,
}

impl Limits {
    /// The memory that profiles with these limits take at most, in bytes, whoever is in them.
    pub fn bytes_max(&self) -> usize {
        let entities = self.entities_per_role.max(1);
        let role = entities * (size_of::<(u64, Entity)>() + Entity::BYTES_BESIDE_MAX)
            + Places::bytes_max(entities);
        let pairs =
            self.pairs.max(1) * size_of::<(u64, Pair)>() + Places::bytes_max(self.pairs.max(1));
        let attempt = size_of::<(u128, Attempt)>() + 2 * size_of::<u128>() + 1;
        Role::ALL.len() * role + pairs + 2 * (2 * self.in_flight + 16).next_power_of_two() * attempt
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entities_per_role: 250_000,
            pairs: 1_000_000,
            in_flight: 100_000,
        }
    }
}

/// Attempts that were reserved and not yet closed.
type InFlight = HashMap<u128, Attempt, Seeded>;

/// Hashes the ids of attempts as tables hash keys: with a seed of the process, so that nobody can choose ids that collide.
#[derive(Clone, Debug)]
struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Seeded {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.0)
    }
}

struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let value = part
                .iter()
                .fold(0, |value, byte| (value << 8) | u64::from(*byte));
            self.0 = mix(self.0 ^ value);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is remembered of everyone. It can be saved in any format of `serde`, and goes on as if nothing
/// had happened.
#[derive(Clone, Debug)]
pub struct Profiles {
    roles: [Table<Entity>; 5],
    pairs: Table<Pair>,
    in_flight: InFlight,
    /// Reservations in order; those already closed are skipped.
    order: VecDeque<u128>,
    limits: Limits,
}

impl Profiles {
    /// Nothing remembered yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            roles: std::array::from_fn(|_| Table::new(limits.entities_per_role)),
            pairs: Table::new(limits.pairs),
            in_flight: InFlight::default(),
            order: VecDeque::new(),
            limits,
        }
    }

    /// How many entities are remembered, over all roles.
    pub fn entities(&self) -> usize {
        self.roles.iter().map(Table::len).sum()
    }

    /// The memory that all of it takes, in bytes; never more than [`Limits::bytes_max`].
    pub fn bytes(&self) -> usize {
        let busy: usize = self
            .roles
            .iter()
            .flat_map(Table::entries)
            .map(|(_, entity)| entity.bytes_beside())
            .sum();
        self.roles.iter().map(Table::bytes).sum::<usize>()
            + self.pairs.bytes()
            + busy
            + self.bytes_in_flight()
    }

    fn bytes_in_flight(&self) -> usize {
        let attempts = self.in_flight.capacity() * (size_of::<(u128, Attempt)>() + 1);
        attempts + self.order.capacity() * size_of::<u128>()
    }

    /// How many profiles were forgotten to stay within the limits.
    pub fn evicted(&self) -> u64 {
        self.roles.iter().map(Table::evicted).sum::<u64>() + self.pairs.evicted()
    }

    /// Counts an attempt in every window before it is known whether the money will move.
    pub fn reserve(&mut self, attempt: &Attempt) {
        if self.in_flight.contains_key(&attempt.id) {
            return;
        }
        self.in_flight.insert(attempt.id, attempt.clone());
        self.order.push_back(attempt.id);
        self.count(attempt);
        while self.in_flight.len() > self.limits.in_flight {
            if let Some(oldest) = self
                .order
                .pop_front()
                .and_then(|id| self.in_flight.remove(&id))
            {
                self.take_back(&oldest);
            }
        }
        if self.order.len() > 2 * self.limits.in_flight.max(1) {
            self.order.retain(|id| self.in_flight.contains_key(id));
        }
    }

    /// Gives back what an attempt reserved, as if it had never been: for one that came to nothing and that nobody will hear
    /// of again. It is not a failure of whoever took part. Nothing happens if it is not what is reserved under its id.
    ///
    /// Features are then as they would be without it, to the bit, for everyone with at most 31 other attempts in a day.
    /// Beyond that an older attempt may have left the newest 32 for it and is counted by buckets from then on, until as many
    /// new ones have come. Profiles that were evicted for it do not come back.
    pub fn forget(&mut self, attempt: &Attempt) {
        if self.in_flight.get(&attempt.id) == Some(attempt) {
            self.in_flight.remove(&attempt.id);
            self.take_back(attempt);
        }
    }

    /// Folds what became of an attempt. An attempt that was not reserved here, as when the past is
    /// replayed, is folded as if it had been.
    pub fn observe(&mut self, attempt: &Attempt, outcome: Outcome) {
        match outcome {
            Outcome::Settled => self.settle(attempt),
            Outcome::Cancelled => self.cancel(attempt),
            Outcome::Labelled { was, now } if was == Some(now) => {}
            Outcome::Labelled { was, now } => self.label(attempt, was, now),
        }
    }

    pub(crate) fn entity(&self, role: Role, key: Key) -> Option<&Entity> {
        self.roles[role as usize].get(key.0)
    }

    pub(crate) fn pair(&self, payer: Key, payee: Key) -> Option<&Pair> {
        self.pairs.get(pair_key(payer, payee))
    }

    /// Asks for the memory of everyone in an attempt, all at once: among a million profiles each is a wait, and one after
    /// the other they would take longer than the decision itself.
    pub(crate) fn prefetch(&self, attempt: &Attempt) {
        let inflow = std::iter::once((Role::Payee, attempt.payer));
        let entities = || participants(attempt).chain(inflow.clone());
        let pairs = || {
            let payee = attempt.payee.into_iter();
            payee.flat_map(|payee| {
                [
                    pair_key(attempt.payer, payee),
                    pair_key(payee, attempt.payer),
                ]
            })
        };
        entities().for_each(|(role, key)| self.roles[role as usize].prefetch(key.0));
        pairs().for_each(|key| self.pairs.prefetch(key));
        let found = entities().filter_map(|(role, key)| self.roles[role as usize].likely(key.0));
        found.for_each(|entity| entity.prefetch(attempt.second()));
        let pairs = pairs().filter_map(|key| self.pairs.likely(key));
        pairs.for_each(|pair| prefetch_index(std::slice::from_ref(pair), 0));
    }

    fn count(&mut self, attempt: &Attempt) {
        for (role, key) in participants(attempt) {
            let entity = self.roles[role as usize].entry(key.0, || Entity::new(attempt.second()));
            entity.reserve(event(attempt, role));
        }
    }

    fn take_back(&mut self, attempt: &Attempt) {
        for (role, key) in participants(attempt) {
            if let Some(entity) = self.roles[role as usize].get_mut(key.0) {
                entity.take_back(event(attempt, role));
            }
        }
    }

    /// Ends the reservation of an attempt; whether the windows count the attempt as it is. What was reserved under its id
    /// may differ, if the same thing was tried twice at the same time.
    fn close(&mut self, attempt: &Attempt) -> bool {
        let reserved = self.in_flight.remove(&attempt.id);
        let differing = reserved.as_ref().filter(|reserved| *reserved != attempt);
        if let Some(differing) = differing {
            self.take_back(differing);
        }
        reserved.is_some() && differing.is_none()
    }

    fn settle(&mut self, attempt: &Attempt) {
        if !self.close(attempt) {
            self.count(attempt);
        }
        let at = attempt.second();
        let behind = self.entity(Role::Payee, attempt.payer);
        let behind = behind.map_or_else(Sources::default, |entity| entity.sources);
        self.prefetch(attempt);
        let mut places = [None; Role::ALL.len()];
        for (role, key) in participants(attempt) {
            let table = &mut self.roles[role as usize];
            places[role as usize] = Some(table.place_or_new(key.0, || Entity::new(at)));
        }
        let mut nearest = (Entity::FAR, 0);
        for (role, place) in found(&places) {
            let entity = self.roles[role as usize].held(place);
            entity.settle(event(attempt, role));
            if role == Role::Payee {
                entity.sources.arrive(half(attempt.payer), &behind, at);
            }
            let (steps, fraud_at) = entity.nearness(at);
            if (steps, std::cmp::Reverse(fraud_at)) < (nearest.0, std::cmp::Reverse(nearest.1)) {
                nearest = (steps, fraud_at);
            }
        }
        if nearest.0 < Entity::FAR {
            for (role, place) in found(&places) {
                self.roles[role as usize].held(place).come_near(nearest, at);
            }
        }
        if let Some(payee) = attempt.payee {
            self.pairs
                .entry(pair_key(attempt.payer, payee), || Pair::new(at))
                .settle(at, attempt.amount);
        }
    }

    fn cancel(&mut self, attempt: &Attempt) {
        if self.close(attempt) {
            self.take_back(attempt);
        }
        for (role, key) in participants(attempt) {
            self.roles[role as usize]
                .entry(key.0, || Entity::new(attempt.second()))
                .fail(attempt.second());
        }
    }

    fn label(&mut self, attempt: &Attempt, was: Option<Label>, now: Label) {
        let payer = self.entity(Role::Payer, attempt.payer);
        let known = Known {
            at: attempt.second(),
            id: half(Key::from(attempt.id)),
            fraud: now == Label::Fraud,
            ordinary: payer.is_some_and(|payer| !payer.usual.is_unusual(attempt.amount)),
        };
        let was_fraud = was.map(|was| was == Label::Fraud);
        for (role, key) in participants(attempt) {
            if let Some(entity) = self.roles[role as usize].get_mut(key.0) {
                entity.label(known, was_fraud);
            }
        }
    }
}

/// The roles whose profiles were found, and where.
fn found(places: &[Option<usize>; Role::ALL.len()]) -> impl Iterator<Item = (Role, usize)> {
    let with_role = Role::ALL.into_iter().zip(places);
    with_role.filter_map(|(role, place)| Some((role, (*place)?)))
}

fn participants(attempt: &Attempt) -> impl Iterator<Item = (Role, Key)> {
    Role::ALL
        .into_iter()
        .filter_map(|role| Some((role, attempt.entity(role)?)))
}

/// What one participant remembers: for the payer the other side is the payee, for all others the payer.
fn event(attempt: &Attempt, role: Role) -> Event {
    let other = match role {
        Role::Payer => attempt.payee.or(attempt.link),
        _ => Some(attempt.payer),
    };
    Event {
        at: attempt.second(),
        other: other.map_or(0, half),
        amount: attempt.amount,
    }
}

/// Half the bits of a key, never 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "half of well-mixed bits are still well mixed"
)]
pub(crate) fn half(key: Key) -> u32 {
    (mix(key.0) as u32).max(1)
}

fn pair_key(payer: Key, payee: Key) -> u64 {
    mix(payer.0).rotate_left(17) ^ payee.0
}
