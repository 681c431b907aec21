//! Crashes and failing disks: nothing acknowledged is lost, nothing is done twice.
//!
//! Clients work under keys, over and over until they are told the outcome, while the journal fails
//! at a chosen append; then the store is dropped in the middle, as in a crash. What each client was
//! told is kept outside. Afterwards the journal must hold exactly that, and whatever was not
//! acknowledged either once or not at all. It is told of a small machine of tasks and of the ledger
//! itself, which is verified at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fx::Currency;
use ledger::core::{Amounts, Memo, Step};
use ledger::shell::journal::{
    DatabaseJournal, DatabaseReader, Fault, Faults, FaultyJournal, JournalError, MemoryJournal,
};
use ledger::shell::sql::Query;
use ledger::shell::{
    Committed, Handle, LedgerAudit, LedgerView, OpenError, StopReason, Store, SubmitError, View,
    Wanted, verify,
};
use ledger::{
    AccountId, AccountKind, Book, Command, Ledger, Limits, Machine, NewAccount, NewPosting,
    Refusable as _, Submission, TransactionId,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Semaphore;

use crate::shell_fixture::{AMOUNT, PATIENCE, Site, ask, fold, key, open, tight};
use crate::shell_tasks::{Ask, Said, Tasks, TasksView};

on_both! {
    appends_that_are_refused
    appends_that_happen_though_the_answer_is_lost
    appends_of_which_nobody_knows_and_that_did_not_happen
    appends_of_which_nobody_knows_and_that_did_happen
    a_torn_row_stops_everything_and_is_not_started_from
    another_writers_row_fences
}

const CLIENTS: u64 = 3;
const TASKS_PER_CLIENT: u64 = 6;
const LIVES_MIN: u32 = 8;
/// Every life appends at least its seal, or has failed to read until it can.
const LIVES_MAX: u32 = 80;

/// What clients do to a machine, step by step.
trait Work: 'static {
    type Of: Machine;

    fn view() -> impl View<Self::Of>;

    fn command(client: u64, step: u64) -> Submission<Self::Of>;
}

const STEPS: u64 = 2 * TASKS_PER_CLIENT;

/// Each client opens tasks and finishes them.
struct OnTasks;

impl Work for OnTasks {
    type Of = Tasks;

    fn view() -> impl View<Tasks> {
        TasksView
    }

    fn command(client: u64, step: u64) -> Submission<Tasks> {
        let task = client * TASKS_PER_CLIENT + step / 2;
        let number = client * 1_000 + step;
        if step.is_multiple_of(2) {
            open(task).once(key(number))
        } else {
            ask(Ask::Finish(task)).once(key(number))
        }
    }
}

/// Each client posts, holds, captures a part, and releases the rest.
struct OnLedger;

const BOOK: Book = Book(1);
/// Bank, customers, income.
const ACCOUNTS: [(u128, AccountKind, Limits); 3] = [
    (1, AccountKind::Asset, Limits::NONE),
    (2, AccountKind::Liability, Limits::NO_OVERDRAFT),
    (3, AccountKind::Income, Limits::NONE),
];
const PAID: i64 = 100;
const HELD: i64 = 30;
const CAPTURED: i64 = 10;

impl Work for OnLedger {
    type Of = Ledger;

    fn view() -> impl View<Ledger> {
        LedgerView::default()
    }

    fn command(client: u64, step: u64) -> Submission<Ledger> {
        let number = client * 1_000 + step;
        let memo = Memo {
            id: TransactionId(number.into()),
            ..Memo::default()
        };
        let hold = TransactionId((number - step % 4 + 1).into());
        let posting = |debit, credit, amount| {
            vec![NewPosting {
                debit: AccountId(debit),
                credit: AccountId(credit),
                amount,
            }]
        };
        let step = match step % 4 {
            0 => Step::Post {
                memo,
                postings: posting(1, 2, PAID),
                amounts: Amounts::Exact,
                effective: None,
                corrects: None,
            },
            1 => Step::Hold {
                memo,
                postings: posting(2, 3, HELD),
                amounts: Amounts::Exact,
                timeout_secs: None,
            },
            2 => Step::Capture {
                memo,
                hold,
                amounts: Some(vec![CAPTURED]),
                effective: None,
            },
            _ => Step::Release { hold },
        };
        let steps = vec![step];
        Submission::new(Command::Transact { book: BOOK, steps }).once(key(number))
    }
}

type Told<W> = BTreeMap<(u64, u64), Committed<<<W as Work>::Of as Machine>::Outcome>>;

