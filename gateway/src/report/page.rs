//! The report as one page that stands by itself: no script, nothing loaded, charts as inline SVG.

use std::fmt::Write as _;

use askama::Template;
use chrono::{DateTime, Utc};
use ledger::Timestamp;

use super::{FraudReport, Row};

/// The side of a square chart.
const SIDE: u64 = 200;

#[derive(Template)]
#[template(path = "report/fraud.html")]
struct Page<'a> {
    report: &'a FraudReport,
    from: String,
    until: String,
    style: &'static str,
    figures: Vec<(&'static str, String)>,
    roc: String,
    precision_recall: String,
    hours: Vec<Hour>,
    tables: [(&'static str, &'a [Row]); 4],
}

struct Hour {
    name: String,
    attempts: u64,
    frauds: u64,
    /// Tenths of the width.
    place: usize,
    height: u64,
    fraud_height: u64,
}

impl FraudReport {
    /// The report as a page.
    pub fn to_html(&self) -> Result<String, askama::Error> {
        let page = Page {
            report: self,
            from: told(self.from.or(self.first), "the beginning"),
            until: told(self.until.or(self.last), "now"),
            style: include_str!("../../assets/page.css"),
            figures: self.shown(),
            roc: self.roc(),
            precision_recall: self.precision_recall(),
            hours: hours(&self.by_hour),
            tables: [
                ("By verdict", &self.by_verdict),
                ("By kind", &self.by_kind),
                ("Alerts by rule", &self.by_rule),
                ("Rules in shadow would have held for", &self.by_shadow_rule),
            ],
        };
        page.render()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let share = |ppm: Option<u64>| ppm.map_or_else(|| "–".to_owned(), percent);
        vec![
            (
                "Money of frauds caught",
                money(self.prevented.frauds.amount),
            ),
            ("Money of frauds missed", money(self.moved.frauds.amount)),
            (
                "Others declined",
                self.prevented.others.attempts.to_string(),
            ),
            (
                "Money of others declined",
                money(self.prevented.others.amount),
            ),
            ("Precision", share(self.precision_ppm)),
            ("Recall of known frauds", share(self.recall_ppm)),
            ("Recall of their money", share(self.recall_by_amount_ppm)),
            ("AUC", share(self.auc_ppm)),
            ("Average precision", share(self.average_precision_ppm)),
            ("Drift (PSI)", thousandths(self.drift_milli)),
        ]
    }

    /// A line from the lower left: others touched to the right, frauds caught upwards.
    fn roc(&self) -> String {
        let (frauds, others) = (self.all.frauds.attempts, self.all.others.attempts);
        let mut line = format!("0,{SIDE}");
        for point in &self.curve {
            let across = scaled(point.others, others);
            let _ = write!(line, " {across},{}", SIDE - scaled(point.frauds, frauds));
        }
        line
    }

    /// Frauds caught to the right, frauds among what is touched upwards.
    fn precision_recall(&self) -> String {
        let frauds = self.all.frauds.attempts;
        let mut line = String::new();
        for point in &self.curve {
            let across = scaled(point.frauds, frauds);
            let up = scaled(point.frauds, point.frauds + point.others);
            let _ = write!(line, " {across},{}", SIDE - up);
        }
        line
    }
}

fn scaled(part: u64, whole: u64) -> u64 {
    (part * SIDE).checked_div(whole).unwrap_or_default()
}

fn hours(rows: &[Row]) -> Vec<Hour> {
    let most = rows
        .iter()
        .map(|row| row.split.attempts())
        .max()
        .unwrap_or_default();
    let rows = rows.iter().enumerate();
    rows.map(|(place, row)| Hour {
        name: row.name.clone(),
        attempts: row.split.attempts(),
        frauds: row.split.frauds.attempts,
        place: place * 10,
        height: scaled(row.split.attempts(), most) / 2,
        fraud_height: scaled(row.split.frauds.attempts, most) / 2,
    })
    .collect()
}

/// Rounded to a tenth.
fn percent(ppm: u64) -> String {
    let tenths = (ppm + 500) / 1_000;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn thousandths(milli: u64) -> String {
    format!("{}.{:03}", milli / 1_000, milli % 1_000)
}

/// Hundredths of a yuan.
fn money(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, (amount % 100).abs())
}

/// A time that was asked for, or of the first or last attempt; without any there is no attempt either.
fn told(at: Option<Timestamp>, otherwise: &str) -> String {
    let Some(at) = at else {
        return otherwise.to_owned();
    };
    let time =
        DateTime::<Utc>::from_timestamp_nanos(at.0.min(i64::MAX.cast_unsigned()).cast_signed());
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}
