//! Parts of orders that were passed on, as the views hold them: for those who received them.

use fx::Currency;
use ledger::shell::sql::{Query, Row};
use ledger::shell::{Column, Growth, Reading, Rows, Table, Value};

use super::decode;
use super::movement::Movement;
use super::page::{Cursor, List, Slice};
use crate::pay::{
    MerchantId, Order, OrderId, Payments, ProfitShare, Receiver, ReceiverNo, ShareId,
};

pub(super) static PROFIT_SHARES: Table = Table {
    name: "profit_shares",
    columns: &[
        Column::blob("id"),
        Column::blob("order_id"),
        Column::integer("merchant_no"),
        // Whose it is: a wallet or a merchant.
        Column::blob("receiver_id"),
        Column::integer("amount"),
        Column::integer("returned"),
        Column::text("currency"),
        Column::integer("decimals"),
        Column::integer("at"),
        // All of it, in the journal's own encoding.
        Column::blob("share"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["receiver_id, id"],
};

/// A share with what it is of.
#[derive(Clone, Debug)]
pub struct Received {
    pub share: ProfitShare,
    pub order: OrderId,
    pub merchant: MerchantId,
    pub currency: Currency,
}

const fn receiver_id(receiver: Receiver) -> u128 {
    match receiver {
        Receiver::Merchant(id) => id.0,
        Receiver::Wallet(id) => id.0,
    }
}

fn put(order: &Order, share: &ProfitShare, rows: &mut Rows) {
    rows.put(
        &PROFIT_SHARES,
        [
            Value::id(share.id.0),
            Value::id(order.id.0),
            order.merchant_no.0.into(),
            Value::id(receiver_id(share.receiver)),
            share.amount.into(),
            share.returned.into(),
            order.amount.currency.code().into(),
            u32::from(order.amount.currency.exponent()).into(),
            share.at.0.into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(share).unwrap_or_default().into(),
        ],
    );
}

fn movement(order: &Order, share: &ProfitShare) -> Movement {
    let (wallet, other_merchant) = match share.role {
        ReceiverNo::Wallet(no) => (Some(no), None),
        ReceiverNo::Merchant(no) => (None, Some(no)),
    };
    Movement {
        wallet,
        merchant: Some(order.merchant_no),
        order: Some(order.id),
        other_merchant,
        share: Some(share.id),
        ..Movement::default()
    }
}

/// New shares, each with the transaction just posted for it.
pub(super) fn shared(payments: &Payments, order: &Order, shares: &[ShareId], rows: &mut Rows) {
    let newest = payments.ledger().transactions();
    let first = newest + 1 - u64::try_from(shares.len()).unwrap_or_default();
    let shares = order.shares.iter().filter(|one| shares.contains(&one.id));
    for (share, transaction) in shares.zip(first..) {
        put(order, share, rows);
        movement(order, share).put(transaction, rows);
    }
}

/// A share of which some came back, by the transaction just posted.
pub(super) fn returned(payments: &Payments, order: &Order, share: ShareId, rows: &mut Rows) {
    for share in order.shares.iter().filter(|one| one.id == share) {
        put(order, share, rows);
        movement(order, share).put(payments.ledger().transactions(), rows);
    }
}

/// What somebody received, the newest first.
pub async fn list(
    reading: &mut Reading,
    receiver: Receiver,
    slice: Slice,
) -> Result<(Vec<Received>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new(
        "select s.*, m.id as merchant from profit_shares s
        join merchants m on m.merchant_no = s.merchant_no where s.receiver_id = ",
    );
    query.push_bind(Value::id(receiver_id(receiver)));
    if let Some(after) = slice.after {
        query
            .push(" and s.id < ")
            .push_bind(Value::id(after.second));
    }
    query
        .push(" order by s.id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let found: Result<Vec<Received>, _> = rows.iter().map(received).collect();
    Ok(slice.cut(found?, |last| Cursor {
        list: List::ProfitShares,
        first: 0,
        second: last.share.id.0,
    }))
}

fn received(row: &Row) -> Result<Received, sqlx::Error> {
    let share: Option<ProfitShare> = decode::encoded(row, "share")?;
    Ok(Received {
        share: share.ok_or_else(|| decode::wrong("share"))?,
        order: OrderId(decode::id(row, "order_id")?),
        merchant: MerchantId(decode::id(row, "merchant")?),
        currency: decode::currency(row)?,
    })
}
