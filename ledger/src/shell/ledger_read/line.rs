//! The lines of an account: each side of a posting on it, with the balance after it.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::column::{number, sql, wide};
use crate::core::{AccountNo, TransactionNo};
use crate::shell::views::Reading;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub transaction: TransactionNo,
    /// Which posting of the transaction, from 0.
    pub posting: u32,
    /// The account on the posting's other side.
    pub other: AccountNo,
    /// One of the two is the amount, the other is zero.
    pub debit: i64,
    pub credit: i64,
    /// The account's balance on its normal side, after it.
    pub balance: i128,
}

/// The lines of an account after one transaction and up to another, in the order of recording; about so many, but
/// always all of a transaction.
pub async fn lines(
    reading: &mut Reading,
    account: AccountNo,
    after: TransactionNo,
    through: TransactionNo,
    limit: u32,
) -> Result<Vec<Line>, sqlx::Error> {
    let rows = sqlx::query(
        "select transaction_no, posting, other_account_no, debit, credit, balance from postings
        where account_no = $1 and transaction_no > $2 and transaction_no <= $3
        order by transaction_no, posting limit $4",
    )
    .bind(i64::from(account.0))
    .bind(sql(after.0))
    .bind(sql(through.0))
    .bind(i64::from(limit))
    .fetch_all(reading.connection())
    .await?;
    let mut lines: Vec<Line> = rows.iter().map(line).collect::<Result<_, _>>()?;
    if let Some(last) = lines.last().copied()
        && lines.len() == limit as usize
    {
        lines.extend(rest(reading, account, &last).await?);
    }
    Ok(lines)
}

/// The lines of a transaction after one of them.
async fn rest(
    reading: &mut Reading,
    account: AccountNo,
    last: &Line,
) -> Result<Vec<Line>, sqlx::Error> {
    let rows = sqlx::query(
        "select transaction_no, posting, other_account_no, debit, credit, balance from postings
        where account_no = $1 and transaction_no = $2 and posting > $3 order by posting",
    )
    .bind(i64::from(account.0))
    .bind(sql(last.transaction.0))
    .bind(i64::from(last.posting))
    .fetch_all(reading.connection())
    .await?;
    rows.iter().map(line).collect()
}

/// The balance of an account after this transaction, on its normal side.
pub async fn balance_through(
    reading: &mut Reading,
    account: AccountNo,
    through: TransactionNo,
) -> Result<i128, sqlx::Error> {
    let row = sqlx::query(
        "select balance from postings where account_no = $1 and transaction_no <= $2
        order by transaction_no desc, posting desc limit 1",
    )
    .bind(i64::from(account.0))
    .bind(sql(through.0))
    .fetch_optional(reading.connection())
    .await?;
    row.map_or(Ok(0), |row| wide(&row, "balance"))
}

fn line(row: &SqliteRow) -> Result<Line, sqlx::Error> {
    Ok(Line {
        transaction: TransactionNo(number(row, "transaction_no")?),
        posting: number(row, "posting")?,
        other: AccountNo(number(row, "other_account_no")?),
        debit: row.try_get("debit")?,
        credit: row.try_get("credit")?,
        balance: wide(row, "balance")?,
    })
}
