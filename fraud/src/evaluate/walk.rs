//! One walk through a table in order of time: learn from the older part, score the newer.

use super::table::{Extra, Table, Values};
use super::{Columns, EvaluateError, Evaluation};
use crate::attempt::{
    Attempt, Channel, CurrencyCode, Key, Kind, Label, NANOS_PER_SECOND, Outcome, Role, mix,
};
use crate::feature::Registry;
use crate::metrics::{self, Drift};
use crate::model::{Dataset, Model, Paths, Trainer, narrow};
use crate::profile::{Limits, Profiles};

/// The older share of rows, by time.
const TRAIN_SHARE: f64 = 0.7;
/// A label is known after a week, or after this share of the file's span if that is less.
const DELAY_SHARE: u32 = 20;
const WEEK: u32 = 7 * 86_400;
/// More genuine rows than this are thinned out for training.
const MOST_GENUINE: usize = 500_000;
/// Rows looked at for drift and for the weight of features.
const SAMPLE: usize = 5_000;
/// How many fraud-free rows a word starts with, so that rare words say little.
const DOUBT: f64 = 20.0;
/// Features named in the report.
const NAMED: usize = 8;

/// A table on its way through the profiles.
pub(super) struct Walk<'a> {
    table: &'a Table,
    columns: &'a Columns,
    registry: Registry,
    slots: Vec<usize>,
    profiles: Profiles,
    words: Vec<Words>,
    delay: u32,
    unknown: usize,
    learning: bool,
}

/// How often each word of a column was fraud so far.
struct Words {
    extra: usize,
    /// Rows of each word, and frauds among them.
    seen: Vec<(u32, u32)>,
    /// Rows of all words.
    rows: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(table: &'a Table, columns: &'a Columns) -> Self {
        let registry = Registry::new();
        let roles = &Role::ALL[..columns.entities.len()];
        let useful = |name: &str| match name.split_once('.') {
            Some(("pair", _)) => roles.len() > 1,
            Some((role, _)) => roles.iter().any(|other| other.name() == role),
            None => !matches!(name, "kind" | "channel"),
        };
        let named = registry.features().iter().enumerate();
        let slots = named
            .filter(|(_, feature)| useful(&feature.name))
            .map(|(slot, _)| slot)
            .collect();
        let words = table
            .extras
            .iter()
            .enumerate()
            .filter_map(|(extra, column)| match &column.values {
                Values::Words { different, .. } => Some(Words {
                    extra,
                    seen: vec![(0, 0); *different],
                    rows: 0,
                }),
                Values::Numbers(_) => None,
            });
        let span = table.seconds[table.seconds.len() - 1] - table.seconds[0];
        Self {
            words: words.collect(),
            delay: columns
                .delay
                .unwrap_or_else(|| WEEK.min(span / DELAY_SHARE)),
            table,
            columns,
            registry,
            slots,
            profiles: Profiles::new(Limits {
                entities_per_role: 1_000_000,
                pairs: 4_000_000,
                in_flight: 1,
            }),
            unknown: 0,
            learning: true,
        }
    }

