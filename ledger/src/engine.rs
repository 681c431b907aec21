//! A machine together with everything every machine needs: the *once* index, the clock, and the
//! knowledge of what has left memory. Pure, like the machine it runs.
//!
//! There is one way for state to change: [`Engine::apply`] folds a [`Record`]. The live path is
//! "decide, then apply the record that was decided"; replay is "apply the record". So what was
//! journalled and what is in memory cannot differ.
//!
//! Leaving memory is itself a record ([`Record::Evict`]), so a replayed state forgets what the live
//! one forgot, at the same place, and both have the same digest.

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::few::Few;
use crate::machine::{Answer, Cold, Machine, Moment, Refusable, Sequence};
use crate::once::{CLOCK_ALLOWANCE_NANOS, Once, OnceEntry, OnceKey, Place, Remember, Unique};
use crate::time::Timestamp;

/// SHA-256 of a state.
pub type Digest = [u8; 32];

/// One thing that happened, with everything needed to fold it. Variants are only ever added, at the
/// end: their place is their number in the journal.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Record<M: Machine> {
    /// A command was decided. The outcome is kept where a key remembers it.
    Command {
        at: Timestamp,
        uniques: Few<Unique, 1>,
        outcome: Option<M::Outcome>,
        events: Few<M::Event, 1>,
    },
    /// Something fell due.
    Due {
        at: Timestamp,
        events: Few<M::Event, 1>,
    },
    /// A writer took over. Until this is durable nothing it has read counts.
    Seal { at: Timestamp, epoch: u64 },
    /// The digest of the state before this record: what a snapshot taken here must hash to.
    Checkpoint { at: Timestamp, digest: Digest },
    /// What is finished and was last changed up to `through` has left memory for the views.
    Evict { at: Timestamp, through: Sequence },
}

/// Written out because a derived one would ask for a machine that can be cloned.
impl<M: Machine> Clone for Record<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Command {
                at,
                uniques,
                outcome,
                events,
            } => Self::Command {
                at: *at,
                uniques: uniques.clone(),
                outcome: outcome.clone(),
                events: events.clone(),
            },
            Self::Due { at, events } => Self::Due {
                at: *at,
                events: events.clone(),
            },
            Self::Seal { at, epoch } => Self::Seal {
                at: *at,
                epoch: *epoch,
            },
            Self::Checkpoint { at, digest } => Self::Checkpoint {
                at: *at,
                digest: *digest,
            },
            Self::Evict { at, through } => Self::Evict {
                at: *at,
                through: *through,
            },
        }
    }
}

impl<M: Machine> Record<M> {
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Command { at, .. }
            | Self::Due { at, .. }
            | Self::Seal { at, .. }
            | Self::Checkpoint { at, .. }
            | Self::Evict { at, .. } => *at,
        }
    }

    /// The outcome that is kept for a key.
    pub fn outcome(&self) -> Option<&M::Outcome> {
        match self {
            Self::Command { outcome, .. } => outcome.as_ref(),
            _ => None,
        }
    }

    pub fn into_outcome(self) -> Option<M::Outcome> {
        match self {
            Self::Command { outcome, .. } => outcome,
            _ => None,
        }
    }

    pub fn events(&self) -> &[M::Event] {
        match self {
            Self::Command { events, .. } | Self::Due { events, .. } => events,
            Self::Seal { .. } | Self::Checkpoint { .. } | Self::Evict { .. } => &[],
        }
    }
}

/// What a caller hands in: a command, the keys under which it is done once, and what it brings
/// along from the views.
#[derive(Debug)]
pub struct Submission<M: Machine> {
    pub uniques: Few<Unique, 1>,
    pub command: M::Command,
    pub cold: Cold<M::Key, M::Row>,
    pub once_cold: BTreeMap<OnceKey, Option<OnceEntry>>,
}

