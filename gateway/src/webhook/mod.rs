//! Webhooks: tells merchants of events by [Standard Webhooks](https://www.standardwebhooks.com).
//!
//! Delivery is at least once, and in order for each object of an endpoint. The caller keeps every webhook in its
//! [`Outbox`] until it is delivered or given up, and feeds new ones to the [`Engine`]; the engine reports each attempt
//! and, after a restart or when an endpoint fell behind, reads from the outbox what is still to do. So the engine's
//! memory is bounded, and it may die at any time.
//!
//! A failed attempt is repeated after the [`RETRY_DELAYS`], about a day in all; then the webhook is given up and stays
//! in the outbox for a replay by hand. A receiver that fails many times in a row is left alone by a circuit breaker,
//! which lets one attempt through now and then. As soon as it answers, all that waits for it is tried at once. Each
//! endpoint has its own queue, attempts and breaker: a slow receiver delays nobody else.
//!
//! Not here: which events there are and what they say, and the choice of endpoints; those are the caller's.

mod address;
mod breaker;
mod client;
mod delivery;
mod engine;
mod queue;
mod signature;

use std::time::Duration;

pub use address::{AddressError, Reach, is_public};
pub use client::Failure;
pub use delivery::{Attempt, Delivery, Endpoint, Feed, Next, Outbox};
pub use engine::{Engine, FEED_MAX};
pub use signature::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE_S, WebhookError, WebhookSecret, sign,
    verify,
};

/// The published schedule: how long after each failed attempt the next one is made, 23 h 35 min in all.
pub const RETRY_DELAYS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(8),
    Duration::from_hours(8),
];

/// How webhooks are delivered.
#[derive(Debug, Clone)]
pub struct Settings {
    pub reach: Reach,
    pub retry_delays: Vec<Duration>,
    /// No retry is made later than this after the event; it only matters where the breaker has stretched the schedule.
    pub give_up_after_ms: i64,
    /// For a whole attempt: resolving, connecting, sending and reading the answer.
    pub timeout: Duration,
    /// Attempts under way at one endpoint.
    pub endpoint_under_way_max: usize,
    /// Attempts under way at all endpoints. From half of it on, each endpoint may have only one.
    pub under_way_max: usize,
    /// Webhooks held in memory for one endpoint; the others wait in the outbox.
    pub endpoint_held_max: usize,
    /// Failures in a row after which the breaker opens.
    pub breaker_failures: u32,
    /// How long it stays open at first; it doubles each time, up to the maximum.
    pub breaker_pause_ms: i64,
    pub breaker_pause_ms_max: i64,
    /// Certificate authorities (DER) to trust besides the machine's own.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reach: Reach::Public,
            retry_delays: RETRY_DELAYS.to_vec(),
            give_up_after_ms: 27 * 3_600_000,
            timeout: Duration::from_secs(15),
            endpoint_under_way_max: 8,
            under_way_max: 1_024,
            endpoint_held_max: 256,
            breaker_failures: 10,
            breaker_pause_ms: 30_000,
            breaker_pause_ms_max: 600_000,
            extra_roots: Vec::new(),
        }
    }
}
