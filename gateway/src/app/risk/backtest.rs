//! Rules, tried on what has been.
//!
//! The past is lived through again ([`Past`]), rules say what they would have done with each attempt, and the labels say
//! whether they would have been right.

use std::collections::BTreeMap;
use std::sync::Arc;

use fraud::Limits;
use fraud::rule::{self, Backtest, Lists, Rule, RuleSet, RulesError, Tally};
use ledger::Timestamp;

use super::{Past, Risk, rule_set};
use crate::pay::{Decision, Label};
use crate::store::decision;

/// Decisions that a backtest looks at, at most: some seconds' work.
pub(crate) const PAST_MAX: u64 = 500_000;

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
    /// What rules would have done with the attempts made in `[from, until)`, with the lists as they are now. One at a time
    /// is done, on a thread of its own: it has a memory of its own and much to compute, and requests go on meanwhile.
    pub(crate) async fn backtest(
        self: &Arc<Self>,
        rules: Vec<Rule>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Backtested, BacktestError> {
        let _alone = self.backtesting.lock().await;
        let (risk, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let test = move || runtime.block_on(risk.live_through(&rules, from, until));
        let tested = tokio::task::spawn_blocking(test).await;
        tested.map_err(anyhow::Error::from)?
    }

    async fn live_through(
        &self,
        rules: &[Rule],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Backtested, BacktestError> {
        let lists = self.scorer().lists().clone();
        let set = rule_set(0, rules, &self.registry, &lists).map_err(BacktestError::Rules)?;
        let labels = self.labels(from, until).await?;
        let mut past = Past::new(Limits::default());
        let mut result = Backtested::default();
        // A rule that held for nothing is told too.
        let named = rules
            .iter()
            .map(|rule| (rule.name.clone(), Tally::default()));
        result.outcome.by_rule.extend(named);
        loop {
            let mut found: Vec<rule::Past> = Vec::new();
            let mut is_over = false;
            let see = |decision: &Decision, vector: &[f64]| {
                is_over |= until <= decision.at;
                if is_over || decision.at < from {
                    return;
                }
                if result.decisions == PAST_MAX {
                    result.cut = true;
                    return;
                }
                let label = labels.get(&decision.id.0).copied();
                result.decisions += 1;
                result.labelled += u64::from(label.is_some());
                found.push(rule::Past {
                    attempt: decision.scored.attempt.clone(),
                    vector: vector.to_vec(),
                    score_ppm: decision.scored.assessment.score_ppm,
                    label,
                });
            };
            let reading = self.handle.views().read().await;
            let mut reading = reading.map_err(anyhow::Error::from)?;
            let lived = past.live_on(&mut reading, see).await;
            drop(reading);
            let more = lived.map_err(anyhow::Error::from)?;
            judge(&mut result.outcome, &set, &lists, &found);
            if result.cut || is_over || !more {
                return Ok(result);
            }
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

fn judge(outcome: &mut Backtest, set: &RuleSet, lists: &Lists, found: &[rule::Past]) {
    let Backtest {
        all,
        stopped,
        by_rule,
    } = Backtest::run(set, lists, found);
    add(&mut outcome.all, all);
    add(&mut outcome.stopped, stopped);
    for (rule, tally) in by_rule {
        add(outcome.by_rule.entry(rule).or_default(), tally);
    }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.frauds += more.frauds;
    sum.fraud_amount += more.fraud_amount;
    sum.genuine += more.genuine;
    sum.genuine_amount += more.genuine_amount;
}
