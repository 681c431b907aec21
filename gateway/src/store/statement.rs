//! Statements of accounts, and transactions explained.
//!
//! The ledger's tables say what moved between which accounts; `movements` says whose transaction it was and what for.
//! An account's id tells its role, so a posting can be put into words without any other table.

use ledger::shell::sql::{Connection, Query};
use ledger::shell::{Reading, packed};
use ledger::{AccountId, AccountNo, Timestamp, TransactionId, TransactionNo};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::recipe::{Kind, PAYMENTS_BOOK, Role};
use crate::pay::{
    MerchantId, MerchantNo, OrderId, RedPacketId, RefundId, ShareId, Terms, TransferId, WalletId,
    WalletNo,
};

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
    pub transfer: Option<TransferId>,
    pub red_packet: Option<RedPacketId>,
    pub share: Option<ShareId>,
    pub reference: Option<String>,
}

/// A transaction with its postings.
#[derive(Clone, Debug)]
pub struct Explained {
    pub transaction: TransactionId,
    pub kind: Kind,
    pub at: Timestamp,
    pub reference: Option<String>,
    /// The wallet that takes part; none where only merchants do.
    pub wallet: Option<WalletId>,
    pub wallet_no: Option<WalletNo>,
    /// Where two people take part, the other one.
    pub other_wallet: Option<WalletId>,
    pub merchant: Option<MerchantId>,
    pub merchant_no: Option<MerchantNo>,
    /// Where two merchants take part, the other one.
    pub other_merchant: Option<MerchantId>,
    /// By which terms the house took its fee of the order's payment, if it is about an order.
    pub terms: Option<Terms>,
    pub order: Option<OrderId>,
    pub refund: Option<RefundId>,
    pub transfer: Option<TransferId>,
    pub red_packet: Option<RedPacketId>,
    pub share: Option<ShareId>,
    pub postings: Vec<Posting>,
}

#[derive(Clone, Debug)]
pub struct Posting {
    pub debit: Role,
    pub credit: Role,
    pub amount: i64,
    pub currency: String,
}

const CURRENCY: &str = "select currency from accounts where account_no = $1";
const MOVEMENT: &str = "select order_id, refund_id, transfer_id, red_packet_id, share_id
    from movements where transaction_no = $1";

/// What happened on an owner's accounts (liabilities, so what raises them is money in), the newest first.
pub async fn lines(
    reading: &mut Reading,
    accounts: &[AccountNo],
    slice: Slice,
) -> Result<(Vec<Line>, Option<Cursor>), sqlx::Error> {
    let before = slice.after.map_or(u64::MAX, |after| after.first);
    let mut lines = Vec::new();
    for account in accounts {
        of_account(reading, *account, before, slice, &mut lines).await?;
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.transaction_no));
    Ok(slice.cut(lines, |last| Cursor {
        list: List::Statement,
        first: last.transaction_no,
        second: 0,
    }))
}

