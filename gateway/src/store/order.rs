//! Orders and their refunds, as the views hold them.

use fx::Currency;
use ledger::shell::Reading;
use ledger::{Sequence, Timestamp, TransactionId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, ValueRef};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{
    Assessment, Lookup, MerchantId, MerchantNo, Order, OrderId, OrderState, Payment, Refund,
    RefundId, Row, WalletId, WalletNo,
};

/// An order with the ids of its parties, which the table names by number.
const SELECT: &str = "select o.*, m.id as merchant, w.id as wallet
    from orders o
    join merchants m on m.merchant_no = o.merchant_no
    left join wallets w on w.wallet_no = o.wallet_no";

/// What a list of orders is narrowed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub merchant: Option<MerchantId>,
    pub state: Option<OrderState>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
}

/// Orders, the newest first: a merchant's by the time of creation, for which there is an index, those of all merchants
/// by their ids, which were made a moment before.
pub async fn list(
    reading: &mut Reading,
    filter: &Filter,
    slice: Slice,
) -> Result<(Vec<Order>, Option<Cursor>), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push(" where o.created_at >= ");
    query.push_bind(sql_time(filter.from.unwrap_or(Timestamp::ZERO)));
    if let Some(until) = filter.until {
        query
            .push(" and o.created_at < ")
            .push_bind(sql_time(until));
    }
    if let Some(state) = filter.state {
        query.push(" and o.state = ").push_bind(state.name());
    }
    let order_by = if let Some(merchant) = filter.merchant {
        query.push(" and o.merchant_no = (select merchant_no from merchants where id = ");
        query.push_bind(merchant.0.to_be_bytes().to_vec()).push(")");
        if let Some(after) = slice.after {
            query.push(" and (o.created_at, o.id) < (");
            query.push_bind(sql_time(Timestamp(after.first))).push(", ");
            query
                .push_bind(after.second.to_be_bytes().to_vec())
                .push(")");
        }
        " order by o.created_at desc, o.id desc limit "
    } else {
        if let Some(after) = slice.after {
            query
                .push(" and o.id < ")
                .push_bind(after.second.to_be_bytes().to_vec());
        }
        " order by o.id desc limit "
    };
    query.push(order_by).push_bind(slice.limit());
    let rows = query.build().fetch_all(reading.connection()).await?;
    let orders: Result<Vec<Order>, _> = rows.iter().map(order).collect();
    Ok(slice.cut(orders?, |last| Cursor {
        list: List::Orders,
        first: last.created_at.0,
        second: last.id.0,
    }))
}

/// The refunds of an order, the first first. There are never more than a page of them.
pub async fn refunds(reading: &mut Reading, order: &Order) -> Result<Vec<Refund>, sqlx::Error> {
    let rows = sqlx::query("select * from refunds where order_id = ? order by refund_no")
        .bind(order.id.0.to_be_bytes().to_vec())
        .fetch_all(reading.connection())
        .await?;
    rows.iter()
        .map(|row| refund(row, order.amount.currency))
        .collect()
}

/// An order that has left memory, with the row of the journal in which it last changed.
pub(super) async fn find_cold(
    connection: &mut SqliteConnection,
    lookup: &Lookup,
) -> Result<Option<Row>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    match lookup {
        Lookup::Id(id) => {
            query
                .push(" where o.id = ")
                .push_bind(id.0.to_be_bytes().to_vec());
        }
        Lookup::Number(merchant, number) => {
            query.push(" where o.merchant_no = (select merchant_no from merchants where id = ");
            query.push_bind(merchant.0.to_be_bytes().to_vec());
            query
                .push(") and o.number = ")
                .push_bind(number.as_str().to_owned());
        }
    }
    let row = query.build().fetch_optional(connection).await?;
    row.map(|row| {
        Ok(Row {
            order: order(&row)?,
            changed: Sequence(decode::number(&row, "seq")?),
        })
    })
    .transpose()
}

/// Times are stored as SQL's signed integers, which hold them until the year 2262.
pub(super) fn sql_time(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn order(row: &SqliteRow) -> Result<Order, sqlx::Error> {
    let currency = decode::currency(row)?;
    Ok(Order {
        id: OrderId(decode::id(row, "id")?),
        merchant: MerchantId(decode::id(row, "merchant")?),
        merchant_no: MerchantNo(decode::number(row, "merchant_no")?),
        number: decode::order_number(row)?,
        amount: decode::money(row, "amount", currency)?,
        description: decode::text(row, "description")?,
        state: decode::state(row)?,
        created_at: decode::time(row, "created_at")?,
        expires_at: decode::time(row, "expires_at")?,
        payment: payment(row, currency)?,
        refunded: decode::number(row, "refunded")?,
        fee_returned: decode::number(row, "fee_returned")?,
        refunds: decode::number(row, "refunds")?,
    })
}

fn payment(row: &SqliteRow, currency: Currency) -> Result<Option<Payment>, sqlx::Error> {
    if row.try_get_raw("wallet_no")?.is_null() {
        return Ok(None);
    }
    Ok(Some(Payment {
        wallet: WalletId(decode::id(row, "wallet")?),
        wallet_no: WalletNo(decode::number(row, "wallet_no")?),
        at: decode::time(row, "paid_at")?,
        transaction: TransactionId(decode::id(row, "transaction_id")?),
        fee: decode::money(row, "fee", currency)?,
        assessment: Assessment {
            verdict: decode::verdict(row)?,
            score_ppm: decode::number(row, "risk_score_ppm")?,
            reasons: reasons(row.try_get("risk_reasons")?),
            rules_version: decode::number(row, "rules_version")?,
            model_version: decode::number(row, "model_version")?,
        },
    }))
}

/// Reasons are codes without a comma; none at all are an empty text.
fn reasons(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|reason| !reason.is_empty())
        .map(str::to_owned)
        .collect()
}

fn refund(row: &SqliteRow, currency: Currency) -> Result<Refund, sqlx::Error> {
    Ok(Refund {
        id: RefundId(decode::id(row, "id")?),
        order: OrderId(decode::id(row, "order_id")?),
        number: decode::order_number(row)?,
        amount: decode::money(row, "amount", currency)?,
        fee_returned: decode::money(row, "fee_returned", currency)?,
        reason: decode::text(row, "reason")?,
        at: decode::time(row, "at")?,
        transaction: TransactionId(decode::id(row, "transaction_id")?),
    })
}
