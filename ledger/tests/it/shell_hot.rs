//! An account on which much happens: any part of its history is found, and found whole.

use anyhow::{Result, ensure};
use fx::Currency;
use ledger::shell::packed::{self, Line, Order};
use ledger::shell::{LedgerView, Settings, Store};
use ledger::{
    AccountId, AccountKind, Book, Command, Ledger, Limits, NewAccount, NewPosting, NewTransaction,
    Sequence, Submission, Timestamp, TransactionId, TransactionNo,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::shell_fixture::PATIENCE;

const BOOK: Book = Book(1);
const OTHERS: u64 = 20;
/// Enough for several runs, of several blocks each, on the busy account.
const COMMANDS: u64 = 12;
const TRANSACTIONS: u64 = 900;

fn accounts() -> Submission<Ledger> {
    let account = |id: u64| NewAccount {
        book: BOOK,
        id: AccountId(id.into()),
        currency: Currency::CNY,
        kind: AccountKind::Liability,
        limits: Limits::NONE,
    };
    Submission::new(Command::Open((0..=OTHERS).map(account).collect()))
}

/// Transactions that all concern account 0, some of them many times.
fn transactions(first: u64, dice: &mut SmallRng) -> Submission<Ledger> {
    let transaction = |id: u64| NewTransaction {
        id: TransactionId(id.into()),
        kind: 1,
        reference: None,
        postings: (0..if id.is_multiple_of(100) { 200 } else { 1 })
            .map(|_| NewPosting {
                debit: AccountId(0),
                credit: AccountId(dice.random_range(1..=OTHERS).into()),
                amount: dice.random_range(1..100),
            })
            .collect(),
    };
    Submission::new(Command::Post {
        book: BOOK,
        transactions: (first..first + TRANSACTIONS).map(transaction).collect(),
    })
}

/// The same from all lines, which are in order.
fn naive(all: &[Line], order: Order, at_least: usize) -> Vec<Line> {
    let mut wanted: Vec<Line> = match order {
        Order::NewestBefore(no) => {
            let before = all.iter().filter(|line| line.transaction_no < no.0);
            before.rev().copied().collect()
        }
        Order::OldestAfter(no) => {
            let after = all.iter().filter(|line| line.transaction_no > no.0);
            after.copied().collect()
        }
    };
    if let Some(last) = wanted.get(at_least - 1) {
        let last = last.transaction_no;
        let end = wanted.iter().rposition(|line| line.transaction_no == last);
        wanted.truncate(end.map_or(0, |end| end + 1));
    }
    wanted
}

#[tokio::test]
async fn any_part_of_a_busy_accounts_history_is_found_whole() -> Result<()> {
    let seed = 20_260_917;
    let mut dice = SmallRng::seed_from_u64(seed);
    let directory = tempfile::tempdir()?;
    let (view, settings) = (LedgerView::default(), Settings::default());
    let store = Store::open(directory.path(), view, settings).await?;
    let handle = store.handle();
    handle.submit(accounts()).await?;
    let mut moments: Vec<(Timestamp, u64)> = Vec::new();
    let mut last = Sequence(0);
    for command in 0..COMMANDS {
        let posted = handle
            .submit(transactions(1 + command * TRANSACTIONS, &mut dice))
            .await?;
        last = posted.sequence;
        moments.push((posted.at, (command + 1) * TRANSACTIONS));
        // A run for each, so that there are several.
        ensure!(handle.projected_at_least(last, PATIENCE).await);
    }
    ensure!(handle.projected_at_least(last, PATIENCE).await);
    let mut reading = handle.views().read().await?;
    let connection = &mut reading.connection();

    let oldest = Order::OldestAfter(TransactionNo(0));
    let all = packed::lines(connection, 0, oldest, usize::MAX).await?;
    let busy = COMMANDS * (TRANSACTIONS - TRANSACTIONS / 100 + TRANSACTIONS / 100 * 200);
    ensure!(all.len() as u64 == busy, "{} lines", all.len());
    ensure!(all.is_sorted_by_key(|line| (line.transaction_no, line.posting)));
    let count = COMMANDS * TRANSACTIONS;
    for _ in 0..200 {
        let no = TransactionNo(dice.random_range(0..=count + 1));
        let at_least = [1, 2, 100, 3_000][dice.random_range(0..4)];
        for order in [Order::NewestBefore(no), Order::OldestAfter(no)] {
            let found = packed::lines(connection, 0, order, at_least).await?;
            ensure!(
                found == naive(&all, order, at_least),
                "{order:?}, at least {at_least}, seed {seed}"
            );
        }
    }
    // All transactions of a command have one time, in however many blocks they stand.
    for (at, no) in moments {
        let through = packed::last_through(connection, at).await?;
        ensure!(through == TransactionNo(no), "{through:?} at {at}");
    }
    Ok(())
}
