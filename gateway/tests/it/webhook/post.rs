//! An engine under test with the record that it works from.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway::webhook::{Attempt, Delivery, Engine, Feed, Next, Outbox, Settings};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::now_s;

/// The caller's record, in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) pending: Mutex<BTreeMap<(Arc<str>, u64), Delivery>>,
    attempts: Mutex<Vec<Attempt>>,
    changed: Notify,
}

/// The record as the engine holds it.
#[derive(Debug, Clone)]
struct Shared(Arc<Memory>);

impl Outbox for Shared {
    async fn undelivered(
        &self,
        endpoint: Arc<str>,
        after: u64,
        limit: usize,
    ) -> anyhow::Result<Vec<Delivery>> {
        let pending = self.0.pending.lock().unwrap();
        let of_endpoint = pending
            .range((Arc::clone(&endpoint), after + 1)..=(endpoint, u64::MAX))
            .map(|(_, delivery)| delivery.clone());
        Ok(of_endpoint.take(limit).collect())
    }

    async fn attempted(&self, attempt: Attempt) {
        let key = (Arc::clone(&attempt.delivery.endpoint), attempt.delivery.seq);
        {
            let mut pending = self.0.pending.lock().unwrap();
            match (attempt.next, pending.get_mut(&key)) {
                (Next::Retry { at_ms }, Some(kept)) => {
                    (kept.attempts, kept.due_at_ms) = (attempt.number, at_ms);
                }
                _ => drop(pending.remove(&key)),
            }
        }
        self.0.attempts.lock().unwrap().push(attempt);
        self.0.changed.notify_waiters();
    }
}

impl Memory {
    pub(super) fn add(&self, endpoint: &str, object: &str) -> Delivery {
        let mut pending = self.pending.lock().unwrap();
        let made = self.attempts.lock().unwrap();
        let pending_max = pending.keys().map(|(_, seq)| *seq).max();
        let made_max = made.iter().map(|attempt| attempt.delivery.seq).max();
        let seq = pending_max.max(made_max).unwrap_or(0) + 1;
        let delivery = Delivery {
            endpoint: endpoint.into(),
            seq,
            id: format!("msg_{seq}").into(),
            object: object.into(),
            body: format!(r#"{{"type":"order.paid","object":"{object}"}}"#).into(),
            created_at_ms: now_s() * 1_000,
            attempts: 0,
            due_at_ms: 0,
        };
        pending.insert((delivery.endpoint.clone(), seq), delivery.clone());
        delivery
    }

    pub(super) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }

    /// Waits until the record is as it should be, and fails after a time that no healthy run needs.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if is_so(self) {
                    return;
                }
                changed.await;
            }
        };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, wait)
            .await
            .unwrap_or_else(|_| panic!("never came: {what}"));
    }

    pub(super) async fn until_empty(&self) {
        self.until("an empty outbox", |memory| {
            memory.pending.lock().unwrap().is_empty()
        })
        .await;
    }
}

/// An engine with its record.
pub(super) struct Post {
    pub(super) memory: Arc<Memory>,
    feed: mpsc::Sender<Feed>,
    engine: JoinHandle<()>,
}

impl Post {
    pub(super) fn open(settings: Settings, memory: Arc<Memory>) -> Self {
        let (engine, feed) = Engine::new(settings, Shared(Arc::clone(&memory))).unwrap();
        let engine = tokio::spawn(async { engine.run().await.unwrap() });
        Self {
            memory,
            feed,
            engine,
        }
    }

    pub(super) async fn tell(&self, feed: Feed) {
        self.feed.send(feed).await.unwrap();
    }

    /// Records a webhook, then feeds it.
    pub(super) async fn deliver(&self, endpoint: &str, object: &str) -> Delivery {
        let delivery = self.memory.add(endpoint, object);
        self.tell(Feed::Deliver(delivery.clone())).await;
        delivery
    }

    pub(super) async fn close(self) {
        drop(self.feed);
        self.engine.await.unwrap();
    }
}