/// Works through the steps of one client from where it was; each step until its outcome is known.
/// Gives up when the store is gone.
async fn work<W: Work>(
    handle: &Handle<W::Of>,
    client: u64,
    told: &mut Told<W>,
    answers: &Semaphore,
) {
    for step in 0..STEPS {
        if told.contains_key(&(client, step)) {
            continue;
        }
        loop {
            match handle.submit(W::command(client, step)).await {
                Ok(committed) => {
                    told.insert((client, step), committed);
                    answers.add_permits(1);
                    break;
                }
                Err(SubmitError::Busy { .. } | SubmitError::OutcomeUnknown) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(SubmitError::Stopped { .. }) => return,
                Err(error) => panic!("client {client}, step {step}: {error}"),
            }
        }
    }
}

/// A store whose journal is in the database and fails when told to.
async fn open_faulty<W: Work>(site: &Site, faults: Faults) -> Result<Store<W::Of>, OpenError> {
    let journal = DatabaseJournal::open(site.database());
    let journal = async move { Ok(FaultyJournal::new(journal.await?, faults)) };
    Store::open_from(journal, site.database(), W::view(), tight()).await
}

/// One life of the store, which is dropped after so many answers; the clients add to what they
/// were told.
async fn live<W: Work>(
    site: &Site,
    faults: Faults,
    answers_max: u32,
    told: Told<W>,
) -> Result<Told<W>> {
    let store = match open_faulty::<W>(site, faults).await {
        Ok(store) => store,
        // Reads fail as well for a while; whoever starts it tries again.
        Err(OpenError::Journal(JournalError::Injected(_))) => return Ok(told),
        Err(error) => return Err(error.into()),
    };
    let answers = Arc::new(Semaphore::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (handle, answers) = (store.handle(), answers.clone());
            let mut told = told.clone();
            told.retain(|(of, _), _| *of == client);
            tokio::spawn(async move {
                work::<W>(&handle, client, &mut told, &answers).await;
                told
            })
        })
        .collect();
    // There may be fewer left than that; then everything has been answered when time is up.
    let enough = answers.acquire_many(answers_max);
    let _ = tokio::time::timeout(Duration::from_millis(100), enough).await;
    drop(store);
    let mut all = Told::<W>::new();
    for client in clients {
        all.extend(client.await?);
    }
    Ok(all)
}

/// Lives that end in the middle, until two faults have happened in them; then everything is
/// finished and compared with what was acknowledged. The store goes on.
async fn crash<W: Work>(site: &Site, seed: u64, nth: u64, fault: Fault) -> Result<Store<W::Of>> {
    let mut random = StdRng::seed_from_u64(seed);
    let faults = Faults::default();
    faults.at(nth, fault);
    faults.at(nth + random.random_range(1..8), fault);
    let (mut told, mut lives) = (Told::<W>::new(), 0);
    while lives < LIVES_MIN || faults.left() > 0 {
        ensure!(lives < LIVES_MAX, "{} faults never happened", faults.left());
        let answers_max = random.random_range(1..8);
        told = live::<W>(site, faults.clone(), answers_max, told).await?;
        lives += 1;
    }
    let acknowledged = told;

    let store = Store::open(site.database(), W::view(), tight()).await?;
    let handle = store.handle();
    for client in 0..CLIENTS {
        for step in 0..STEPS {
            let answer = handle.submit(W::command(client, step)).await?;
            if let Some(before) = acknowledged.get(&(client, step)) {
                ensure!(
                    answer.again,
                    "client {client}, step {step} was acknowledged"
                );
                ensure!(
                    answer.outcome == before.outcome,
                    "{answer:?} after {before:?}"
                );
                ensure!(
                    answer.sequence == before.sequence,
                    "{answer:?} after {before:?}"
                );
            }
            ensure!(
                !answer.outcome.is_refusal(),
                "client {client}, step {step}: {answer:?}"
            );
        }
    }
    let durable = handle.status().durable;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "the views follow"
    );
    Ok(store)
}

async fn tasks_after_a_crash(site: &Site, seed: u64, nth: u64, fault: Fault) -> Result<()> {
    let store = crash::<OnTasks>(site, seed, nth, fault).await?;
    let handle = store.handle();
    let tasks = i64::try_from(CLIENTS * TASKS_PER_CLIENT)?;
    let total = handle.submit(ask(Ask::Total)).await?.outcome;
    let amount = tasks * AMOUNT;
    ensure!(total == Said::Total { amount, due: 0 }, "{total:?}");
    let mut reading = handle.views().read().await?;
    let query = Query::new("select count(*), sum(amount), sum(finished) from tasks");
    let (count, sum, finished): (i64, i64, i64) = reading.connection().one_as(query).await?;
    ensure!(
        (count, sum, finished) == (tasks, amount, tasks),
        "the views hold everything once"
    );
    drop(reading);
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    site.fold().await?;
    Ok(())
}

