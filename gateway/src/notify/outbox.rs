//! The outbox: which messages are still to be delivered, and what became of the others.
//!
//! One row a message and endpoint, and one more for each replay by hand. The bodies stay in the views. The file is
//! written with `synchronous=NORMAL`: a power cut may forget the last attempts, and then they are made again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use ledger::shell::Handle;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row as _, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::writer::{self, Job, created_at_ms};
use crate::pay::{EndpointId, MessageId, OrderId, Payments};
use crate::store::Cursor;
use crate::store::notification::{self, Message, Place};
use crate::store::page::{List, Slice};
use crate::telemetry::Metrics;
use crate::webhook::{self, Attempt, Delivery, Next};

const FILE: &str = "deliveries.db";
/// Jobs that may wait for the writer; more wait outside.
const JOBS_MAX: usize = 4_096;
const READERS_MAX: u32 = 4;
const STATEMENTS: [&str; 4] = [
    "create table if not exists outbox (
        seq integer primary key,
        endpoint blob not null,
        message blob not null,
        order_id blob not null,
        topic text not null,
        created_at_ms integer not null,
        state text not null,
        attempts integer not null default 0,
        due_at_ms integer not null default 0,
        last_at_ms integer,
        last_took_ms integer,
        last_status integer,
        last_error text
    ) strict",
    "create index if not exists outbox_endpoint on outbox (endpoint, seq)",
    "create index if not exists outbox_waiting on outbox (endpoint, seq) where state = 'waiting'",
    "create table if not exists fed (shard integer primary key, row integer not null, position integer not null) strict",
];

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
    readers: SqlitePool,
    handle: Handle<Payments>,
    metrics: Arc<Metrics>,
    waiting: Arc<AtomicU64>,
}

impl Outbox {
    pub(super) async fn open(
        directory: &Path,
        handle: Handle<Payments>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        for statement in STATEMENTS {
            sqlx::query(statement).execute(&mut connection).await?;
        }
        sqlx::query("insert or ignore into fed (shard, row, position) values (0, 0, 0)")
            .execute(&mut connection)
            .await?;
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from outbox where state = 'waiting'")
                .fetch_one(&mut connection)
                .await?;
        let (jobs, job) = mpsc::channel(JOBS_MAX);
        tokio::spawn(writer::run(connection, job));
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_lazy_with(options.create_if_missing(false).read_only(true));
        Ok(Self {
            jobs,
            readers,
            handle,
            metrics,
            waiting: Arc::new(AtomicU64::new(waiting.unsigned_abs())),
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

    /// Takes a message in once more.
    pub(super) async fn add_again(
        &self,
        message: Message,
    ) -> anyhow::Result<(EndpointId, Delivery)> {
        let added = self.job(|written| Job::Add {
            messages: vec![message],
            place: None,
            oldest_ms: i64::MIN,
            written,
        });
        let added = added.await?.pop();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        added
            .map(delivery)
            .ok_or_else(|| anyhow::anyhow!("a message that is sent again was not taken in"))
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
        let (row, position) = sqlx::query_as("select row, position from fed")
            .fetch_one(&self.readers)
            .await?;
        Ok(Place { row, position })
    }

    pub(super) async fn endpoints_waiting(&self) -> Result<Vec<EndpointId>, sqlx::Error> {
        let rows =
            sqlx::query("select distinct endpoint as id from outbox where state = 'waiting'")
                .fetch_all(&self.readers)
                .await?;
        rows.iter()
            .map(|row| Ok(EndpointId(id(row, "id")?)))
            .collect()
    }

    pub(super) async fn list(
        &self,
        endpoint: EndpointId,
        slice: Slice,
    ) -> Result<(Vec<Entry>, Option<Cursor>), sqlx::Error> {
        let before = slice.after.map_or(u64::MAX, |after| after.first);
        let rows = sqlx::query(
            "select * from outbox where endpoint = ? and seq < ? order by seq desc limit ?",
        )
        .bind(endpoint.0.to_be_bytes().to_vec())
        .bind(i64::try_from(before).unwrap_or(i64::MAX))
        .bind(slice.limit())
        .fetch_all(&self.readers)
        .await?;
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
        let rows = sqlx::query(
            "select * from outbox where endpoint = ? and state = 'waiting' and seq > ? order by seq limit ?",
        )
        .bind(endpoint.0.to_be_bytes().to_vec())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await?;
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

fn id(row: &SqliteRow, column: &str) -> Result<u128, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| wrong(column))?;
    Ok(u128::from_be_bytes(bytes))
}

fn wrong(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "the value is not one that was written there".into(),
    }
}

fn entry(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let whole = |column: &str| row.try_get::<i64, _>(column);
    let state = match row.try_get("state")? {
        "waiting" => State::Waiting,
        "delivered" => State::Delivered,
        "given_up" => State::GivenUp,
        _ => return Err(wrong("state")),
    };
    let status: Option<i64> = row.try_get("last_status")?;
    let last = row.try_get::<Option<i64>, _>("last_at_ms")?.map(|at_ms| {
        Ok::<_, sqlx::Error>(LastAttempt {
            at_ms,
            took_ms: whole("last_took_ms")?.unsigned_abs(),
            status: status.and_then(|status| u16::try_from(status).ok()),
            error: row.try_get("last_error")?,
        })
    });
    Ok(Entry {
        seq: whole("seq")?.unsigned_abs(),
        message: MessageId(id(row, "message")?),
        order: OrderId(id(row, "order_id")?),
        topic: row.try_get("topic")?,
        created_at_ms: whole("created_at_ms")?,
        state,
        attempts: u32::try_from(whole("attempts")?).map_err(|_| wrong("attempts"))?,
        due_at_ms: (state == State::Waiting)
            .then(|| whole("due_at_ms"))
            .transpose()?,
        last: last.transpose()?,
    })
}
