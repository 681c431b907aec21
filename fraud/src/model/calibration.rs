//! From a forest's margin to a probability that can be read as one.
//!
//! A logistic curve is fitted to rows the forest has not seen (Platt's method) and kept as a table of
//! points, because a table gives the same integer on every machine where an exponential may differ in
//! the last bit. It rises everywhere, so calibration never reorders attempts.

use serde::{Deserialize, Serialize};

use crate::scorecard::MOST_PPM;

const LOWEST: f64 = -14.0;
const STEP: f64 = 0.125;
const POINTS: u32 = 225;
const BILLION: f64 = 1e9;
/// Newton's method settles in far fewer steps; this bounds it.
const STEPS: usize = 50;

/// A rising table from margin to probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Probabilities in parts per billion, at equal steps of the margin from -14 to 14.
    chances_ppb: Vec<u32>,
}

impl Calibration {
    /// Takes the margin at its word.
    pub fn plain() -> Self {
        Self::curve(1.0, 0.0)
    }

    /// Fits slope and offset of a logistic curve to margins of unseen rows, by Newton's method; a step
    /// that overshoots is halved.
    pub fn fit(margins: &[f64], labels: &[bool]) -> Self {
        let sample = Sample { margins, labels };
        let (mut slope, mut offset) = (1.0, 0.0);
        let mut loss = sample.loss(slope, offset);
        for _ in 0..STEPS {
            let (mut along, mut up) = sample.newton_step(slope, offset);
            while sample.loss(slope - along, offset - up) > loss && along.abs() + up.abs() > 1e-9 {
                (along, up) = (along / 2.0, up / 2.0);
            }
            (slope, offset) = (slope - along, offset - up);
            loss = sample.loss(slope, offset);
            if along.abs() + up.abs() <= 1e-9 {
                break;
            }
        }
        // A curve that does not rise would reorder attempts.
        if slope > 0.0 {
            Self::curve(slope, offset)
        } else {
            Self::plain()
        }
    }

    fn curve(slope: f64, offset: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability times a billion"
        )]
        let point = |place: u32| {
            let margin = LOWEST + STEP * f64::from(place);
            (BILLION * logistic(slope * margin + offset)).round() as u32
        };
        Self {
            chances_ppb: (0..POINTS).map(point).collect(),
        }
    }

    /// The same for a population with more genuine attempts: the odds of fraud times `factor`, as after
    /// training on a thinned sample.
    #[must_use]
    pub fn with_odds(&self, factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability times a billion"
        )]
        let rarer = |chance: &u32| {
            let chance = f64::from(*chance) / BILLION;
            (BILLION * chance * factor / (chance * factor + 1.0 - chance)).round() as u32
        };
        Self {
            chances_ppb: self.chances_ppb.iter().map(rarer).collect(),
        }
    }

    /// The probability at a margin, between two points of the table in a straight line.
    pub fn chance(&self, margin: f64) -> f64 {
        let last = self.chances_ppb.len() - 1;
        let along = ((margin - LOWEST) / STEP).clamp(0.0, last as f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the table"
        )]
        let place = (along as usize).min(last - 1);
        let part = along - place as f64;
        let [low, high] = [self.chances_ppb[place], self.chances_ppb[place + 1]].map(f64::from);
        (low + (high - low) * part) / BILLION
    }

    /// The probability at a margin in parts per million.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability times a million"
    )]
    pub fn ppm(&self, margin: f64) -> u32 {
        ((self.chance(margin) * 1e6).round() as u32).min(MOST_PPM)
    }

    /// Whether the table is one this build can read: full, and rising.
    pub(super) fn is_sound(&self) -> bool {
        let rises = self.chances_ppb.is_sorted()
            && self
                .chances_ppb
                .iter()
                .all(|chance| f64::from(*chance) <= BILLION);
        rises && self.chances_ppb.len() == POINTS as usize
    }
}

pub(super) fn logistic(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// The logistic loss, in the form that cannot overflow.
pub(super) fn logistic_loss(margin: f64, label: bool) -> f64 {
    let wrong = if label { -margin } else { margin };
    wrong.max(0.0) + (-wrong.abs()).exp().ln_1p()
}

struct Sample<'a> {
    margins: &'a [f64],
    labels: &'a [bool],
}

impl Sample<'_> {
    /// A little weight on (1, 0), which keeps the fit finite when a sample says little.
    const PRIOR: f64 = 1e-3;

    fn loss(&self, slope: f64, offset: f64) -> f64 {
        let one = |(margin, label): (&f64, &bool)| logistic_loss(slope * margin + offset, *label);
        let prior = Self::PRIOR * ((slope - 1.0).powi(2) + offset.powi(2)) / 2.0;
        self.margins.iter().zip(self.labels).map(one).sum::<f64>() + prior
    }

    fn newton_step(&self, slope: f64, offset: f64) -> (f64, f64) {
        let mut first = [Self::PRIOR * (slope - 1.0), Self::PRIOR * offset];
        let mut second = [Self::PRIOR, 0.0, Self::PRIOR];
        for (margin, label) in self.margins.iter().zip(self.labels) {
            let chance = logistic(slope * margin + offset);
            let (error, weight) = (
                chance - f64::from(u8::from(*label)),
                chance * (1.0 - chance),
            );
            first[0] += error * margin;
            first[1] += error;
            second[0] += weight * margin * margin;
            second[1] += weight * margin;
            second[2] += weight;
        }
        let determinant = second[0] * second[2] - second[1] * second[1];
        let along = (second[2] * first[0] - second[1] * first[1]) / determinant;
        let up = (second[0] * first[1] - second[1] * first[0]) / determinant;
        if along.is_finite() && up.is_finite() {
            (along, up)
        } else {
            (0.0, 0.0)
        }
    }
}
