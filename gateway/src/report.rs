//! The fraud report: what the scorer stopped and what it let through, against what payments turned out to be.
//!
//! It is built from decisions one by one, so that a year of them need not be in memory: for the curves, a score and a
//! truth of each are kept, and sums of everything else. What nobody has labelled counts as genuine, as in life; how much
//! was labelled stands in the report. Amounts are hundredths of a yuan, as the scorer counts those of every currency.

pub mod attempts;
mod curve;
mod page;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use fraud::Registry;
use fraud::metrics::{Drift, Scored, auc, average_precision};
use ledger::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

pub use curve::Point;

use crate::pay::{Assessment, Decision, Evidence, Label, Standing, Verdict};
use crate::store::decision::Labelled;

const HOURS: usize = 24;
const NANOS_PER_HOUR: u64 = 3_600_000_000_000;
const MILLION: u64 = 1_000_000;

/// Attempts and their money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportSum)]
pub struct Sum {
    pub attempts: u64,
    /// Hundredths of a yuan.
    pub amount: i64,
}

impl Sum {
    fn add(&mut self, decision: &Decision) {
        self.attempts += 1;
        let amount = decision.scored.attempt.amount;
        self.amount = self.amount.saturating_add(amount);
    }
}

/// Frauds and all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportSplit)]
pub struct Split {
    pub frauds: Sum,
    pub others: Sum,
}

impl Split {
    fn add(&mut self, decision: &Decision, fraud: bool) {
        let sum = if fraud {
            &mut self.frauds
        } else {
            &mut self.others
        };
        sum.add(decision);
    }

    pub const fn attempts(&self) -> u64 {
        self.frauds.attempts + self.others.attempts
    }
}

/// A verdict, a kind, a rule or an hour, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportRow)]
pub struct Row {
    pub name: String,
    #[serde(flatten)]
    pub split: Split,
}

/// What became of the attempts of a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FraudReport {
    /// The attempts that were asked for, from here on.
    #[serde(skip)]
    pub from: Option<Timestamp>,
    /// And before this.
    #[serde(skip)]
    pub until: Option<Timestamp>,
    /// The first and the last attempt; absent if there were none.
    #[serde(serialize_with = "told", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first: Option<Timestamp>,
    #[serde(serialize_with = "told", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last: Option<Timestamp>,
    pub all: Split,
    /// Attempts that somebody has labelled.
    pub labelled: u64,
    /// What was challenged, held or denied at first.
    pub stopped: Split,
    /// What was denied, or lapsed unconfirmed or unseen: of frauds what was caught, of others what was declined wrongly.
    pub prevented: Split,
    /// What moved money: of frauds what was missed.
    pub moved: Split,
    /// Of what was stopped, the frauds, in parts per million; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_ppm: Option<u64>,
    /// Of the frauds, what was stopped, in parts per million; absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_ppm: Option<u64>,
    /// Of the money of frauds, what was stopped, in parts per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_by_amount_ppm: Option<u64>,
    /// The probability that a fraud scored above another attempt, in parts per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc_ppm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_precision_ppm: Option<u64>,
    /// How far scores moved from the first half of the attempts to the second: population stability index in thousandths.
    pub drift_milli: u64,
    pub by_verdict: Vec<Row>,
    /// What was attempted: a payment, a transfer, a withdrawal.
    pub by_kind: Vec<Row>,
    /// Alerts of each rule.
    pub by_rule: Vec<Row>,
    /// What rules in shadow would have held for.
    pub by_shadow_rule: Vec<Row>,
    /// Hours of the day, in UTC.
    pub by_hour: Vec<Row>,
    /// By falling threshold: what is touched and what is caught.
    pub curve: Vec<Point>,
}

/// A report in the making.
#[derive(Debug, Default)]
pub struct Builder {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    all: Split,
    labelled: u64,
    stopped: Split,
    prevented: Split,
    moved: Split,
    by_verdict: BTreeMap<&'static str, Split>,
    by_kind: BTreeMap<&'static str, Split>,
    by_rule: BTreeMap<String, Split>,
    by_shadow_rule: BTreeMap<String, Split>,
    registry: Registry,
    by_hour: [Split; HOURS],
    scored: Vec<(u32, bool)>,
}

impl Builder {
    /// Takes the next attempt, in order of time.
    pub fn add(&mut self, found: &Labelled) {
        let decision = &found.decision;
        let fraud = matches!(found.label, Some((Label::Fraud, _)));
        self.first.get_or_insert(decision.at);
        self.last = Some(decision.at);
        self.labelled += u64::from(found.label.is_some());
        self.all.add(decision, fraud);
        let risk = &decision.scored.assessment;
        if risk.verdict != Verdict::Allow {
            self.stopped.add(decision, fraud);
        }
        match decision.standing {
            Standing::Settled => self.moved.add(decision, fraud),
            Standing::Denied | Standing::Lapsed => self.prevented.add(decision, fraud),
            _ => {}
        }
        self.by_verdict
            .entry(risk.verdict.name())
            .or_default()
            .add(decision, fraud);
        self.by_kind
            .entry(decision.scored.attempt.kind.word())
            .or_default()
            .add(decision, fraud);
        for (code, evidence) in risk.reasons.iter().zip(&decision.scored.evidence) {
            if self.is_rule(code, evidence) {
                let split = self.by_rule.entry(code.clone()).or_default();
                split.add(decision, fraud);
            }
        }
        for rule in &decision.scored.shadow {
            let split = self.by_shadow_rule.entry(rule.clone()).or_default();
            split.add(decision, fraud);
        }
        let hour = decision.at.0 / NANOS_PER_HOUR % HOURS as u64;
        if let Some(hour) = usize::try_from(hour)
            .ok()
            .and_then(|hour| self.by_hour.get_mut(hour))
        {
            hour.add(decision, fraud);
        }
        self.scored.push((risk.score_ppm, fraud));
    }

