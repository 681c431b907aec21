//! Messages to webhook endpoints, as the views hold them.

use ledger::Timestamp;
use ledger::shell::Reading;
use ledger::shell::Value;
use ledger::shell::sql::{Query, Row};

use super::decode;
use crate::pay::{EndpointId, MerchantId, MessageId, OrderId, SealedSecret};

/// A message's place in the order of all messages: a row of the journal, and a position in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub row: i64,
    pub position: i64,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub place: Place,
    pub id: MessageId,
    pub endpoint: EndpointId,
    pub order: OrderId,
    pub topic: String,
    pub at: Timestamp,
    /// The exact bytes that are sent.
    pub body: String,
}

/// Where messages go.
#[derive(Clone, Debug)]
pub struct Destination {
    pub merchant: MerchantId,
    pub url: String,
    pub secret: SealedSecret,
    pub removed: bool,
}

const SELECT: &str =
    "select seq, position, id, endpoint, order_id, topic, at, body from notifications where ";

/// The messages behind a place, in order, at most so many.
pub async fn after(
    reading: &mut Reading,
    place: Place,
    limit: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let mut query = Query::new(SELECT);
    query.push("(seq, position) > (").push_bind(place.row);
    query.push(", ").push_bind(place.position);
    query
        .push(") order by seq, position limit ")
        .push_bind(limit);
    messages(reading, query).await
}

pub async fn find(reading: &mut Reading, id: MessageId) -> Result<Option<Message>, sqlx::Error> {
    let mut query = Query::new(SELECT);
    query.push("id = ").push_bind(Value::id(id.0));
    Ok(messages(reading, query).await?.pop())
}

async fn messages(reading: &mut Reading, query: Query) -> Result<Vec<Message>, sqlx::Error> {
    let rows = reading.connection().all(query).await?;
    rows.iter().map(message).collect()
}

fn message(row: &Row) -> Result<Message, sqlx::Error> {
    let place = Place {
        row: decode::number(row, "seq")?,
        position: decode::number(row, "position")?,
    };
    Ok(Message {
        place,
        id: MessageId(decode::id(row, "id")?),
        endpoint: EndpointId(decode::id(row, "endpoint")?),
        order: OrderId(decode::id(row, "order_id")?),
        topic: decode::text(row, "topic")?,
        at: decode::time(row, "at")?,
        body: decode::text(row, "body")?,
    })
}

/// An endpoint, also one that has been removed.
pub async fn destination(
    reading: &mut Reading,
    endpoint: EndpointId,
) -> Result<Option<Destination>, sqlx::Error> {
    let query = Query::new(
        "select e.merchant, e.url, e.sealed_secret, r.id is not null as removed
        from endpoints e left join endpoint_removals r on r.id = e.id where e.id = $1",
    )
    .bind(Value::id(endpoint.0));
    let row = reading.connection().first(query).await?;
    row.map(|row| {
        Ok(Destination {
            merchant: MerchantId(decode::id(&row, "merchant")?),
            url: decode::text(&row, "url")?,
            secret: SealedSecret(row.get("sealed_secret")?),
            removed: row.get("removed")?,
        })
    })
    .transpose()
}
