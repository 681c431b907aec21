//! The fraud scorer, asked before money moves and told what became of it.
//!
//! Scoring reserves the attempt in the profiles, so that the next attempt sees this one while it is still under way. The
//! lock is held for the scoring alone, some microseconds. A test-mode gateway scores everything and stops nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use fraud::{
    Action, Attempt, Channel, CurrencyCode, Decision, Key, Kind, Outcome, Policy, Scorer, Settings,
};
use fx::Money;
use ledger::TransactionId;

use crate::config::Mode;
use crate::pay::{Assessment, Order, Verdict, WalletId};

#[derive(Debug)]
pub(super) struct Risk {
    scorer: Mutex<Scorer>,
}

impl Risk {
    pub(super) fn new(mode: Mode) -> Self {
        let policy = match mode {
            Mode::Test => Policy::WATCH,
            Mode::Live => Policy::default(),
        };
        let settings = Settings {
            policy,
            ..Settings::default()
        };
        Self {
            scorer: Mutex::new(Scorer::new(settings)),
        }
    }

    fn scorer(&self) -> MutexGuard<'_, Scorer> {
        self.scorer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scores an attempt, which counts as under way until its end is told.
    pub(super) fn assess(&self, attempt: &Attempt) -> Assessment {
        assessment(&self.scorer().score(attempt))
    }

    /// Tells whether the money of an attempt moved.
    pub(super) fn ended(&self, attempt: &Attempt, paid: bool) {
        let outcome = if paid {
            Outcome::Settled
        } else {
            Outcome::Cancelled
        };
        self.scorer().observe(attempt, outcome);
    }
}

/// The attempt of a wallet to pay an order whose code it scanned.
pub(super) fn attempt(transaction: TransactionId, order: &Order, wallet: WalletId) -> Attempt {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Attempt {
        id: transaction.0,
        at: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
        kind: Kind::Payment,
        channel: Channel::MerchantCode,
        payer: Key::from(wallet.0),
        payee: Some(Key::from(order.merchant.0)),
        device: None,
        link: None,
        place: None,
        amount: hundredths(order.amount),
        currency: CurrencyCode::new(order.amount.currency.code()),
    }
}

/// Amounts of all currencies on one scale, of hundredths. It takes one unit of any currency for one of any other, which
/// a payer who keeps to one currency does not notice; with rates at hand it will be the mid rate instead.
fn hundredths(amount: Money) -> i64 {
    let scaled = i128::from(amount.amount) * 100 / i128::from(amount.currency.units());
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

fn assessment(decision: &Decision) -> Assessment {
    Assessment {
        verdict: match decision.action {
            Action::Allow => Verdict::Allow,
            Action::Challenge => Verdict::Challenge,
            Action::Review => Verdict::Review,
            Action::Deny => Verdict::Deny,
        },
        score_ppm: decision.score_ppm,
        reasons: decision
            .reasons
            .iter()
            .map(|reason| reason.code.to_string())
            .collect(),
        rules_version: decision.rule_version,
        model_version: decision.model_version,
    }
}
