//! The score when no model is loaded: a short list of lines that each add points.
//!
//! It knows nothing of any population; it only says what would make a careful cashier look up.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::decision::Reason;
use crate::feature::Registry;

/// From which value of a feature on how many parts per million are added.
const LINES: &[(&str, f64, u32)] = &[
    ("payer.ratio_median", 5.0, 40_000),
    ("payer.ratio_median", 12.0, 60_000),
    ("payer.unusual_14d", 3.0, 40_000),
    ("payer.count_10m", 8.0, 60_000),
    ("payer.count_10m", 25.0, 150_000),
    ("payer.count_1h", 60.0, 100_000),
    ("payer.others_1h", 10.0, 60_000),
    ("payer.failed_1d", 4.0, 60_000),
    ("payer.failed_1d", 12.0, 200_000),
    ("payer.frauds_35d", 1.0, 30_000),
    ("payee.frauds_14d", 2.0, 60_000),
    ("payee.fraud_rate_35d", 0.2, 150_000),
    ("payee.fraud_run", 3.0, 300_000),
    ("device.others_30d", 4.0, 60_000),
    ("device.others_30d", 10.0, 200_000),
    ("device.frauds_35d", 1.0, 200_000),
    ("link.others_30d", 3.0, 80_000),
    ("link.frauds_35d", 1.0, 200_000),
    ("pair.fan_in_1d", 8.0, 60_000),
    ("pair.pass_through_1d", 0.8, 40_000),
    ("pair.circle", 3.0, 40_000),
];

/// Certain fraud does not exist: the highest score.
pub(crate) const MOST_PPM: u32 = 999_999;

/// The lines bound to a registry's slots.
#[derive(Clone, Debug)]
pub(crate) struct Scorecard {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    slot: usize,
    least: f64,
    points: u32,
    code: Arc<str>,
    sentence: Arc<str>,
}

impl Scorecard {
    pub(crate) fn new(registry: &Registry) -> Self {
        let bound = LINES.iter().filter_map(|(name, least, points)| {
            let slot = registry.slot(name)?;
            let feature = &registry.features()[slot];
            let (code, sentence) = (
                feature.name.as_str().into(),
                feature.sentence.as_str().into(),
            );
            Some(Line {
                slot,
                least: *least,
                points: *points,
                code,
                sentence,
            })
        });
        Self {
            lines: bound.collect(),
        }
    }

    /// The sum of the points of all lines that hold.
    pub(crate) fn score(&self, vector: &[f64]) -> u32 {
        self.holding(vector)
            .map(|line| line.points)
            .sum::<u32>()
            .min(MOST_PPM)
    }

    /// A reason for each feature of which lines hold, the heaviest first.
    pub(crate) fn explain(&self, vector: &[f64], reasons: &mut Vec<Reason>) {
        let others = reasons.len();
        for line in self.holding(vector) {
            let reason = line.reason(vector[line.slot]);
            let mut own = reasons[others..].iter_mut();
            match own.find(|earlier| earlier.code == reason.code) {
                Some(earlier) => earlier.weight_ppm += reason.weight_ppm,
                None => reasons.push(reason),
            }
        }
        reasons[others..].sort_by_key(|reason| Reverse(reason.weight_ppm));
    }

    fn holding(&self, vector: &[f64]) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .filter(|line| vector[line.slot] >= line.least)
    }
}

impl Line {
    fn reason(&self, value: f64) -> Reason {
        Reason {
            code: Arc::clone(&self.code),
            sentence: Arc::clone(&self.sentence),
            value_milli: milli(value),
            weight_ppm: i32::try_from(self.points).unwrap_or(i32::MAX),
        }
    }
}

/// A feature's value as a decision states it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast saturates, and NaN becomes 0"
)]
pub(crate) fn milli(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}