    /// A rule acts by itself. So little a feature can weigh too, and the scorer's absence is nobody's rule.
    fn is_rule(&self, code: &str, evidence: &Evidence) -> bool {
        evidence.weight_ppm == 0
            && code != Assessment::UNAVAILABLE
            && self.registry.slot(code).is_none()
    }

    /// The report of what was taken, which is all from the one time until before the other.
    pub fn finish(self, from: Option<Timestamp>, until: Option<Timestamp>) -> FraudReport {
        let scored: Vec<Scored> = self
            .scored
            .iter()
            .map(|(score, fraud)| (f64::from(*score), *fraud))
            .collect();
        let (older, newer) = scored.split_at(scored.len() / 2);
        let row = |(name, split): (String, Split)| Row { name, split };
        let by_verdict = Verdict::ALL.into_iter().map(|verdict| {
            let split = self.by_verdict.get(verdict.name()).copied();
            row((verdict.name().to_owned(), split.unwrap_or_default()))
        });
        let by_kind = self.by_kind.into_iter();
        let by_kind = by_kind.map(|(kind, split)| row((kind.to_owned(), split)));
        let by_hour = self.by_hour.into_iter().enumerate();
        FraudReport {
            from,
            until,
            first: self.first,
            last: self.last,
            labelled: self.labelled,
            precision_ppm: ppm(self.stopped.frauds.attempts, self.stopped.attempts()),
            recall_ppm: ppm(self.stopped.frauds.attempts, self.all.frauds.attempts),
            recall_by_amount_ppm: ppm(
                self.stopped.frauds.amount.unsigned_abs(),
                self.all.frauds.amount.unsigned_abs(),
            ),
            auc_ppm: auc(&scored).map(of_ratio),
            average_precision_ppm: average_precision(&scored).map(of_ratio),
            drift_milli: drift(older, newer),
            by_verdict: by_verdict.collect(),
            by_kind: by_kind.collect(),
            by_rule: self.by_rule.into_iter().map(row).collect(),
            by_shadow_rule: self.by_shadow_rule.into_iter().map(row).collect(),
            by_hour: by_hour
                .map(|(hour, split)| row((format!("{hour:02}"), split)))
                .collect(),
            curve: curve::points(&self.scored),
            all: self.all,
            stopped: self.stopped,
            prevented: self.prevented,
            moved: self.moved,
        }
    }
}

/// A time as the API writes it.
#[expect(
    clippy::ref_option,
    reason = "serde gives a reference to the field as it is"
)]
fn told<S: Serializer>(at: &Option<Timestamp>, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&at.map_or_else(String::new, written))
}

fn written(at: Timestamp) -> String {
    let nanos = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = DateTime::<Utc>::from_timestamp_nanos(nanos);
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn ppm(part: u64, whole: u64) -> Option<u64> {
    let ppm = (u128::from(part) * u128::from(MILLION)).checked_div(u128::from(whole))?;
    u64::try_from(ppm).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a ratio between nought and one"
)]
fn of_ratio(ratio: f64) -> u64 {
    (ratio * 1e6).round() as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index is not below nought, and a cast saturates"
)]
fn drift(older: &[Scored], newer: &[Scored]) -> u64 {
    let reference: Vec<f64> = older.iter().map(|(score, _)| *score).collect();
    let mut drift = Drift::new(&reference);
    for (score, _) in newer {
        drift.add(*score);
    }
    (drift.index() * 1_000.0).round() as u64
}

impl FraudReport {
    /// Every table of it in one file: a section, a name, and four sums; then the curve, without amounts, and the figures.
    pub fn to_csv(&self) -> String {
        let mut text = "section,name,frauds,fraud_amount,others,other_amount,value\n".to_owned();
        let totals = [
            ("all", self.all),
            ("stopped", self.stopped),
            ("prevented", self.prevented),
            ("moved", self.moved),
        ];
        let totals = totals.map(|(name, split)| Row {
            name: name.to_owned(),
            split,
        });
        let sections = [
            ("total", &totals[..]),
            ("verdict", &self.by_verdict),
            ("kind", &self.by_kind),
            ("rule", &self.by_rule),
            ("shadow_rule", &self.by_shadow_rule),
            ("hour", &self.by_hour),
        ];
        for (section, rows) in sections {
            for Row { name, split } in rows {
                // Writing to a string cannot fail; names of rules are letters, digits and underscores.
                let _ = writeln!(
                    text,
                    "{section},{name},{},{},{},{},",
                    split.frauds.attempts,
                    split.frauds.amount,
                    split.others.attempts,
                    split.others.amount
                );
            }
        }
        for point in &self.curve {
            let _ = writeln!(
                text,
                "curve,{},{},,{},,",
                point.score_ppm, point.frauds, point.others
            );
        }
        for (name, value) in self.figures() {
            let value = value.map_or_else(String::new, |value| value.to_string());
            let _ = writeln!(text, "figure,{name},,,,,{value}");
        }
        text
    }

    /// Numbers that are no sums, by the names that they have in JSON.
    fn figures(&self) -> [(&'static str, Option<u64>); 7] {
        [
            ("labelled", Some(self.labelled)),
            ("precision_ppm", self.precision_ppm),
            ("recall_ppm", self.recall_ppm),
            ("recall_by_amount_ppm", self.recall_by_amount_ppm),
            ("auc_ppm", self.auc_ppm),
            ("average_precision_ppm", self.average_precision_ppm),
            ("drift_milli", Some(self.drift_milli)),
        ]
    }
}
