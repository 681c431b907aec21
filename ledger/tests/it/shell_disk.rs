//! A database that refuses to be written for a while, or is gone and comes back: callers are told
//! the truth, nothing acknowledged is lost, and it goes on by itself.
//!
//! The database refuses by a trigger, which fails the statement as a full disk or a file that is
//! only to be read does.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ledger::shell::sql::{Database, Query};
use ledger::shell::{
    Committed, Handle, LedgerAudit, LedgerView, Settings, StopReason, Store, SubmitError, Wanted,
    verify,
};
use ledger::{Ledger, Outcome};

use crate::shell_fixture::{PATIENCE, Site, tight};
use crate::shell_verify::{accounts, transfer};

on_both! {
    a_journal_that_refuses_is_told_and_gone_on_from
    a_journal_that_goes_on_refusing_is_not_tried_without_rest
    views_that_refuse_hold_nobody_up_and_follow_later
    a_crash_while_any_table_of_the_views_refuses_is_recovered_from
}

/// Lets a table refuse rows, or take them again.
async fn refuse(site: &Site, area: &'static str, table: &'static str, refuses: bool) -> Result<()> {
    let mut trigger = Query::new("create trigger refuse before insert on ");
    trigger.push(table);
    let statements = match (refuses, site.database().is_server()) {
        (true, false) => {
            trigger.push(" begin select raise(abort, 'the disk is full'); end");
            vec![trigger]
        }
        (true, true) => {
            trigger.push(" for each row execute function refuse()");
            let function = "create function refuse() returns trigger language plpgsql
                as 'begin raise exception ''the disk is full''; end'";
            vec![Query::new(function), trigger]
        }
        (false, false) => vec![Query::new("drop trigger refuse")],
        (false, true) => vec![Query::new("drop function refuse cascade")],
    };
    for statement in statements {
        site.spoil(area, statement).await?;
    }
    Ok(())
}

async fn open(site: &Site) -> Result<Store<Ledger>> {
    let store = Store::open(site.database(), LedgerView::default(), Settings::default()).await?;
    store.handle().submit(accounts()).await?;
    Ok(store)
}

