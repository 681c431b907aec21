//! One walk through a table in order of time: learn from the older part, score the newer.

use super::history::Histories;
use super::report;
use super::table::Table;
use super::{Columns, EvaluateError, Evaluation, Progress};
use crate::attempt::{
    Attempt, Channel, CurrencyCode, Key, Kind, Label, NANOS_PER_SECOND, Outcome, Role, mix,
};
use crate::feature::Registry;
use crate::model::{Dataset, Model, Trainer, narrow};
use crate::profile::{Limits, Profiles};

/// The older share of rows, by time.
const TRAIN_SHARE: f64 = 0.7;
/// A label is known after a week, or after this share of the file's span if that is less.
const DELAY_SHARE: u32 = 20;
const WEEK: u32 = 7 * 86_400;
/// More numbers than this in the training set and genuine rows are thinned out: the set takes six bytes
/// for each.
const MOST_NUMBERS: usize = 150_000_000;
/// Rows looked at for drift and for the weight of features.
const SAMPLE: usize = 5_000;
/// Rows between two words of progress.
const TOLD_EVERY: usize = 50_000;
/// How the names of features begin that say nothing where no amount is known.
const OF_AMOUNTS: [&str; 9] = [
    "amount",
    "mean",
    "ratio_",
    "z_score",
    "spend_ratio",
    "unusual",
    "ordinary_frauds",
    "received",
    "pass_through",
];

