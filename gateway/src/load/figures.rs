//! What a load took.

use std::time::Duration;

use serde::Serialize;

use super::Load;

/// The figures of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub payments: u64,
    /// Orders made and paid, both answered, and so durable.
    pub payments_per_s: f64,
    /// Twice as many, for each is two requests.
    pub requests_per_s: f64,
    /// Requests that the bare echo answers.
    pub echo_per_s: f64,
    /// Requests of the gateway for each of the echo.
    pub ratio: f64,
    /// How long a request took, from its signing to the end of its answer.
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// How long an order and its payment took together.
    pub payment_p99_ms: f64,
    /// Payments made and in the views.
    pub with_views_per_s: f64,
    pub payments_per_commit: f64,
    /// Zero where the system does not tell.
    pub peak_rss_mib: u64,
}

impl Figures {
    /// As lines for people.
    pub fn table(&self, load: &Load) -> String {
        let Load {
            payments,
            merchants,
            wallets,
            connections,
        } = load;
        let lines = [
            format!(
                "{payments} orders of {merchants} merchants, made and paid by {wallets} wallets over {connections} connections"
            ),
            format!(
                "  payments          {:>10.0} /s   {:.0} /s with the views caught up",
                self.payments_per_s, self.with_views_per_s
            ),
            format!(
                "  requests          {:>10.0} /s   {:.1} % of the echo's",
                self.requests_per_s,
                100.0 * self.ratio
            ),
            format!(
                "  bare echo         {:>10.0} /s   axum, JSON, the same signatures",
                self.echo_per_s
            ),
            format!(
                "  a request takes   {:>10.2} ms   at the median, {:.2} ms at the 99th of a hundred",
                self.p50_ms, self.p99_ms
            ),
            format!(
                "  order and payment {:>10.2} ms   at the 99th of a hundred",
                self.payment_p99_ms
            ),
            format!(
                "  in commits of     {:>10.1}      payments",
                self.payments_per_commit
            ),
            format!(
                "  in memory         {:>10} MiB  at most, clients included",
                self.peak_rss_mib
            ),
        ];
        lines.join("\n")
    }
}

/// How long each thing took.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) requests: Vec<Duration>,
    pub(super) payments: Vec<Duration>,
}

impl Times {
    pub(super) fn extend(&mut self, other: Self) {
        self.requests.extend(other.requests);
        self.payments.extend(other.payments);
    }
}
