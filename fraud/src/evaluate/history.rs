//! The file's other columns as features: numbers as they are, words by their past.

use super::table::Extra;
use crate::model::narrow;

/// How many fraud-free rows a word starts with, so that rare words say little.
const DOUBT: f64 = 20.0;

/// A column of at most so many words is also told by the number of each, so that a word can be asked for by itself.
const NUMBERED: usize = 64;

/// How the names of what words taught end: how often each was fraud, and how often there at all.
pub(super) const LEARNED: [&str; 2] = [" (fraud rate)", " (share)"];

/// The other columns on the walk.
pub(super) struct Histories<'a> {
    extras: &'a [Extra],
    /// For each column of words what is known of each word.
    words: Vec<Option<Words>>,
    learning: bool,
}

struct Words {
    /// Rows of each word, and frauds among them.
    seen: Vec<(u32, u32)>,
    /// Rows of all words.
    rows: u32,
    /// The place of each word in the alphabet of the column; empty if it has too many.
    ranks: Vec<u16>,
}

impl<'a> Histories<'a> {
    pub(super) fn new(extras: &'a [Extra]) -> Self {
        let words = |extra: &Extra| {
            let words = extra.values.words.as_ref()?;
            Some(Words {
                seen: vec![(0, 0); words.texts.len()],
                rows: 0,
                ranks: if is_numbered(extra) {
                    ranks(&words.texts)
                } else {
                    Vec::new()
                },
            })
        };
        Self {
            words: extras.iter().map(words).collect(),
            extras,
            learning: true,
        }
    }

    /// Adds what a row's other columns say.
    pub(super) fn read(&self, row: usize, values: &mut Vec<f32>) {
        for (extra, words) in self.extras.iter().zip(&self.words) {
            if let Some(numbers) = &extra.values.numbers {
                values.push(narrow(f64::from(numbers[row])));
            }
            if let (Some(known), Some(words)) = (words, &extra.values.words) {
                let (seen, frauds) = known.seen[words.places[row] as usize];
                values.extend(
                    known
                        .ranks
                        .get(words.places[row] as usize)
                        .map(|rank| f32::from(*rank)),
                );
                values.push(narrow(f64::from(frauds) / (f64::from(seen) + DOUBT)));
                values.push(narrow(f64::from(seen) / (f64::from(known.rows) + DOUBT)));
            }
        }
    }

    /// Learns what a row turned out to be.
    pub(super) fn learn(&mut self, row: usize, fraud: bool) {
        if !self.learning {
            return;
        }
        for (extra, known) in self.extras.iter().zip(&mut self.words) {
            if let (Some(known), Some(words)) = (known, &extra.values.words) {
                let seen = &mut known.seen[words.places[row] as usize];
                *seen = (seen.0 + 1, seen.1 + u32::from(fraud));
                known.rows += 1;
            }
        }
    }

    /// Keeps what is known as it is.
    pub(super) fn learn_no_more(&mut self) {
        self.learning = false;
    }

    /// What the values are called, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.extras.iter().flat_map(|extra| {
            let Extra { name, values } = extra;
            let numbered = values.numbers.is_some() || is_numbered(extra);
            let number = numbered.then(|| name.clone());
            let words = values
                .words
                .as_ref()
                .map(|_| LEARNED.map(|what| format!("{name}{what}")));
            number.into_iter().chain(words.into_iter().flatten())
        })
    }
}

/// Whether a column of words, and of nothing else, has few enough of them.
fn is_numbered(extra: &Extra) -> bool {
    let words = extra.values.words.as_ref();
    extra.values.numbers.is_none() && words.is_some_and(|words| words.texts.len() <= NUMBERED)
}

/// The place of each text in their alphabet, which does not depend on the order of rows.
fn ranks(texts: &[String]) -> Vec<u16> {
    let rank = |text: &String| texts.iter().filter(|other| *other < text).count();
    let ranks = texts.iter().map(rank);
    ranks
        .map(|rank| u16::try_from(rank).unwrap_or(u16::MAX))
        .collect()
}
