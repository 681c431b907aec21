//! Holds as they stand.

use super::column::{decoded, json, number};
use super::transaction::name_of;
use crate::core::{AccountNo, Book, Hold, Metadata, TransactionId, TransactionNo};
use crate::machine::Sequence;
use crate::shell::sql::{Query, Row};
use crate::shell::table::Value;
use crate::shell::views::Reading;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// What is still held by each posting, and how the hold stands.
    pub hold: Hold,
    /// What each posting held when it was made.
    pub amounts: Vec<i64>,
    pub reference: Option<String>,
    pub metadata: Metadata,
    pub at: Timestamp,
    pub sequence: Sequence,
}

const SELECT: &str = "select h.hold, d.amounts, d.reference, d.metadata, d.at, d.seq
    from holds h join hold_details d on d.book = h.book and d.id = h.id ";

pub async fn find(
    reading: &mut Reading,
    book: Book,
    name: TransactionId,
) -> Result<Option<HoldRow>, sqlx::Error> {
    let row = reading
        .connection()
        .first(
            Query::of_declared(format!("{SELECT} where h.book = $1 and h.id = $2"))
                .bind(i64::from(book.0))
                .bind(Value::id(name.0)),
        )
        .await?;
    row.as_ref().map(hold).transpose()
}

/// The holds of an account in the order of their ids, after one; of one state, if one is named.
pub async fn of_account(
    reading: &mut Reading,
    account: AccountNo,
    state: Option<&str>,
    after: TransactionId,
    limit: u32,
) -> Result<Vec<HoldRow>, sqlx::Error> {
    let rows = reading
        .connection()
        .all(
            Query::of_declared(format!(
                "{SELECT} join hold_accounts a on a.book = h.book and a.id = h.id
        where a.account_no = $1 and a.id > $2 and ($3 = '' or h.state = $3)
        order by a.id limit $4"
            ))
            .bind(i64::from(account.0))
            .bind(Value::id(after.0))
            .bind(state.unwrap_or_default())
            .bind(i64::from(limit)),
        )
        .await?;
    rows.iter().map(hold).collect()
}

/// The transactions that captured a hold, in order.
pub async fn captures(
    reading: &mut Reading,
    book: Book,
    name: TransactionId,
) -> Result<Vec<TransactionId>, sqlx::Error> {
    let numbers: Vec<i64> = reading
        .connection()
        .all_as(
            Query::new(
                "select transaction_no from hold_captures where book = $1 and id = $2
        order by transaction_no",
            )
            .bind(i64::from(book.0))
            .bind(Value::id(name.0)),
        )
        .await?
        .into_iter()
        .map(|(value,)| value)
        .collect();
    let mut names = Vec::with_capacity(numbers.len());
    for no in numbers {
        names.extend(name_of(reading, TransactionNo(no.cast_unsigned())).await?);
    }
    Ok(names)
}

fn hold(row: &Row) -> Result<HoldRow, sqlx::Error> {
    Ok(HoldRow {
        hold: decoded(row, "hold")?,
        amounts: decoded(row, "amounts")?,
        reference: row.get("reference")?,
        metadata: json(&row.get::<String>("metadata")?, "metadata")?,
        at: Timestamp(number(row, "at")?),
        sequence: Sequence(number(row, "seq")?),
    })
}
