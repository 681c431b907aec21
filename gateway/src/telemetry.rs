//! What the gateway counts, and how Prometheus reads it.
//!
//! Counters are plain atomics that live as long as the process; nothing is computed until somebody asks. Requests are
//! counted by route and by code, never by caller or object: the number of lines stays small whatever happens.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::shell::Status;

use crate::problem::Code;

/// Upper bounds of the buckets of answer times, in microseconds.
const BOUNDS_US: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// Answer times of one route.
#[derive(Debug, Default)]
struct Times {
    /// The last is for what took longer than every bound.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Times {
    fn note(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < micros);
        add(&self.buckets[bucket], 1);
        add(&self.sum_us, micros);
    }
}

/// The counters of one gateway.
#[derive(Debug)]
pub struct Metrics {
    routes: Vec<(&'static str, Times)>,
    /// By the code's place in the catalogue.
    refusals: Vec<AtomicU64>,
    payments: AtomicU64,
    refunds: AtomicU64,
    webhooks_delivered: AtomicU64,
    webhooks_failed: AtomicU64,
}

/// What is measured at the moment of asking.
#[derive(Clone, Debug)]
pub struct Gauges {
    pub journal: Status,
    pub webhooks_waiting: u64,
    pub nonces: usize,
    pub requests_in_progress: usize,
    /// Attempts that the scorer could not be asked about in time.
    pub unscored: u64,
    /// How far scores have moved from those of the champion's training, if there is one.
    pub drift: Option<f64>,
    /// The same of each feature that it asks about.
    pub drifted: Vec<(Arc<str>, f64)>,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    /// Counters for these routes.
    pub fn new(routes: impl Iterator<Item = &'static str>) -> Self {
        Self {
            routes: routes.map(|name| (name, Times::default())).collect(),
            refusals: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            payments: AtomicU64::new(0),
            refunds: AtomicU64::new(0),
            webhooks_delivered: AtomicU64::new(0),
            webhooks_failed: AtomicU64::new(0),
        }
    }

    /// A request was answered; `route` is its place among the routes.
    pub fn answered(&self, route: usize, refused: Option<Code>, time: Duration) {
        self.routes[route].1.note(time);
        if let Some(code) = refused {
            self.refused(code);
        }
    }

    /// A request was refused, whichever route it was meant for.
    pub fn refused(&self, code: Code) {
        add(&self.refusals[code as usize], 1);
    }

    pub fn paid(&self) {
        add(&self.payments, 1);
    }

    pub fn refunded(&self) {
        add(&self.refunds, 1);
    }

    pub fn webhook_delivered(&self) {
        add(&self.webhooks_delivered, 1);
    }

    pub fn webhook_failed(&self) {
        add(&self.webhooks_failed, 1);
    }

    /// Everything in Prometheus' text format.
    pub fn exposition(&self, gauges: &Gauges) -> String {
        let mut text = Exposition(String::with_capacity(16 << 10));
        self.write_requests(&mut text);
        text.counter(
            "jiaozi_payments_total",
            "Payments made.",
            read(&self.payments),
        );
        text.counter("jiaozi_refunds_total", "Refunds made.", read(&self.refunds));
        let (delivered, failed) = (read(&self.webhooks_delivered), read(&self.webhooks_failed));
        text.counter(
            "jiaozi_webhooks_delivered_total",
            "Webhooks that were received.",
            delivered,
        );
        text.counter(
            "jiaozi_webhook_attempts_failed_total",
            "Attempts to deliver that failed.",
            failed,
        );
        text.gauge(
            "jiaozi_webhooks_waiting",
            "Webhooks not yet received.",
            gauges.webhooks_waiting,
        );
        text.gauge(
            "jiaozi_nonces",
            "Nonces remembered against replays.",
            gauges.nonces,
        );
        text.gauge(
            "jiaozi_requests_in_progress",
            "Requests being handled.",
            gauges.requests_in_progress,
        );
        write_risk(&mut text, gauges);
        write_journal(&mut text, &gauges.journal);
        text.0
    }

