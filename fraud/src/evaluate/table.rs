//! A labelled CSV as columns: when, what it turned out to be, how much, who, and everything else.

use std::collections::HashMap;
use std::io::Read;

use super::clock;
use super::{Columns, EvaluateError};
use crate::attempt::Key;

/// A column that is mostly numbers is one.
const NUMERIC_SHARE: f64 = 0.95;
/// A text column with more different values than this share of rows names things, and teaches nothing.
const NAMING_SHARE: f64 = 0.3;

/// The rows of a file in order of time.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) seconds: Vec<u32>,
    pub(super) labels: Vec<bool>,
    /// In hundredths.
    pub(super) amounts: Vec<i64>,
    /// For each entity column the key of each row, if it has one.
    pub(super) entities: Vec<Vec<Option<Key>>>,
    pub(super) extras: Vec<Extra>,
    /// Rows without a time or a label.
    pub(super) skipped: usize,
}

/// Any other column.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) name: String,
    pub(super) values: Values,
}

/// The values of a column, row by row.
#[derive(Debug)]
pub(super) enum Values {
    /// Missing is NaN.
    Numbers(Vec<f32>),
    /// The place of each text among the column's texts; missing is a text of its own.
    Words { places: Vec<u32>, different: usize },
}

/// A column while it is read.
#[derive(Default)]
struct Reading {
    numbers: Vec<f32>,
    numeric: usize,
    filled: usize,
    places: Vec<u32>,
    words: HashMap<String, u32>,
}

impl Table {
    pub(super) fn read(input: impl Read, columns: &Columns) -> Result<Self, EvaluateError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let names: Vec<String> = reader
            .headers()?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        let find = |name: &str| {
            let missing = || EvaluateError::NoColumn {
                name: name.to_owned(),
                there: names.join(", "),
            };
            names
                .iter()
                .position(|other| other == name)
                .ok_or_else(missing)
        };
        let (time, label) = (find(&columns.time)?, find(&columns.label)?);
        let amount = columns.amount.as_deref().map(find).transpose()?;
        let entities = columns
            .entities
            .iter()
            .map(|name| find(name))
            .collect::<Result<Vec<_>, _>>()?;
        let ignored = columns
            .ignored
            .iter()
            .map(|name| find(name))
            .collect::<Result<Vec<_>, _>>()?;
        let special: Vec<usize> = [time, label]
            .into_iter()
            .chain(amount)
            .chain(entities.iter().copied())
            .chain(ignored)
            .collect();
        let others: Vec<usize> = (0..names.len())
            .filter(|place| !special.contains(place))
            .collect();

        let mut rows = Rows::new(entities.len(), others.len());
        for record in reader.records() {
            let record = record?;
            let cell = |place: usize| record.get(place).unwrap_or("").trim();
            let (Some(time), Some(label)) = (clock::parse(cell(time)), truth(cell(label))) else {
                rows.skipped += 1;
                continue;
            };
            rows.times.push(time);
            rows.labels.push(label);
            rows.amounts
                .push(amount.map_or(0, |place| hundredths(cell(place))));
            for (column, place) in rows.entities.iter_mut().zip(&entities) {
                let text = cell(*place);
                column.push((!text.is_empty()).then(|| Key::of(text)));
            }
            for (column, place) in rows.others.iter_mut().zip(&others) {
                column.push(cell(*place));
            }
        }
        rows.sorted(
            others.into_iter().map(|place| names[place].clone()),
            columns.unit,
        )
    }
}

/// Rows in the order of the file.
struct Rows {
    times: Vec<f64>,
    labels: Vec<bool>,
    amounts: Vec<i64>,
    entities: Vec<Vec<Option<Key>>>,
    others: Vec<Reading>,
    skipped: usize,
}

impl Rows {
    fn new(entities: usize, others: usize) -> Self {
        Self {
            times: Vec::new(),
            labels: Vec::new(),
            amounts: Vec::new(),
            entities: vec![Vec::new(); entities],
            others: (0..others).map(|_| Reading::default()).collect(),
            skipped: 0,
        }
    }

    fn sorted(
        self,
        names: impl Iterator<Item = String>,
        unit: clock::TimeUnit,
    ) -> Result<Table, EvaluateError> {
        if self.times.is_empty() {
            return Err(EvaluateError::NoRows {
                skipped: self.skipped,
            });
        }
        let seconds = clock::seconds(&self.times, unit);
        let mut order: Vec<usize> = (0..seconds.len()).collect();
        order.sort_by_key(|row| seconds[*row]);
        let extras = names.zip(self.others).filter_map(|(name, column)| {
            Some(Extra {
                name,
                values: column.finish(&order)?,
            })
        });
        Ok(Table {
            seconds: pick(&seconds, &order),
            labels: pick(&self.labels, &order),
            amounts: pick(&self.amounts, &order),
            entities: self
                .entities
                .iter()
                .map(|column| pick(column, &order))
                .collect(),
            extras: extras.collect(),
            skipped: self.skipped,
        })
    }
}

impl Reading {
    fn push(&mut self, text: &str) {
        let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
        self.filled += usize::from(!text.is_empty());
        self.numeric += usize::from(number.is_some());
        self.numbers.push(number.unwrap_or(f32::NAN));
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let place = self.words.get(text).copied();
        self.places
            .push(place.unwrap_or_else(|| *self.words.entry(text.to_owned()).or_insert(next)));
    }

    fn finish(self, order: &[usize]) -> Option<Values> {
        let different = self.words.len();
        if different < 2 {
            return None;
        }
        if self.numeric as f64 >= NUMERIC_SHARE * self.filled as f64 {
            return Some(Values::Numbers(pick(&self.numbers, order)));
        }
        let naming = different as f64 > NAMING_SHARE * order.len() as f64;
        (!naming).then(|| Values::Words {
            places: pick(&self.places, order),
            different,
        })
    }
}

fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|row| values[*row]).collect()
}

/// Yes or no, in the ways files write it.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "t" | "yes" | "y" | "fraud" => Some(true),
        "0" | "0.0" | "false" | "f" | "no" | "n" | "genuine" | "legit" => Some(false),
        _ => None,
    }
}

/// An amount in hundredths; what is not a number counts as none.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast saturates, and NaN becomes 0"
)]
fn hundredths(text: &str) -> i64 {
    let digits: String = text
        .chars()
        .filter(|letter| !matches!(letter, '$' | '€' | '¥' | '£' | ','))
        .collect();
    digits
        .parse::<f64>()
        .map_or(0, |amount| (amount * 100.0).round() as i64)
}
