//! How well the machinery does on any labelled CSV.
//!
//! Given the columns for time, label, amount and entities, the file is walked in order of time: every
//! feature the registry can compute for the named entities, plus the file's other columns (numbers as
//! they are, words by how often they were fraud so far). Labels become known some time after the fact,
//! here as in life. The older part trains, the newer part is scored without having been seen.

mod cell;
mod clock;
mod column;
mod error;
mod history;
mod places;
mod report;
mod table;
mod walk;
mod written;

use std::io::Read;

pub use clock::TimeUnit;
pub use error::EvaluateError;
use serde::{Deserialize, Serialize};

use crate::attempt::Role;
use crate::model::{Model, Trainer};

/// With fewer frauds than this to learn from or to test on, what is found depends on chance.
pub const FRAUDS_MIN: usize = 50;

/// Which columns are what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// When it happened.
    pub time: String,
    /// Whether it was fraud.
    pub label: String,
    /// The label that means fraud; if absent, the usual words for yes and no are understood.
    pub fraud: Option<String>,
    /// How much money; if absent, the column `amount`, if there is one.
    pub amount: Option<String>,
    /// Who takes part, and in which role; if empty, the columns called like roles.
    pub entities: Vec<(Role, String)>,
    /// Columns not to look at.
    pub ignored: Vec<String>,
    /// Columns not to look at where all of them are there: together they are the mark of a file that tells what was decided
    /// and what became of it.
    pub outcomes: Vec<String>,
    /// What a number in the time column counts.
    pub unit: TimeUnit,
    /// Seconds until a label is known; if absent, a week or a twentieth of the span if that is less.
    pub delay: Option<u32>,
}

impl Columns {
    /// Gives each column of entities the next role: payer, payee, device, link, place.
    pub fn roles<'a>(
        columns: impl IntoIterator<Item = &'a String>,
    ) -> Result<Vec<(Role, String)>, EvaluateError> {
        let columns: Vec<&String> = columns.into_iter().collect();
        if columns.len() > Role::ALL.len() {
            return Err(EvaluateError::TooManyEntities(columns.len()));
        }
        Ok(Role::ALL
            .into_iter()
            .zip(columns.into_iter().cloned())
            .collect())
    }
}

/// How far the work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Rows read from the file.
    Read {
        /// So many.
        rows: usize,
    },
    /// Rows walked through in order of time.
    Walked {
        /// So many,
        rows: usize,
        /// of so many.
        of: usize,
    },
    /// Trees grown.
    Trained {
        /// So many,
        trees: usize,
        /// of so many.
        of: usize,
    },
}

/// A feature and what was found of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weighed {
    /// The feature's name.
    pub feature: String,
    /// The number.
    pub value: f64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows with a time and a label.
    pub rows: usize,
    /// Rows without a time or a label.
    pub skipped: usize,
    /// Rows the model was trained on.
    pub train_rows: usize,
    /// Frauds among them.
    pub train_frauds: usize,
    /// Rows it was tested on.
    pub test_rows: usize,
    /// Frauds among them.
    pub test_frauds: usize,
    /// How many features there were.
    pub features: usize,
    /// How many trees proved useful.
    pub trees: usize,
    /// The probability that a fraud scores above a genuine row.
    pub auc: f64,
    /// Average precision.
    pub ap: f64,
    /// The share of frauds caught with 0.1% of genuine rows touched.
    pub recall_at_0_1_percent: f64,
    /// The share of frauds caught with 0.5% of genuine rows touched.
    pub recall_at_0_5_percent: f64,
    /// How far probabilities are from rates, in the mean over ten groups.
    pub calibration_error: f64,
    /// The mean square error of the probabilities.
    pub brier: f64,
    /// The mean probability of fraud that was predicted.
    pub mean_score: f64,
    /// The share of fraud that there was.
    pub fraud_rate: f64,
    /// How far scores moved from training to test (population stability index).
    pub psi: f64,
    /// The features that moved scores most, and by how much in the mean.
    pub top_features: Vec<Weighed>,
    /// The features that drifted most from the newer half of training, and their stability index. What still grew with the
    /// history by then is not among them.
    pub drifted: Vec<Weighed>,
    /// Columns that were not looked at because they tell the outcome.
    pub left_out: Vec<String>,
    /// What to know before believing the numbers, in whole clauses.
    pub warnings: Vec<String>,
}

/// Reads, walks, trains, scores and reports.
pub fn evaluate(
    input: impl Read,
    columns: &Columns,
    trainer: &impl Trainer,
    tell: &mut dyn FnMut(Progress),
) -> Result<Evaluation, EvaluateError> {
    let table = table::Table::read(input, columns, tell)?;
    walk::Walk::new(&table, columns, tell).run(trainer)
}

/// Trains a model that a scorer can load: on all rows, with only the registry's features.
///
/// Columns called `kind` and `channel` that hold the words of attempts say what an attempt was.
pub fn train(
    input: impl Read,
    columns: &Columns,
    trainer: &impl Trainer,
    version: u32,
    tell: &mut dyn FnMut(Progress),
) -> Result<Model, EvaluateError> {
    let mut table = table::Table::read(input, columns, tell)?;
    table.extras.clear();
    walk::Walk::new(&table, columns, tell).train(trainer, version)
}
