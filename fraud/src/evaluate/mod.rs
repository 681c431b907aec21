//! How well the machinery does on any labelled CSV.
//!
//! Given the columns for time, label, amount and entities, the file is walked in order of time: every
//! feature the registry can compute for the named entities, plus the file's other columns (numbers as
//! they are, words by how often they were fraud so far). Labels become known some time after the fact,
//! here as in life. The older part trains, the newer part is scored without having been seen.

mod cell;
mod clock;
mod column;
mod history;
mod report;
mod table;
mod walk;
mod written;

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
    /// The label that means fraud; if absent, the usual words for yes and no are understood.
    pub fraud: Option<String>,
    /// How much money; if absent, the column `amount`, if there is one.
    pub amount: Option<String>,
    /// Who takes part, and in which role; if empty, the columns called like roles.
    pub entities: Vec<(Role, String)>,
    /// Columns not to look at.
    pub ignored: Vec<String>,
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
    /// The features that drifted most, and their stability index.
    pub drifted: Vec<Weighed>,
}

/// Why a file could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}; it must be CSV with a line of column names")]
    Csv(#[from] csv::Error),
    /// It cannot be read at all.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// A column is not there.
    #[error("there is no column `{name}`; there are: {there}")]
    NoColumn {
        /// The name asked for.
        name: String,
        /// The names in the file.
        there: String,
    },
    /// The time column holds something else.
    #[error(
        "the column `{column}` is no time in {cells} of {rows} rows, as in `{example}`; name the column of times, written as \
         2026-11-24 08:15:00, 24/11/2026, or as a number"
    )]
    NotTimes {
        /// The column's name.
        column: String,
        /// Cells that are no time.
        cells: usize,
        /// Rows in all.
        rows: usize,
        /// The first of them.
        example: String,
    },
    /// The label column holds something else.
    #[error(
        "the column `{column}` is neither yes nor no in {cells} of {rows} rows, as in `{example}`; labels are 0/1, \
         true/false, yes/no or fraud/genuine, or say with --fraud which value means fraud"
    )]
    NotLabels {
        /// The column's name.
        column: String,
        /// Cells that are no label.
        cells: usize,
        /// Rows in all.
        rows: usize,
        /// The first of them.
        example: String,
    },
    /// The column of amounts holds something else.
    #[error(
        "the column of amounts is no number in {cells} of {rows} rows, as in `{example}`; name the column of amounts with \
         --amount, or leave this one out with --ignore"
    )]
    NotAmounts {
        /// Cells that are no number.
        cells: usize,
        /// Rows in all.
        rows: usize,
        /// The first of them.
        example: String,
    },
    /// There is nothing in it.
    #[error("the file is empty; it must be CSV with a line of column names, or Parquet")]
    Empty,
    /// Nothing could be used.
    #[error(
        "no row has a time and a label ({skipped} were skipped); labels are 0/1, true/false or yes/no"
    )]
    NoRows {
        /// Rows skipped.
        skipped: usize,
    },
    /// There are too many rows.
    #[error("the file has more than {0} rows; cut it by time and look at the newest part")]
    TooManyRows(usize),
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
