//! Orders and their refunds, as the views hold them.

use fx::Currency;
use ledger::shell::Reading;
use ledger::shell::Value;
use ledger::shell::sql::{self, Connection, Query};
use ledger::{Sequence, Timestamp, TransactionId};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{
    Assessment, CombinedId, Direct, Lookup, MerchantId, MerchantNo, Order, OrderId, OrderState,
    Payment, Refund, RefundId, Row, WalletId, WalletNo,
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
    let mut query = Query::new(SELECT);
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
        query.push_bind(Value::id(merchant.0)).push(")");
        if let Some(after) = slice.after {
            query.push(" and (o.created_at, o.id) < (");
            query.push_bind(sql_time(Timestamp(after.first))).push(", ");
            query.push_bind(Value::id(after.second)).push(")");
        }
        " order by o.created_at desc, o.id desc limit "
    } else {
        if let Some(after) = slice.after {
            query
                .push(" and o.id < ")
                .push_bind(Value::id(after.second));
        }
        " order by o.id desc limit "
    };
    query.push(order_by).push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let orders: Result<Vec<Order>, _> = rows.iter().map(order).collect();
    Ok(slice.cut(orders?, |last| Cursor {
        list: List::Orders,
        first: last.created_at.0,
        second: last.id.0,
    }))
}

/// The refunds of an order, the first first. There are never more than a page of them.
pub async fn refunds(reading: &mut Reading, order: &Order) -> Result<Vec<Refund>, sqlx::Error> {
    let query = Query::new("select * from refunds where order_id = $1 order by refund_no")
        .bind(Value::id(order.id.0));
    let rows = reading.connection().all(query).await?;
    rows.iter()
        .map(|row| refund(row, order.amount.currency))
        .collect()
}

/// An order that has left memory, with the row of the journal in which it last changed.
pub(super) async fn find_cold(
    connection: &mut Connection<'_>,
    lookup: &Lookup,
) -> Result<Option<Row>, sqlx::Error> {
    let mut query = Query::new(SELECT);
    match lookup {
        Lookup::Id(id) => {
            query.push(" where o.id = ").push_bind(Value::id(id.0));
        }
        Lookup::Number(merchant, number) => {
            query.push(" where o.merchant_no = (select merchant_no from merchants where id = ");
            query.push_bind(Value::id(merchant.0));
            query.push(") and o.number = ").push_bind(number.as_str());
        }
    }
    let row = connection.first(query).await?;
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

fn order(row: &sql::Row) -> Result<Order, sqlx::Error> {
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
        direct: direct(row)?,
        shares: decode::encoded(row, "shares")?.unwrap_or_default(),
    })
}

fn direct(row: &sql::Row) -> Result<Option<Box<Direct>>, sqlx::Error> {
    Ok(decode::encoded(row, "direct")?.map(Box::new))
}

fn payment(row: &sql::Row, currency: Currency) -> Result<Option<Payment>, sqlx::Error> {
    let Some(wallet_no) = row.get("wallet_no")? else {
        return Ok(None);
    };
    Ok(Some(Payment {
        wallet: WalletId(decode::id(row, "wallet")?),
        wallet_no: WalletNo(wallet_no),
        at: decode::time(row, "paid_at")?,
        transaction: TransactionId(decode::id(row, "transaction_id")?),
        fee: decode::money(row, "fee", currency)?,
        terms: decode::encoded(row, "fee_terms")?.ok_or_else(|| decode::wrong("fee_terms"))?,
        assessment: Assessment {
            verdict: decode::verdict(row)?,
            score_ppm: decode::number(row, "risk_score_ppm")?,
            reasons: reasons(&decode::text(row, "risk_reasons")?),
            rules_version: decode::number(row, "rules_version")?,
            model_version: decode::number(row, "model_version")?,
        },
        breakdown: decode::encoded(row, "breakdown")?.map(Box::new),
        combined: decode::id_or_none(row, "combined_id")?.map(CombinedId),
    }))
}

/// Reasons are codes without a comma; none at all are an empty text.
fn reasons(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|reason| !reason.is_empty())
        .map(str::to_owned)
        .collect()
}

fn refund(row: &sql::Row, currency: Currency) -> Result<Refund, sqlx::Error> {
    Ok(Refund {
        id: RefundId(decode::id(row, "id")?),
        order: OrderId(decode::id(row, "order_id")?),
        number: decode::order_number(row)?,
        amount: decode::money(row, "amount", currency)?,
        fee_returned: decode::money(row, "fee_returned", currency)?,
        reason: decode::text(row, "reason")?,
        at: decode::time(row, "at")?,
        transaction: TransactionId(decode::id(row, "transaction_id")?),
        parts: decode::encoded(row, "parts")?.map(Box::new),
    })
}