/// Adds an account's newest transactions before one, as many as the slice can have.
async fn of_account(
    reading: &mut Reading,
    account: AccountNo,
    mut before: u64,
    slice: Slice,
    lines: &mut Vec<Line>,
) -> Result<(), sqlx::Error> {
    let mut connection = reading.connection();
    let query = Query::new(CURRENCY).bind(account.0);
    let currency: Option<(String,)> = connection.first_as(query).await?;
    let Some((currency,)) = currency else {
        return Ok(());
    };
    let mut left = usize::try_from(slice.limit()).unwrap_or_default();
    while left > 0 {
        let order = packed::Order::NewestBefore(TransactionNo(before));
        let found = packed::lines(&mut connection, account.0, order, left).await?;
        let Some(oldest) = found.last() else {
            return Ok(());
        };
        before = oldest.transaction_no;
        // All lines that a transaction has on the account are one line here.
        for group in found.chunk_by(|one, next| one.transaction_no == next.transaction_no) {
            let no = TransactionNo(group[0].transaction_no);
            lines.push(line(&mut connection, no, group, &currency).await?);
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}

async fn line(
    connection: &mut Connection<'_>,
    no: TransactionNo,
    group: &[packed::Line],
    currency: &str,
) -> Result<Line, sqlx::Error> {
    let stored = packed::transaction(connection, no).await?;
    let stored = stored.ok_or(sqlx::Error::RowNotFound)?;
    let movement = connection.first(Query::new(MOVEMENT).bind(no.0)).await?;
    let named = |column| match &movement {
        Some(row) => decode::id_or_none(row, column),
        None => Ok(None),
    };
    Ok(Line {
        transaction_no: no.0,
        transaction: stored.id,
        kind: kind(stored.kind)?,
        at: stored.at,
        currency: currency.to_owned(),
        amount: group.iter().map(|line| i128::from(line.raised)).sum(),
        balance: group[0].balance,
        order: named("order_id")?.map(OrderId),
        refund: named("refund_id")?.map(RefundId),
        transfer: named("transfer_id")?.map(TransferId),
        red_packet: named("red_packet_id")?.map(RedPacketId),
        share: named("share_id")?.map(ShareId),
        reference: stored.reference.map(Into::into),
    })
}

fn kind(code: u16) -> Result<Kind, sqlx::Error> {
    Kind::of_code(code).ok_or_else(|| decode::wrong("kind"))
}

const PARTIES: &str =
    "select v.*, w.id as wallet, x.id as other_wallet, m.id as merchant, n.id as other_merchant,
        o.fee_terms as fee_terms
    from movements v
    left join wallets w on w.wallet_no = v.wallet_no
    left join wallets x on x.wallet_no = v.other_wallet_no
    left join merchants m on m.merchant_no = v.merchant_no
    left join merchants n on n.merchant_no = v.other_merchant_no
    left join orders o on o.id = v.order_id
    where v.transaction_no = $1";
const ACCOUNT: &str = "select id from accounts where account_no = $1";

/// A transaction of the payments' book, with its postings in the order in which they were made.
pub async fn explain(
    reading: &mut Reading,
    id: TransactionId,
) -> Result<Option<Explained>, sqlx::Error> {
    let mut connection = reading.connection();
    let Some(no) = packed::transaction_no(&mut connection, PAYMENTS_BOOK, id).await? else {
        return Ok(None);
    };
    let Some(stored) = packed::transaction(&mut connection, no).await? else {
        return Ok(None);
    };
    let parties = connection.first(Query::new(PARTIES).bind(no.0)).await?;
    let Some(row) = parties else {
        return Ok(None);
    };
    let mut postings = Vec::with_capacity(stored.postings.len());
    for made in &stored.postings {
        let (debit, currency) = role(&mut connection, made.debit).await?;
        let (credit, _) = role(&mut connection, made.credit).await?;
        postings.push(Posting {
            debit,
            credit,
            amount: made.amount,
            currency,
        });
    }
    Ok(Some(Explained {
        transaction: id,
        kind: kind(stored.kind)?,
        at: stored.at,
        reference: stored.reference.map(Into::into),
        wallet: decode::id_or_none(&row, "wallet")?.map(WalletId),
        wallet_no: row.get::<Option<u32>>("wallet_no")?.map(WalletNo),
        other_wallet: decode::id_or_none(&row, "other_wallet")?.map(WalletId),
        merchant: decode::id_or_none(&row, "merchant")?.map(MerchantId),
        merchant_no: row.get::<Option<u32>>("merchant_no")?.map(MerchantNo),
        other_merchant: decode::id_or_none(&row, "other_merchant")?.map(MerchantId),
        order: decode::id_or_none(&row, "order_id")?.map(OrderId),
        refund: decode::id_or_none(&row, "refund_id")?.map(RefundId),
        transfer: decode::id_or_none(&row, "transfer_id")?.map(TransferId),
        red_packet: decode::id_or_none(&row, "red_packet_id")?.map(RedPacketId),
        share: decode::id_or_none(&row, "share_id")?.map(ShareId),
        terms: decode::encoded(&row, "fee_terms")?,
        postings,
    }))
}

/// The role of an account, and its currency.
async fn role(
    connection: &mut Connection<'_>,
    account: AccountNo,
) -> Result<(Role, String), sqlx::Error> {
    let row = connection
        .first(Query::new(ACCOUNT).bind(account.0))
        .await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    let id = AccountId(decode::id(&row, "id")?);
    Role::of_account(id).ok_or_else(|| decode::wrong("id"))
}
