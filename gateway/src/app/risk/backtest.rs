//! Rules, tried on what has been.
//!
//! The past is lived through again: what became of decisions is folded in the order of the journal into a memory of its
//! own, and before each attempt its features are computed as they were then. Then rules say what they would have done,
//! and the labels say whether they would have been right.

use std::collections::BTreeMap;

use fraud::rule::{Backtest, Lists, Past, Rule, RulesError, Tally};
use fraud::{Limits, Profiles};
use ledger::Timestamp;

use super::memory::{fold, page};
use super::{Risk, load, rule_set};
use crate::pay::{Decision, Label};
use crate::store::decision;
use crate::store::risk_log::{Became, Entry, Place};

/// Decisions that a backtest looks at, at most: some seconds' work.
pub(crate) const PAST_MAX: u64 = 500_000;
/// Decisions judged at a time, so that the features of few are in memory.
const CHUNK: usize = 1_000;

/// The outcome, and what was looked at.
#[derive(Debug, Default)]
pub(crate) struct Backtested {
    pub outcome: Backtest,
    /// Decisions looked at, and those among them that somebody has labelled.
    pub decisions: u64,
    pub labelled: u64,
    /// Whether there were more than are looked at.
    pub cut: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BacktestError {
    #[error("rules that are wrong cannot be tried")]
    Rules(Vec<RulesError>),
    #[error("the past could not be read: {0}")]
    Views(#[from] anyhow::Error),
}

impl Risk {
    /// What rules would have done with the attempts made in `[from, until)`.
    pub(crate) async fn backtest(
        &self,
        rules: &[Rule],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Backtested, BacktestError> {
        let lists = load::no_lists();
        let set = rule_set(0, rules, &self.registry, &lists).map_err(BacktestError::Rules)?;
        let labels = self.labels(from, until).await?;
        let mut profiles = Profiles::new(Limits::default());
        let (mut place, mut vector) = (Place::START, Vec::new());
        let mut result = Backtested::default();
        // A rule that held for nothing is told too.
        let named = rules
            .iter()
            .map(|rule| (rule.name.clone(), Tally::default()));
        result.outcome.by_rule.extend(named);
        let mut past: Vec<Past> = Vec::new();
        loop {
            let entries = page(&self.handle, place).await?;
            for entry in &entries {
                place = entry.place;
                if let Some(decision) = begins(entry, from, until) {
                    if result.decisions == PAST_MAX {
                        result.cut = true;
                        judge(&mut result, &set, &lists, &mut past);
                        return Ok(result);
                    }
                    let attempt = &decision.scored.attempt;
                    self.registry.fill(&profiles, attempt, &mut vector);
                    let label = labels.get(&decision.id.0).copied();
                    result.decisions += 1;
                    result.labelled += u64::from(label.is_some());
                    past.push(Past {
                        attempt: attempt.clone(),
                        vector: vector.clone(),
                        score_ppm: decision.scored.assessment.score_ppm,
                        label,
                    });
                }
                fold(&mut profiles, entry);
                if past.len() == CHUNK {
                    judge(&mut result, &set, &lists, &mut past);
                }
            }
            if entries.is_empty() {
                judge(&mut result, &set, &lists, &mut past);
                return Ok(result);
            }
            // A long past is looked at between other requests.
            tokio::task::yield_now().await;
        }
    }

    async fn labels(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> anyhow::Result<BTreeMap<u128, fraud::Label>> {
        let mut reading = self.handle.views().read().await?;
        let labels = decision::labels(&mut reading, (from, until)).await?;
        let of = |label| match label {
            Label::Fraud => fraud::Label::Fraud,
            Label::Genuine => fraud::Label::Genuine,
        };
        Ok(labels
            .into_iter()
            .map(|(id, label)| (id.0, of(label)))
            .collect())
    }
}

/// The decision that an entry is the beginning of, if it is one that is looked at.
fn begins(entry: &Entry, from: Timestamp, until: Timestamp) -> Option<&Decision> {
    let begins = matches!(
        entry.became,
        Became::Settled | Became::Pending | Became::Ended
    );
    let decision = entry.decision.as_ref().filter(|_| begins)?;
    (from <= decision.at && decision.at < until).then_some(decision)
}

fn judge(result: &mut Backtested, set: &fraud::rule::RuleSet, lists: &Lists, past: &mut Vec<Past>) {
    let more = Backtest::run(set, lists, past.iter());
    past.clear();
    let Backtest {
        all,
        stopped,
        by_rule,
    } = more;
    add(&mut result.outcome.all, all);
    add(&mut result.outcome.stopped, stopped);
    for (rule, tally) in by_rule {
        add(result.outcome.by_rule.entry(rule).or_default(), tally);
    }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.frauds += more.frauds;
    sum.fraud_amount += more.fraud_amount;
    sum.genuine += more.genuine;
    sum.genuine_amount += more.genuine_amount;
}
