//! The report as CSV and JSON.

use std::fmt::Write as _;

use super::{Outcomes, Report};

impl Report {
    /// The report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// One line for everything, each action, kind, hour and rule.
    pub fn to_csv(&self) -> String {
        let mut out = String::from(
            "group,name,attempts,amount,stopped,stopped_amount,caught,caught_amount,missed,missed_amount,\
             disturbed,disturbed_amount,falsely_declined,falsely_declined_amount\n",
        );
        for (group, name, outcomes) in self.lines() {
            let _ = write!(out, "{group},{}", quoted(&name));
            for sum in [
                outcomes.all,
                outcomes.stopped,
                outcomes.caught,
                outcomes.missed,
                outcomes.disturbed,
                outcomes.falsely_declined,
            ] {
                let _ = write!(out, ",{},{}", sum.count, sum.amount);
            }
            out.push('\n');
        }
        out
    }

    /// Every line of the tables with its group.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, String, &Outcomes)> {
        let total = std::iter::once(("total", "total".to_owned(), &self.total));
        let actions = self.by_action.iter();
        let kinds = self.by_kind.iter();
        let hours = self.by_hour.iter().enumerate();
        let rules = self.by_rule.iter();
        total
            .chain(actions.map(|(name, it)| ("action", (*name).to_owned(), it)))
            .chain(kinds.map(|(name, it)| ("kind", (*name).to_owned(), it)))
            .chain(hours.map(|(hour, it)| ("hour", format!("{hour:02}"), it)))
            .chain(rules.map(|(name, it)| ("rule", name.clone(), it)))
    }
}

/// A name that stays one cell, and that no spreadsheet takes for a formula.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_alphanumeric());
    let mark = if plain { "" } else { "'" };
    format!("\"{mark}{}\"", name.replace('"', "\"\""))
}
