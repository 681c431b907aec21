//! Why a file could not be evaluated, and what to do about it.

use crate::model::TrainError;

/// Column names that an error lists.
const NAMES_MAX: usize = 20;
/// Letters of a cell or name that an error repeats: the first line of a file that is no CSV is one long name.
const LETTERS_MAX: usize = 60;

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
    #[error("there is no column `{name}`; there are: {there}; name it with {flag}")]
    NoColumn {
        /// The name asked for.
        name: String,
        /// The names in the file.
        there: String,
        /// The option of the command line that names it.
        flag: &'static str,
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
    /// The value that should mean fraud is in no row.
    #[error(
        "`{value}` occurs nowhere in the column `{column}`, whose values are such as {found}; say with --fraud which of them \
         means fraud"
    )]
    NoSuchLabel {
        /// The column's name.
        column: String,
        /// The value asked for.
        value: String,
        /// Some of those that are there.
        found: String,
    },
    /// Every row has the same label.
    #[error(
        "the column `{column}` says fraud in {frauds} of {rows} rows, so there is nothing to tell apart; name another column \
         with --label, or say with --fraud which value means fraud"
    )]
    OneKind {
        /// The column's name.
        column: String,
        /// Frauds found: none or all.
        frauds: usize,
        /// Rows found.
        rows: usize,
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
    /// Nothing can be learned from all of it.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// No label of the older part was known in time.
    #[error(
        "no label is known yet when the newer part of the file begins: the column `{column}` cannot be times of attempts \
         (name another with --time), or labels come too late (--label-delay)"
    )]
    NothingKnown {
        /// The column of times.
        column: String,
    },
    /// Seconds are counted in 32 bits.
    #[error(
        "the column `{column}` has times after the year 2106, or its numbers count something else; name another with --time, \
         or what they count with --time-unit"
    )]
    TooLate {
        /// The column of times.
        column: String,
    },
    /// The older part has labels of one kind only.
    #[error(
        "the older part of the file, by the column `{column}`, has {frauds} frauds in {rows} rows whose labels are known in \
         time, so nothing can be learned; use a longer file, or name another column with --time if these are no times"
    )]
    OneSidedTraining {
        /// The column of times.
        column: String,
        /// Frauds found.
        frauds: usize,
        /// Rows found.
        rows: usize,
    },
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

/// Names as a list, of which only the first are said.
pub(super) fn listed(names: &[String]) -> String {
    let said = names.iter().take(NAMES_MAX).map(|name| short(name));
    let said = said.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => said,
        more => format!("{said} and {more} more"),
    }
}

/// The beginning of a text from a file, as much as an error repeats.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_texts_are_cut() {
        let names: Vec<String> = (0..22).map(|number| format!("c{number}")).collect();
        assert_eq!(listed(&names[..2]), "c0, c1");
        assert!(listed(&names[..20]).ends_with("c18, c19"));
        assert!(listed(&names).ends_with("c18, c19 and 2 more"));
        assert_eq!(short("short"), "short");
        assert_eq!(short(&"é".repeat(61)), "é".repeat(60) + "…");
    }
}
