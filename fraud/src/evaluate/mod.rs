//! How well the machinery does on any labelled CSV.
//!
//! Given the columns for time, label, amount and entities, the file is walked in order of time: every
//! feature the registry can compute for the named entities, plus the file's other columns (numbers as
//! they are, words by how often they were fraud so far). Labels become known some time after the fact,
//! here as in life. The older part trains, the newer part is scored without having been seen.

mod clock;
mod table;
mod walk;

use std::io::Read;

pub use clock::TimeUnit;
use serde::{Deserialize, Serialize};

use crate::attempt::Role;
use crate::model::{Model, TrainError, Trainer};

/// Which columns are what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// When it happened.
    pub time: String,
    /// Whether it was fraud.
    pub label: String,
    /// How much money.
    pub amount: Option<String>,
    /// Who takes part, the payer first; up to five.
    pub entities: Vec<String>,
    /// Columns not to look at.
    pub ignored: Vec<String>,
    /// What a number in the time column counts.
    pub unit: TimeUnit,
    /// Seconds until a label is known; if absent, a week or a twentieth of the span if that is less.
    pub delay: Option<u32>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows read, and rows skipped for want of a time or a label.
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
    pub average_precision: f64,
    /// The share of frauds caught with 0.1% of genuine rows touched.
    pub recall_at_0_1_percent: f64,
    /// The share of frauds caught with 0.5% of genuine rows touched.
    pub recall_at_0_5_percent: f64,
    /// How far probabilities are from rates, in the mean.
    pub calibration_error: f64,
    /// The mean square error of the probabilities.
    pub brier: f64,
    /// How far scores moved from training to test (population stability index).
    pub psi: f64,
    /// The features that moved scores most, and by how much in the mean.
    pub top_features: Vec<(String, f64)>,
    /// The features that drifted most, and their stability index.
    pub drifted: Vec<(String, f64)>,
}

/// Why a file could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}; it must be CSV with a line of column names")]
    Csv(#[from] csv::Error),
    /// A column is not there.
    #[error("there is no column `{name}`; there are: {there}")]
    NoColumn {
        /// The name asked for.
        name: String,
        /// The names in the file.
        there: String,
    },
    /// Nothing could be used.
    #[error(
        "no row has a time and a label ({skipped} were skipped); labels are 0/1, true/false or yes/no"
    )]
    NoRows {
        /// Rows skipped.
        skipped: usize,
    },
    /// Too many entities.
    #[error("{0} entity columns are too many; name at most five")]
    TooManyEntities(usize),
    /// Nothing can be learned.
    #[error("the older part of the file: {0}")]
    Train(#[from] TrainError),
    /// The newer part has labels of one kind only.
    #[error(
        "the newer part of the file has {frauds} frauds in {rows} rows, so nothing can be measured; use a longer file"
    )]
    OneSidedTest {
        /// Frauds found.
        frauds: usize,
        /// Rows found.
        rows: usize,
    },
}

/// Reads, walks, trains, scores and reports.
pub fn evaluate(
    input: impl Read,
    columns: &Columns,
    trainer: &impl Trainer,
) -> Result<Evaluation, EvaluateError> {
    let table = read(input, columns)?;
    walk::Walk::new(&table, columns).run(trainer)
}

/// Trains a model that a scorer can load: on all rows, with only the registry's features. The entity
/// columns play the roles in the order payer, payee, device, link, place.
pub fn train(
    input: impl Read,
    columns: &Columns,
    trainer: &impl Trainer,
    version: u32,
) -> Result<Model, EvaluateError> {
    let mut table = read(input, columns)?;
    table.extras.clear();
    walk::Walk::new(&table, columns).train(trainer, version)
}

fn read(input: impl Read, columns: &Columns) -> Result<table::Table, EvaluateError> {
    if columns.entities.len() > Role::ALL.len() {
        return Err(EvaluateError::TooManyEntities(columns.entities.len()));
    }
    table::Table::read(input, columns)
}
