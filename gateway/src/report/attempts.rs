//! Attempts with what they turned out to be, as the rows of a file that trains a model.

use ledger::Timestamp;

use super::written;
use crate::pay::Label;
use crate::store::decision::Labelled;

/// What the columns are called, by the names that training looks for.
pub const COLUMNS: [&str; 14] = [
    "time",
    "label",
    "amount",
    "payer",
    "payee",
    "device",
    "place",
    "currency",
    "verdict",
    "score_ppm",
    "decision",
    "kind",
    "channel",
    "standing",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Number(i64),
    /// Ids, times and words of ours: none holds a comma or a quotation mark.
    Text(String),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// The row of an attempt. Its time is that at which it was scored, its amount is in hundredths of a yuan, and who takes
/// part stands there by the names that the scorer has for them, so that one who pays here and is paid there is the same.
pub fn row(one: &Labelled) -> [Cell; COLUMNS.len()] {
    let decision = &one.decision;
    let attempt = &decision.scored.attempt;
    let risk = &decision.scored.assessment;
    let text = |text: &str| Cell::Text(text.to_owned());
    let known = |key: Option<fraud::Key>| {
        Cell::Text(key.map_or_else(String::new, |key| format!("{:016x}", key.0)))
    };
    [
        Cell::Text(written(Timestamp(attempt.at))),
        Cell::Number(i64::from(matches!(one.label, Some((Label::Fraud, _))))),
        Cell::Number(attempt.amount),
        known(Some(attempt.payer)),
        known(attempt.payee),
        known(attempt.device),
        known(attempt.place),
        text(decision.amount.currency.code()),
        text(risk.verdict.name()),
        Cell::Number(i64::from(risk.score_ppm)),
        Cell::Text(decision.id.to_string()),
        text(attempt.kind.word()),
        text(attempt.channel.word()),
        text(decision.standing.name()),
    ]
}

/// A row as a line of CSV.
pub fn line(cells: &[Cell; COLUMNS.len()]) -> String {
    let texts: Vec<String> = cells.iter().map(ToString::to_string).collect();
    texts.join(",") + "\n"
}
