//! The lines of an account: each side of a posting on it, with the balance after it.

use crate::core::{AccountNo, TransactionNo};
use crate::shell::packed::{self, Order};
use crate::shell::sql::Query;
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
    let mut connection = reading.connection();
    let query = Query::new("select kind from accounts where account_no = $1").bind(account.0);
    let kind: Option<(String,)> = connection.first_as(query).await?;
    let is_debit_normal = kind.is_some_and(|(kind,)| kind == "asset" || kind == "expense");
    let order = Order::OldestAfter(after);
    let found = packed::lines(&mut connection, account.0, order, limit as usize).await?;
    let through = found
        .iter()
        .take_while(|line| line.transaction_no <= through.0);
    Ok(through.map(|line| shown(line, is_debit_normal)).collect())
}

/// The balance of an account after this transaction, on its normal side.
pub async fn balance_through(
    reading: &mut Reading,
    account: AccountNo,
    through: TransactionNo,
) -> Result<i128, sqlx::Error> {
    let order = Order::NewestBefore(TransactionNo(through.0.saturating_add(1)));
    let newest = packed::lines(&mut reading.connection(), account.0, order, 1).await?;
    Ok(newest.first().map_or(0, |line| line.balance))
}

fn shown(line: &packed::Line, is_debit_normal: bool) -> Line {
    let (debit, credit) = line.sides(is_debit_normal);
    let amount = |side| i64::try_from(side).unwrap_or(i64::MAX);
    Line {
        transaction: TransactionNo(line.transaction_no),
        posting: line.posting,
        other: AccountNo(line.other_account_no),
        debit: amount(debit),
        credit: amount(credit),
        balance: line.balance,
    }
}
