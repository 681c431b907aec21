//! Statements of accounts, and transactions explained.
//!
//! The ledger's tables say what moved between which accounts; `movements` says whose transaction it was and what for.
//! An account's id tells its role, so a posting can be put into words without any other table.

use ledger::shell::Reading;
use ledger::{AccountId, AccountNo, Timestamp, TransactionId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::recipe::{Kind, PAYMENTS_BOOK, Role};
use crate::pay::{MerchantId, OrderId, RefundId, WalletId, WalletNo};

/// A transaction as it stands in one owner's statement.
#[derive(Clone, Debug)]
pub struct Line {
    pub transaction_no: u64,
    pub transaction: TransactionId,
    pub kind: Kind,
    pub at: Timestamp,
    pub currency: String,
    /// What it did to the account: above zero is money in.
    pub amount: i128,
    /// The account's balance after it.
    pub balance: i128,
    pub order: Option<OrderId>,
    pub refund: Option<RefundId>,
    pub reference: Option<String>,
}

/// A transaction with its postings.
#[derive(Clone, Debug)]
pub struct Explained {
    pub transaction: TransactionId,
    pub kind: Kind,
    pub at: Timestamp,
    pub reference: Option<String>,
    pub wallet: WalletId,
    pub merchant: Option<MerchantId>,
    pub order: Option<OrderId>,
    pub refund: Option<RefundId>,
    pub postings: Vec<Posting>,
}

#[derive(Clone, Debug)]
pub struct Posting {
    pub debit: Role,
    pub credit: Role,
    pub amount: i64,
    pub currency: String,
}

const LINES: &str = "select p.transaction_no, sum(p.credit) - sum(p.debit) as amount,
        (select balance from postings l where l.account_no = p.account_no
            and l.transaction_no = p.transaction_no order by l.posting desc limit 1) as balance,
        a.currency, t.id, t.kind, t.at, t.reference, v.order_id, v.refund_id
    from postings p
    join accounts a on a.account_no = p.account_no
    join transactions t on t.transaction_no = p.transaction_no
    left join movements v on v.transaction_no = p.transaction_no
    where p.account_no = ? and p.transaction_no < ?
    group by p.transaction_no order by p.transaction_no desc limit ?";

/// What happened on an owner's accounts (liabilities, so what is credited is money in), the newest first.
pub async fn lines(
    reading: &mut Reading,
    accounts: &[AccountNo],
    slice: Slice,
) -> Result<(Vec<Line>, Option<Cursor>), sqlx::Error> {
    let before = slice.after.map_or(u64::MAX, |after| after.first);
    let mut lines = Vec::new();
    // One account after the other, so that each is one walk along the key of `postings`.
    for account in accounts {
        let rows = sqlx::query(LINES)
            .bind(i64::from(account.0))
            .bind(i64::try_from(before).unwrap_or(i64::MAX))
            .bind(slice.limit())
            .fetch_all(reading.connection())
            .await?;
        for row in &rows {
            lines.push(line(row)?);
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.transaction_no));
    Ok(slice.cut(lines, |last| Cursor {
        list: List::Statement,
        first: last.transaction_no,
        second: 0,
    }))
}

fn line(row: &SqliteRow) -> Result<Line, sqlx::Error> {
    Ok(Line {
        transaction_no: decode::number(row, "transaction_no")?,
        transaction: TransactionId(decode::id(row, "id")?),
        kind: kind(row)?,
        at: decode::time(row, "at")?,
        currency: decode::text(row, "currency")?,
        amount: decode::wide(row, "amount")?,
        balance: decode::wide(row, "balance")?,
        order: decode::id_or_none(row, "order_id")?.map(OrderId),
        refund: decode::id_or_none(row, "refund_id")?.map(RefundId),
        reference: row.try_get("reference")?,
    })
}

fn kind(row: &SqliteRow) -> Result<Kind, sqlx::Error> {
    Kind::of_code(decode::number(row, "kind")?).ok_or_else(|| decode::wrong("kind"))
}

const TRANSACTION: &str =
    "select t.transaction_no, t.kind, t.at, t.reference, v.order_id, v.refund_id,
        v.wallet_no, v.merchant_no, w.id as wallet, m.id as merchant
    from transaction_ids i
    join transactions t on t.transaction_no = i.transaction_no
    join movements v on v.transaction_no = t.transaction_no
    join wallets w on w.wallet_no = v.wallet_no
    left join merchants m on m.merchant_no = v.merchant_no
    where i.book = ? and i.id = ?";

/// A transaction of the payments' book, with its postings in the order in which they were made.
pub async fn explain(
    reading: &mut Reading,
    id: TransactionId,
) -> Result<Option<Explained>, sqlx::Error> {
    let found = sqlx::query(TRANSACTION)
        .bind(i64::from(PAYMENTS_BOOK.0))
        .bind(id.0.to_be_bytes().to_vec())
        .fetch_optional(reading.connection())
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let number: i64 = row.try_get("transaction_no")?;
    let wallet = Role::Wallet(WalletNo(decode::number(&row, "wallet_no")?));
    Ok(Some(Explained {
        transaction: id,
        kind: kind(&row)?,
        at: decode::time(&row, "at")?,
        reference: row.try_get("reference")?,
        wallet: WalletId(decode::id(&row, "wallet")?),
        merchant: decode::id_or_none(&row, "merchant")?.map(MerchantId),
        order: decode::id_or_none(&row, "order_id")?.map(OrderId),
        refund: decode::id_or_none(&row, "refund_id")?.map(RefundId),
        postings: postings(reading, number, wallet).await?,
    }))
}

/// Every posting of payments has the wallet on one of its sides, so its lines on the wallet's accounts are all of them.
/// A role's account in any currency has an id of the same beginning.
async fn postings(
    reading: &mut Reading,
    transaction_no: i64,
    wallet: Role,
) -> Result<Vec<Posting>, sqlx::Error> {
    let (first, last) = wallet.accounts();
    let rows = sqlx::query(
        "select p.posting, p.debit, p.credit, a.id as this, o.id as other
        from accounts a
        join postings p on p.account_no = a.account_no and p.transaction_no = ?
        join accounts o on o.account_no = p.other_account_no
        where a.book = ? and a.id between ? and ?
        order by p.posting",
    )
    .bind(transaction_no)
    .bind(i64::from(PAYMENTS_BOOK.0))
    .bind(first.0.to_be_bytes().to_vec())
    .bind(last.0.to_be_bytes().to_vec())
    .fetch_all(reading.connection())
    .await?;
    rows.iter().map(posting).collect()
}

fn posting(row: &SqliteRow) -> Result<Posting, sqlx::Error> {
    let role = |column| {
        let id = AccountId(decode::id(row, column)?);
        Role::of_account(id).ok_or_else(|| decode::wrong(column))
    };
    let ((this, currency), (other, _)) = (role("this")?, role("other")?);
    let (debited, credited): (i64, i64) = (row.try_get("debit")?, row.try_get("credit")?);
    Ok(if debited > 0 {
        Posting {
            debit: this,
            credit: other,
            amount: debited,
            currency,
        }
    } else {
        Posting {
            debit: other,
            credit: this,
            amount: credited,
            currency,
        }
    })
}
