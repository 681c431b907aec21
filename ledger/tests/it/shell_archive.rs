//! Old rows in files: whoever reads the journal does not notice, and a start does not need them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledger::shell::{LedgerAudit, Report};
use ledger::shell::{LedgerView, Settings, Store, Wanted, archive, rebuild_views, verify};
use ledger::{Ledger, Sequence};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::shell_fixture::PATIENCE;
use crate::shell_verify::{accounts, transfer};

fn settings() -> Settings {
    Settings {
        evict_events: 10,
        checkpoint_events: 25,
        chunk_pause: Duration::ZERO,
        ..Settings::default()
    }
}

async fn open(directory: &Path) -> Result<Store<Ledger>> {
    Ok(Store::open(directory, LedgerView::default(), settings()).await?)
}

async fn check(directory: &Path) -> Result<Report> {
    let (view, audit) = (LedgerView::default(), LedgerAudit::default());
    Ok(verify(directory, view, audit, Wanted::default()).await?)
}

/// Posts transfers one by one, each in a row of its own.
async fn post(store: &Store<Ledger>, numbers: std::ops::Range<u128>) -> Result<()> {
    let handle = store.handle();
    for number in numbers {
        handle.submit(transfer(number, 1, 2, 7)).await?;
    }
    let durable = handle.status().durable;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "the views follow"
    );
    Ok(())
}

async fn rows(directory: &Path) -> Result<(i64, i64)> {
    let options = SqliteConnectOptions::new().filename(directory.join("journal.db"));
    let mut connection = options.connect().await?;
    let rows = sqlx::query_as("select count(*), min(seq) from journal");
    let rows = rows.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

#[tokio::test]
async fn old_rows_move_while_it_runs_and_are_read_where_they_are() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path();
    let store = open(path).await?;
    store.handle().submit(accounts()).await?;
    post(&store, 1_000..1_200).await?;
    let moved = archive(path, 20, |_| {}).await?;
    ensure!(moved.rows > 100 && moved.last.0 == moved.rows, "{moved:?}");
    let (left, first) = rows(path).await?;
    ensure!(
        first == i64::try_from(moved.rows)? + 1 && left < 120,
        "{left} rows from {first} on"
    );

    // Its writer goes on, and who asks again is told the first answer out of the archive.
    post(&store, 2_000..2_050).await?;
    let again = store.handle().submit(transfer(1_003, 1, 2, 7)).await?;
    ensure!(again.again && again.sequence <= moved.last, "{again:?}");
    let more = archive(path, 20, |_| {}).await?;
    ensure!(more.rows > 0 && more.last > moved.last, "{more:?}");
    ensure!(
        archive(path, 20, |_| {}).await?.rows == 0,
        "there is nothing more to move"
    );
    store.shutdown().await;
    let report = check(path).await?;
    ensure!(report.is_clean() && report.rows > more.last.0, "{report:?}");

    // Views are made anew from both, by the next start.
    rebuild_views(path).await?;
    let store = open(path).await?;
    post(&store, 3_000..3_001).await?;
    ensure!(
        store.handle().status().replayed > more.last.0,
        "no snapshot: all of it is folded"
    );
    store.shutdown().await;
    ensure!(check(path).await?.is_clean());

    // A file that is damaged is noticed, and so is one that is gone.
    let files = std::fs::read_dir(path.join("archive"))?;
    let file = files
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jza"))
        .context("there is a file")?;
    let good = std::fs::read(&file)?;
    let mut bad = good.clone();
    bad[good.len() / 3] ^= 1;
    std::fs::write(&file, bad)?;
    let found = check(path).await;
    let noticed = found.is_err() || found.is_ok_and(|report| !report.is_clean());
    ensure!(noticed, "it is damaged");
    std::fs::remove_file(&file)?;
    ensure!(!check(path).await?.is_clean(), "rows are missing");
    Ok(())
}

#[tokio::test]
async fn moving_goes_on_where_it_was_stopped() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path();
    let store = open(path).await?;
    store.handle().submit(accounts()).await?;
    post(&store, 1_000..1_100).await?;
    store.shutdown().await;
    let whole = std::fs::read(path.join("journal.db"))?;
    let moved = archive(path, 0, |_| {}).await?;
    ensure!(moved.rows > 50, "{moved:?}");
    // As if it had been killed after the file was whole and before its rows were deleted.
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(path.join(format!("journal.db{suffix}")));
    }
    std::fs::write(path.join("journal.db"), whole)?;
    std::fs::write(path.join("archive/next.part"), "half a file")?;
    ensure!(check(path).await?.is_clean(), "a row may be in both");
    let again = archive(path, 0, |_| {}).await?;
    ensure!((again.rows, again.last) == (0, moved.last), "{again:?}");
    ensure!(rows(path).await?.1 == i64::try_from(moved.last.0)? + 1);
    ensure!(check(path).await?.is_clean());
    Ok(())
}

#[tokio::test]
async fn how_much_a_start_folds_does_not_grow_with_history() -> Result<()> {
    let mut folded = Vec::new();
    for history in [100, 1_000] {
        let directory = tempfile::tempdir()?;
        let store = open(directory.path()).await?;
        store.handle().submit(accounts()).await?;
        post(&store, 1_000..1_000 + history).await?;
        let rows = store.handle().status().durable.0;
        ensure!(u128::from(rows) > history, "each transfer has a row");
        // As in a crash.
        drop(store);
        let store = open(directory.path()).await?;
        folded.push(store.handle().status().replayed);
        ensure!(store.handle().status().durable > Sequence(rows));
        store.shutdown().await;
    }
    // A checkpoint every 25 events, of which the last may not have been in the views yet.
    ensure!(folded.iter().all(|rows| *rows <= 60), "{folded:?}");
    Ok(())
}
