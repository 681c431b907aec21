//! What is known for certain about past attempts of an entity.
//!
//! Labels come late, in any order, and are corrected: the last word counts. The newest sixteen attempts that are known are
//! kept one by one, so within them every correction is exact and the order in which labels come does not matter. What is
//! older is only added up: there the number of frauds stays exact, the rest follows the rule of [`Labels::unlearn`].

use serde::{Deserialize, Serialize};

use super::recent::Newest;

/// How many attempts are kept one by one. A person has fewer frauds than that, and a shop corrects what is new.
const KEPT: usize = 16;

/// What one attempt turned out to be. The order is that of the attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) at: u32,
    /// Half the bits of the attempt's id.
    pub(crate) id: u32,
    pub(crate) fraud: bool,
    /// Whether its amount was ordinary for whoever paid.
    pub(crate) ordinary: bool,
}

/// What is known of all attempts, added up in the order of those attempts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Labels {
    /// The second of the newest labelled attempt.
    pub(crate) last_at: u32,
    /// Whether that one was fraud.
    pub(crate) last_fraud: bool,
    /// How many frauds in a row up to that one, and the second of the first of them.
    pub(crate) run: u16,
    pub(crate) run_since: u32,
    /// Genuine attempts since the last fraud.
    pub(crate) genuine_since: u16,
    pub(crate) first_fraud_at: u32,
    pub(crate) last_fraud_at: u32,
    pub(crate) frauds: u32,
}

/// The newest attempts that are known, and what those before them add up to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    before: Labels,
    kept: Newest<Known, KEPT>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            before: Labels::default(),
            kept: Newest::new(),
        }
    }

    /// What all of it adds up to.
    pub(crate) fn labels(&self) -> Labels {
        let mut labels = self.before;
        for known in self.kept.events() {
            labels.learn(*known);
        }
        labels
    }

    /// Puts what is known now of an attempt in the place of what was, and returns that, if it was counted here.
    pub(crate) fn learn(&mut self, now: Known, was_fraud: Option<bool>) -> Option<Known> {
        let former = self.former(now, was_fraud);
        if let Some(former) = former
            && !self.kept.remove(former)
        {
            self.before.unlearn(former);
        }
        if let Some(left) = self.kept.insert(now) {
            self.before.learn(left);
        }
        former
    }

    /// What was counted of an attempt. It stands here, unless it is older than all that is kept; one that is newer and
    /// does not stand here was labelled before the entity was forgotten and met again, and counts no more.
    fn former(&self, now: Known, was_fraud: Option<bool>) -> Option<Known> {
        let order = |known: &Known| (known.at, known.id);
        let kept = self.kept.events();
        let found = kept.iter().find(|known| order(known) == order(&now));
        if found.is_some() {
            return found.copied();
        }
        let older = self.before.last_at > 0 && kept.first().is_some_and(|first| now < *first);
        let fraud = was_fraud.filter(|_| older)?;
        // Whether the amount was ordinary is not known of it any more; it is judged as it would be now.
        Some(Known { fraud, ..now })
    }
}

impl Labels {
    fn learn(&mut self, Known { at, fraud, .. }: Known) {
        if fraud {
            self.frauds = self.frauds.saturating_add(1);
            self.first_fraud_at = if self.first_fraud_at == 0 {
                at
            } else {
                self.first_fraud_at.min(at)
            };
            self.last_fraud_at = self.last_fraud_at.max(at);
        }
        if at < self.last_at {
            return;
        }
        self.last_at = at;
        self.last_fraud = fraud;
        if fraud && self.run == 0 {
            self.run_since = at;
        }
        self.run = if fraud { self.run.saturating_add(1) } else { 0 };
        self.genuine_since = if fraud {
            0
        } else {
            self.genuine_since.saturating_add(1)
        };
    }

    /// Takes back an attempt out of the sum. Which frauds were the first, the last and those of the run cannot be told from
    /// a sum: the moments stay until no fraud is left, and a run is at most as long as there are frauds.
    fn unlearn(&mut self, Known { at, fraud, .. }: Known) {
        if !fraud {
            let counted = u16::from(self.last_fraud_at < at);
            self.genuine_since = self.genuine_since.saturating_sub(counted);
            return;
        }
        self.frauds = self.frauds.saturating_sub(1);
        self.run = self.run.min(u16::try_from(self.frauds).unwrap_or(u16::MAX));
        if self.frauds == 0 {
            (self.first_fraud_at, self.last_fraud_at) = (0, 0);
        }
        self.last_fraud &= self.run > 0;
    }
}