/// A table on its way through the profiles.
pub(super) struct Walk<'a> {
    table: &'a Table,
    columns: &'a Columns,
    registry: Registry,
    slots: Vec<usize>,
    profiles: Profiles,
    histories: Histories<'a>,
    delay: u32,
    /// The first row whose label is not known yet.
    unknown: usize,
    tell: &'a mut dyn FnMut(Progress),
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        table: &'a Table,
        columns: &'a Columns,
        tell: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let registry = Registry::new();
        let takes_part = |name: &str| table.entities.iter().any(|(role, ..)| role.name() == name);
        let useful = |name: &str| match name.split_once('.') {
            Some(("pair", _)) => takes_part("payer") && takes_part("payee"),
            Some((role, _)) => takes_part(role),
            None => match name {
                "kind" => table.kinds.is_some(),
                "channel" => table.channels.is_some(),
                _ => true,
            },
        };
        let is_known = |name: &str| {
            let own = name.split_once('.').map_or(name, |(_, own)| own);
            table.has_amounts || !OF_AMOUNTS.iter().any(|start| own.starts_with(start))
        };
        let named = registry.features().iter().enumerate();
        let slots = named
            .filter(|(_, feature)| useful(&feature.name) && is_known(&feature.name))
            .map(|(slot, _)| slot)
            .collect();
        let span = table.seconds[table.seconds.len() - 1] - table.seconds[0];
        Self {
            histories: Histories::new(&table.extras),
            delay: columns
                .delay
                .unwrap_or_else(|| WEEK.min(span / DELAY_SHARE)),
            table,
            columns,
            registry,
            slots,
            profiles: Profiles::new(Limits {
                entities_per_role: 500_000,
                pairs: 2_000_000,
                in_flight: 1,
            }),
            unknown: 0,
            tell,
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
        self.must_teach(&data)?;
        // From here on words no longer learn: the model was trained on what they said so far.
        self.histories.learn_no_more();
        let model = self.fit(trainer, &data, keep, self.names(), 1)?;
        let (mut scored, mut sample) = (Vec::with_capacity(rows - split), Vec::new());
        let stride = (rows - split).div_ceil(SAMPLE).max(1);
        for row in split..rows {
            let values = self.step(row);
            scored.push((model.forest.margin(&values), self.table.labels[row]));
            if (row - split).is_multiple_of(stride) {
                sample.push(values);
            }
        }
        report::of(self.table, &model, &data, &scored, &sample)
    }

    /// Whoever names a column that holds no times, or has too short a file, is told so.
    fn must_teach(&self, data: &Dataset) -> Result<(), EvaluateError> {
        let column = self.columns.time.clone();
        match (data.frauds(), data.len()) {
            (_, 0) => Err(EvaluateError::NothingKnown { column }),
            (frauds, rows) if frauds == 0 || frauds == rows => {
                Err(EvaluateError::OneSidedTraining {
                    column,
                    frauds,
                    rows,
                })
            }
            _ => Ok(()),
        }
    }

    /// A model of everything that is known at the end of the table, by the registry's own names.
    pub(super) fn train(
        mut self,
        trainer: &impl Trainer,
        version: u32,
    ) -> Result<Model, EvaluateError> {
        let rows = self.table.seconds.len();
        // Whoever trains on a file has waited for its labels.
        let (data, keep) = self.collect(rows, u32::MAX);
        let features = self.registry.features();
        let names = self
            .slots
            .iter()
            .map(|slot| features[*slot].name.clone())
            .collect();
        self.fit(trainer, &data, keep, names, version)
    }

    fn fit(
        &mut self,
        trainer: &impl Trainer,
        data: &Dataset,
        keep: f64,
        names: Vec<String>,
        version: u32,
    ) -> Result<Model, EvaluateError> {
        let mut watch = |trees, of| (self.tell)(Progress::Trained { trees, of });
        let mut model = Model::train_watched(trainer, data, names, version, &mut watch)?;
        model.calibration = model.calibration.with_odds(keep);
        Ok(model)
    }

    /// Walks to a row; gives the rows whose labels are known at a moment, genuine ones thinned out, and the
    /// share of those that was kept.
    fn collect(&mut self, end: usize, now: u32) -> (Dataset, f64) {
        let known = now.saturating_sub(self.delay);
        let last = self.table.seconds[..end].partition_point(|second| *second <= known);
        let labels = &self.table.labels[..last];
        let genuine = labels.iter().filter(|label| !**label).count();
        let width = self.names().len();
        let most = (MOST_NUMBERS / width.max(1)).saturating_sub(last - genuine);
        let keep = (most as f64 / genuine.max(1) as f64).min(1.0);
        let mut data = Dataset::new(width);
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
        if row.is_multiple_of(TOLD_EVERY) {
            let of = self.table.seconds.len();
            (self.tell)(Progress::Walked { rows: row, of });
        }
        let now = self.table.seconds[row];
        while self.unknown < row
            && self.table.seconds[self.unknown].saturating_add(self.delay) <= now
        {
            self.learn_label(self.unknown);
            self.unknown += 1;
        }
        let attempt = self.attempt(row);
        let mut vector = Vec::with_capacity(self.registry.features().len());
        self.registry.fill(&self.profiles, &attempt, &mut vector);
        let streamed = self.slots.iter().map(|slot| narrow(vector[*slot]));
        let mut values: Vec<f32> = streamed.collect();
        self.histories.read(row, &mut values);
        if !self.table.entities.is_empty() {
            self.profiles.observe(&attempt, Outcome::Settled);
        }
        values
    }

    fn learn_label(&mut self, row: usize) {
        let fraud = self.table.labels[row];
        if !self.table.entities.is_empty() {
            let label = if fraud { Label::Fraud } else { Label::Genuine };
            self.profiles.observe(
                &self.attempt(row),
                Outcome::Labelled {
                    was: None,
                    now: label,
                },
            );
        }
        self.histories.learn(row, fraud);
    }

    fn attempt(&self, row: usize) -> Attempt {
        let table = self.table;
        let entity = |wanted: Role| {
            let mut columns = table.entities.iter();
            let (.., keys) = columns.find(|(role, ..)| *role == wanted)?;
            keys[row]
        };
        // A payer that is not named is nobody seen before.
        let nobody = || Key(mix(row as u64 ^ 0x6e6f_626f_6479));
        let (kinds, channels) = (&table.kinds, &table.channels);
        Attempt {
            id: row as u128,
            at: u64::from(table.seconds[row]) * NANOS_PER_SECOND,
            kind: kinds.as_ref().map_or(Kind::Payment, |kinds| kinds[row]),
            channel: channels.as_ref().map_or(Channel::Api, |it| it[row]),
            payer: entity(Role::Payer).unwrap_or_else(nobody),
            payee: entity(Role::Payee),
            device: entity(Role::Device),
            link: entity(Role::Link),
            place: entity(Role::Place),
            amount: table.amounts[row],
            currency: CurrencyCode::new(""),
        }
    }

    /// Features by name, where a role is called as its column is.
    fn names(&self) -> Vec<String> {
        let streamed = self.slots.iter().map(|slot| {
            let name = &self.registry.features()[*slot].name;
            let named = name.split_once('.').and_then(|(owner, rest)| {
                let mut columns = self.table.entities.iter();
                let (_, column, _) = columns.find(|(role, ..)| role.name() == owner)?;
                Some(format!("{column}.{rest}"))
            });
            named.unwrap_or_else(|| name.clone())
        });
        streamed.chain(self.histories.names()).collect()
    }
}

/// Whether a genuine row stays when rows are thinned out.
fn kept(row: usize, share: f64) -> bool {
    (mix(row as u64) >> 11) as f64 / ((1_u64 << 53) as f64) < share
}
