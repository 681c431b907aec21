//! The scorer: attempt in, decision out, profiles kept up to date.
//!
//! `score` decides and reserves in one step, so that the next attempt sees this one. The caller
//! reports back what became of it with `observe`; replaying those reports from a journal rebuilds
//! the profiles. Nothing here reads a clock, draws a random number, or waits for anything.

use crate::attempt::{Attempt, Outcome};
use crate::decision::{Action, Decision};
use crate::feature::Registry;
use crate::profile::{Limits, Profiles};
use crate::scorecard::Scorecard;

/// From which score on an action is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Ask for proof from here on.
    pub challenge_ppm: u32,
    /// Hold for an analyst from here on.
    pub review_ppm: u32,
    /// Refuse from here on.
    pub deny_ppm: u32,
}

impl Policy {
    /// Scores everything and stops nothing.
    pub const WATCH: Self = Self {
        challenge_ppm: u32::MAX,
        review_ppm: u32::MAX,
        deny_ppm: u32::MAX,
    };

    fn action(&self, score_ppm: u32) -> Action {
        match score_ppm {
            score if score >= self.deny_ppm => Action::Deny,
            score if score >= self.review_ppm => Action::Review,
            score if score >= self.challenge_ppm => Action::Challenge,
            _ => Action::Allow,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            challenge_ppm: 100_000,
            review_ppm: 300_000,
            deny_ppm: 600_000,
        }
    }
}

/// How a scorer is set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much it may remember.
    pub limits: Limits,
    /// What it does about a score.
    pub policy: Policy,
}

/// Scores attempts against the profiles of everyone involved.
#[derive(Clone, Debug)]
pub struct Scorer {
    policy: Policy,
    registry: Registry,
    scorecard: Scorecard,
    profiles: Profiles,
    vector: Vec<f64>,
}

impl Scorer {
    /// A scorer that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        let registry = Registry::new();
        Self {
            policy: settings.policy,
            scorecard: Scorecard::new(&registry),
            profiles: Profiles::new(settings.limits),
            vector: Vec::with_capacity(registry.features().len()),
            registry,
        }
    }

    /// Decides about an attempt and counts it as in flight until its outcome is observed.
    pub fn score(&mut self, attempt: &Attempt) -> Decision {
        self.registry
            .fill(&self.profiles, attempt, &mut self.vector);
        let (score_ppm, reasons) = self.scorecard.score(&self.vector);
        self.profiles.reserve(attempt);
        Decision {
            action: self.policy.action(score_ppm),
            score_ppm,
            reasons,
            rule_version: 0,
            model_version: 0,
        }
    }

    /// Folds what became of an attempt, or what it turned out to be.
    pub fn observe(&mut self, attempt: &Attempt, outcome: Outcome) {
        self.profiles.observe(attempt, outcome);
    }

    /// What is remembered.
    pub const fn profiles(&self) -> &Profiles {
        &self.profiles
    }
}