    pub(super) fn run(mut self, trainer: &impl Trainer) -> Result<Evaluation, EvaluateError> {
        let rows = self.table.seconds.len();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length"
        )]
        let split = (rows as f64 * TRAIN_SHARE) as usize;
        let (data, keep) = self.collect(split, self.table.seconds[split]);
        // From here on words no longer learn: the model was trained on what they said so far.
        self.learning = false;
        let mut model = Model::train(trainer, &data, self.names(), 1)?;
        model.calibration = model.calibration.with_odds(keep);
        let (mut scored, mut sample) = (Vec::with_capacity(rows - split), Vec::new());
        let stride = (rows - split).div_ceil(SAMPLE).max(1);
        for row in split..rows {
            let values = self.step(row);
            scored.push((model.forest.margin(&values), self.table.labels[row]));
            if (row - split).is_multiple_of(stride) {
                sample.push(values);
            }
        }
        self.report(&model, &data, &scored, &sample)
    }

    /// A model of everything that is known at the end of the table, by the registry's own names.
    pub(super) fn train(
        mut self,
        trainer: &impl Trainer,
        version: u32,
    ) -> Result<Model, EvaluateError> {
        let rows = self.table.seconds.len();
        let (data, keep) = self.collect(rows, self.table.seconds[rows - 1]);
        let features = self.registry.features();
        let names = self
            .slots
            .iter()
            .map(|slot| features[*slot].name.clone())
            .collect();
        let mut model = Model::train(trainer, &data, names, version)?;
        model.calibration = model.calibration.with_odds(keep);
        Ok(model)
    }

    /// Walks to a row; gives the rows whose labels are known at a moment, genuine ones thinned out, and the
    /// share of those that was kept.
    fn collect(&mut self, end: usize, now: u32) -> (Dataset, f64) {
        let known = now.saturating_sub(self.delay);
        let last = self.table.seconds[..end].partition_point(|second| *second <= known);
        let genuine = self.table.labels[..last]
            .iter()
            .filter(|label| !**label)
            .count();
        let keep = (MOST_GENUINE as f64 / genuine.max(1) as f64).min(1.0);
        let mut data = Dataset::new(self.names().len());
        for row in 0..end {
            let values = self.step(row);
            let label = self.table.labels[row];
            if row < last && (label || kept(row, keep)) {
                data.push_narrow(&values, label);
            }
        }
        (data, keep)
    }

    /// The features of a row, as known at its time; then the row becomes part of the past.
    fn step(&mut self, row: usize) -> Vec<f32> {
        let now = self.table.seconds[row];
        while self.table.seconds[self.unknown] + self.delay <= now && self.unknown < row {
            self.learn_label(self.unknown);
            self.unknown += 1;
        }
        let attempt = self.attempt(row);
        let mut vector = Vec::with_capacity(self.registry.features().len());
        self.registry.fill(&self.profiles, &attempt, &mut vector);
        let mut values: Vec<f32> = self
            .slots
            .iter()
            .map(|slot| narrow(vector[*slot]))
            .collect();
        for extra in &self.table.extras {
            if let Values::Numbers(numbers) = &extra.values {
                values.push(narrow(f64::from(numbers[row])));
            }
        }
        for words in &self.words {
            let (seen, frauds) = words.seen[place(&self.table.extras[words.extra], row)];
            values.push(narrow(f64::from(frauds) / (f64::from(seen) + DOUBT)));
            values.push(narrow(f64::from(seen) / (f64::from(words.rows) + DOUBT)));
        }
        if !self.columns.entities.is_empty() {
            self.profiles.observe(&attempt, Outcome::Settled);
        }
        values
    }

    fn learn_label(&mut self, row: usize) {
        let fraud = self.table.labels[row];
        if !self.columns.entities.is_empty() {
            let label = if fraud { Label::Fraud } else { Label::Genuine };
            self.profiles
                .observe(&self.attempt(row), Outcome::Labelled(label));
        }
        if self.learning {
            for words in &mut self.words {
                let seen = &mut words.seen[place(&self.table.extras[words.extra], row)];
                *seen = (seen.0 + 1, seen.1 + u32::from(fraud));
                words.rows += 1;
            }
        }
    }

    fn attempt(&self, row: usize) -> Attempt {
        let entity = |place: usize| {
            self.table
                .entities
                .get(place)
                .and_then(|column| column[row])
        };
        Attempt {
            id: row as u128,
            at: u64::from(self.table.seconds[row]) * NANOS_PER_SECOND,
            kind: Kind::Payment,
            channel: Channel::Api,
            payer: entity(0).unwrap_or(Key(0)),
            payee: entity(1),
            device: entity(2),
            link: entity(3),
            place: entity(4),
            amount: self.table.amounts[row],
            currency: CurrencyCode::new(""),
        }
    }

    /// Features by name, where a role is called as its column is.
    fn names(&self) -> Vec<String> {
        let streamed = self.slots.iter().map(|slot| {
            let name = &self.registry.features()[*slot].name;
            let named = name.split_once('.').and_then(|(role, rest)| {
                let place = Role::ALL.iter().position(|other| other.name() == role)?;
                Some(format!("{}.{rest}", self.columns.entities.get(place)?))
            });
            named.unwrap_or_else(|| name.clone())
        });
        let numbers = self
            .table
            .extras
            .iter()
            .filter(|extra| matches!(extra.values, Values::Numbers(_)));
        let words = self.words.iter().flat_map(|words| {
            let name = &self.table.extras[words.extra].name;
            [format!("{name} (fraud rate)"), format!("{name} (share)")]
        });
        streamed
            .chain(numbers.map(|extra| extra.name.clone()))
            .chain(words)
            .collect()
    }

    fn report(
        &self,
        model: &Model,
        data: &Dataset,
        scored: &[metrics::Scored],
        sample: &[Vec<f32>],
    ) -> Result<Evaluation, EvaluateError> {
        let frauds = scored.iter().filter(|(_, fraud)| *fraud).count();
        let (Some(auc), Some(average_precision)) =
            (metrics::auc(scored), metrics::average_precision(scored))
        else {
            return Err(EvaluateError::OneSidedTest {
                frauds,
                rows: scored.len(),
            });
        };
        let chance =
            |(margin, fraud): &metrics::Scored| (model.calibration.chance(*margin), *fraud);
        let chances: Vec<metrics::Scored> = scored.iter().map(chance).collect();
        let reference: Vec<f64> = model
            .reference
            .iter()
            .map(|margin| f64::from(*margin))
            .collect();
        let mut drift = Drift::new(&reference);
        for (margin, _) in scored {
            drift.add(*margin);
        }
        Ok(Evaluation {
            rows: self.table.seconds.len(),
            skipped: self.table.skipped,
            train_rows: data.len(),
            train_frauds: data.frauds(),
            test_rows: scored.len(),
            test_frauds: frauds,
            features: data.width(),
            trees: model.forest.trees(),
            auc,
            average_precision,
            recall_at_0_1_percent: metrics::recall_at(scored, 0.001).unwrap_or(0.0),
            recall_at_0_5_percent: metrics::recall_at(scored, 0.005).unwrap_or(0.0),
            calibration_error: metrics::calibration_error(&chances),
            brier: metrics::brier(&chances),
            psi: drift.index(),
            top_features: weights(model, sample),
            drifted: drifted(model, data, sample),
        })
    }
}