/// A ledger with its accounts, and nothing on them.
async fn with_accounts(site: &Site) -> Result<()> {
    let store = Store::open(site.database(), LedgerView::default(), tight()).await?;
    let account = |(id, kind, limits)| NewAccount {
        book: BOOK,
        id: AccountId(id),
        currency: Currency::iso("CNY").expect("there is such a currency"),
        kind,
        limits,
    };
    let accounts = ACCOUNTS.map(account).into();
    store
        .handle()
        .submit(Submission::new(Command::Open(accounts)))
        .await?;
    store.shutdown().await;
    Ok(())
}

async fn ledger_after_a_crash(site: &Site, seed: u64, nth: u64, fault: Fault) -> Result<()> {
    with_accounts(site).await?;
    let store = crash::<OnLedger>(site, seed, nth, fault).await?;
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    let (view, audit) = (LedgerView::default(), LedgerAudit::default());
    let report = verify(site.database(), view, audit, Wanted::default()).await?;
    ensure!(report.is_clean(), "{:?}", report.difference);
    let mut reader = DatabaseReader::open(&site.database()).await?;
    let engine = fold::<Ledger>(&mut reader).await?;
    reader.close().await?;
    let rounds = i128::from(CLIENTS * STEPS / 4);
    for (id, balance) in [(1, PAID), (2, PAID - CAPTURED), (3, CAPTURED)] {
        let account = engine.machine().account(BOOK, AccountId(id));
        let account = account.context("it was opened")?;
        let expected = rounds * i128::from(balance);
        ensure!(account.net() == expected, "{account:?}, not {expected}");
    }
    Ok(())
}

async fn crash_at_each_append(site: &Site, fault: Fault) -> Result<()> {
    for nth in 1..=12 {
        let seed = nth * 7919;
        let site = site.another().await?;
        let told = || format!("seed {seed}, append {nth}, {fault:?}");
        let crashed = tasks_after_a_crash(&site, seed, nth, fault).await;
        crashed.with_context(told)?;
        let site = site.another().await?;
        let crashed = ledger_after_a_crash(&site, seed, nth, fault).await;
        crashed.with_context(told)?;
    }
    Ok(())
}

async fn appends_that_are_refused(site: Site) -> Result<()> {
    crash_at_each_append(&site, Fault::Refused).await
}

async fn appends_that_happen_though_the_answer_is_lost(site: Site) -> Result<()> {
    crash_at_each_append(&site, Fault::AnswerLost).await
}

async fn appends_of_which_nobody_knows_and_that_did_not_happen(site: Site) -> Result<()> {
    crash_at_each_append(&site, Fault::Unreadable { reads: 6 }).await
}

async fn appends_of_which_nobody_knows_and_that_did_happen(site: Site) -> Result<()> {
    crash_at_each_append(&site, Fault::WrittenUnreadable { reads: 6 }).await
}

async fn a_torn_row_stops_everything_and_is_not_started_from(site: Site) -> Result<()> {
    let faults = Faults::default();
    faults.at(3, Fault::Torn);
    let store = open_faulty::<OnTasks>(&site, faults.clone()).await?;
    let handle = store.handle();
    handle.submit(open(1).once(key(1))).await?;
    let torn = handle.submit(open(2).once(key(2))).await;
    ensure!(torn == Err(SubmitError::OutcomeUnknown), "{torn:?}");
    ensure!(store.shutdown().await == StopReason::Corrupt, "it stops");
    ensure!(faults.left() == 0, "it was torn");
    let reopened = Store::<Tasks>::open(site.database(), TasksView, tight()).await;
    match reopened {
        Err(OpenError::Corrupt(error)) => ensure!(error.to_string().contains("row 3"), "{error}"),
        other => bail!("a torn row is not started from: {other:?}"),
    }
    Ok(())
}

async fn another_writers_row_fences(site: Site) -> Result<()> {
    let other = site.another().await?;
    let rows = MemoryJournal::default();
    let open_in = |site: &Site| {
        let (rows, database) = (rows.clone(), site.database());
        async move { Store::<Tasks>::open_with(rows, database, TasksView, tight()).await }
    };
    let first = open_in(&site).await?;
    first.handle().submit(open(1).once(key(1))).await?;
    // The second one takes over: its seal raises the epoch.
    let second = open_in(&other).await?;
    second.handle().submit(open(2).once(key(2))).await?;
    let late = first.handle().submit(open(3).once(key(3))).await;
    ensure!(late == Err(SubmitError::OutcomeUnknown), "{late:?}");
    ensure!(
        first.shutdown().await == StopReason::Fenced,
        "the old writer stops"
    );
    let handle = second.handle();
    let again = handle.submit(open(1).once(key(1))).await?;
    ensure!(again.again, "what the old one acknowledged stands");
    let third = handle.submit(open(3).once(key(3))).await?;
    ensure!(!third.again, "what it did not, did not happen");
    Ok(())
}
