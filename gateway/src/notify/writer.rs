//! The one writer of the outbox: whatever waits is written in one transaction.

use std::time::Duration;

use ledger::shell::Value;
use ledger::shell::sql::{Connection, Query, Session};
use tokio::sync::{mpsc, oneshot};

use super::now_ms;
use crate::pay::EndpointId;
use crate::store::notification::{Message, Place};
use crate::webhook::{Attempt, Next};

/// What one transaction takes.
const BATCH_MAX: usize = 512;
/// How long what is settled can still be listed: a month of business. It is sent again by hand from the views, which keep
/// it for good.
pub(super) const KEPT_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// Rows that are forgotten in one transaction: some milliseconds of work.
const FORGOTTEN_MAX: u64 = 1_000;
/// How often is looked what can be forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

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
    /// A message that is to be sent again. One that waits is sent anyway.
    AddAgain {
        message: Message,
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
pub(super) async fn run(mut session: Session, mut last: u64, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            // What somebody waits for comes first.
            biased;
            received = jobs.recv_many(&mut batch, BATCH_MAX) => if received == 0 {
                break;
            },
            _ = forget.tick() => {
                match forget_settled(&mut session, now_ms() - KEPT_MS).await {
                    // There may be more.
                    Ok(FORGOTTEN_MAX) => forget.reset_immediately(),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(%error, "old deliveries could not be forgotten");
                        session.forget();
                    }
                }
                continue;
            }
        }
        match write(&mut session, &mut last, std::mem::take(&mut batch)).await {
            Ok(answers) => answers.into_iter().for_each(Answer::tell),
            // Whoever waits hears nothing, and tries again or delivers again.
            Err(error) => {
                tracing::error!(%error, "deliveries could not be recorded");
                session.forget();
            }
        }
    }
    if let Err(error) = session.close().await {
        tracing::warn!(%error, "the outbox of webhooks was not closed in good order");
    }
}

async fn write(
    session: &mut Session,
    last: &mut u64,
    jobs: Vec<Job>,
) -> Result<Vec<Answer>, sqlx::Error> {
    let mut transaction = session.begin().await?;
    let mut connection = transaction.connection();
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(match job {
            Job::Add {
                messages,
                place,
                oldest_ms,
                written,
            } => {
                let added = add(&mut connection, last, messages, oldest_ms).await?;
                if let Some(place) = place {
                    set_fed(&mut connection, place).await?;
                }
                Answer::Added(written, added)
            }
            Job::AddAgain { message, written } => {
                let added = if waits(&mut connection, &message).await? {
                    Vec::new()
                } else {
                    add(&mut connection, last, vec![message], i64::MIN).await?
                };
                Answer::Added(written, added)
            }
            Job::Attempted { attempt, written } => {
                record(&mut connection, &attempt).await?;
                Answer::Attempted(written)
            }
            Job::GiveUp { endpoint, written } => {
                let count = give_up(&mut connection, endpoint).await?;
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
    connection: &mut Connection<'_>,
    last: &mut u64,
    messages: Vec<Message>,
    oldest_ms: i64,
) -> Result<Vec<(u64, Message)>, sqlx::Error> {
    let mut added = Vec::with_capacity(messages.len());
    for message in messages {
        let created_at_ms = created_at_ms(&message);
        let fresh = created_at_ms >= oldest_ms;
        // A number is not used again, also when its transaction is undone.
        *last += 1;
        let query = Query::new(
            "insert into outbox (seq, endpoint, message, order_id, topic, created_at_ms, state, attempts, due_at_ms)
             values ($1, $2, $3, $4, $5, $6, $7, 0, 0)",
        )
        .bind(*last)
        .bind(Value::id(message.endpoint.0))
        .bind(Value::id(message.id.0))
        .bind(Value::id(message.order.0))
        .bind(message.topic.as_str())
        .bind(created_at_ms)
        .bind(if fresh { "waiting" } else { "given_up" });
        connection.run(query).await?;
        if fresh {
            added.push((*last, message));
        }
    }
    Ok(added)
}

pub(super) fn created_at_ms(message: &Message) -> i64 {
    i64::try_from(message.at.as_millis()).unwrap_or(i64::MAX)
}

async fn set_fed(connection: &mut Connection<'_>, place: Place) -> Result<(), sqlx::Error> {
    let query = Query::new("update fed set seq = $1, position = $2")
        .bind(place.row)
        .bind(place.position);
    connection.run(query).await?;
    Ok(())
}

async fn record(connection: &mut Connection<'_>, attempt: &Attempt) -> Result<(), sqlx::Error> {
    let (state, due_at_ms) = match attempt.next {
        Next::Delivered => ("delivered", 0),
        Next::Retry { at_ms } => ("waiting", at_ms),
        Next::GivenUp => ("given_up", 0),
    };
    let (status, error) = match &attempt.result {
        Ok(status) => (Some(i64::from(*status)), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let query = Query::new(
        "update outbox set state = $1, attempts = $2, due_at_ms = $3, last_at_ms = $4, last_took_ms = $5,
            last_status = $6, last_error = $7 where seq = $8",
    )
    .bind(state)
    .bind(attempt.number)
    .bind(due_at_ms)
    .bind(attempt.at_ms)
    .bind(i64::try_from(attempt.took_ms).unwrap_or(i64::MAX))
    .bind(status)
    .bind(error)
    .bind(attempt.delivery.seq);
    connection.run(query).await?;
    Ok(())
}

async fn waits(connection: &mut Connection<'_>, message: &Message) -> Result<bool, sqlx::Error> {
    let query = Query::new(
        "select seq from outbox where endpoint = $1 and state = 'waiting' and message = $2 limit 1",
    )
    .bind(Value::id(message.endpoint.0))
    .bind(Value::id(message.id.0));
    Ok(connection.first(query).await?.is_some())
}

/// Forgets some of what is settled and was created before this moment. Returns how many.
async fn forget_settled(session: &mut Session, before_ms: i64) -> Result<u64, sqlx::Error> {
    let mut transaction = session.begin().await?;
    let query = Query::new(
        "delete from outbox where seq in
            (select seq from outbox where created_at_ms < $1 and state <> 'waiting' limit $2)",
    )
    .bind(before_ms)
    .bind(FORGOTTEN_MAX);
    let forgotten = transaction.connection().run(query).await?;
    transaction.commit().await?;
    Ok(forgotten)
}

async fn give_up(
    connection: &mut Connection<'_>,
    endpoint: EndpointId,
) -> Result<u64, sqlx::Error> {
    let query = Query::new(
        "update outbox set state = 'given_up', last_error = 'the endpoint was removed'
         where endpoint = $1 and state = 'waiting'",
    )
    .bind(Value::id(endpoint.0));
    connection.run(query).await
}