/// Asks until there is an answer, as a client does that has a key.
async fn surely(handle: &Handle<Ledger>, number: u128) -> Result<Committed<Outcome>> {
    let asked = async {
        loop {
            match handle.submit(transfer(number, 1, 2, 7)).await {
                Ok(committed) => return Ok(committed),
                Err(SubmitError::Busy { .. } | SubmitError::OutcomeUnknown) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await?
}

/// All that was acknowledged is there once, and everything on disk is as it should be.
async fn check(database: &Database, store: Store<Ledger>, numbers: &[u128]) -> Result<()> {
    let handle = store.handle();
    for number in numbers {
        let again = handle.submit(transfer(*number, 1, 2, 7)).await?;
        ensure!(again.again, "{number} was acknowledged");
    }
    ensure!(
        store.shutdown().await == StopReason::ShutDown,
        "it ends well"
    );
    let (view, audit) = (LedgerView::default(), LedgerAudit::default());
    let report = verify(database, view, audit, Wanted::default()).await?;
    ensure!(report.is_clean(), "{:?}", report.difference);
    ensure!(
        report.views_at == Some(report.head.sequence),
        "the views have followed: {report:?}"
    );
    Ok(())
}

async fn a_journal_that_refuses_is_told_and_gone_on_from(site: Site) -> Result<()> {
    let store = open(&site).await?;
    let handle = store.handle();
    surely(&handle, 1).await?;
    refuse(&site, "journal", "journal", true).await?;
    let told = handle.submit(transfer(2, 1, 2, 7)).await;
    ensure!(told == Err(SubmitError::OutcomeUnknown), "{told:?}");
    let told = handle.submit(transfer(3, 1, 2, 7)).await;
    let refused = matches!(
        told,
        Err(SubmitError::Busy { .. } | SubmitError::OutcomeUnknown)
    );
    ensure!(refused, "{told:?}");
    ensure!(
        !handle.ready(Duration::from_millis(50)).await,
        "it says so to whoever asks whether it is ready"
    );
    refuse(&site, "journal", "journal", false).await?;
    ensure!(
        handle.ready(PATIENCE).await,
        "it goes on when there is room"
    );
    ensure!(!surely(&handle, 2).await?.again, "it had not happened");
    surely(&handle, 3).await?;
    ensure!(handle.status().recoveries > 0, "its state was made anew");
    check(&site.database(), store, &[1, 2, 3]).await
}

async fn a_journal_that_goes_on_refusing_is_not_tried_without_rest(site: Site) -> Result<()> {
    let store = open(&site).await?;
    let handle = store.handle();
    surely(&handle, 1).await?;
    refuse(&site, "journal", "journal", true).await?;
    let began = Instant::now();
    let told = handle.submit(transfer(2, 1, 2, 7)).await;
    ensure!(told == Err(SubmitError::OutcomeUnknown), "{told:?}");
    let tried = async {
        while handle.status().recoveries < 6 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await?;
    let rested = Duration::from_millis(50 + 100 + 200 + 400);
    ensure!(began.elapsed() >= rested, "{:?}", began.elapsed());
    refuse(&site, "journal", "journal", false).await?;
    surely(&handle, 2).await?;
    check(&site.database(), store, &[1, 2]).await
}

async fn views_that_refuse_hold_nobody_up_and_follow_later(site: Site) -> Result<()> {
    let store = open(&site).await?;
    let handle = store.handle();
    let before = surely(&handle, 1).await?.sequence;
    ensure!(handle.projected_at_least(before, PATIENCE).await);
    refuse(&site, "views", "watermark", true).await?;
    let mut numbers = vec![1];
    for number in 2..20 {
        surely(&handle, number).await?;
        numbers.push(number);
    }
    let durable = handle.status().durable;
    ensure!(
        !handle
            .projected_at_least(durable, Duration::from_millis(300))
            .await,
        "they cannot follow"
    );
    refuse(&site, "views", "watermark", false).await?;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "they follow as soon as they can"
    );
    check(&site.database(), store, &numbers).await
}

/// Every table that the projector writes fails in turn, and then everything ends as in a crash.
async fn a_crash_while_any_table_of_the_views_refuses_is_recovered_from(site: Site) -> Result<()> {
    let tables = [
        "accounts",
        "balances",
        "transactions",
        "runs",
        "blocks",
        "watermark",
        "snapshot_parts",
    ];
    for table in tables {
        let site = site.another().await?;
        crash_while_refusing(&site, table).await.context(table)?;
    }
    Ok(())
}

async fn crash_while_refusing(site: &Site, table: &'static str) -> Result<()> {
    let begin = || Store::open(site.database(), LedgerView::default(), tight());
    begin().await?.shutdown().await;
    refuse(site, "views", table, true).await?;
    let store = begin().await?;
    let handle = store.handle();
    handle.submit(accounts()).await?;
    // Enough that each table has something to write, and that there is a checkpoint.
    let numbers: Vec<u128> = (1..=40).collect();
    for number in &numbers {
        surely(&handle, *number).await?;
    }
    let stuck = async {
        while handle.status().views_failures == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stuck).await?;
    drop(store);
    refuse(site, "views", table, false).await?;
    check(&site.database(), begin().await?, &numbers).await
}

/// Moves the files of the journal out of the directory, or back.
fn move_journal(from: &Path, to: &Path) -> Result<()> {
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        std::fs::rename(from.join(name), to.join(name)).context(name)?;
    }
    Ok(())
}

#[tokio::test]
async fn files_that_are_moved_away_and_back_lose_nothing() -> Result<()> {
    let (site, elsewhere) = (Site::sqlite()?, tempfile::tempdir()?);
    let Site::Sqlite(directory) = &site else {
        unreachable!("it is files")
    };
    let store = open(&site).await?;
    let handle = store.handle();
    surely(&handle, 1).await?;
    move_journal(directory.path(), elsewhere.path())?;
    let mut numbers = vec![1];
    for number in 2..10 {
        match handle.submit(transfer(number, 1, 2, 7)).await {
            Ok(_) => numbers.push(number),
            Err(SubmitError::Busy { .. } | SubmitError::OutcomeUnknown) => {}
            Err(error) => return Err(error.into()),
        }
    }
    move_journal(elsewhere.path(), directory.path())?;
    surely(&handle, 11).await?;
    numbers.push(11);
    check(&site.database(), store, &numbers).await
}
