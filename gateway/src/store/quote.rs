//! Quotes, as the views hold them.

use ledger::shell::sql::{Connection, Query, Row};
use ledger::shell::{Column, Growth, Rows, Table, Value};

use super::decode;
use super::view::put_own_movement;
use crate::pay::{Payments, Quote, QuoteId, QuoteState};

pub(super) static QUOTES: Table = Table {
    name: "quotes",
    columns: &[
        Column::blob("id"),
        Column::integer("wallet_no"),
        Column::integer("sell_amount"),
        Column::text("sell_currency"),
        Column::integer("buy_amount"),
        Column::text("buy_currency"),
        Column::integer("spread_bps"),
        Column::text("state"),
        Column::integer("created_at"),
        Column::integer("expires_at"),
        Column::integer("used_at").or_null(),
        // All of it, in the journal's own encoding.
        Column::blob("quote"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["wallet_no, id"],
};

/// A quote as it now is, and whose the transaction was that used it.
pub(super) fn fold(quote: &Quote, payments: &Payments, rows: &mut Rows) {
    let (sell, buy) = (quote.terms.sell, quote.terms.buy);
    rows.put(
        &QUOTES,
        [
            Value::id(quote.id.0),
            quote.wallet_no.0.into(),
            sell.amount.into(),
            sell.currency.code().into(),
            buy.amount.into(),
            buy.currency.code().into(),
            quote.terms.spread_bps.into(),
            quote.state.name().into(),
            quote.created_at.0.into(),
            quote.expires_at.0.into(),
            quote.used_at.map(|at| at.0).into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(quote).unwrap_or_default().into(),
        ],
    );
    if quote.state == QuoteState::Used {
        let transaction = payments.ledger().transactions();
        put_own_movement(transaction, quote.wallet_no, rows);
    }
}

/// A quote that has left memory.
pub(super) async fn find(
    connection: &mut Connection<'_>,
    id: QuoteId,
) -> Result<Option<Quote>, sqlx::Error> {
    let query = Query::new("select quote from quotes where id = $1").bind(Value::id(id.0));
    let row = connection.first(query).await?;
    row.as_ref().map(quote).transpose()
}

fn quote(row: &Row) -> Result<Quote, sqlx::Error> {
    let bytes: Vec<u8> = row.get("quote")?;
    postcard::from_bytes(&bytes).map_err(|_| decode::wrong("quote"))
}