    fn write_requests(&self, text: &mut Exposition) {
        text.head(
            "jiaozi_request_seconds",
            "histogram",
            "Time to answer, by route.",
        );
        for (name, times) in &self.routes {
            text.histogram("jiaozi_request_seconds", name, times);
        }
        text.head(
            "jiaozi_refusals_total",
            "counter",
            "Requests refused, by code.",
        );
        for (code, count) in Code::ALL.iter().zip(&self.refusals) {
            let code = code.as_str();
            text.line(format_args!(
                "jiaozi_refusals_total{{code=\"{code}\"}} {}",
                read(count)
            ));
        }
    }
}

fn write_risk(text: &mut Exposition, gauges: &Gauges) {
    text.counter(
        "jiaozi_risk_unscored_total",
        "Attempts decided by the fallback, because the scorer could not be asked in time.",
        gauges.unscored,
    );
    let Some(drift) = gauges.drift else { return };
    text.gauge(
        "jiaozi_risk_drift",
        "How far scores moved from the model's training (population stability index).",
        drift,
    );
    text.head(
        "jiaozi_risk_feature_drift",
        "gauge",
        "The same of each feature that the model asks about.",
    );
    for (feature, index) in &gauges.drifted {
        text.line(format_args!(
            "jiaozi_risk_feature_drift{{feature=\"{feature}\"}} {index}"
        ));
    }
}

fn write_journal(text: &mut Exposition, status: &Status) {
    let ready = u8::from(status.ready);
    text.gauge("jiaozi_ready", "Whether commands are taken.", ready);
    text.gauge(
        "jiaozi_journal_sequence",
        "The last durable row of the journal.",
        status.durable.0,
    );
    text.gauge(
        "jiaozi_views_sequence",
        "The last row that the views hold.",
        status.projected.0,
    );
    text.gauge(
        "jiaozi_views_lag_events",
        "Events the views are behind.",
        status.lag_events,
    );
    text.gauge(
        "jiaozi_queue_commands",
        "Commands that wait for the writer.",
        status.queued_commands,
    );
    text.gauge(
        "jiaozi_queue_bytes",
        "Bytes that wait for the writer.",
        status.queued_bytes,
    );
    text.gauge(
        "jiaozi_once_keys",
        "Keys of the once index in memory.",
        status.once_in_memory,
    );
    text.counter(
        "jiaozi_journal_commits_total",
        "Rows appended.",
        status.commits,
    );
    text.counter(
        "jiaozi_recoveries_total",
        "Times the state was recovered.",
        status.recoveries,
    );
    text.counter(
        "jiaozi_clock_steps_total",
        "Jumps of the clock not followed.",
        status.clock_steps,
    );
}

/// The text as it grows.
struct Exposition(String);

impl Exposition {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(format_args!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.head(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }

    fn histogram(&mut self, name: &str, route: &str, times: &Times) {
        let mut count = 0;
        let bounds = BOUNDS_US.iter().map(|bound| Some(*bound)).chain([None]);
        for (bucket, bound) in times.buckets.iter().zip(bounds) {
            count += read(bucket);
            let le = bound.map_or_else(|| "+Inf".to_owned(), seconds);
            self.line(format_args!(
                "{name}_bucket{{route=\"{route}\",le=\"{le}\"}} {count}"
            ));
        }
        let sum = seconds(read(&times.sum_us));
        self.line(format_args!("{name}_sum{{route=\"{route}\"}} {sum}"));
        self.line(format_args!("{name}_count{{route=\"{route}\"}} {count}"));
    }
}

/// Microseconds as seconds, without a float.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        let metrics = Metrics::new(["pay_order"].into_iter());
        for micros in [1, 500, 501, 30_000_001] {
            metrics.answered(0, None, Duration::from_micros(micros));
        }
        let mut text = Exposition(String::new());
        metrics.write_requests(&mut text);
        for line in [
            "jiaozi_request_seconds_bucket{route=\"pay_order\",le=\"0.0005\"} 2",
            "jiaozi_request_seconds_bucket{route=\"pay_order\",le=\"0.001\"} 3",
            "jiaozi_request_seconds_bucket{route=\"pay_order\",le=\"30\"} 3",
            "jiaozi_request_seconds_bucket{route=\"pay_order\",le=\"+Inf\"} 4",
            "jiaozi_request_seconds_sum{route=\"pay_order\"} 30.001003",
            "jiaozi_request_seconds_count{route=\"pay_order\"} 4",
        ] {
            assert!(
                text.0.lines().any(|found| found == line),
                "{line}\n{}",
                text.0
            );
        }
    }

    #[test]
    fn every_code_is_counted_under_its_own_name() {
        let metrics = Metrics::new(std::iter::empty());
        for code in Code::ALL {
            metrics.refused(*code);
        }
        let mut text = Exposition(String::new());
        metrics.write_requests(&mut text);
        for code in Code::ALL {
            let line = format!("jiaozi_refusals_total{{code=\"{}\"}} 1", code.as_str());
            assert!(text.0.contains(&line), "{line}");
        }
    }
}
