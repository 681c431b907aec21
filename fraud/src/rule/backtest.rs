//! What a set of rules would have done with the past, before it is published.

use std::collections::BTreeMap;

use super::{Facts, Lists, RuleSet};
use crate::attempt::{Attempt, Label};
use crate::decision::Action;

/// An attempt of the past with what the scorer saw then and what is known now.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The attempt.
    pub attempt: Attempt,
    /// Its features as they were computed then.
    pub vector: Vec<f64>,
    /// Its score then.
    pub score_ppm: u32,
    /// What it turned out to be; nothing known counts as genuine.
    pub label: Option<Label>,
}

/// Attempts that were caught or disturbed, and their money in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frauds.
    pub frauds: u64,
    /// Money of the frauds.
    pub fraud_amount: i128,
    /// Genuine attempts.
    pub genuine: u64,
    /// Money of the genuine attempts.
    pub genuine_amount: i128,
}

/// The outcome of a backtest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtest {
    /// Everything looked at.
    pub all: Tally,
    /// What the set as a whole would have stopped (anything but allow).
    pub stopped: Tally,
    /// What each rule would have held for, shadows included, by name.
    pub by_rule: BTreeMap<String, Tally>,
}

impl Backtest {
    /// Runs rules over the past.
    pub fn run<'a>(
        rules: &RuleSet,
        lists: &Lists,
        past: impl IntoIterator<Item = &'a Past>,
    ) -> Self {
        let mut outcome = Self::default();
        for one in past {
            let Past {
                attempt,
                vector,
                score_ppm,
                ..
            } = one;
            let verdict = rules.judge(&Facts {
                attempt,
                vector,
                score_ppm: *score_ppm,
                lists,
            });
            outcome.all.add(one);
            if verdict.action.is_some_and(|action| action != Action::Allow) {
                outcome.stopped.add(one);
            }
            let held = verdict
                .held
                .iter()
                .map(|(name, _)| name)
                .chain(&verdict.shadow);
            for name in held {
                outcome
                    .by_rule
                    .entry(name.to_string())
                    .or_default()
                    .add(one);
            }
        }
        outcome
    }
}

impl Tally {
    fn add(&mut self, past: &Past) {
        let amount = i128::from(past.attempt.amount);
        if past.label == Some(Label::Fraud) {
            self.frauds += 1;
            self.fraud_amount += amount;
        } else {
            self.genuine += 1;
            self.genuine_amount += amount;
        }
    }
}
