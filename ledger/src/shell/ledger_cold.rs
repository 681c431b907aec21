//! What a ledger asks of its views: holds that are over, and transactions that are to be reversed.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `holds` | hold, as it stands | book, the caller's id |
//! | `reversals` | transaction of which something has been reversed | number |
//!
//! The columns `hold` and `reversed` are in the journal's encoding: they are for the ledger itself.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::core::{Book, Hold, HoldState, Key, Row, TransactionId, TransactionNo, TransactionRow};
use crate::shell::packed;
use crate::shell::sql::{Connection, Query};
use crate::shell::table::{Column, Growth, Rows, Table, Value};

pub(super) static HOLDS: Table = Table {
    name: "holds",
    columns: &[
        Column::integer("book"),
        Column::blob("id"),
        Column::text("state"),
        Column::integer("due").or_null(),
        Column::blob("hold"),
    ],
    key: 2,
    growth: Growth::Replace,
    indexes: &[],
};

pub(super) static REVERSALS: Table = Table {
    name: "reversals",
    columns: &[Column::integer("transaction_no"), Column::blob("reversed")],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

/// The journal's encoding of a value, as a column holds it.
pub(super) fn encoded(value: &impl Serialize) -> Value {
    let bytes = postcard::to_stdvec(value).expect("a value in memory can be encoded");
    Value::Blob(bytes.into())
}

pub(super) fn put_hold(hold: &Hold, rows: &mut Rows) {
    rows.put(
        &HOLDS,
        [
            hold.book.0.into(),
            Value::id(hold.id.0),
            state_name(hold.state).into(),
            hold.due.map(|due| due.0).into(),
            encoded(hold),
        ],
    );
}

pub(super) fn put_reversed(no: TransactionNo, reversed: &[i64], rows: &mut Rows) {
    rows.put(&REVERSALS, [no.0.into(), encoded(&reversed)]);
}

const fn state_name(state: HoldState) -> &'static str {
    match state {
        HoldState::Open => "open",
        HoldState::Captured => "captured",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
    }
}

pub(super) async fn read(
    connection: &mut Connection<'_>,
    keys: &[Key],
) -> Result<BTreeMap<Key, Option<Row>>, sqlx::Error> {
    let mut rows = BTreeMap::new();
    for key in keys {
        let row = match key {
            Key::Hold(book, id) => read_hold(connection, *book, *id).await?.map(Row::Hold),
            Key::Transaction(no) => read_transaction(connection, *no)
                .await?
                .map(Row::Transaction),
        };
        rows.insert(*key, row);
    }
    Ok(rows)
}

async fn read_hold(
    connection: &mut Connection<'_>,
    book: Book,
    id: TransactionId,
) -> Result<Option<Hold>, sqlx::Error> {
    let query = Query::new("select hold from holds where book = $1 and id = $2")
        .bind(book.0)
        .bind(Value::id(id.0));
    let hold: Option<(Vec<u8>,)> = connection.first_as(query).await?;
    hold.map(|(hold,)| decoded("hold", &hold)).transpose()
}

async fn read_transaction(
    connection: &mut Connection<'_>,
    no: TransactionNo,
) -> Result<Option<TransactionRow>, sqlx::Error> {
    let Some(stored) = packed::transaction(connection, no).await? else {
        return Ok(None);
    };
    let query = Query::new("select reversed from reversals where transaction_no = $1").bind(no.0);
    let reversed: Option<(Vec<u8>,)> = connection.first_as(query).await?;
    let reversed = reversed.map(|(reversed,)| decoded("reversed", &reversed));
    Ok(Some(TransactionRow {
        book: stored.book,
        postings: stored.postings,
        reversed: reversed.transpose()?.unwrap_or_default(),
    }))
}

fn decoded<T: DeserializeOwned>(column: &str, bytes: &[u8]) -> Result<T, sqlx::Error> {
    postcard::from_bytes(bytes)
        .map_err(|_| sqlx::Error::Decode(format!("the column {column} is not readable").into()))
}
