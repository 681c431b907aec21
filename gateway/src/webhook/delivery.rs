//! What goes into the engine, and what it reports.

use std::{future::Future, sync::Arc};

use axum::body::Bytes;
use url::Url;

use super::{Failure, WebhookSecret};

/// Where a merchant wants to hear of events.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub id: Arc<str>,
    pub url: Url,
    /// The current secret and, while it is being replaced, the one before.
    pub secrets: Vec<WebhookSecret>,
}

/// One webhook for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// Its place among this endpoint's webhooks: from 1, and higher for later ones.
    pub seq: u64,
    /// `webhook-id`: the same at every try, by which a receiver knows a repetition.
    pub id: Arc<str>,
    /// What the event is about. Webhooks about one object arrive in order.
    pub object: Arc<str>,
    pub body: Bytes,
    pub created_at_ms: i64,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the next attempt is due; 0 for at once.
    pub due_at_ms: i64,
}

/// One attempt to deliver, or, for a webhook given up without one, the decision to do so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub delivery: Arc<Delivery>,
    /// Counts from 1.
    pub number: u32,
    pub at_ms: i64,
    pub took_ms: u64,
    /// The receiver's status, from 200 to 299, or why the attempt failed.
    pub result: Result<u16, Failure>,
    pub next: Next,
}

/// What becomes of a webhook after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Retry { at_ms: i64 },
    GivenUp,
}

/// What the engine is told.
#[derive(Debug, Clone)]
pub enum Feed {
    /// An endpoint is new or has changed. The engine first asks the outbox for what it has not received yet.
    Endpoint(Endpoint),
    /// An endpoint is gone or disabled: nothing more is sent to it.
    Remove(Arc<str>),
    /// A webhook is to be delivered, and the outbox already knows it.
    Deliver(Delivery),
}

/// The caller's record of webhooks, which outlives the engine. Clones are of the same record and cheap: each attempt
/// has one.
pub trait Outbox: Clone + Send + Sync + 'static {
    /// The first `limit` webhooks of an endpoint with a `seq` above `after` that are neither delivered nor given up,
    /// in order of `seq`. It must hold every webhook that was fed before it was asked.
    fn undelivered(
        &self,
        endpoint: Arc<str>,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = anyhow::Result<Vec<Delivery>>> + Send;

    /// Records an attempt. The webhook's object waits until this returns. What is not recorded is delivered again after
    /// a restart.
    fn attempted(&self, attempt: Attempt) -> impl Future<Output = ()> + Send;
}
