//! Crashes and failing disks: nothing acknowledged is lost, nothing is done twice.
//!
//! Clients open and finish tasks under keys, over and over until they are told the outcome, while
//! the journal fails at a chosen append; then the store is dropped in the middle, as in a crash.
//! What each client was told is kept outside. Afterwards the journal must hold exactly that and
//! whatever was not acknowledged either once or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ledger::Submission;
use ledger::shell::journal::{
    DatabaseJournal, Fault, Faults, FaultyJournal, JournalError, MemoryJournal,
};
use ledger::shell::sql::Query;
use ledger::shell::{Committed, Handle, OpenError, StopReason, Store, SubmitError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Semaphore;

use crate::shell_fixture::{AMOUNT, PATIENCE, Site, ask, key, open, tight};
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

/// The step `step` of a client: it opens a task, then finishes it.
fn command(client: u64, step: u64) -> Submission<Tasks> {
    let task = client * TASKS_PER_CLIENT + step / 2;
    let number = client * 1_000 + step;
    if step.is_multiple_of(2) {
        open(task).once(key(number))
    } else {
        ask(Ask::Finish(task)).once(key(number))
    }
}

type Told = BTreeMap<(u64, u64), Committed<Said>>;

/// Works through the steps of one client from where it was; each step until its outcome is known.
/// Gives up when the store is gone.
async fn work(handle: &Handle<Tasks>, client: u64, told: &mut Told, answers: &Semaphore) {
    for step in 0..2 * TASKS_PER_CLIENT {
        if told.contains_key(&(client, step)) {
            continue;
        }
        loop {
            match handle.submit(command(client, step)).await {
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
async fn open_faulty(site: &Site, faults: Faults) -> Result<Store<Tasks>, OpenError> {
    let journal = DatabaseJournal::open(site.database());
    let journal = async move { Ok(FaultyJournal::new(journal.await?, faults)) };
    Store::open_from(journal, site.database(), TasksView, tight()).await
}

/// One life of the store, which is dropped after so many answers; the clients add to what they
/// were told.
async fn live(site: &Site, faults: Faults, answers_max: u32, told: Told) -> Result<Told> {
    let store = match open_faulty(site, faults).await {
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
                work(&handle, client, &mut told, &answers).await;
                told
            })
        })
        .collect();
    // There may be fewer left than that; then everything has been answered when time is up.
    let enough = answers.acquire_many(answers_max);
    let _ = tokio::time::timeout(Duration::from_millis(100), enough).await;
    drop(store);
    let mut all = Told::new();
    for client in clients {
        all.extend(client.await?);
    }
    Ok(all)
}

/// Lives that end in the middle, with two faults, then a clean one in which everything is finished and compared.
async fn crash_and_check(site: &Site, seed: u64, nth: u64, fault: Fault) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let faults = Faults::default();
    faults.at(nth, fault);
    faults.at(nth + random.random_range(1..8), fault);
    let mut told = Told::new();
    for _ in 0..8 {
        let answers_max = random.random_range(1..8);
        told = live(site, faults.clone(), answers_max, told).await?;
    }
    let acknowledged = told.clone();

    let store = Store::open(site.database(), TasksView, tight()).await?;
    let handle = store.handle();
    for client in 0..CLIENTS {
        for step in 0..2 * TASKS_PER_CLIENT {
            let answer = handle.submit(command(client, step)).await?;
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
            let expected = if step.is_multiple_of(2) {
                Said::Opened
            } else {
                Said::Finished(AMOUNT)
            };
            ensure!(
                answer.outcome == expected,
                "client {client}, step {step}: {answer:?}"
            );
        }
    }
    let tasks = i64::try_from(CLIENTS * TASKS_PER_CLIENT)?;
    let total = handle.submit(ask(Ask::Total)).await?.outcome;
    let amount = tasks * AMOUNT;
    ensure!(total == Said::Total { amount, due: 0 }, "{total:?}");
    let durable = handle.status().durable;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "the views follow"
    );
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

async fn crash_at_each_append(site: &Site, fault: Fault) -> Result<()> {
    for nth in 1..=12 {
        let seed = nth * 7919;
        let site = site.another().await?;
        let crashed = crash_and_check(&site, seed, nth, fault).await;
        crashed.with_context(|| format!("seed {seed}, append {nth}, {fault:?}"))?;
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
    let store = open_faulty(&site, faults).await?;
    let handle = store.handle();
    handle.submit(open(1).once(key(1))).await?;
    let torn = handle.submit(open(2).once(key(2))).await;
    ensure!(torn == Err(SubmitError::OutcomeUnknown), "{torn:?}");
    ensure!(store.shutdown().await == StopReason::Corrupt, "it stops");
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