impl<M: Machine> Submission<M> {
    /// A command without keys: a question, or an act that is safe to repeat.
    pub fn new(command: M::Command) -> Self {
        Self {
            uniques: Few::default(),
            command,
            cold: Cold::default(),
            once_cold: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn once(mut self, unique: Unique) -> Self {
        self.uniques = if self.uniques.is_empty() {
            [unique].into()
        } else {
            self.uniques.into_iter().chain([unique]).collect()
        };
        self
    }
}

/// What the engine says to a submission.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<M: Machine> {
    /// Decided now.
    New(M::Outcome),
    /// Decided before, under the same key with the same content: the outcome stands in this record.
    Again(Place),
    /// The key was used before, with other content.
    KeyReused(OnceKey),
    /// The key carries a time further in the future than clocks may differ.
    KeyFromFuture(OnceKey),
    /// Read these from the views, at or after this row, and submit again.
    Missing {
        keys: Vec<M::Key>,
        once: Vec<OnceKey>,
        at_least: Sequence,
    },
    /// A defect: the machine panicked while deciding. Nothing happened.
    Internal,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Engine<M: Machine> {
    machine: M,
    once: Once,
    clock: Timestamp,
    applied: Sequence,
    /// How many records of the row `applied` have been folded.
    records: u32,
    evicted_through: Sequence,
    epoch: u64,
    /// Where the events of a command are collected.
    #[serde(skip)]
    deciding: Vec<M::Event>,
}

/// Written out because a derived one would ask for a default outcome.
impl<M: Machine> Default for Engine<M> {
    fn default() -> Self {
        Self {
            machine: M::default(),
            once: Once::default(),
            clock: Timestamp::ZERO,
            applied: Sequence::default(),
            records: 0,
            evicted_through: Sequence::default(),
            epoch: 0,
            deciding: Vec::new(),
        }
    }
}

impl<M: Machine> Engine<M> {
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The time of the last record; the next must be later.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The row of the last record.
    pub fn applied(&self) -> Sequence {
        self.applied
    }

    /// The highest row whose finished things have left memory.
    pub fn evicted_through(&self) -> Sequence {
        self.evicted_through
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many keys of the *once* index are in memory.
    pub fn once_len(&self) -> usize {
        self.once.len()
    }

    /// The newest time in a key that has left memory, if any has.
    pub fn once_gone_until(&self) -> Option<Timestamp> {
        self.once.gone_until()
    }

    /// Decides a submission; if it changes anything, the change is applied and its record returned.
    pub fn submit(
        &mut self,
        moment: Moment,
        submission: &Submission<M>,
    ) -> (Verdict<M>, Option<Record<M>>) {
        let mut made = None;
        let verdict = self.submit_to(moment, submission, |record| made = Some(record.clone()));
        (verdict, made)
    }

    /// The same, with the record shown to a function: whoever only encodes it need not copy it.
    pub fn submit_to(
        &mut self,
        moment: Moment,
        submission: &Submission<M>,
        made: impl FnOnce(&Record<M>),
    ) -> Verdict<M> {
        self.once.prepare();
        let fresh = submission.cold.read_at >= self.evicted_through;
        if let Some(verdict) = self.look_up(moment, submission, fresh) {
            return verdict;
        }
        let stale = Cold::default();
        let cold = if fresh { &submission.cold } else { &stale };
        let mut events = std::mem::take(&mut self.deciding);
        events.clear();
        let decided = catch_unwind(AssertUnwindSafe(|| {
            self.machine
                .decide(moment.at, &submission.command, cold, &mut events)
        }));
        let outcome = match decided {
            Ok(Answer::Decided(outcome)) => outcome,
            Ok(Answer::Missing(keys)) => {
                // What was brought and is lacking all the same happened after it was read.
                let too_early = keys.iter().any(|key| cold.rows.contains_key(key));
                let at_least = if too_early {
                    self.applied
                } else {
                    self.evicted_through
                };
                let once = Vec::new();
                let missing = Verdict::Missing {
                    keys,
                    once,
                    at_least,
                };
                return missing;
            }
            Err(_) => return Verdict::Internal,
        };
        let happened = if events.len() == 1
            && let Some(event) = events.pop()
        {
            [event].into()
        } else {
            events.drain(..).collect()
        };
        self.deciding = events;
        Verdict::New(self.happen(moment, submission, outcome, happened, made))
    }

    /// Applies what a command led to, if that is to be recorded, and returns its outcome, which the
    /// record keeps where a key remembers it.
    fn happen(
        &mut self,
        moment: Moment,
        submission: &Submission<M>,
        outcome: M::Outcome,
        events: Few<M::Event, 1>,
        made: impl FnOnce(&Record<M>),
    ) -> M::Outcome {
        let uniques: Few<Unique, 1> = if outcome.is_refusal() {
            let always = |unique: &Unique| unique.remember == Remember::Always;
            submission.uniques.iter().copied().filter(always).collect()
        } else {
            submission.uniques.clone()
        };
        if events.is_empty() && uniques.is_empty() {
            return outcome;
        }
        let (kept, unkept) = if uniques.is_empty() {
            (None, Some(outcome))
        } else {
            (Some(outcome), None)
        };
        let record = Record::Command {
            at: moment.at,
            uniques,
            outcome: kept,
            events,
        };
        // Before it is applied: what encodes it reads bytes that it has just written, and would wait for all that applying
        // writes to memory far away.
        made(&record);
        self.apply(moment.sequence, &record, |_, _, _| {});
        let kept = record.into_outcome().or(unkept);
        kept.expect("an outcome is in the record or beside it")
    }

    /// Reads what [`submit`](Self::submit) will read for these, and nothing comes of it but that it
    /// is near when their turn comes: state is larger than a processor's cache, and waiting for it
    /// is most of the time that a command takes when each waits for itself.
    pub fn foresee(&self, submissions: &[Submission<M>]) {
        let mut seen = 0;
        for submission in submissions {
            seen ^= self.machine.foresee(&submission.command);
            for unique in &submission.uniques {
                seen ^= self.once.foresee(unique.key);
            }
        }
        black_box(seen);
    }

    /// The same for records that are about to be folded.
    pub fn foresee_records<'r>(&self, records: impl Iterator<Item = &'r Record<M>>) {
        let events = records.flat_map(Record::events);
        black_box(events.fold(0, |seen, event| seen ^ self.machine.foresee_event(event)));
    }

    /// What the *once* index already knows of a submission: nothing, if it may be decided.
    ///
    /// The first key that was used answers, so of an earlier key that may have left memory it must
    /// be known first whether it was. When one answers, the other keys stay free: nothing is done
    /// under them, and the same submission finds the same answer again by the key that gave it.
    fn look_up(
        &self,
        moment: Moment,
        submission: &Submission<M>,
        fresh: bool,
    ) -> Option<Verdict<M>> {
        let mut unknown = Vec::new();
        for unique in &submission.uniques {
            let brought = if fresh {
                submission.once_cold.get(&unique.key)
            } else {
                None
            };
            let found = self.once.get(unique.key).or(brought.copied().flatten());
            let latest = moment.at.plus_nanos(CLOCK_ALLOWANCE_NANOS);
            let made = unique.key.uuid_v7_time();
            let verdict = match found {
                Some(entry) if entry.fingerprint == unique.fingerprint => {
                    Some(Verdict::Again(entry.place))
                }
                Some(_) => Some(Verdict::KeyReused(unique.key)),
                None if made.is_some_and(|made| made > latest) => {
                    Some(Verdict::KeyFromFuture(unique.key))
                }
                None => None,
            };
            match verdict {
                Some(_) if !unknown.is_empty() => break,
                Some(verdict) => return Some(verdict),
                None => {}
            }
            if brought.is_none() && self.once.may_have_left(unique.key) {
                unknown.push(unique.key);
            }
        }
        (!unknown.is_empty()).then(|| Verdict::Missing {
            keys: Vec::new(),
            once: unknown,
            at_least: self.evicted_through,
        })
    }

    /// Lets happen what is due, at most `limit` things.
    pub fn due(&mut self, moment: Moment, limit: usize) -> Option<Record<M>> {
        if self.machine.next_due().is_none_or(|due| due > moment.at) {
            return None;
        }
        let mut events = Vec::new();
        self.machine.due(moment.at, limit, &mut events);
        if events.is_empty() {
            return None;
        }
        let record = Record::Due {
            at: moment.at,
            events: events.into(),
        };
        self.apply(moment.sequence, &record, |_, _, _| {});
        Some(record)
    }

    /// Folds a record. `seen` is shown each event with the machine as it stands after it.
    pub fn apply(
        &mut self,
        sequence: Sequence,
        record: &Record<M>,
        mut seen: impl FnMut(Moment, &M::Event, &M),
    ) {
        let moment = Moment {
            sequence,
            at: record.at(),
        };
        let position = if sequence == self.applied {
            self.records
        } else {
            0
        };
        for event in record.events() {
            self.machine.evolve(moment, event);
            seen(moment, event, &self.machine);
        }
        match record {
            Record::Command {
                uniques,
                outcome: Some(_),
                ..
            } => {
                let place = Place {
                    sequence,
                    record: position,
                };
                for unique in uniques {
                    self.once.insert(once_entry(place, *unique));
                }
            }
            Record::Seal { epoch, .. } => self.epoch = *epoch,
            Record::Evict { through, .. } => {
                self.machine.evict(*through);
                self.once.evict(*through);
                self.evicted_through = self.evicted_through.max(*through);
            }
            Record::Command { .. } | Record::Due { .. } | Record::Checkpoint { .. } => {}
        }
        self.clock = moment.at;
        self.applied = sequence;
        self.records = position + 1;
    }

    /// The whole state, in the one form whose SHA-256 is its digest.
    pub fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        // Into memory of its size: growing would take three times as much for a while.
        let mut state = vec![0; postcard::experimental::serialized_size(self)?];
        postcard::to_slice(self, &mut state)?;
        Ok(state)
    }

    pub fn restore(snapshot: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(snapshot)
    }

    pub fn digest(&self) -> Result<Digest, postcard::Error> {
        postcard::serialize_with_flavor(self, Hashing::default())
    }
}

/// Hashes what is encoded piece by piece, so that a state need not be held in memory a second time.
#[derive(Default)]
struct Hashing {
    hash: Sha256,
    piece: Vec<u8>,
}

/// As much as is hashed at once.
const PIECE_BYTES: usize = 8_192;

impl Flavor for Hashing {
    type Output = Digest;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.hash.update(&self.piece);
            self.piece.clear();
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Digest> {
        Ok(self.hash.chain_update(self.piece).finalize().into())
    }
}

/// The digest of a snapshot.
pub fn digest_of(snapshot: &[u8]) -> Digest {
    Sha256::digest(snapshot).into()
}

/// The entry of the *once* index that a record makes for one of its keys.
pub fn once_entry(place: Place, unique: Unique) -> OnceEntry {
    OnceEntry {
        key: unique.key,
        fingerprint: unique.fingerprint,
        place,
    }
}
