//! The one registry of features.
//!
//! A feature has a name, a sentence that states its value, a unit, and one extractor. Training,
//! scoring, rules and reports all read the same registry, so they cannot disagree. A feature of an
//! entity is written once and exists for every role: `payer.count_1h`, `device.count_1h`.
//!
//! A missing value (no device, no past) is NaN; trees take it as lower than any number, and a rule
//! that compares it is false.

use crate::attempt::{Attempt, Channel, Kind, Role};
use crate::profile::{Counts, Entity, Pair, Profiles, half};

/// What a feature's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Minor units of the currency risk is measured in.
    Amount,
    /// One number over another of the same unit.
    Ratio,
    /// A span of time.
    Seconds,
    /// A span of time.
    Days,
    /// Hours of the day, in UTC.
    Hour,
    /// One of a list, by its place.
    Category,
    /// Yes is 1.
    Flag,
}

/// One number that is known of an attempt before money moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Unique and stable, as rules and models spell it.
    pub name: String,
    /// A sentence with `{}` where the value goes.
    pub sentence: String,
    /// What the number counts.
    pub unit: Unit,
    /// What each place of a category is called; empty for plain numbers.
    pub words: &'static [&'static str],
}

/// A feature as its module writes it down, beside its extractor.
struct Definition {
    name: &'static str,
    sentence: &'static str,
    unit: Unit,
}

/// Makes of a list of features their definitions, and one function that computes them all: called through a table, one by
/// one, they would take twice as long.
macro_rules! features {
    ($input:ty; $(Definition {
        name: $name:literal, sentence: $sentence:literal, unit: $unit:expr, extract: $extract:expr,
    },)*) => {
        pub(super) const FEATURES: &[Definition] =
            &[$(Definition { name: $name, sentence: $sentence, unit: $unit }),*];

        /// Adds every feature, in the order of the definitions.
        pub(super) fn fill(input: &$input, vector: &mut Vec<f64>) {
            let values = [$({
                let extract: fn(&$input) -> f64 = $extract;
                extract(input)
            }),*];
            vector.extend_from_slice(&values);
        }
    };
}

mod attempt;
mod entity;
mod pair;

/// An entity as one attempt finds it.
pub(crate) struct Sight<'a> {
    pub(crate) now: u32,
    pub(crate) amount: f64,
    pub(crate) entity: &'a Entity,
    pub(crate) counts: Counts,
}

/// The payer and payee of one attempt, seen together.
pub(crate) struct Meeting<'a> {
    pub(crate) now: u32,
    pub(crate) amount: f64,
    pub(crate) forth: Option<&'a Pair>,
    pub(crate) back: Option<&'a Pair>,
    /// Half the bits of the payee's key.
    pub(crate) payee: Option<u32>,
    /// The payer's past as a receiver of money, with its windows up to a day.
    pub(crate) inflow: Option<(&'a Entity, Counts)>,
    /// What the payer sent in the last day, without this attempt.
    pub(crate) sent_1d: f64,
}

/// All features in the order of their slots.
#[derive(Clone, Debug)]
pub struct Registry {
    features: Vec<Feature>,
    blank: Box<Entity>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// The features of attempts, of every role's entity, and of pairs.
    pub fn new() -> Self {
        let own = attempt::FEATURES
            .iter()
            .map(|feature| named("", "", feature));
        let roles = Role::ALL.into_iter().flat_map(|role| {
            entity::FEATURES
                .iter()
                .map(move |feature| named(role.name(), role.name(), feature))
        });
        let pairs = pair::FEATURES
            .iter()
            .map(|feature| named("pair", "", feature));
        Self {
            features: own.chain(roles).chain(pairs).collect(),
            blank: Box::new(Entity::new(0)),
        }
    }

    /// Every feature, by slot.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The slot of a feature.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.features
            .iter()
            .position(|feature| feature.name == name)
    }

    /// The feature whose name is most like a word that is none, if any is close.
    pub fn nearest(&self, word: &str) -> Option<&str> {
        let names = self.features.iter().map(|feature| feature.name.as_str());
        let (edits, name) = names.map(|name| (edits(word, name), name)).min()?;
        (edits <= word.len() / 3 + 1).then_some(name)
    }

    /// Computes every feature of an attempt, not yet reserved, into `vector`, slot by slot.
    pub fn fill(&self, profiles: &Profiles, attempt: &Attempt, vector: &mut Vec<f64>) {
        vector.clear();
        attempt::fill(attempt, vector);
        let found = Found::new(profiles, attempt);
        let now = attempt.second();
        let mut sent_1d = 0.0;
        for (role, entity) in Role::ALL.into_iter().zip(found.entities) {
            if attempt.entity(role).is_none() {
                vector.extend(std::iter::repeat_n(f64::NAN, entity::FEATURES.len()));
                continue;
            }
            let entity = entity.unwrap_or(&self.blank);
            let sight = Sight {
                now,
                amount: attempt.amount as f64,
                entity,
                counts: Counts::of(entity, now),
            };
            if role == Role::Payer {
                sent_1d = sight.counts.amount[3];
            }
            entity::fill(&sight, vector);
        }
        let meeting = Meeting {
            now,
            amount: attempt.amount as f64,
            forth: found.forth,
            back: found.back,
            payee: attempt.payee.map(half),
            inflow: found
                .inflow
                .map(|entity| (entity, Counts::of_a_day(entity, now))),
            sent_1d,
        };
        pair::fill(&meeting, vector);
    }
}

/// Every profile an attempt needs.
struct Found<'a> {
    entities: [Option<&'a Entity>; 5],
    /// The payer as a receiver of money.
    inflow: Option<&'a Entity>,
    forth: Option<&'a Pair>,
    back: Option<&'a Pair>,
}

impl<'a> Found<'a> {
    fn new(profiles: &'a Profiles, attempt: &Attempt) -> Self {
        profiles.prefetch(attempt);
        let entity = |role: Role| profiles.entity(role, attempt.entity(role)?);
        Self {
            entities: Role::ALL.map(entity),
            inflow: profiles.entity(Role::Payee, attempt.payer),
            forth: attempt
                .payee
                .and_then(|payee| profiles.pair(attempt.payer, payee)),
            back: attempt
                .payee
                .and_then(|payee| profiles.pair(payee, attempt.payer)),
        }
    }
}

fn named(prefix: &str, who: &str, definition: &Definition) -> Feature {
    let dot = if prefix.is_empty() { "" } else { "." };
    Feature {
        name: format!("{prefix}{dot}{}", definition.name),
        sentence: definition.sentence.replace("WHO", who),
        unit: definition.unit,
        words: match definition.name {
            "kind" => &Kind::WORDS,
            "channel" => &Channel::WORDS,
            _ => &[],
        },
    }
}

/// How many letters must change to make one word of another (Levenshtein's distance).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], place + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
