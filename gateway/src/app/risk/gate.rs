//! Where payments meet the scorer, and what becomes of them when it cannot be had.
//!
//! The scorer never holds up a payment: its lock is held for some microseconds, and who cannot get it within [`BUDGET`], or
//! finds the scorer broken, is answered by the stated fallback. A decision itself has no loop whose length an attempt could
//! choose, so the wait for the lock is all that needs a bound.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fraud::{Action, Attempt, Scorer};
use parking_lot::{Mutex, MutexGuard};

use crate::config::Fallback;
use crate::pay::{Assessment, Evidence, Scored, Verdict, Whence};

/// How long a payment waits for the scorer at most. Scoring takes some microseconds; this is for the day on which it
/// does not.
const BUDGET: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Gate {
    scorer: Mutex<Scorer>,
    fallback: Fallback,
    unscored: AtomicU64,
}

impl Gate {
    pub(super) fn new(scorer: Scorer, fallback: Fallback) -> Self {
        Self {
            scorer: Mutex::new(scorer),
            fallback,
            unscored: AtomicU64::new(0),
        }
    }

    /// The scorer, for whoever is not a payment and can wait.
    pub(super) fn scorer(&self) -> MutexGuard<'_, Scorer> {
        self.scorer.lock()
    }

    /// Attempts that the fallback decided about.
    pub(super) fn unscored(&self) -> u64 {
        self.unscored.load(Ordering::Relaxed)
    }

    /// Scores an attempt within the budget.
    pub(super) fn assess(&self, attempt: &Attempt) -> Scored {
        let scored = catch_unwind(AssertUnwindSafe(|| {
            let mut scorer = self.scorer.try_lock_for(BUDGET)?;
            let decision = scorer.score(attempt);
            drop(scorer);
            Some(scored(attempt, &decision))
        }));
        if let Ok(Some(scored)) = scored {
            return scored;
        }
        tracing::error!(
            panicked = scored.is_err(),
            "an attempt could not be scored; the fallback decides"
        );
        self.unscored.fetch_add(1, Ordering::Relaxed);
        unscored(attempt, self.fallback)
    }
}

/// A decision of the scorer in the words of the rules.
fn scored(attempt: &Attempt, decision: &fraud::Decision) -> Scored {
    let reasons = &decision.reasons;
    Scored {
        assessment: Assessment {
            verdict: match decision.action {
                Action::Allow => Verdict::Allow,
                Action::Challenge => Verdict::Challenge,
                Action::Review => Verdict::Review,
                Action::Deny => Verdict::Deny,
            },
            score_ppm: decision.score_ppm,
            reasons: reasons
                .iter()
                .map(|reason| reason.code.to_string())
                .collect(),
            rules_version: decision.rule_version,
            model_version: decision.model_version,
        },
        attempt: attempt.clone(),
        evidence: reasons
            .iter()
            .map(|reason| Evidence {
                value_milli: reason.value_milli,
                weight_ppm: reason.weight_ppm,
            })
            .collect(),
        shadow: decision.shadow.iter().map(ToString::to_string).collect(),
        challenger_ppm: decision.challenger_ppm,
        whence: Whence::default(),
    }
}

fn unscored(attempt: &Attempt, fallback: Fallback) -> Scored {
    Scored {
        assessment: Assessment {
            verdict: match fallback {
                Fallback::Allow => Verdict::Allow,
                Fallback::Challenge => Verdict::Challenge,
                Fallback::Review => Verdict::Review,
                Fallback::Deny => Verdict::Deny,
            },
            score_ppm: 0,
            reasons: vec![Assessment::UNAVAILABLE.to_owned()],
            rules_version: 0,
            model_version: 0,
        },
        attempt: attempt.clone(),
        evidence: vec![Evidence {
            value_milli: 0,
            weight_ppm: 0,
        }],
        shadow: Vec::new(),
        challenger_ppm: None,
        whence: Whence::default(),
    }
}

#[cfg(test)]
mod tests {
    use fraud::{Channel, CurrencyCode, Key, Kind, Settings};

    use super::*;

    /// While somebody else has the scorer and does not let go, and after a fault while it is held.
    #[test]
    fn whoever_cannot_be_scored_in_time_is_answered_by_the_fallback() {
        let attempt = Attempt {
            id: 1,
            at: 1,
            kind: Kind::Payment,
            channel: Channel::Api,
            payer: Key(1),
            payee: None,
            device: None,
            link: None,
            place: None,
            amount: 1,
            currency: CurrencyCode::new("CNY"),
        };
        let gate = Gate::new(Scorer::new(Settings::default()), Fallback::Review);
        let held = gate.scorer.lock();
        let scored = gate.assess(&attempt);
        assert_eq!(scored.assessment.verdict, Verdict::Review);
        assert_eq!(scored.assessment.reasons, [Assessment::UNAVAILABLE]);
        drop(held);
        let broken = catch_unwind(AssertUnwindSafe(|| {
            let _held = gate.scorer.lock();
            panic!("a fault while the scorer is held");
        }));
        assert!(broken.is_err());
        assert_eq!(
            gate.assess(&attempt).assessment.verdict,
            Verdict::Allow,
            "it is scored again"
        );
        assert_eq!(gate.unscored(), 1);
    }
}
