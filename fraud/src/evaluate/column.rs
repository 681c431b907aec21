//! Any column that has no part of its own: numbers, words, or both.
//!
//! A column of numbers is used as it is. A column of words is used by how often each word was fraud
//! so far. Whole numbers of few different values may be either: an age, or the code of a shop's trade.

use std::collections::HashMap;

use super::cell;
use crate::model::narrow;

/// A column that is mostly numbers is one.
const NUMERIC_SHARE: f64 = 0.95;
/// A text column with more different values than this share of rows names things, and teaches nothing.
const NAMING_SHARE: f64 = 0.3;
/// With more different values than this a column's words are no longer told apart.
const MOST_WORDS: usize = 200_000;
/// Whole numbers with at most this share of different values may be codes.
const CODE_SHARE: f64 = 0.02;
/// A number that falls in at most this share of steps rises with time: it would teach the date.
const FALLING_SHARE: f64 = 0.02;
/// With fewer changes than this nothing is said of a direction.
const STEPS: usize = 10;

/// The values of a column, row by row.
#[derive(Debug)]
pub(super) struct Values {
    /// Missing is NaN.
    pub(super) numbers: Option<Vec<f32>>,
    pub(super) words: Option<Words>,
}

/// A column as places among its different texts; missing is a text of its own.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) places: Vec<u32>,
    /// Each text, by place.
    pub(super) texts: Vec<String>,
}

/// A column while it is read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    numbers: Vec<f32>,
    numeric: usize,
    whole: usize,
    filled: usize,
    places: Vec<u32>,
    words: HashMap<String, u32>,
    crowded: bool,
}

impl Reading {
    pub(super) fn push(&mut self, text: &str) {
        let missing = cell::is_missing(text);
        let number = cell::number(text).filter(|_| !missing);
        self.filled += usize::from(!missing);
        self.numeric += usize::from(number.is_some());
        self.whole += usize::from(number.is_some_and(|number| number.fract() == 0.0));
        self.numbers.push(number.map_or(f32::NAN, narrow));
        if self.crowded {
            return;
        }
        let text = if missing { "" } else { text };
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let place = self.words.get(text).copied();
        self.places
            .push(place.unwrap_or_else(|| *self.words.entry(text.to_owned()).or_insert(next)));
        if self.words.len() > MOST_WORDS {
            self.crowded = true;
            self.words = HashMap::new();
            self.places = Vec::new();
        }
    }

    /// The column in order of time; nothing if it teaches nothing.
    pub(super) fn finish(self, order: &[usize]) -> Option<Values> {
        let (rows, different) = (order.len() as f64, self.words.len() as f64);
        if !self.crowded && self.words.len() < 2 {
            return None;
        }
        let is_numeric = self.numeric as f64 >= NUMERIC_SHARE * self.filled as f64;
        let words = |most: f64| {
            (!self.crowded && different <= most * rows).then(|| Words {
                places: pick(&self.places, order),
                texts: texts(&self.words),
            })
        };
        if !is_numeric {
            let words = Some(words(NAMING_SHARE)?);
            return Some(Values {
                numbers: None,
                words,
            });
        }
        let numbers = pick(&self.numbers, order);
        if rises(&numbers) {
            return None;
        }
        let codes = self.whole == self.numeric && self.words.len() > 2;
        Some(Values {
            words: codes.then(|| words(CODE_SHARE)).flatten(),
            numbers: Some(numbers),
        })
    }
}

fn texts(words: &HashMap<String, u32>) -> Vec<String> {
    let mut texts = vec![String::new(); words.len()];
    for (text, place) in words {
        texts[*place as usize].clone_from(text);
    }
    texts
}

/// Whether a number only grows with time, as a running number or a second clock does.
fn rises(numbers: &[f32]) -> bool {
    let known: Vec<f32> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
    let rises = known.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let falls = known.windows(2).filter(|pair| pair[0] > pair[1]).count();
    rises >= STEPS && falls as f64 <= FALLING_SHARE * rises as f64
}

pub(super) fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|row| values[*row]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: impl Iterator<Item = String>) -> Option<(bool, usize)> {
        let mut column = Reading::default();
        let rows = cells.map(|cell| column.push(&cell)).count();
        let order: Vec<usize> = (0..rows).collect();
        let values = column.finish(&order)?;
        Some((
            values.numbers.is_some(),
            values.words.map_or(0, |words| words.texts.len()),
        ))
    }

    #[test]
    fn columns_are_taken_for_what_they_are() {
        let rows = || (0..1_000_u64).map(|row| crate::attempt::mix(row) % 1_000_003);
        let cases = [
            (
                "fractions",
                read(rows().map(|it| format!("{it}.5"))),
                Some((true, 0)),
            ),
            (
                "codes",
                read(rows().map(|it| format!("{}", it % 9))),
                Some((true, 9)),
            ),
            (
                "flags",
                read(rows().map(|it| format!("{}", it % 2))),
                Some((true, 0)),
            ),
            (
                "words",
                read(rows().map(|it| format!("shop {}", it % 50))),
                Some((false, 50)),
            ),
            ("names", read(rows().map(|it| format!("id-{it}"))), None),
            ("constant", read(rows().map(|_| "same".to_owned())), None),
            (
                "a running number",
                read((0..1_000).map(|it| it.to_string())),
                None,
            ),
            (
                "mostly missing",
                read(rows().map(|it| {
                    if it % 7 == 0 {
                        format!("{it}.5")
                    } else {
                        "NA".to_owned()
                    }
                })),
                Some((true, 0)),
            ),
        ];
        for (what, found, expected) in cases {
            assert_eq!(found, expected, "{what}");
        }
    }
}
