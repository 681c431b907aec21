//! Ten thousand random books in one ledger on disk: the tables hold what a naive fold of the answers
//! holds, line by line.
//!
//! Each book is a case of its own, with a seed of its own: a bank, three purses that cannot be
//! overdrawn, and a few transactions of which some are refused. The fold knows nothing of the ledger
//! but what was asked and whether the answer was yes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail, ensure};
use fx::Currency;
use ledger::shell::packed::{self, Balances, Order};
use ledger::shell::sql::Query;
use ledger::shell::{Handle, LedgerView, Settings, Store};
use ledger::{
    AccountId, AccountKind, AccountNo, Book, Command, Ledger, Limits, NewAccount, NewPosting,
    NewTransaction, Outcome, Sequence, Submission, TransactionId, TransactionNo,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use crate::shell_fixture::PATIENCE;

const BOOKS: u32 = 10_000;
/// Books that are kept at a time.
const KEEPERS: u32 = 64;
/// The bank is account 0.
const ACCOUNTS: u64 = 4;
const TRANSACTIONS_MAX: u64 = 10;

/// A line of a statement: debit, credit, and the balance after it on the account's normal side.
type Line = (i64, i64, i64);
/// The lines of each account, in order.
type Lines = BTreeMap<(Book, u64), Vec<Line>>;

fn new_account(book: Book, id: u64) -> NewAccount {
    let (kind, limits) = match id {
        0 => (AccountKind::Asset, Limits::NONE),
        _ => (AccountKind::Liability, Limits::NO_OVERDRAFT),
    };
    NewAccount {
        book,
        id: AccountId(id.into()),
        currency: Currency::CNY,
        kind,
        limits,
    }
}

/// Mostly money that comes from the bank or goes from purse to purse; one in ten is nonsense.
fn transaction(book: Book, number: u64, dice: &mut SmallRng) -> NewTransaction {
    let postings = (0..dice.random_range(1..=3)).map(|_| {
        let from_bank = dice.random_ratio(2, 3);
        let debit = if from_bank {
            0
        } else {
            dice.random_range(1..ACCOUNTS)
        };
        let odd = dice.random_ratio(1, 30);
        // Nobody has the account after the last.
        let credit = if odd {
            ACCOUNTS
        } else {
            (debit + dice.random_range(1..ACCOUNTS)) % ACCOUNTS
        };
        NewPosting {
            debit: AccountId(debit.into()),
            credit: AccountId(credit.into()),
            amount: dice.random_range(-1..100),
        }
    });
    NewTransaction {
        id: TransactionId(u128::from(book.0) << 64 | u128::from(number)),
        kind: 1,
        reference: None,
        postings: postings.collect(),
    }
}

/// Adds the lines of a transaction that went through.
fn fold(book: Book, transaction: &NewTransaction, lines: &mut Lines) {
    for posting in &transaction.postings {
        let sides = [
            (posting.debit, posting.amount, 0),
            (posting.credit, 0, posting.amount),
        ];
        for (account, debit, credit) in sides {
            let id = u64::try_from(account.0).expect("ids here are small");
            let raised = if id == 0 {
                debit - credit
            } else {
                credit - debit
            };
            let lines = lines.entry((book, id)).or_default();
            let before = lines.last().map_or(0, |line| line.2);
            lines.push((debit, credit, before + raised));
        }
    }
}

/// Keeps one book. What went through is folded; the last row that anything was written in is
/// returned with it.
async fn keep(handle: &Handle<Ledger>, book: Book) -> Result<(Lines, Sequence)> {
    let mut dice = SmallRng::seed_from_u64(book.0.into());
    let accounts = (0..ACCOUNTS).map(|id| new_account(book, id)).collect();
    let open = handle.submit(Submission::new(Command::Open(accounts)));
    let mut last = open.await?.sequence;
    let mut lines = Lines::new();
    for number in 0..dice.random_range(1..=TRANSACTIONS_MAX) {
        let new = transaction(book, number, &mut dice);
        let transactions = vec![new.clone()];
        let post = Submission::new(Command::Post {
            book,
            transactions: transactions.into(),
        });
        let committed = handle.submit(post).await?;
        match committed.outcome {
            Outcome::Posted { .. } => fold(book, &new, &mut lines),
            Outcome::Refused(_) => {}
            other => bail!("{other:?} to {new:?}"),
        }
        last = last.max(committed.sequence);
    }
    Ok((lines, last))
}

/// The lines of each account as the views have them.
async fn shown(handle: &Handle<Ledger>) -> Result<Lines> {
    let mut reading = handle.views().read().await?;
    let query = Query::new("select account_no, book, id, kind from accounts");
    let accounts: Vec<(u32, u32, u128, String)> = reading.connection().all_as(query).await?;
    let mut shown = Lines::new();
    for (no, book, id, kind) in accounts {
        let account = (Book(book), u64::try_from(id)?);
        let is_debit_normal = kind == "asset" || kind == "expense";
        let oldest = Order::OldestAfter(TransactionNo(0));
        let lines = packed::lines(&mut reading.connection(), no, oldest, usize::MAX).await?;
        for line in lines {
            let (debit, credit) = line.sides(is_debit_normal);
            let line = (
                debit.try_into()?,
                credit.try_into()?,
                line.balance.try_into()?,
            );
            shown.entry(account).or_default().push(line);
        }
    }
    Ok(shown)
}

/// The balance of each account on its normal side, as the tables have it.
async fn balances(handle: &Handle<Ledger>) -> Result<BTreeMap<(Book, u64), i64>> {
    let query = Query::new("select account_no, book, id from accounts");
    let mut reading = handle.views().read().await?;
    let rows: Vec<(u32, u32, u128)> = reading.connection().all_as(query).await?;
    let (mut balances, mut stored) = (BTreeMap::new(), Balances::default());
    for (no, book, id) in rows {
        let id = u64::try_from(id)?;
        let balance = stored.of(&mut reading.connection(), AccountNo(no)).await?;
        let raised = i64::try_from(balance.debits - balance.credits)?;
        balances.insert((Book(book), id), if id == 0 { raised } else { -raised });
    }
    Ok(balances)
}

#[tokio::test(flavor = "multi_thread")]
async fn views_equal_a_naive_fold_in_ten_thousand_books() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path(), LedgerView::default(), Settings::default()).await?;
    let next = Arc::new(AtomicU32::new(1));
    let mut keepers = JoinSet::new();
    for _ in 0..KEEPERS {
        let (handle, next) = (store.handle(), next.clone());
        keepers.spawn(async move {
            let mut kept = (Lines::new(), Sequence(0));
            loop {
                let book = next.fetch_add(1, Ordering::Relaxed);
                if book > BOOKS {
                    return anyhow::Ok(kept);
                }
                let (lines, last) = keep(&handle, Book(book)).await?;
                kept = (merged(kept.0, lines), kept.1.max(last));
            }
        });
    }
    let (mut expected, mut last) = (Lines::new(), Sequence(0));
    while let Some(kept) = keepers.join_next().await {
        let (lines, sequence) = kept??;
        expected = merged(expected, lines);
        last = last.max(sequence);
    }
    let handle = store.handle();
    ensure!(handle.projected_at_least(last, PATIENCE).await);

    let found = shown(&handle).await?;
    for (account, lines) in &expected {
        ensure!(
            found.get(account) == Some(lines),
            "{account:?} (its book number is its seed): {:?} is not {lines:?}",
            found.get(account)
        );
    }
    ensure!(found.len() == expected.len(), "accounts with lines");
    let balances = balances(&handle).await?;
    ensure!(balances.len() as u64 == u64::from(BOOKS) * ACCOUNTS);
    for (account, balance) in balances {
        let lines = expected.get(&account);
        let folded = lines
            .and_then(|lines| lines.last())
            .map_or(0, |line| line.2);
        ensure!(balance == folded, "{account:?}: {balance} is not {folded}");
    }
    let posted: usize = expected.values().map(Vec::len).sum();
    ensure!(
        posted > 5 * BOOKS as usize,
        "most transactions are nonsense: {posted} lines"
    );
    store.shutdown().await;
    Ok(())
}

fn merged(mut one: Lines, other: Lines) -> Lines {
    one.extend(other);
    one
}
