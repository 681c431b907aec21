//! Bills that people share, as the views hold them.

use ledger::shell::sql::{Connection, Query, Row};
use ledger::shell::{Column, Growth, Reading, Rows, Table, Value};

use super::decode;
use super::page::{Cursor, List, Slice};
use super::sending::Side;
use crate::pay::{Bill, BillId, WalletNo};

pub(super) static BILLS: Table = Table {
    name: "bills",
    columns: &[
        Column::blob("id"),
        Column::integer("owner_no"),
        Column::integer("amount"),
        Column::text("currency"),
        Column::text("title"),
        Column::text("state"),
        Column::integer("paid"),
        Column::integer("created_at"),
        Column::integer("expires_at"),
        Column::integer("ended_at").or_null(),
        Column::integer("reminders"),
        // All of it, in the journal's own encoding.
        Column::blob("bill"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &["owner_no, id"],
};

/// Who owes a share: their bills are found by this.
pub(super) static BILL_SHARES: Table = Table {
    name: "bill_shares",
    columns: &[
        Column::integer("wallet_no"),
        Column::blob("bill_id"),
        Column::integer("amount"),
        Column::integer("paid_at").or_null(),
        Column::blob("transfer_id").or_null(),
    ],
    key: 2,
    growth: Growth::Replace,
    indexes: &[],
};

pub(super) fn put(bill: &Bill, rows: &mut Rows) {
    rows.put(
        &BILLS,
        [
            Value::id(bill.id.0),
            bill.owner_no.0.into(),
            bill.amount.amount.into(),
            bill.amount.currency.code().into(),
            bill.title.as_str().into(),
            bill.state.name().into(),
            bill.paid().into(),
            bill.created_at.0.into(),
            bill.expires_at.0.into(),
            bill.ended_at.map(|at| at.0).into(),
            bill.reminders.into(),
            // Numbers and texts always encode.
            postcard::to_stdvec(bill).unwrap_or_default().into(),
        ],
    );
    for share in &bill.shares {
        let transfer = share.paid.and_then(|paid| paid.transfer);
        rows.put(
            &BILL_SHARES,
            [
                share.wallet_no.0.into(),
                Value::id(bill.id.0),
                share.amount.into(),
                share.paid.map(|paid| paid.at.0).into(),
                transfer.map_or(Value::Null, |id| Value::id(id.0)),
            ],
        );
    }
}

/// A wallet's bills, the newest first: those that are owed to it, or those of which it has a share.
pub async fn list(
    reading: &mut Reading,
    wallet: WalletNo,
    side: Side,
    slice: Slice,
) -> Result<(Vec<Bill>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new("select b.bill from bills b");
    match side {
        Side::Sent => {
            query.push(" where b.owner_no = ").push_bind(wallet.0);
        }
        Side::Received => {
            query.push(" join bill_shares s on s.bill_id = b.id where s.wallet_no = ");
            query.push_bind(wallet.0);
        }
    }
    if let Some(after) = slice.after {
        query
            .push(" and b.id < ")
            .push_bind(Value::id(after.second));
    }
    query
        .push(" order by b.id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let bills: Result<Vec<Bill>, _> = rows.iter().map(bill).collect();
    Ok(slice.cut(bills?, |last| Cursor {
        list: List::Bills,
        first: 0,
        second: last.id.0,
    }))
}

/// A bill that has left memory.
pub(super) async fn find(
    connection: &mut Connection<'_>,
    id: BillId,
) -> Result<Option<Bill>, sqlx::Error> {
    let query = Query::new("select b.bill from bills b where b.id = $1").bind(Value::id(id.0));
    let row = connection.first(query).await?;
    row.as_ref().map(bill).transpose()
}

fn bill(row: &Row) -> Result<Bill, sqlx::Error> {
    let bytes: Vec<u8> = row.get("bill")?;
    postcard::from_bytes(&bytes).map_err(|_| decode::wrong("bill"))
}
