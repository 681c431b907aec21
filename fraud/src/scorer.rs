//! The scorer: attempt in, decision out, profiles kept up to date.
//!
//! `score` decides and reserves in one step, so that the next attempt sees this one. The caller
//! reports back what became of it with `observe`; replaying those reports from a journal rebuilds
//! the profiles. Nothing here reads a clock, draws a random number, or waits for anything. Models and
//! rules are swapped between two attempts; without a model the scorecard speaks.

use std::sync::Arc;

use crate::attempt::{Attempt, Outcome};
use crate::decision::{Action, Decision, Reason};
use crate::expert::{Expert, NAMED};
use crate::feature::Registry;
use crate::metrics::Drift;
use crate::model::{Model, ModelError};
use crate::policy::Policies;
use crate::profile::{Limits, Profiles};
use crate::rule::{Facts, Lists, RuleSet, Verdict};
use crate::scorecard::Scorecard;

/// How a scorer is set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much it may remember.
    pub limits: Limits,
    /// What it does about a score.
    pub policies: Policies,
}

/// Every so many attempts the features are looked at for drift: all of them at each would cost a tenth of a decision.
const LOOKED_AT: u64 = 16;
/// With fewer attempts scored, or fewer looks at a feature, chance alone moves the index of drift past any limit.
const DRIFT_SCORED_LEAST: u64 = 1_000;
const DRIFT_LOOKS_LEAST: u64 = 60;

/// A model made ready to decide or to challenge. That takes some milliseconds, so it is done beside the running scorer.
#[derive(Clone, Debug)]
pub struct Ready {
    expert: Expert,
    drift: Drift,
    features: Vec<Watched>,
}

/// A feature that a model asks about, and how far it has moved since training.
#[derive(Clone, Debug)]
struct Watched {
    slot: usize,
    name: Arc<str>,
    drift: Drift,
}

impl Ready {
    /// Binds a model to the features of a registry.
    pub fn new(model: Arc<Model>, registry: &Registry) -> Result<Self, ModelError> {
        let expert = Expert::new(model, registry)?;
        let model = expert.model();
        let reference: Vec<f64> = model.reference.iter().copied().map(f64::from).collect();
        let watched = expert.asked().filter_map(|(slot, name)| {
            let place = model.features.iter().position(|other| **other == **name)?;
            let picture = model.pictures.get(place)?.clone();
            Some(Watched {
                slot,
                name: Arc::clone(name),
                drift: Drift::from_picture(picture),
            })
        });
        Ok(Self {
            features: watched.collect(),
            drift: Drift::new(&reference),
            expert,
        })
    }

    fn watch(&mut self, vector: &[f64]) {
        for feature in &mut self.features {
            feature.drift.add(vector[feature.slot]);
        }
    }
}

/// Scores attempts against the profiles of everyone involved.
#[derive(Clone, Debug)]
pub struct Scorer {
    settings: Settings,
    registry: Arc<Registry>,
    scorecard: Scorecard,
    profiles: Profiles,
    champion: Option<Ready>,
    challenger: Option<Expert>,
    scored: u64,
    rules: Arc<RuleSet>,
    lists: Arc<Lists>,
    vector: Vec<f64>,
}

impl Scorer {
    /// A scorer that has seen nothing, without model, rules or lists.
    pub fn new(settings: Settings) -> Self {
        let registry = Arc::new(Registry::new());
        Self {
            settings,
            scorecard: Scorecard::new(&registry),
            profiles: Profiles::new(settings.limits),
            vector: Vec::with_capacity(registry.features().len()),
            registry,
            champion: None,
            challenger: None,
            scored: 0,
            rules: Arc::new(RuleSet::empty()),
            lists: Arc::default(),
        }
    }

    /// Decides about an attempt and counts it as in flight until its outcome is observed or it is forgotten.
    pub fn score(&mut self, attempt: &Attempt) -> Decision {
        self.registry
            .fill(&self.profiles, attempt, &mut self.vector);
        self.profiles.reserve(attempt);
        self.scored += 1;
        let score_ppm = match &mut self.champion {
            Some(champion) => {
                let score_ppm = champion.expert.score(&self.vector);
                champion.drift.add(champion.expert.margin());
                if self.scored.is_multiple_of(LOOKED_AT) {
                    champion.watch(&self.vector);
                }
                score_ppm
            }
            None => self.scorecard.score(&self.vector),
        };
        let facts = Facts {
            attempt,
            vector: &self.vector,
            score_ppm,
            lists: &self.lists,
        };
        let verdict = self.rules.judge(&facts);
        let policy = self.settings.policies.of(attempt.kind);
        let action = match verdict.action {
            Some(Action::Allow) => Action::Allow,
            Some(action) => action.max(policy.action(score_ppm, attempt.amount)),
            None => policy.action(score_ppm, attempt.amount),
        };
        let reasons = self.reasons(&verdict, action, score_ppm);
        Decision {
            action,
            score_ppm,
            reasons,
            rule_version: self.rules.version(),
            model_version: self
                .champion
                .as_ref()
                .map_or(0, |champion| champion.expert.version()),
            shadow: verdict.shadow,
            challenger_ppm: self
                .challenger
                .as_mut()
                .map(|expert| expert.score(&self.vector)),
        }
    }

