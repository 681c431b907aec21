//! Mandates, as the views hold them.

use ledger::shell::sql::{Connection, Query, Row};
use ledger::shell::{Column, Growth, Reading, Rows, Table, Value};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{Event, Mandate, MandateId, MandateState, Order, Party, Payments, Scan, Topic};

pub(super) static MANDATES: Table = Table {
    name: "mandates",
    columns: &[
        Column::blob("id"),
        Column::blob("merchant_id"),
        Column::blob("wallet_id").or_null(),
        Column::text("number"),
        Column::text("currency"),
        Column::text("state"),
        Column::integer("debits"),
        Column::integer("created_at"),
        Column::integer("expires_at"),
        Column::integer("ended_at").or_null(),
        // All of it, in the journal's own encoding.
        Column::blob("mandate"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["merchant_id, id", "wallet_id, id"],
};

/// What is heard of a mandate that has just changed.
pub(super) fn topic(mandate: &Mandate) -> Option<Topic> {
    match mandate.state {
        MandateState::Proposed => None,
        MandateState::Active => Some(Topic::MandateAccepted),
        MandateState::Revoked => Some(Topic::MandateRevoked),
        MandateState::Expired => Some(Topic::MandateExpired),
    }
}

/// A mandate as it is after an event: its own, or one of an order by it.
pub(super) fn follow(event: &Event, payments: &Payments, rows: &mut Rows) {
    let by = |order: &Order| match order.direct.as_ref().map(|direct| direct.scan) {
        Some(Scan::Mandate(id)) => payments.mandate_in_memory(id),
        _ => None,
    };
    let mandate = match event {
        Event::MandateChanged(mandate) => payments.mandate_in_memory(mandate.id),
        Event::OrderPaid(order)
        | Event::OrderHeld(order)
        | Event::OrderAwaitsPayer(order)
        | Event::OrderClosed(order)
        | Event::OrderExpired(order) => by(order),
        _ => None,
    };
    if let Some(mandate) = mandate {
        put(mandate, rows);
    }
}

fn put(mandate: &Mandate, rows: &mut Rows) {
    let payer = mandate.payer.map(|(wallet, _)| wallet);
    rows.put(
        &MANDATES,
        [
            Value::id(mandate.id.0),
            Value::id(mandate.merchant.0),
            payer.map_or(Value::Null, |id| Value::id(id.0)),
            mandate.number.as_str().into(),
            mandate.bounds.currency.code().into(),
            mandate.state.name().into(),
            mandate.debited.debits.into(),
            mandate.created_at.0.into(),
            mandate.expires_at.0.into(),
            mandate.ended_at.map(|at| at.0).into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(mandate).unwrap_or_default().into(),
        ],
    );
}

/// A merchant's or a payer's, the newest first.
pub async fn list(
    reading: &mut Reading,
    whose: Party,
    slice: Slice,
) -> Result<(Vec<Mandate>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new("select mandate from mandates where ");
    match whose {
        Party::Merchant(id) => query.push("merchant_id = ").push_bind(Value::id(id.0)),
        Party::Payer(id) => query.push("wallet_id = ").push_bind(Value::id(id.0)),
    };
    if let Some(after) = slice.after {
        query.push(" and id < ").push_bind(Value::id(after.second));
    }
    query
        .push(" order by id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let found: Result<Vec<Mandate>, _> = rows.iter().map(mandate).collect();
    Ok(slice.cut(found?, |last| Cursor {
        list: List::Mandates,
        first: 0,
        second: last.id.0,
    }))
}

/// One that has left memory.
pub(super) async fn find(
    connection: &mut Connection<'_>,
    id: MandateId,
) -> Result<Option<Mandate>, sqlx::Error> {
    let query = Query::new("select mandate from mandates where id = $1");
    let row = connection.first(query.bind(Value::id(id.0))).await?;
    row.as_ref().map(mandate).transpose()
}

fn mandate(row: &Row) -> Result<Mandate, sqlx::Error> {
    decode::encoded(row, "mandate")?.ok_or_else(|| decode::wrong("mandate"))
}
