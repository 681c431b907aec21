//! What fraud control did in a period: a report of decisions and of what they turned out to be.
//!
//! An attempt was *stopped* if it was not simply allowed. A fraud that was stopped is caught, one that
//! was allowed is missed; a genuine attempt that was stopped was disturbed. What nobody has labelled
//! counts as genuine, as it does in a backtest: frauds that are never found out are in no report.

mod chart;
mod html;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::attempt::{Attempt, Kind, Label};
use crate::decision::Action;
use crate::metrics::{self, Drift, Scored};

/// Points of a curve at most.
const POINTS: usize = 100;

/// A decision of the past, with what is known of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What was attempted.
    pub attempt: Attempt,
    /// What was decided.
    pub action: Action,
    /// The score it had.
    pub score_ppm: u32,
    /// The names of the rules that held.
    pub rules: Vec<String>,
    /// What it turned out to be, if anybody knows.
    pub label: Option<Label>,
}

/// How many attempts, and their money in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Attempts.
    pub count: u64,
    /// Their money.
    pub amount: i128,
}

/// What became of some attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub all: Sum,
    /// Those that were not simply allowed.
    pub stopped: Sum,
    /// Frauds that were stopped.
    pub caught: Sum,
    /// Frauds that were allowed.
    pub missed: Sum,
    /// Genuine attempts that were stopped.
    pub disturbed: Sum,
    /// Genuine attempts that were refused.
    pub falsely_declined: Sum,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// To the right: the share of genuine attempts above a score, or the share of frauds.
    pub x: f64,
    /// Upwards: the share of frauds above it, or the precision.
    pub y: f64,
}

/// What fraud control did in a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// From when, in nanoseconds since 1970.
    pub from: u64,
    /// Until when, exclusive.
    pub to: u64,
    /// Everything together.
    pub total: Outcomes,
    /// By what was decided.
    pub by_action: BTreeMap<&'static str, Outcomes>,
    /// By what was being done.
    pub by_kind: BTreeMap<&'static str, Outcomes>,
    /// By hour of the day, in UTC.
    pub by_hour: Vec<Outcomes>,
    /// By rule that held; an attempt counts under each.
    pub by_rule: BTreeMap<String, Outcomes>,
    /// How many attempts somebody has labelled.
    pub labelled: u64,
    /// The share of what was stopped that was fraud; missing when nothing was stopped.
    pub precision: Option<f64>,
    /// The share of frauds that were stopped; missing without frauds.
    pub recall: Option<f64>,
    /// The share of the frauds' money that was stopped.
    pub recall_by_amount: Option<f64>,
    /// The probability that a fraud scores above a genuine attempt.
    pub auc: Option<f64>,
    /// Average precision of the score.
    pub ap: Option<f64>,
    /// How far scores moved from the period's first half to its second (population stability index).
    pub drift: f64,
    /// How far scores moved from the model's training, as the scorer tells it.
    pub model_drift: Option<f64>,
    /// Recall over the share of genuine attempts above each score.
    pub roc: Vec<Point>,
    /// Precision over recall.
    pub precision_recall: Vec<Point>,
}

impl Report {
    /// Sums up the decisions of a period, in order of time; others are left out.
    pub fn of<'a>(
        (from, to): (u64, u64),
        decisions: impl IntoIterator<Item = &'a Judged>,
        model_drift: Option<f64>,
    ) -> Self {
        let mut sums = Sums::default();
        let inside = |one: &&Judged| (from..to).contains(&one.attempt.at);
        for one in decisions.into_iter().filter(inside) {
            sums.add(one);
        }
        let Outcomes {
            stopped,
            caught,
            missed,
            ..
        } = sums.total;
        let frauds = caught.count + missed.count;
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        let money = caught.amount + missed.amount;
        let (roc, precision_recall) = curves(&sums.scored);
        Self {
            from,
            to,
            precision: share(caught.count, stopped.count),
            recall: share(caught.count, frauds),
            recall_by_amount: (money > 0).then(|| caught.amount as f64 / money as f64),
            auc: metrics::auc(&sums.scored),
            ap: metrics::average_precision(&sums.scored),
            drift: halves(&sums.scored),
            model_drift,
            total: sums.total,
            by_action: sums.by_action,
            by_kind: sums.by_kind,
            by_hour: sums.by_hour.to_vec(),
            by_rule: sums.by_rule,
            labelled: sums.labelled,
            roc,
            precision_recall,
        }
    }
}