    /// Rules first, then what moved the score: exactly if anyone is disturbed, else along the paths.
    fn reasons(&self, verdict: &Verdict, action: Action, score_ppm: u32) -> Vec<Reason> {
        let rule = |(code, sentence): &(Arc<str>, Arc<str>)| Reason {
            code: Arc::clone(code),
            sentence: Arc::clone(sentence),
            value_milli: 0,
            weight_ppm: 0,
        };
        let mut reasons = Vec::with_capacity(verdict.held.len() + NAMED);
        reasons.extend(verdict.held.iter().map(rule));
        match &self.champion {
            Some(champion) => champion.expert.explain(
                &self.vector,
                score_ppm,
                action != Action::Allow,
                &mut reasons,
            ),
            None => self.scorecard.explain(&self.vector, &mut reasons),
        }
        reasons
    }

    /// Folds what became of an attempt, or what it turned out to be.
    pub fn observe(&mut self, attempt: &Attempt, outcome: Outcome) {
        self.profiles.observe(attempt, outcome);
    }

    /// Takes back an attempt that was scored and came to nothing, of which nobody will hear again; see
    /// [`Profiles::forget`].
    pub fn forget(&mut self, attempt: &Attempt) {
        self.profiles.forget(attempt);
    }

    /// The features of an attempt as `score` would see them now.
    pub fn features(&self, attempt: &Attempt) -> Vec<f64> {
        let mut vector = Vec::with_capacity(self.registry.features().len());
        self.registry.fill(&self.profiles, attempt, &mut vector);
        vector
    }

    /// Lets a model decide from now on.
    pub fn set_champion(&mut self, ready: Ready) {
        self.champion = Some(ready);
    }

    /// Lets a model score alongside, without a say; `None` ends it.
    pub fn set_challenger(&mut self, ready: Option<Ready>) {
        self.challenger = ready.map(|ready| ready.expert);
    }

    /// Lets the scorecard decide again.
    pub fn retire_champion(&mut self) {
        self.champion = None;
    }

    /// Lets a set of rules speak from now on; the former ones, for the caller to drop when nobody waits.
    pub fn set_rules(&mut self, rules: Arc<RuleSet>) -> Arc<RuleSet> {
        std::mem::replace(&mut self.rules, rules)
    }

    /// The rules that speak.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Replaces all lists; the former ones, for the caller to drop when nobody waits. Rules refer to lists by their order,
    /// so compile rules against these.
    pub fn set_lists(&mut self, lists: Arc<Lists>) -> Arc<Lists> {
        std::mem::replace(&mut self.lists, lists)
    }

    /// The lists.
    pub const fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// The features, for rules and reports.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is remembered.
    pub const fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Goes on from profiles that were saved.
    pub fn restore(&mut self, profiles: Profiles) {
        self.profiles = profiles;
    }

    /// How far scores have moved from those of the champion's training; missing without a champion, and until it has scored a
    /// thousand attempts.
    pub fn drift(&self) -> Option<f64> {
        let drift = &self.champion.as_ref()?.drift;
        (drift.counted() >= DRIFT_SCORED_LEAST).then(|| drift.index())
    }

    /// How far each feature that the champion asks about has moved from its training, the farthest first. Features are looked
    /// at with every sixteenth attempt, and left out until they have been looked at sixty times.
    pub fn drifted(&self) -> Vec<(Arc<str>, f64)> {
        let features = self.champion.iter().flat_map(|champion| &champion.features);
        let mut drifted: Vec<(Arc<str>, f64)> = features
            .filter(|feature| feature.drift.counted() >= DRIFT_LOOKS_LEAST)
            .map(|feature| (Arc::clone(&feature.name), feature.drift.index()))
            .collect();
        drifted.sort_by(|left, right| right.1.total_cmp(&left.1));
        drifted
    }
}
