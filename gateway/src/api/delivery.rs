//! What became of webhooks, and sending one again.

use std::time::Duration;

use ledger::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::page::{PageAsked, page, slice};
use super::wire::{Page, Time};
use crate::app::{App, views_problem};
use crate::auth::Caller;
use crate::notify::{Entry, State};
use crate::pay::{Command, EndpointId, MandateId, MessageId, OrderId, Outcome};
use crate::problem::{Code, Problem};
use crate::store::notification::{self, Destination};
use crate::store::page::List;

/// How long a reader waits for a message to be taken in. The feeder is milliseconds behind the views.
const FED_WAIT_MAX: Duration = Duration::from_secs(3);

/// A webhook and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(super) struct DeliveryShown {
    id: MessageId,
    /// What it tells of.
    #[schema(example = "order.paid")]
    topic: String,
    /// The order that it happened to, or
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
    /// the mandate.
    #[serde(skip_serializing_if = "Option::is_none")]
    mandate: Option<MandateId>,
    created_at: Time,
    #[schema(inline)]
    state: StateShown,
    /// How many attempts were made.
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<AttemptShown>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateShown {
    Waiting,
    Delivered,
    GivenUp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub(super) struct AttemptShown {
    at: Time,
    took_ms: u64,
    /// The receiver's status, if it was one of success.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Entry> for DeliveryShown {
    fn from(entry: Entry) -> Self {
        let state = match entry.state {
            State::Waiting => StateShown::Waiting,
            State::Delivered => StateShown::Delivered,
            State::GivenUp => StateShown::GivenUp,
        };
        let is_order = entry.topic.starts_with("order.");
        Self {
            id: entry.message,
            order: is_order.then_some(entry.order),
            mandate: (!is_order).then_some(MandateId(entry.order.0)),
            topic: entry.topic,
            created_at: time(entry.created_at_ms),
            state,
            attempts: entry.attempts,
            next_attempt_at: entry.due_at_ms.filter(|due| *due > 0).map(time),
            last_attempt: entry.last.map(|last| AttemptShown {
                at: time(last.at_ms),
                took_ms: last.took_ms,
                status: last.status,
                error: last.error,
            }),
        }
    }
}

fn time(at_ms: i64) -> Time {
    Time(Timestamp::from_millis(
        u64::try_from(at_ms).unwrap_or_default(),
    ))
}

pub(super) async fn list(ask: Ask<EndpointId, PageAsked>) -> Replied<Page<DeliveryShown>> {
    let asked = &ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Deliveries)?;
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let sequence = reading.watermark();
    let destination = notification::destination(&mut reading, ask.id)
        .await
        .map_err(|error| views_problem(&error))?;
    drop(reading);
    let caller = ask.caller()?;
    if !is_standing(&ask.app, &caller, ask.id).await? {
        must_own(&caller, destination)?;
    }
    if asked.at_least.is_some() && !ask.app.notifier.fed_at_least(sequence, FED_WAIT_MAX).await {
        let detail = "The webhooks have not yet reached the place in at_least.";
        return Err(Problem::new(Code::NotReady, detail));
    }
    let (entries, next) = ask
        .app
        .notifier
        .list(ask.id, slice)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let shown = entries.into_iter().map(DeliveryShown::from);
    Ok(page(shown.collect(), next, sequence))
}

/// Whether it is one of the merchant's endpoints at this moment, even if the views do not know it yet.
async fn is_standing(app: &App, caller: &Caller, id: EndpointId) -> Result<bool, Problem> {
    let Ok(merchant) = caller.merchant() else {
        return Ok(false);
    };
    let done = app.ask(Command::Endpoints(merchant)).await?;
    match &done.outcome {
        Outcome::Endpoints(endpoints) => Ok(endpoints.iter().any(|endpoint| endpoint.id == id)),
        _ => done.unexpected(),
    }
}

/// A webhook that will be sent once more.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    id: MessageId,
    endpoint: EndpointId,
}

pub(super) async fn replay(ask: Ask<MessageId>) -> Replied<Replayed> {
    let mut reading = ask.app.read_views(None).await?;
    let message = notification::find(&mut reading, ask.id)
        .await
        .map_err(|error| views_problem(&error))?;
    let message = message.ok_or_else(unknown)?;
    let destination = notification::destination(&mut reading, message.endpoint)
        .await
        .map_err(|error| views_problem(&error))?;
    drop(reading);
    let destination = must_own(&ask.caller()?, destination).map_err(|_| unknown())?;
    if destination.removed {
        let detail = "The webhook's endpoint has been removed.";
        return Err(Problem::new(Code::EndpointNotFound, detail));
    }
    let replayed = Replayed {
        id: message.id,
        endpoint: message.endpoint,
    };
    ask.app.notifier.replay(message).await;
    Ok(Reply::new(Json(replayed)))
}

fn unknown() -> Problem {
    Problem::new(
        Code::DeliveryNotFound,
        "There is no such webhook, or it is not yours.",
    )
}

/// To others an endpoint is as if it were not there.
fn must_own(caller: &Caller, destination: Option<Destination>) -> Result<Destination, Problem> {
    destination
        .filter(|destination| caller.may_act_for(destination.merchant))
        .ok_or_else(|| {
            let detail = "There is no such webhook endpoint, or it is not yours.";
            Problem::new(Code::EndpointNotFound, detail)
        })
}
