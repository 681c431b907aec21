//! Rows of feature values with labels, as a trainer reads them.

use crate::attempt::mix;

/// Labelled rows. Values are `f32`; a missing value is stored as negative infinity, lower than any number.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    width: usize,
    values: Vec<f32>,
    labels: Vec<bool>,
}

impl Dataset {
    /// No rows yet, each to have `width` values.
    pub const fn new(width: usize) -> Self {
        Self {
            width,
            values: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Adds a row; values beyond the width are ignored, absent ones are missing.
    pub fn push(&mut self, row: &[f64], label: bool) {
        let missing = std::iter::repeat(f64::NAN);
        let row = row.iter().copied().chain(missing).take(self.width);
        self.values.extend(row.map(narrow));
        self.labels.push(label);
    }

    /// Adds a row that is already in the form of this set.
    pub fn push_narrow(&mut self, row: &[f32], label: bool) {
        self.values.extend_from_slice(&row[..self.width]);
        self.labels.push(label);
    }

    /// Values a row.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The values of a row.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// What each row turned out to be; true is fraud.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// How many rows are fraud.
    pub fn frauds(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// The first rows and the rest.
    pub fn split_at(&self, row: usize) -> (Self, Self) {
        let row = row.min(self.len());
        let part = |values: &[f32], labels: &[bool]| Self {
            width: self.width,
            values: values.to_vec(),
            labels: labels.to_vec(),
        };
        let (first, rest) = self.values.split_at(row * self.width);
        let (first_labels, rest_labels) = self.labels.split_at(row);
        (part(first, first_labels), part(rest, rest_labels))
    }

    pub(super) fn column(&self, feature: usize) -> impl Iterator<Item = f32> {
        self.values
            .iter()
            .skip(feature)
            .step_by(self.width.max(1))
            .copied()
    }
}

/// A feature's value as the model sees it: narrower, and lowest when missing.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the model looks at 24 bits of a number"
)]
pub fn narrow(value: f64) -> f32 {
    if value.is_nan() {
        f32::NEG_INFINITY
    } else {
        value as f32
    }
}

/// A fixed sequence of draws: the same for the same place, on every machine.
pub(super) fn drawn(seed: u64, place: u64, share: f64) -> bool {
    (mix(mix(seed) ^ place) >> 11) as f64 / ((1_u64 << 53) as f64) < share
}
