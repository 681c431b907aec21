//! What can happen to a server: it cuts sessions off, it is set up in a way that loses what it
//! acknowledged, and two writers want it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use ledger::shell::journal::JournalError;
use ledger::shell::sql::{Database, Query};
use ledger::shell::{Handle, OpenError, StopReason, Store, SubmitError};

use crate::postgres::{Server, server};
use crate::shell_fixture::{PATIENCE, key, open, tight};
use crate::shell_tasks::{Tasks, TasksView};

async fn start(server: &Server, database: &str) -> Result<Store<Tasks>, OpenError> {
    let database: Database = server.url(database).parse().expect("it is an address");
    Store::open(database, TasksView, tight()).await
}

/// Asks until there is an answer, as a client does that has a key.
async fn open_surely(handle: &Handle<Tasks>, task: u64) -> Result<()> {
    loop {
        match handle.submit(open(task).once(key(task))).await {
            Ok(_) => return Ok(()),
            Err(SubmitError::Busy { .. } | SubmitError::OutcomeUnknown) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The tasks in the views, once these have caught up.
async fn tasks(handle: &Handle<Tasks>) -> Result<Vec<(u64,)>> {
    let durable = handle.status().durable;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "the views follow"
    );
    let mut reading = handle.views().read().await?;
    let query = Query::new("select task from tasks order by task");
    Ok(reading.connection().all_as(query).await?)
}

/// Ends every session of a database but the one that asks.
fn end_sessions(database: &str) -> String {
    format!(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = '{database}' and pid <> pg_backend_pid()"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_cut_off_are_made_again() -> Result<()> {
    let server = server();
    let database = server.database().await;
    let store = start(server, &database).await?;
    let handle = store.handle();
    for task in 0..30 {
        if task % 10 == 5 {
            server.run(&database, end_sessions(&database)).await;
        }
        open_surely(&handle, task).await?;
    }
    ensure!(tasks(&handle).await?.len() == 30, "each is there once");
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    Ok(())
}

const KILLS: u64 = 3;
const KILLS_LONG: u64 = 100;
const SUBMITTERS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_loses_nothing() -> Result<()> {
    let server = Server::start();
    let database = server.database().await;
    let store = start(&server, &database).await?;
    let handle = store.handle();
    let enough = Arc::new(AtomicBool::new(false));
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|no| {
            let (handle, enough) = (handle.clone(), enough.clone());
            tokio::spawn(async move {
                let tasks = (no..).step_by(usize::try_from(SUBMITTERS)?);
                for task in tasks {
                    if enough.load(Ordering::Relaxed) {
                        return Ok(task);
                    }
                    open_surely(&handle, task).await?;
                }
                unreachable!("there are always more")
            })
        })
        .collect();
    let long = std::env::var("JIAOZI_LONG").is_ok_and(|long| long == "1");
    for _ in 0..if long { KILLS_LONG } else { KILLS } {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.kill();
        server.start_again();
        // It goes on, rather than to be over before it has.
        let durable = handle.status().durable;
        let goes_on = async {
            while handle.status().durable <= durable {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, goes_on).await?;
    }
    enough.store(true, Ordering::Relaxed);
    let mut expected = Vec::new();
    for (no, submitter) in (0..).zip(submitters) {
        let end: Result<u64> = tokio::time::timeout(PATIENCE, submitter).await??;
        expected.extend(
            (no..end?)
                .step_by(usize::try_from(SUBMITTERS)?)
                .map(|task| (task,)),
        );
    }
    expected.sort_unstable();
    ensure!(
        tasks(&handle).await? == expected,
        "each that was acknowledged is there once"
    );
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_gone_callers_are_told_and_then_it_goes_on() -> Result<()> {
    let server = Server::start();
    let database = server.database().await;
    let store = start(&server, &database).await?;
    let handle = store.handle();
    open_surely(&handle, 1).await?;
    server.stop();
    let told = handle.submit(open(2).once(key(2))).await;
    ensure!(told == Err(SubmitError::OutcomeUnknown), "{told:?}");
    let told = handle.submit(open(2).once(key(2))).await;
    ensure!(matches!(told, Err(SubmitError::Busy { .. })), "{told:?}");
    ensure!(!handle.status().ready, "it says that it is not ready");
    server.start_again();
    tokio::time::timeout(PATIENCE, open_surely(&handle, 2)).await??;
    ensure!(tasks(&handle).await?.len() == 2, "each is there once");
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_does_not_hold_up_the_end() -> Result<()> {
    let server = Server::start();
    let database = server.database().await;
    let store = start(&server, &database).await?;
    open_surely(&store.handle(), 1).await?;
    server.stop();
    let ended = tokio::time::timeout(PATIENCE, store.shutdown()).await?;
    ensure!(ended == StopReason::ShutDown, "{ended:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_lost_the_lease_does_no_harm_and_stops() -> Result<()> {
    let server = server();
    let database = server.database().await;
    let first = start(server, &database).await?;
    open_surely(&first.handle(), 1).await?;
    server.run(&database, end_sessions(&database)).await;
    let second = start(server, &database).await?;
    open_surely(&second.handle(), 2).await?;
    let late = first.handle().submit(open(3).once(key(3))).await;
    ensure!(late == Err(SubmitError::OutcomeUnknown), "{late:?}");
    ensure!(
        first.shutdown().await == StopReason::Fenced,
        "it is told why"
    );
    let handle = second.handle();
    let again = handle.submit(open(1).once(key(1))).await?;
    ensure!(again.again, "what the first one acknowledged stands");
    let third = handle.submit(open(3).once(key(3))).await?;
    ensure!(!third.again, "what it did not, did not happen");
    ensure!(handle.status().epoch == 2, "the takeover is an epoch");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_commits_are_not_durable_is_refused() -> Result<()> {
    let server = Server::start();
    let database = server.database().await;
    let commits = format!("alter database {database} set synchronous_commit");
    let spoils = [
        (
            format!("{commits} = off"),
            "synchronous_commit",
            format!("{commits} = on"),
        ),
        (
            format!("{commits} = local"),
            "synchronous_commit",
            format!("{commits} = on"),
        ),
        (
            "alter system set fsync = off".into(),
            "fsync",
            "alter system set fsync = on".into(),
        ),
        (
            "alter system set full_page_writes = off".into(),
            "full_page_writes",
            "alter system set full_page_writes = on".into(),
        ),
    ];
    for (spoil, named, mend) in spoils {
        server.run(&database, spoil.clone()).await;
        server
            .run(&database, "select pg_reload_conf()".into())
            .await;
        let refused = async {
            loop {
                match start(&server, &database).await {
                    Err(OpenError::Journal(JournalError::NotDurable { setting, .. })) => {
                        break setting;
                    }
                    // The server has not read its settings yet.
                    Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                    Err(error) => panic!("{spoil}: {error}"),
                }
            }
        };
        let setting = tokio::time::timeout(PATIENCE, refused).await?;
        ensure!(setting == named, "{spoil}: {setting}");
        server.run(&database, mend).await;
        server
            .run(&database, "select pg_reload_conf()".into())
            .await;
    }
    Ok(())
}
