//! The outbox: which messages are still to be delivered, and what became of the others.
//!
//! One row a message and endpoint, and one more for each replay by hand of what is settled; what is settled is forgotten
//! after [`writer::KEPT_MS`]. The bodies stay in the views. Commits are not waited for: a power cut may forget the last
//! attempts, and then they are made again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use ledger::shell::sql::{Database, Pool, Query, Row, Session};
use ledger::shell::{Column, Growth, Handle, Table, Value};
use tokio::sync::{mpsc, oneshot};

use super::writer::{self, Job, created_at_ms};
use crate::pay::{EndpointId, MessageId, OrderId, Payments};
use crate::store::Cursor;
use crate::store::notification::{self, Message, Place};
use crate::store::page::{List, Slice};
use crate::telemetry::Metrics;
use crate::webhook::{self, Attempt, Delivery, Next};

/// The area of the database.
const AREA: &str = "deliveries";
/// Jobs that may wait for the writer; more wait outside.
const JOBS_MAX: usize = 4_096;
const READERS_MAX: u32 = 4;

static OUTBOX: Table = Table {
    name: "outbox",
    columns: &[
        Column::integer("seq"),
        Column::blob("endpoint"),
        Column::blob("message"),
        Column::blob("order_id"),
        Column::text("topic"),
        Column::integer("created_at_ms"),
        Column::text("state"),
        Column::integer("attempts"),
        Column::integer("due_at_ms"),
        Column::integer("last_at_ms").or_null(),
        Column::integer("last_took_ms").or_null(),
        Column::integer("last_status").or_null(),
        Column::text("last_error").or_null(),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["endpoint, seq", "state, endpoint, seq", "created_at_ms"],
};

/// The place up to which all messages are in.
static FED: Table = Table {
    name: "fed",
    columns: &[
        Column::integer("shard"),
        Column::integer("seq"),
        Column::integer("position"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Delivered,
    GivenUp,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: u64,
    pub message: MessageId,
    pub order: OrderId,
    pub topic: String,
    pub created_at_ms: i64,
    pub state: State,
    pub attempts: u32,
    /// When the next attempt is due, of a message that waits for one.
    pub due_at_ms: Option<i64>,
    pub last: Option<LastAttempt>,
}

#[derive(Clone, Debug)]
pub struct LastAttempt {
    pub at_ms: i64,
    pub took_ms: u64,
    pub status: Option<u16>,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    jobs: mpsc::Sender<Job>,
    readers: Pool,
    handle: Handle<Payments>,
    metrics: Arc<Metrics>,
    waiting: Arc<AtomicU64>,
}

impl Outbox {
    pub(super) async fn open(
        database: &Database,
        handle: Handle<Payments>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, sqlx::Error> {
        let area = database.area(AREA);
        let mut session = Session::new(area.clone());
        session.make(&[&OUTBOX, &FED]).await?;
        let mut connection = session.connection().await?;
        let begin = "insert into fed (shard, seq, position) values (0, 0, 0) on conflict (shard) do nothing";
        connection.run(Query::new(begin)).await?;
        let count = Query::new("select count(*) from outbox where state = 'waiting'");
        let (waiting,): (u64,) = connection.one_as(count).await?;
        let last = Query::new("select coalesce(max(seq), 0) from outbox");
        let (last,): (u64,) = connection.one_as(last).await?;
        let (jobs, job) = mpsc::channel(JOBS_MAX);
        tokio::spawn(writer::run(session, last, job));
        let readers = area.readers(READERS_MAX);
        Ok(Self {
            jobs,
            readers,
            handle,
            metrics,
            waiting: Arc::new(AtomicU64::new(waiting)),
        })
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
    }

    /// Gives the writer a job and waits until it is done.
    async fn job<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> anyhow::Result<T> {
        let (written, done) = oneshot::channel();
        self.jobs.send(job(written)).await?;
        Ok(done.await?)
    }

    /// Takes new messages in, and remembers up to where all are in. Returns those that are to be delivered.
    pub(super) async fn add(
        &self,
        messages: Vec<Message>,
        place: Place,
        oldest_ms: i64,
    ) -> anyhow::Result<Vec<(EndpointId, Delivery)>> {
        let added = self
            .job(|written| Job::Add {
                messages,
                place: Some(place),
                oldest_ms,
                written,
            })
            .await?;
        self.waiting
            .fetch_add(added.len() as u64, Ordering::Relaxed);
        Ok(added.into_iter().map(delivery).collect())
    }

    /// Takes a message in once more, unless it still waits.
    pub(super) async fn add_again(
        &self,
        message: Message,
    ) -> anyhow::Result<Option<(EndpointId, Delivery)>> {
        let added = self.job(|written| Job::AddAgain { message, written });
        let added = added.await?;
        self.waiting
            .fetch_add(added.len() as u64, Ordering::Relaxed);
        Ok(added.into_iter().next().map(delivery))
    }

    /// Gives up all that waits for an endpoint.
    pub(super) async fn give_up(&self, endpoint: EndpointId) -> anyhow::Result<()> {
        let count = self
            .job(|written| Job::GiveUp { endpoint, written })
            .await?;
        self.settled(count);
        Ok(())
    }

    fn settled(&self, count: u64) {
        let less = |waiting: u64| Some(waiting.saturating_sub(count));
        // The closure always gives a value, so this cannot fail.
        let _ = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// The place up to which all messages are in.
    pub(super) async fn fed(&self) -> Result<Place, sqlx::Error> {
        let mut transaction = self.readers.begin().await?;
        let query = Query::new("select seq, position from fed");
        let (row, position) = transaction.connection().one_as(query).await?;
        Ok(Place { row, position })
    }

    pub(super) async fn endpoints_waiting(&self) -> Result<Vec<EndpointId>, sqlx::Error> {
        let mut transaction = self.readers.begin().await?;
        let query = Query::new("select distinct endpoint from outbox where state = 'waiting'");
        let ids: Vec<(u128,)> = transaction.connection().all_as(query).await?;
        Ok(ids.into_iter().map(|(id,)| EndpointId(id)).collect())
    }

    pub(super) async fn list(
        &self,
        endpoint: EndpointId,
        slice: Slice,
    ) -> Result<(Vec<Entry>, Option<Cursor>), sqlx::Error> {
        let before = slice.after.map_or(u64::MAX, |after| after.first);
        let query = Query::new(
            "select * from outbox where endpoint = $1 and seq < $2 order by seq desc limit $3",
        )
        .bind(Value::id(endpoint.0))
        .bind(i64::try_from(before).unwrap_or(i64::MAX))
        .bind(slice.limit());
        let mut transaction = self.readers.begin().await?;
        let rows = transaction.connection().all(query).await?;
        let entries: Result<Vec<Entry>, _> = rows.iter().map(entry).collect();
        Ok(slice.cut(entries?, |last| Cursor {
            list: List::Deliveries,
            first: last.seq,
            second: 0,
        }))
    }

    async fn read_undelivered(
        &self,
        endpoint: EndpointId,
        after: u64,
        limit: usize,
    ) -> anyhow::Result<Vec<Delivery>> {
        let query = Query::new(
            "select * from outbox where endpoint = $1 and state = 'waiting' and seq > $2 order by seq limit $3",
        )
        .bind(Value::id(endpoint.0))
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut transaction = self.readers.begin().await?;
        let rows = transaction.connection().all(query).await?;
        drop(transaction);
        let entries: Result<Vec<Entry>, _> = rows.iter().map(entry).collect();
        let entries = entries?;
        let mut reading = self.handle.views().read().await?;
        let mut bodies = HashMap::new();
        for entry in &entries {
            let message = notification::find(&mut reading, entry.message).await?;
            // The views are being rebuilt and have not come to it yet.
            let message =
                message.ok_or_else(|| anyhow::anyhow!("{} is not in the views", entry.message))?;
            bodies.insert(entry.seq, message);
        }
        let deliveries = entries.into_iter().filter_map(|entry| {
            let (_, delivery) = delivery((entry.seq, bodies.remove(&entry.seq)?));
            Some(Delivery {
                attempts: entry.attempts,
                due_at_ms: entry.due_at_ms.unwrap_or_default(),
                ..delivery
            })
        });
        Ok(deliveries.collect())
    }
}

impl webhook::Outbox for Outbox {
    async fn undelivered(
        &self,
        endpoint: Arc<str>,
        after: u64,
        limit: usize,
    ) -> anyhow::Result<Vec<Delivery>> {
        self.read_undelivered(endpoint.parse()?, after, limit).await
    }

    async fn attempted(&self, attempt: Attempt) {
        let next = attempt.next;
        let attempt = Box::new(attempt);
        if let Err(error) = self
            .job(|written| Job::Attempted { attempt, written })
            .await
        {
            tracing::error!(%error, "an attempt to deliver was not recorded and will be repeated");
            return;
        }
        match next {
            Next::Delivered => self.metrics.webhook_delivered(),
            Next::Retry { .. } | Next::GivenUp => self.metrics.webhook_failed(),
        }
        if !matches!(next, Next::Retry { .. }) {
            self.settled(1);
        }
    }
}

fn delivery((seq, message): (u64, Message)) -> (EndpointId, Delivery) {
    let delivery = Delivery {
        endpoint: message.endpoint.to_string().into(),
        seq,
        id: message.id.to_string().into(),
        object: message.order.to_string().into(),
        created_at_ms: created_at_ms(&message),
        attempts: 0,
        due_at_ms: 0,
        body: Bytes::from(message.body),
    };
    (message.endpoint, delivery)
}

fn wrong(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "the value is not one that was written there".into(),
    }
}

fn entry(row: &Row) -> Result<Entry, sqlx::Error> {
    let whole = |column: &str| row.get::<i64>(column);
    let state = match row.get::<String>("state")?.as_str() {
        "waiting" => State::Waiting,
        "delivered" => State::Delivered,
        "given_up" => State::GivenUp,
        _ => return Err(wrong("state")),
    };
    let status: Option<u16> = row.get("last_status")?;
    let last = row.get::<Option<i64>>("last_at_ms")?.map(|at_ms| {
        Ok::<_, sqlx::Error>(LastAttempt {
            at_ms,
            took_ms: row.get("last_took_ms")?,
            status,
            error: row.get("last_error")?,
        })
    });
    Ok(Entry {
        seq: row.get("seq")?,
        message: MessageId(row.get("message")?),
        order: OrderId(row.get("order_id")?),
        topic: row.get("topic")?,
        created_at_ms: whole("created_at_ms")?,
        state,
        attempts: row.get("attempts")?,
        due_at_ms: (state == State::Waiting)
            .then(|| whole("due_at_ms"))
            .transpose()?,
        last: last.transpose()?,
    })
}
