//! Orders that are paid together, as the views hold them.

use ledger::shell::sql::{Connection, Query, Row};
use ledger::shell::{Column, Growth, Reading, Rows, Table, Value};

use super::decode;
use super::movement::Movement;
use super::page::{Cursor, List, Slice};
use crate::pay::{Combined, CombinedId, CombinedState, Payments, WalletNo};

pub(super) static COMBINED_ORDERS: Table = Table {
    name: "combined_orders",
    columns: &[
        Column::blob("id"),
        Column::integer("wallet_no"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::integer("orders"),
        Column::text("state"),
        Column::integer("created_at"),
        Column::integer("ended_at").or_null(),
        // All of it, in the journal's own encoding.
        Column::blob("combined"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["wallet_no, id"],
};

/// A combination as it now stands, and what each of the transactions just posted was for, if it is paid.
pub(super) fn fold(combined: &Combined, payments: &Payments, rows: &mut Rows) {
    let orders = u64::try_from(combined.parts.len()).unwrap_or(u64::MAX);
    rows.put(
        &COMBINED_ORDERS,
        [
            Value::id(combined.id.0),
            combined.wallet_no.0.into(),
            combined.amount.amount.into(),
            combined.amount.currency.code().into(),
            orders.into(),
            combined.state.name().into(),
            combined.created_at.0.into(),
            combined.ended_at.map(|at| at.0).into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(combined).unwrap_or_default().into(),
        ],
    );
    if combined.state != CombinedState::Paid {
        return;
    }
    let newest = payments.ledger().transactions();
    for (part, transaction) in combined.parts.iter().zip(newest + 1 - orders..) {
        let movement = Movement {
            wallet: Some(combined.wallet_no),
            merchant: Some(part.merchant_no),
            order: Some(part.order),
            ..Movement::default()
        };
        movement.put(transaction, rows);
    }
}

/// A wallet's, the newest first.
pub async fn list(
    reading: &mut Reading,
    wallet: WalletNo,
    slice: Slice,
) -> Result<(Vec<Combined>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new("select combined from combined_orders where wallet_no = ");
    query.push_bind(wallet.0);
    if let Some(after) = slice.after {
        query.push(" and id < ").push_bind(Value::id(after.second));
    }
    query
        .push(" order by id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let found: Result<Vec<Combined>, _> = rows.iter().map(combined).collect();
    Ok(slice.cut(found?, |last| Cursor {
        list: List::Combined,
        first: 0,
        second: last.id.0,
    }))
}

/// One that has left memory.
pub(super) async fn find(
    connection: &mut Connection<'_>,
    id: CombinedId,
) -> Result<Option<Combined>, sqlx::Error> {
    let query = Query::new("select combined from combined_orders where id = $1");
    let row = connection.first(query.bind(Value::id(id.0))).await?;
    row.as_ref().map(combined).transpose()
}

fn combined(row: &Row) -> Result<Combined, sqlx::Error> {
    decode::encoded(row, "combined")?.ok_or_else(|| decode::wrong("combined"))
}