#[derive(Default)]
struct Sums {
    total: Outcomes,
    by_action: BTreeMap<&'static str, Outcomes>,
    by_kind: BTreeMap<&'static str, Outcomes>,
    by_hour: [Outcomes; 24],
    by_rule: BTreeMap<String, Outcomes>,
    labelled: u64,
    scored: Vec<Scored>,
}

impl Sums {
    fn add(&mut self, one: &Judged) {
        let hour = one.attempt.second() / 3_600 % 24;
        self.labelled += u64::from(one.label.is_some());
        self.total.add(one);
        self.by_action.entry(word(one.action)).or_default().add(one);
        let kind: Kind = one.attempt.kind;
        self.by_kind.entry(kind.word()).or_default().add(one);
        self.by_hour[hour as usize].add(one);
        for rule in &one.rules {
            self.by_rule.entry(rule.clone()).or_default().add(one);
        }
        let fraud = one.label == Some(Label::Fraud);
        self.scored.push((f64::from(one.score_ppm), fraud));
    }
}

impl Outcomes {
    fn add(&mut self, one: &Judged) {
        let (fraud, stopped) = (one.label == Some(Label::Fraud), one.action != Action::Allow);
        let amount = i128::from(one.attempt.amount);
        self.all.add(amount);
        if stopped {
            self.stopped.add(amount);
        }
        match (fraud, stopped) {
            (true, true) => self.caught.add(amount),
            (true, false) => self.missed.add(amount),
            (false, true) => self.disturbed.add(amount),
            (false, false) => {}
        }
        if !fraud && one.action == Action::Deny {
            self.falsely_declined.add(amount);
        }
    }
}

impl Sum {
    fn add(&mut self, amount: i128) {
        self.count += 1;
        self.amount += amount;
    }
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Challenge => "challenge",
        Action::Review => "review",
        Action::Deny => "deny",
    }
}

/// The stability index of the second half of scores against the first.
fn halves(scored: &[Scored]) -> f64 {
    let (first, second) = scored.split_at(scored.len() / 2);
    let first: Vec<f64> = first.iter().map(|(score, _)| *score).collect();
    let mut drift = Drift::new(&first);
    for (score, _) in second {
        drift.add(*score);
    }
    drift.index()
}

/// The receiver's operating curve, and precision over recall; empty without both kinds.
fn curves(scored: &[Scored]) -> (Vec<Point>, Vec<Point>) {
    let mut falling = scored.to_vec();
    falling.sort_by(|left, right| right.0.total_cmp(&left.0));
    let frauds = falling.iter().filter(|(_, fraud)| *fraud).count();
    let genuine = falling.len() - frauds;
    if frauds == 0 || genuine == 0 {
        return (Vec::new(), Vec::new());
    }
    let (mut caught, mut disturbed) = (0, 0);
    let mut roc = vec![Point { x: 0.0, y: 0.0 }];
    let mut precision_recall = Vec::new();
    for equal in falling.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq()) {
        let here = equal.iter().filter(|(_, fraud)| *fraud).count();
        caught += here;
        disturbed += equal.len() - here;
        let recall = caught as f64 / frauds as f64;
        roc.push(Point {
            x: disturbed as f64 / genuine as f64,
            y: recall,
        });
        precision_recall.push(Point {
            x: recall,
            y: caught as f64 / (caught + disturbed) as f64,
        });
    }
    (thinned(roc), thinned(precision_recall))
}

/// At most so many points, among them the first and the last, each some way from the one before.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let apart = 1.5 / POINTS as f64;
    let last = points.len() - 1;
    let mut kept: Vec<Point> = Vec::new();
    for (place, point) in points.into_iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|held| (held.x - point.x).abs() + (held.y - point.y).abs() >= apart);
        if far || place == last {
            kept.push(point);
        }
    }
    kept
}