/// Whether a genuine row stays when rows are thinned out.
fn kept(row: usize, share: f64) -> bool {
    (mix(row as u64) >> 11) as f64 / ((1_u64 << 53) as f64) < share
}

fn place(extra: &Extra, row: usize) -> usize {
    match &extra.values {
        Values::Words { places, .. } => places[row] as usize,
        Values::Numbers(_) => 0,
    }
}

/// How far each feature moved the margin, in the mean over a sample; the largest first.
fn weights(model: &Model, sample: &[Vec<f32>]) -> Vec<(String, f64)> {
    let paths = Paths::new(&model.forest);
    let mut sums = vec![0.0; model.features.len()];
    for row in sample {
        let mut shares = vec![0.0; row.len()];
        paths.explain(&model.forest, row, &mut shares);
        sums.iter_mut()
            .zip(shares)
            .for_each(|(sum, share)| *sum += f64::from(share.abs()));
    }
    largest(
        model,
        sums.into_iter().map(|sum| sum / sample.len().max(1) as f64),
    )
}

fn drifted(model: &Model, data: &Dataset, sample: &[Vec<f32>]) -> Vec<(String, f64)> {
    let stride = data.len().div_ceil(SAMPLE).max(1);
    let index = |feature: usize| {
        let before: Vec<f64> = (0..data.len())
            .step_by(stride)
            .map(|row| f64::from(data.row(row)[feature]))
            .collect();
        let mut drift = Drift::new(&before);
        for row in sample {
            drift.add(f64::from(row[feature]));
        }
        drift.index()
    };
    largest(model, (0..data.width()).map(index))
}

fn largest(model: &Model, values: impl Iterator<Item = f64>) -> Vec<(String, f64)> {
    let mut named: Vec<(String, f64)> = model.features.iter().cloned().zip(values).collect();
    named.sort_by(|left, right| right.1.total_cmp(&left.1));
    named.truncate(NAMED);
    named
}
