//! Balances as of a moment, by the time of recording or by the effective date.
//!
//! Most transactions take effect when they are recorded; those are in order. The others, dated back, stand a second
//! time in a table of their own, so a balance by effective date is one by recording, less what was dated back until
//! then, and with what was dated back to before the moment, whenever it was recorded.

use super::column::sql;
use super::line;
use super::transaction::last_through;
use crate::core::{AccountKind, AccountNo, TransactionNo};
use crate::shell::sql::Query;
use crate::shell::views::Reading;
use crate::time::Timestamp;

/// Which of a transaction's two times is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeKind {
    #[default]
    Recorded,
    Effective,
}

/// A moment to which balances are asked for, everything at it included, found in the order of transactions once for
/// all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    kind: TimeKind,
    at: Timestamp,
    /// The last transaction that was recorded until then.
    through: TransactionNo,
}

impl AsOf {
    pub async fn new(
        reading: &mut Reading,
        kind: TimeKind,
        at: Timestamp,
    ) -> Result<Self, sqlx::Error> {
        let through = last_through(reading, at).await?;
        Ok(Self { kind, at, through })
    }

    /// The balance of an account at the moment, on its normal side.
    pub async fn balance(
        &self,
        reading: &mut Reading,
        account: AccountNo,
        kind: AccountKind,
    ) -> Result<i128, sqlx::Error> {
        match self.kind {
            TimeKind::Recorded => line::balance_through(reading, account, self.through).await,
            TimeKind::Effective => {
                let place = (self.at, TransactionNo(u64::MAX));
                effective(reading, account, kind, self.through, place).await
            }
        }
    }
}

/// The balance by effective date: of what took effect when it was recorded, all up to `recorded`; of what was dated
/// back, all up to a place.
pub(super) async fn effective(
    reading: &mut Reading,
    account: AccountNo,
    kind: AccountKind,
    recorded: TransactionNo,
    place: (Timestamp, TransactionNo),
) -> Result<i128, sqlx::Error> {
    let balance = line::balance_through(reading, account, recorded).await?;
    let out = "account_no = $1 and transaction_no <= $2 and $3 >= 0";
    let out = sum(reading, out, account, recorded.0, 0).await?;
    let within =
        "account_no = $1 and (effective < $2 or (effective = $2 and transaction_no <= $3))";
    let within = sum(reading, within, account, place.0.0, place.1.0).await?;
    let moved = within - out;
    Ok(balance
        + if kind.is_debit_normal() {
            moved
        } else {
            -moved
        })
}

/// The debits less the credits of postings dated back. Each amount is split, so that no sum is beyond 64 bits.
async fn sum(
    reading: &mut Reading,
    condition: &'static str,
    account: AccountNo,
    first: u64,
    second: u64,
) -> Result<i128, sqlx::Error> {
    const PART: i128 = 1_000_000_000;
    let row = reading
        .connection()
        .first(
            Query::of_declared(format!(
                "select cast(coalesce(sum(debit / {PART}), 0) as bigint) as debits,
            cast(coalesce(sum(debit % {PART}), 0) as bigint) as debit_rests,
            cast(coalesce(sum(credit / {PART}), 0) as bigint) as credits,
            cast(coalesce(sum(credit % {PART}), 0) as bigint) as credit_rests
        from effective_postings where {condition}"
            ))
            .bind(i64::from(account.0))
            .bind(sql(first))
            .bind(sql(second)),
        )
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let part = |column| row.get::<i64>(column).map(i128::from);
    let debits = part("debits")? * PART + part("debit_rests")?;
    let credits = part("credits")? * PART + part("credit_rests")?;
    Ok(debits - credits)
}
