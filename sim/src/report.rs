//! What came of it all, on one screen and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::desk::Caught;
use crate::tally::Tally;

/// Webhooks due and taken.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Webhooks {
    pub due: u64,
    pub delivered: u64,
    /// Came again after an answer was lost or was an error; at least once is the promise.
    pub repeated: u64,
    pub wrong_signature: u64,
}

/// What verifying the journal found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Journal {
    pub verified: bool,
    pub rows: u64,
    pub events: u64,
    /// The hash of the last row.
    pub head: String,
    /// The first difference, in words.
    pub difference: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub seed: u64,
    pub shops: usize,
    pub people: usize,
    pub seconds: f64,
    pub orders: u64,
    pub payments: u64,
    pub refunds: u64,
    /// Payments whose code a till scanned, and those that it took back.
    pub charges: u64,
    pub reversals: u64,
    pub closed: u64,
    pub expired: u64,
    /// Between people, and what was taken out of red packets.
    pub transfers: u64,
    pub red_packets: u64,
    pub claims: u64,
    pub payments_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub refused: BTreeMap<String, u64>,
    /// Debits less credits, by currency.
    pub trial_balance: BTreeMap<String, i128>,
    /// Purses that hold something else than the answers said.
    pub differences: Vec<String>,
    pub faults: Vec<String>,
    pub journal: Journal,
    pub webhooks: Option<Webhooks>,
    pub caught: Option<Caught>,
}

impl Report {
    pub(crate) fn all_is_well(&self) -> bool {
        self.checks().iter().all(|(good, _)| *good)
    }

    fn checks(&self) -> Vec<(bool, String)> {
        let balances = self
            .trial_balance
            .values()
            .all(|difference| *difference == 0);
        let currencies: Vec<_> = self
            .trial_balance
            .iter()
            .map(|(code, sum)| format!("{code} {sum}"))
            .collect();
        let journal = &self.journal;
        let mut checks = vec![
            (
                self.payments > 0,
                format!("{} payments went through", self.payments),
            ),
            (
                balances && !currencies.is_empty(),
                format!("trial balance: {}", currencies.join(", ")),
            ),
            (
                self.differences.is_empty(),
                "every purse holds what its owner was told".to_owned(),
            ),
            (
                journal.verified,
                format!(
                    "journal verified: {} rows, {} events",
                    journal.rows, journal.events
                ),
            ),
            (
                self.faults.is_empty(),
                format!("{} faults", self.faults.len()),
            ),
        ];
        if let Some(webhooks) = self.webhooks {
            let Webhooks {
                due,
                delivered,
                repeated,
                wrong_signature,
            } = webhooks;
            checks.push((
                due == delivered && wrong_signature == 0,
                format!(
                    "webhooks: {delivered} of {due} delivered, {repeated} of them more than once"
                ),
            ));
        }
        checks
    }

    /// What the town's own books say of a run that took this long.
    pub(crate) fn new(seed: u64, tally: &mut Tally, took: Duration, journal: Journal) -> Self {
        tally.latencies.sort_unstable();
        let quantile = |per_mille| Tally::quantile(&tally.latencies, per_mille).as_secs_f64() * 1e3;
        let seconds = took.as_secs_f64();
        Self {
            seed,
            shops: 0,
            people: 0,
            seconds,
            orders: tally.orders,
            payments: tally.payments,
            refunds: tally.refunds,
            charges: tally.charges,
            reversals: tally.reversals,
            closed: tally.closed,
            expired: tally.expired,
            transfers: tally.transfers,
            red_packets: tally.red_packets,
            claims: tally.claims,
            // A count of payments in a run of seconds is far below 2^52.
            payments_per_s: f64::from(u32::try_from(tally.payments).unwrap_or(u32::MAX)) / seconds,
            p50_ms: quantile(500),
            p99_ms: quantile(990),
            refused: tally.refused.clone(),
            trial_balance: BTreeMap::new(),
            differences: Vec::new(),
            faults: tally.faults.clone(),
            journal,
            webhooks: None,
            caught: None,
        }
    }
}

/// So many stories are shown; the rest is in the JSON.
const STORIES_MAX: usize = 5;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            shops,
            people,
            seconds,
            ..
        } = self;
        writeln!(
            f,
            "A town of {shops} shops and {people} people, {seconds:.1} s, seed {seed}"
        )?;
        writeln!(f)?;
        writeln!(f, "  orders    {:>8}", self.orders)?;
        writeln!(
            f,
            "  payments  {:>8}   {:.0} a second",
            self.payments, self.payments_per_s
        )?;
        writeln!(f, "  refunds   {:>8}", self.refunds)?;
        writeln!(
            f,
            "  scanned   {:>8}   {} taken back",
            self.charges, self.reversals
        )?;
        writeln!(f, "  closed    {:>8}", self.closed)?;
        writeln!(f, "  expired   {:>8}", self.expired)?;
        writeln!(f, "  transfers {:>8}", self.transfers)?;
        writeln!(
            f,
            "  packets   {:>8}   {} shares taken",
            self.red_packets, self.claims
        )?;
        writeln!(
            f,
            "  latency   p50 {:.1} ms, p99 {:.1} ms (order and payment, without the look at the code)",
            self.p50_ms, self.p99_ms
        )?;
        if !self.refused.is_empty() {
            writeln!(f, "  refused")?;
            for (code, count) in &self.refused {
                writeln!(f, "    {code:<24} {count:>6}")?;
            }
        }
        if let Some(caught) = &self.caught {
            write!(f, "{caught}")?;
        }
        writeln!(f)?;
        for (good, text) in self.checks() {
            writeln!(f, "  {} {text}", if good { "✓" } else { "✗" })?;
        }
        let stories = self
            .faults
            .iter()
            .chain(&self.differences)
            .chain(&self.journal.difference);
        for story in stories.take(STORIES_MAX) {
            writeln!(f, "      {story}")?;
        }
        write!(f, "  journal hash {}", self.journal.head)
    }
}
