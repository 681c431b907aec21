//! The one writer of `deliveries.db`: whatever waits is written in one transaction.

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::pay::EndpointId;
use crate::store::notification::{Message, Place};
use crate::webhook::{Attempt, Next};

/// What one transaction takes.
const BATCH_MAX: usize = 512;

/// Something to write, and whom to tell that it is written.
#[derive(Debug)]
pub(super) enum Job {
    /// New messages, and the place up to which all are in. Those created before `oldest_ms` are given up at once.
    Add {
        messages: Vec<Message>,
        place: Option<Place>,
        oldest_ms: i64,
        written: oneshot::Sender<Vec<(u64, Message)>>,
    },
    Attempted {
        attempt: Box<Attempt>,
        written: oneshot::Sender<()>,
    },
    GiveUp {
        endpoint: EndpointId,
        written: oneshot::Sender<u64>,
    },
}

/// What is told once the transaction is durable.
enum Answer {
    Added(oneshot::Sender<Vec<(u64, Message)>>, Vec<(u64, Message)>),
    Attempted(oneshot::Sender<()>),
    GivenUp(oneshot::Sender<u64>, u64),
}

/// Writes until nobody can ask any more.
pub(super) async fn run(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, BATCH_MAX).await > 0 {
        match write(&mut connection, std::mem::take(&mut batch)).await {
            Ok(answers) => answers.into_iter().for_each(Answer::tell),
            // Whoever waits hears nothing, and tries again or delivers again.
            Err(error) => tracing::error!(%error, "deliveries could not be recorded"),
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the outbox of webhooks was not closed in good order");
    }
}

async fn write(
    connection: &mut SqliteConnection,
    jobs: Vec<Job>,
) -> Result<Vec<Answer>, sqlx::Error> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(match job {
            Job::Add {
                messages,
                place,
                oldest_ms,
                written,
            } => {
                let added = add(&mut transaction, messages, oldest_ms).await?;
                if let Some(place) = place {
                    set_fed(&mut transaction, place).await?;
                }
                Answer::Added(written, added)
            }
            Job::Attempted { attempt, written } => {
                record(&mut transaction, &attempt).await?;
                Answer::Attempted(written)
            }
            Job::GiveUp { endpoint, written } => {
                let count = give_up(&mut transaction, endpoint).await?;
                Answer::GivenUp(written, count)
            }
        });
    }
    transaction.commit().await?;
    Ok(answers)
}

impl Answer {
    /// Somebody who has stopped waiting need not be told.
    fn tell(self) {
        match self {
            Self::Added(written, added) => drop(written.send(added)),
            Self::Attempted(written) => drop(written.send(())),
            Self::GivenUp(written, count) => drop(written.send(count)),
        }
    }
}

/// Adds messages and returns those that are to be delivered, with their numbers.
async fn add(
    connection: &mut SqliteConnection,
    messages: Vec<Message>,
    oldest_ms: i64,
) -> Result<Vec<(u64, Message)>, sqlx::Error> {
    let mut added = Vec::with_capacity(messages.len());
    for message in messages {
        let created_at_ms = created_at_ms(&message);
        let fresh = created_at_ms >= oldest_ms;
        let inserted = sqlx::query(
            "insert into outbox (endpoint, message, order_id, topic, created_at_ms, state) values (?, ?, ?, ?, ?, ?)",
        )
        .bind(message.endpoint.0.to_be_bytes().to_vec())
        .bind(message.id.0.to_be_bytes().to_vec())
        .bind(message.order.0.to_be_bytes().to_vec())
        .bind(message.topic.clone())
        .bind(created_at_ms)
        .bind(if fresh { "waiting" } else { "given_up" })
        .execute(&mut *connection)
        .await?;
        if fresh {
            added.push((inserted.last_insert_rowid().unsigned_abs(), message));
        }
    }
    Ok(added)
}

pub(super) fn created_at_ms(message: &Message) -> i64 {
    i64::try_from(message.at.as_millis()).unwrap_or(i64::MAX)
}

async fn set_fed(connection: &mut SqliteConnection, place: Place) -> Result<(), sqlx::Error> {
    sqlx::query("update fed set row = ?, position = ?")
        .bind(place.row)
        .bind(place.position)
        .execute(connection)
        .await?;
    Ok(())
}

async fn record(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), sqlx::Error> {
    let (state, due_at_ms) = match attempt.next {
        Next::Delivered => ("delivered", 0),
        Next::Retry { at_ms } => ("waiting", at_ms),
        Next::GivenUp => ("given_up", 0),
    };
    let (status, error) = match &attempt.result {
        Ok(status) => (Some(i64::from(*status)), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    sqlx::query(
        "update outbox set state = ?, attempts = ?, due_at_ms = ?, last_at_ms = ?, last_took_ms = ?,
            last_status = ?, last_error = ? where seq = ?",
    )
    .bind(state)
    .bind(attempt.number)
    .bind(due_at_ms)
    .bind(attempt.at_ms)
    .bind(i64::try_from(attempt.took_ms).unwrap_or(i64::MAX))
    .bind(status)
    .bind(error)
    .bind(attempt.delivery.seq.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

async fn give_up(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update outbox set state = 'given_up', last_error = 'the endpoint was removed'
         where endpoint = ? and state = 'waiting'",
    )
    .bind(endpoint.0.to_be_bytes().to_vec())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
