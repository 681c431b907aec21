//! The fraud scorer, asked before money moves.
//!
//! Scoring reserves the attempt in the scorer's memory, so that the next attempt sees this one while it is under way. What
//! becomes of it is learned from the journal, through the views ([`follow`]); so the memory is a fold of the journal and
//! of what is in flight, and a start makes the same memory again ([`memory`]). Rules, lists and models come from the
//! analysts' desk and are swapped between two attempts ([`load`]).
//!
//! A payment goes through a [`gate`] that it never waits at for long.

mod backtest;
mod follow;
mod gate;
mod load;
mod memory;
mod models;
mod past;
mod scale;
mod words;

use std::path::Path;
use std::sync::Arc;

use fraud::rule::{Rule, RulesError};
use fraud::{Attempt, Channel, CurrencyCode, Key, Kind, Policies, Registry, Scorer, Settings};
use fx::Money;
use ledger::TransactionId;
use ledger::shell::Handle;
use parking_lot::MutexGuard;

pub(crate) use backtest::{BacktestError, Backtested, PAST_MAX};
use gate::Gate;
use load::rule_set;
pub(crate) use models::Models;
pub use past::Past;
use scale::Scale;
pub(crate) use words::Why;

use super::Payer;
use crate::config::{Config, RiskMode};
use crate::pay::{Payments, Scored};
use memory::Memory;

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

#[derive(Debug)]
pub(crate) struct Risk {
    gate: Gate,
    registry: Registry,
    scale: Scale,
    handle: Handle<Payments>,
    memory: Memory,
    models: Models,
    /// Held by a backtest, of which one runs at a time: each has a memory of its own.
    backtesting: tokio::sync::Mutex<()>,
    /// Held while the scorer is told of the desk, so that an older desk never comes after a newer one.
    loading: tokio::sync::Mutex<load::Loaded>,
    following: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Risk {
    /// A scorer with the memory that the journal gives it and with what the desk says. It learns from now on.
    pub(super) async fn start(config: &Config, handle: Handle<Payments>) -> Arc<Self> {
        let directory: &Path = &config.data;
        let settings = Settings {
            policies: match config.risk {
                RiskMode::Watch => Policies::WATCH,
                RiskMode::Act => config.risk_policy,
            },
            ..Settings::default()
        };
        if config.risk == RiskMode::Watch && config.risk_policy != Policies::default() {
            tracing::warn!("the risk policy counts only with --risk act; scores are only noted");
        }
        let memory = Memory::new(directory, settings.limits);
        let mut scorer = Scorer::new(settings);
        let remembered = memory.recall(&handle).await;
        scorer.restore(remembered.profiles);
        let registry = Registry::new();
        if let Ok(house) = rule_set(0, &[], &registry, &load::no_lists()) {
            scorer.set_rules(Arc::new(house));
        }
        let risk = Arc::new(Self {
            gate: Gate::new(scorer, config.risk_fallback),
            registry,
            scale: Scale::new(&config.risk_rates),
            handle,
            memory,
            models: Models::new(directory),
            backtesting: tokio::sync::Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            following: tokio::sync::Mutex::default(),
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
        self.gate.scorer()
    }

    /// Scores an attempt, which counts as under way until its end is known.
    pub(super) fn assess(&self, attempt: &Attempt) -> Scored {
        self.gate.assess(attempt)
    }

    /// Forgets an attempt of which the journal knows nothing.
    pub(super) fn forget(&self, attempt: &Attempt) {
        self.scorer().forget(attempt);
    }

    /// Attempts that the fallback decided about.
    pub(crate) fn unscored(&self) -> u64 {
        self.gate.unscored()
    }

    /// How far scores have moved from those of the champion's training; nothing without a champion.
    pub(crate) fn drift(&self) -> Option<f64> {
        self.scorer().drift()
    }

    /// How far each feature that the champion asks about has moved from its training, the farthest first.
    pub(crate) fn drifted(&self) -> Vec<(Arc<str>, f64)> {
        self.scorer().drifted()
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

    /// What an amount counts for, in hundredths of a yuan.
    pub(super) fn weight(&self, amount: Money) -> i64 {
        self.scale.hundredths(amount)
    }

    /// The attempt to do it at this moment, by the ledger's time: a wall clock that jumped ahead would keep the windows of
    /// those it touched still until it is caught up with.
    pub(super) fn attempt(&self, moving: &Moving<'_>) -> Attempt {
        Attempt {
            id: moving.transaction.0,
            at: self.handle.now().0,
            kind: moving.kind,
            channel: moving.channel,
            payer: Key::from(moving.payer.wallet.0),
            payee: moving.payee,
            device: moving.payer.origin.device.map(Key::of),
            link: None,
            place: moving.payer.origin.place.map(Key::of),
            amount: self.weight(moving.amount),
            currency: CurrencyCode::new(moving.amount.currency.code()),
        }
    }
}
