//! The fraud scorer, asked before money moves.
//!
//! Scoring reserves the attempt in the scorer's memory, so that the next attempt sees this one while it is under way. What
//! becomes of it is learned from the journal, through the views ([`follow`]); so the memory is a fold of the journal and
//! of what is in flight, and a start makes the same memory again ([`memory`]). Rules, lists and models come from the
//! analysts' desk and are swapped between two attempts ([`load`]).
//!
//! The scorer never holds up a payment: the lock is held for some microseconds, and who cannot get it within
//! [`BUDGET`], or finds the scorer broken, is answered by the stated fallback.

mod backtest;
mod follow;
mod load;
mod memory;
mod models;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fraud::rule::{Rule, RulesError};
use fraud::{
    Action, Attempt, Channel, CurrencyCode, Key, Kind, Outcome, Policy, Registry, Scorer, Settings,
};
use fx::Money;
use ledger::TransactionId;
use ledger::shell::Handle;

pub(crate) use backtest::{BacktestError, Backtested, PAST_MAX};
use load::rule_set;
pub(crate) use models::Models;
pub(crate) use words::Why;

use super::Payer;
use crate::config::{Fallback, RiskMode};
use crate::pay::{Assessment, Evidence, Payments, Scored, Verdict};
use memory::Memory;

/// How long a payment waits for the scorer at most. Scoring takes some microseconds; this is for the day on which it
/// does not.
pub(crate) const BUDGET: Duration = Duration::from_millis(20);
/// The reason of an assessment that the scorer had no part in.
pub(crate) const UNAVAILABLE: &str = "scorer_unavailable";

#[derive(Debug)]
pub(crate) struct Risk {
    scorer: Mutex<Scorer>,
    registry: Registry,
    fallback: Fallback,
    handle: Handle<Payments>,
    memory: Memory,
    models: Models,
    /// Held while the scorer is told of the desk, so that an older desk never comes after a newer one.
    loading: tokio::sync::Mutex<load::Loaded>,
    following: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
    unscored: AtomicU64,
}

impl Risk {
    /// A scorer with the memory that the journal gives it and with what the desk says. It learns from now on.
    pub(super) async fn start(
        directory: &Path,
        handle: Handle<Payments>,
        mode: RiskMode,
        fallback: Fallback,
    ) -> Arc<Self> {
        let policy = match mode {
            RiskMode::Watch => Policy::WATCH,
            RiskMode::Act => Policy::default(),
        };
        let settings = Settings {
            policy,
            ..Settings::default()
        };
        let memory = Memory::new(directory, settings.limits);
        let mut scorer = Scorer::new(settings);
        let remembered = memory.recall(&handle).await;
        scorer.restore(remembered.profiles);
        let risk = Arc::new(Self {
            scorer: Mutex::new(scorer),
            registry: Registry::new(),
            fallback,
            handle,
            memory,
            models: Models::new(directory),
            loading: tokio::sync::Mutex::default(),
            following: tokio::sync::Mutex::default(),
            unscored: AtomicU64::new(0),
        });
        let following = tokio::spawn(follow::run(risk.clone(), remembered.place));
        *risk.following.lock().await = Some(following);
        risk
    }

    /// Learns no more, and keeps what was learned for the next start.
    pub(super) async fn stop(&self) {
        if let Some(following) = self.following.lock().await.take() {
            following.abort();
            // It has ended, one way or the other.
            let _ = following.await;
        }
        self.memory.keep(&self.handle).await;
    }

    fn scorer(&self) -> MutexGuard<'_, Scorer> {
        self.scorer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scorer, if it can be had within the budget.
    fn scorer_in_time(&self) -> Option<MutexGuard<'_, Scorer>> {
        let started = Instant::now();
        loop {
            match self.scorer.try_lock() {
                Ok(scorer) => return Some(scorer),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if started.elapsed() < BUDGET => {
                    std::thread::yield_now();
                }
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }

    /// Scores an attempt, which counts as under way until its end is known.
    pub(super) fn assess(&self, attempt: &Attempt) -> Scored {
        let scored = catch_unwind(AssertUnwindSafe(|| {
            let decision = self.scorer_in_time()?.score(attempt);
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

    /// Forgets an attempt of which the journal knows nothing.
    pub(super) fn forget(&self, attempt: &Attempt) {
        self.scorer().observe(attempt, Outcome::Cancelled);
    }

    /// Attempts that the fallback decided about.
    pub(crate) fn unscored(&self) -> u64 {
        self.unscored.load(Ordering::Relaxed)
    }

    /// How far scores have moved from those of the champion's training; nothing without a champion.
    pub(crate) fn drift(&self) -> Option<f64> {
        self.scorer().drift()
    }

    /// The features that rules can ask about.
    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is wrong with rules; nothing if they could run.
    pub(crate) fn check(&self, rules: &[Rule]) -> Vec<RulesError> {
        rule_set(0, rules, &self.registry, &load::no_lists())
            .err()
            .unwrap_or_default()
    }

    pub(crate) const fn models(&self) -> &Models {
        &self.models
    }
}

/// What is to be scored: who moves how much to whom, and how it came in.
#[derive(Debug)]
pub(super) struct Moving<'a> {
    pub transaction: TransactionId,
    pub kind: Kind,
    pub channel: Channel,
    pub payer: Payer<'a>,
    /// Whoever gets it, if it is one alone.
    pub payee: Option<Key>,
    pub amount: Money,
}

/// The attempt to do it at this moment.
pub(super) fn attempt(moving: &Moving<'_>) -> Attempt {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Attempt {
        id: moving.transaction.0,
        at: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
        kind: moving.kind,
        channel: moving.channel,
        payer: Key::from(moving.payer.wallet.0),
        payee: moving.payee,
        device: moving.payer.device.map(Key::of),
        link: None,
        place: None,
        amount: hundredths(moving.amount),
        currency: CurrencyCode::new(moving.amount.currency.code()),
    }
}

/// Amounts of all currencies on one scale, of hundredths. It takes one unit of any currency for one of any other, which
/// a payer who keeps to one currency does not notice; with rates at hand it will be the mid rate instead.
fn hundredths(amount: Money) -> i64 {
    let scaled = i128::from(amount.amount) * 100 / i128::from(amount.currency.units());
    i64::try_from(scaled).unwrap_or(i64::MAX)
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
            reasons: vec![UNAVAILABLE.to_owned()],
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
    }
}
