//! Reading what is packed, inside one read transaction.

use crate::core::{Book, TransactionId, TransactionNo};
use crate::once::OnceKey;
use crate::shell::packed::collected::place_of;
use crate::shell::packed::{
    Entry, IdAt, Line, OnceAt, StoredTransaction, block_no, decode_block, digest,
};
use crate::shell::sql::{Connection, Query};
use crate::time::Timestamp;

const RUNS: &str = "select run, fences from runs where name = $1 order by first_place desc";
const BLOCK: &str = "select body from blocks where block = $1";
const TRANSACTION: &str = "select first_no, first_at, body from transactions
    where first_no <= $1 order by first_no desc limit 1";
const BLOCK_AT: &str = "select first_no, first_at, body from transactions
    where first_at <= $1 order by first_at desc limit 1";

fn unreadable(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} is not readable; the views can be made anew").into())
}

/// A transaction by its number.
pub async fn transaction(
    connection: &mut Connection<'_>,
    no: TransactionNo,
) -> Result<Option<StoredTransaction>, sqlx::Error> {
    let query = Query::new(TRANSACTION).bind(i64::try_from(no.0).unwrap_or(i64::MAX));
    let block: Option<(u64, u64, Vec<u8>)> = connection.first_as(query).await?;
    let Some((first, at, body)) = block else {
        return Ok(None);
    };
    let all = decode_block(first, at, &body);
    let all = all.ok_or_else(|| unreadable("a block of transactions"))?;
    let found = all.into_iter().find(|(number, _, _)| *number == no.0);
    found
        .map(|(no, at, bytes)| {
            StoredTransaction::decode(no, at, bytes).ok_or_else(|| unreadable("a transaction"))
        })
        .transpose()
}

/// The number of the transaction that a caller gave this id; of several the latest.
pub async fn transaction_no(
    connection: &mut Connection<'_>,
    book: Book,
    id: TransactionId,
) -> Result<Option<TransactionNo>, sqlx::Error> {
    let wanted = digest(book.0.into(), id.0);
    for run in runs(connection, IdAt::INDEX).await? {
        let mut found: Vec<IdAt> = Vec::new();
        of_key(connection, &run, wanted, &mut found).await?;
        for entry in found.iter().rev() {
            let no = TransactionNo(entry.place());
            let stored = transaction(connection, no).await?;
            if stored.is_some_and(|stored| (stored.book, stored.id) == (book, id)) {
                return Ok(Some(no));
            }
        }
    }
    Ok(None)
}

/// The last transaction recorded at this moment or before it; 0 when there is none. Transactions are
/// numbered in the order of their times, over all books.
pub async fn last_through(
    connection: &mut Connection<'_>,
    at: Timestamp,
) -> Result<TransactionNo, sqlx::Error> {
    let query = Query::new(BLOCK_AT).bind(i64::try_from(at.0).unwrap_or(i64::MAX));
    let block: Option<(u64, u64, Vec<u8>)> = connection.first_as(query).await?;
    let Some((first, first_at, body)) = block else {
        return Ok(TransactionNo(0));
    };
    let all = decode_block(first, first_at, &body);
    let all = all.ok_or_else(|| unreadable("a block of transactions"))?;
    let through = all.iter().take_while(|(_, made, _)| *made <= at.0);
    Ok(TransactionNo(through.last().map_or(0, |(no, _, _)| *no)))
}

/// Which lines of an account come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest of those before this transaction.
    NewestBefore(TransactionNo),
    /// The oldest of those after this transaction.
    OldestAfter(TransactionNo),
}

/// Lines of an account, at least so many if there are; those of one transaction stay together.
pub async fn lines(
    connection: &mut Connection<'_>,
    account_no: u32,
    order: Order,
    at_least: usize,
) -> Result<Vec<Line>, sqlx::Error> {
    let mut runs = runs(connection, Line::INDEX).await?;
    if matches!(order, Order::OldestAfter(_)) {
        runs.reverse();
    }
    let wanted = |line: &Line| match order {
        Order::NewestBefore(no) => line.transaction_no < no.0,
        Order::OldestAfter(no) => line.transaction_no > no.0,
    };
    let mut found = Vec::new();
    for run in runs {
        let mut lines: Vec<Line> = Vec::new();
        of_key(connection, &run, account_no.into(), &mut lines).await?;
        lines.retain(wanted);
        if matches!(order, Order::NewestBefore(_)) {
            lines.reverse();
        }
        found.append(&mut lines);
        if found.len() >= at_least {
            break;
        }
    }
    let cut = found
        .get(at_least.max(1) - 1)
        .map(|line| line.transaction_no);
    if let Some(last) = cut {
        let mut past = found.iter().skip(at_least);
        let more = past.position(|line| line.transaction_no != last);
        found.truncate(more.map_or(found.len(), |more| at_least + more));
    }
    Ok(found)
}

/// A run, and the first key of each of its blocks.
type Run = (i64, Vec<u8>);

/// The runs of an index, the newest first.
async fn runs(connection: &mut Connection<'_>, name: &str) -> Result<Vec<Run>, sqlx::Error> {
    connection.all_as(Query::new(RUNS).bind(name)).await
}

/// All entries of a key in a run, in order.
async fn of_key<E: Entry>(
    connection: &mut Connection<'_>,
    (run, fences): &Run,
    key: u64,
    found: &mut Vec<E>,
) -> Result<(), sqlx::Error> {
    let (fences, _) = fences.as_chunks::<8>();
    let fence = |at: &[u8; 8]| u64::from_le_bytes(*at);
    // A key may begin in the block before the first that begins with it.
    let first = fences.partition_point(|at| fence(at) < key).max(1) - 1;
    let after = fences.partition_point(|at| fence(at) <= key);
    for block in first..after {
        let number = block_no(*run, i64::try_from(block).unwrap_or(i64::MAX));
        let (body,): (Vec<u8>,) = connection.one_as(Query::new(BLOCK).bind(number)).await?;
        let mut entries = Vec::new();
        E::decode(&body, &mut entries).ok_or_else(|| unreadable("a block"))?;
        found.extend(entries.into_iter().filter(|entry| entry.key() == key));
    }
    Ok(())
}

/// The places in the journal where a key may have been used, in runs that may have it.
pub(crate) async fn once(
    connection: &mut Connection<'_>,
    key: OnceKey,
    may_have: impl Fn(i64) -> bool,
) -> Result<Vec<crate::once::Place>, sqlx::Error> {
    let wanted = digest(key.scope, key.key);
    let mut found: Vec<OnceAt> = Vec::new();
    for run in runs(connection, OnceAt::INDEX).await? {
        if may_have(run.0) {
            of_key(connection, &run, wanted, &mut found).await?;
        }
    }
    Ok(found.iter().map(|entry| place_of(entry.place())).collect())
}
