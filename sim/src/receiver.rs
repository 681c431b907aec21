//! The shops' own servers: they take webhooks, check each signature, and keep what they heard.
//!
//! As servers do, they sometimes fail: a few first tries are answered with an error, so that every
//! run also shows that what failed comes again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gateway::webhook::{self, WebhookSecret};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::rail::OrderId;

/// One first try in this many is answered with an error.
const FAILURES_ONE_IN: u64 = 97;

#[derive(Debug, Default)]
struct Heard {
    secrets: BTreeMap<usize, WebhookSecret>,
    /// The ids of the messages taken, so that a repetition is known as one.
    messages: BTreeSet<String>,
    /// The ids of the messages refused once on purpose.
    failed: BTreeSet<String>,
    /// How often each thing was told of each order.
    news: BTreeMap<(OrderId, String), u32>,
    repeated: u64,
    forged: u64,
}

#[derive(Debug)]
pub(crate) struct Hooks {
    address: SocketAddr,
    heard: Mutex<Heard>,
}

impl Hooks {
    /// Opens the shops' server on a free port of this machine.
    pub(crate) async fn open() -> anyhow::Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no port for webhooks")?;
        let hooks = Arc::new(Self {
            address: listener.local_addr()?,
            heard: Mutex::default(),
        });
        let routes = Router::new()
            .route("/hooks/{shop}", post(take))
            .with_state(hooks.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(hooks)
    }

    pub(crate) fn url(&self, shop: usize) -> String {
        format!("http://{}/hooks/{shop}", self.address)
    }

    /// From now on a shop's webhooks must be signed with this secret.
    pub(crate) fn expect(&self, shop: usize, secret: &str) -> anyhow::Result<()> {
        let secret = WebhookSecret::parse(secret)?;
        self.heard().secrets.insert(shop, secret);
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often something was told of an order.
    pub(crate) fn count(&self, order: &OrderId, topic: &str) -> u32 {
        self.heard()
            .news
            .get(&(order.clone(), topic.to_owned()))
            .copied()
            .unwrap_or_default()
    }

    /// Messages taken, messages that came more than once, and messages with a wrong signature.
    pub(crate) fn totals(&self) -> (usize, u64, u64) {
        let heard = self.heard();
        (heard.messages.len(), heard.repeated, heard.forged)
    }
}

async fn take(
    State(hooks): State<Arc<Hooks>>,
    Path(shop): Path<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut heard = hooks.heard();
    let genuine = heard.secrets.get(&shop).is_some_and(|secret| {
        webhook::verify(std::slice::from_ref(secret), &headers, &body, now).is_ok()
    });
    let id = headers
        .get(webhook::ID_HEADER)
        .and_then(|id| id.to_str().ok());
    let (true, Some(id)) = (genuine, id.map(ToOwned::to_owned)) else {
        heard.forged += 1;
        return StatusCode::UNAUTHORIZED;
    };
    let fails = id
        .bytes()
        .fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
    if fails % FAILURES_ONE_IN == 0 && heard.failed.insert(id.clone()) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !heard.messages.insert(id) {
        heard.repeated += 1;
        return StatusCode::NO_CONTENT;
    }
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let order = told.pointer("/data/order/id").and_then(Value::as_str);
    if let (Some(order), Some(topic)) = (order, told["type"].as_str()) {
        *heard
            .news
            .entry((OrderId(order.to_owned()), topic.to_owned()))
            .or_default() += 1;
    }
    StatusCode::NO_CONTENT
}
