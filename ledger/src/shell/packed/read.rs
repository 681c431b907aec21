//! Reading what is packed, inside one read transaction.

use std::ops::Range;

use crate::core::{Book, TransactionId, TransactionNo};
use crate::once::{OnceKey, Place};
use crate::shell::packed::{
    Entry, IdAt, Line, OnceAt, StoredTransaction, block_no, decode_block, digest,
};
use crate::shell::sql::{Connection, Query};
use crate::time::Timestamp;

const RUNS: &str = "select run, fences, first_place, last_place from runs where name = $1
    order by first_place desc";
const BLOCK: &str = "select body from blocks where block = $1";
const TRANSACTION: &str = "select first_no, first_at, body from transactions
    where first_no <= $1 order by first_no desc limit 1";
const BLOCK_AT: &str = "select first_no, first_at, body from transactions
    where first_at <= $1 order by first_at desc, first_no desc limit 1";

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

impl Order {
    fn wants(self, line: &Line) -> bool {
        match self {
            Self::NewestBefore(no) => line.transaction_no < no.0,
            Self::OldestAfter(no) => line.transaction_no > no.0,
        }
    }

    /// Whether a run may have what is wanted.
    fn wants_any_of(self, run: &Run) -> bool {
        match self {
            Self::NewestBefore(no) => run.first_place < no.0,
            Self::OldestAfter(no) => run.last_place > no.0,
        }
    }
}

/// Lines of an account, at least so many if there are; those of one transaction stay together.
/// However many lines the account has, only blocks that have wanted ones are read, and a few to
/// find them.
pub async fn lines(
    connection: &mut Connection<'_>,
    account_no: u32,
    order: Order,
    at_least: usize,
) -> Result<Vec<Line>, sqlx::Error> {
    let at_least = at_least.max(1);
    let mut runs = runs(connection, Line::INDEX).await?;
    runs.retain(|run| order.wants_any_of(run));
    if matches!(order, Order::OldestAfter(_)) {
        runs.reverse();
    }
    let mut found: Vec<Line> = Vec::new();
    for run in &runs {
        if found.len() >= at_least {
            break;
        }
        lines_of_run(connection, run, account_no, order, at_least, &mut found).await?;
    }
    if let Some(last) = found.get(at_least - 1) {
        let last = last.transaction_no;
        let more = found.iter().skip(at_least);
        let whole = more.take_while(|line| line.transaction_no == last).count();
        found.truncate(at_least + whole);
    }
    Ok(found)
}

/// Adds lines of an account from a run, beginning at the wanted end, until there are enough and the
/// last transaction is whole.
async fn lines_of_run(
    connection: &mut Connection<'_>,
    run: &Run,
    account_no: u32,
    order: Order,
    at_least: usize,
    found: &mut Vec<Line>,
) -> Result<(), sqlx::Error> {
    let blocks = run.blocks_of(account_no.into());
    let mut block = last_begun(connection, run, blocks.clone(), order).await?;
    while blocks.contains(&block) {
        let mut lines = block_of(connection, run, block).await?;
        lines.retain(|line: &Line| line.account_no == account_no && order.wants(line));
        if matches!(order, Order::NewestBefore(_)) {
            lines.reverse();
        }
        found.append(&mut lines);
        let enough = found.get(at_least - 1).zip(found.last());
        if enough.is_some_and(|(one, last)| one.transaction_no != last.transaction_no) {
            return Ok(());
        }
        let next = match order {
            Order::NewestBefore(_) => block.checked_sub(1),
            Order::OldestAfter(_) => block.checked_add(1),
        };
        let Some(next) = next else {
            return Ok(());
        };
        block = next;
    }
    Ok(())
}

/// Of the blocks of an account the one from which on lines are wanted, or up to which: the last that
/// begins on the nearer side of the place asked for.
async fn last_begun(
    connection: &mut Connection<'_>,
    run: &Run,
    blocks: Range<usize>,
    order: Order,
) -> Result<usize, sqlx::Error> {
    match order {
        Order::NewestBefore(no) if no.0 > run.last_place => {
            return Ok(blocks.end.saturating_sub(1));
        }
        Order::OldestAfter(no) if no.0 < run.first_place => return Ok(blocks.start),
        Order::NewestBefore(_) | Order::OldestAfter(_) => {}
    }
    // The first block may begin with another account; all the others begin with this one.
    let (mut from, mut to) = (blocks.start, blocks.end);
    while to - from > 1 {
        let middle = usize::midpoint(from, to);
        let lines: Vec<Line> = block_of(connection, run, middle).await?;
        let begun = lines.first().is_some_and(|line| match order {
            Order::NewestBefore(no) => line.transaction_no < no.0,
            Order::OldestAfter(no) => line.transaction_no <= no.0,
        });
        if begun {
            from = middle;
        } else {
            to = middle;
        }
    }
    Ok(from)
}

/// A run, and the first key of each of its blocks.
struct Run {
    number: i64,
    fences: Vec<u8>,
    first_place: u64,
    last_place: u64,
}

impl Run {
    /// The blocks that may have entries of a key, in which they are in order.
    fn blocks_of(&self, key: u64) -> Range<usize> {
        let (fences, _) = self.fences.as_chunks::<8>();
        let fence = |at: &[u8; 8]| u64::from_le_bytes(*at);
        // A key may begin in the block before the first that begins with it.
        let first = fences.partition_point(|at| fence(at) < key).max(1) - 1;
        first..fences.partition_point(|at| fence(at) <= key)
    }
}

/// The runs of an index, the newest first.
async fn runs(connection: &mut Connection<'_>, name: &str) -> Result<Vec<Run>, sqlx::Error> {
    let query = Query::new(RUNS).bind(name);
    let runs: Vec<(i64, Vec<u8>, u64, u64)> = connection.all_as(query).await?;
    let run = |(number, fences, first_place, last_place): (i64, Vec<u8>, u64, u64)| Run {
        number,
        fences,
        first_place,
        last_place,
    };
    Ok(runs.into_iter().map(run).collect())
}

/// The entries of a block of a run.
async fn block_of<E: Entry>(
    connection: &mut Connection<'_>,
    run: &Run,
    block: usize,
) -> Result<Vec<E>, sqlx::Error> {
    let number = block_no(run.number, i64::try_from(block).unwrap_or(i64::MAX));
    let (body,): (Vec<u8>,) = connection.one_as(Query::new(BLOCK).bind(number)).await?;
    let mut entries = Vec::new();
    E::decode(&body, &mut entries).ok_or_else(|| unreadable("a block"))?;
    Ok(entries)
}

/// All entries of a key in a run, in order.
async fn of_key<E: Entry>(
    connection: &mut Connection<'_>,
    run: &Run,
    key: u64,
    found: &mut Vec<E>,
) -> Result<(), sqlx::Error> {
    for block in run.blocks_of(key) {
        let entries = block_of::<E>(connection, run, block).await?;
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
        if may_have(run.number) {
            of_key(connection, &run, wanted, &mut found).await?;
        }
    }
    Ok(found
        .iter()
        .map(|entry| Place::of_number(entry.place()))
        .collect())
}
