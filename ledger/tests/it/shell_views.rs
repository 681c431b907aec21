//! The views are the fold of the journal, however they came about.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ledger::shell::journal::{Journal, MemoryJournal};
use ledger::shell::sql::{Connection, Query};
use ledger::shell::{
    Column, Growth, Handle, OpenError, Rows, Seen, Settings, Store, Table, Value, View,
    rebuild_views,
};
use ledger::{Engine, Sequence};

use crate::shell_fixture::{AMOUNT, PATIENCE, Site, ask, fold, key, open, tight};
use crate::shell_tasks::{Ask, Finished, Happened, Tasks, TasksView};

on_both! {
    views_grow_with_the_journal_over_crashes_and_restarts
    whatever_a_start_finds_it_ends_with_the_fold
    views_that_are_deleted_are_made_anew
    a_journal_that_was_cut_takes_its_views_along
    a_view_with_other_tables_is_made_anew_from_the_start
    a_fold_that_disagrees_with_the_writers_digest_stops_everything
    when_the_views_are_too_far_behind_commits_wait_for_them
}

async fn work(handle: &Handle<Tasks>, tasks: std::ops::Range<u64>) -> Result<()> {
    for task in tasks {
        handle.submit(open(task).once(key(task))).await?;
        if task % 3 > 0 {
            handle.submit(ask(Ask::Finish(task))).await?;
        }
    }
    Ok(())
}

/// All tasks as the views have them, and the row they stand at.
async fn tasks(handle: &Handle<Tasks>) -> Result<(BTreeMap<i64, (i64, bool)>, Sequence)> {
    let durable = handle.status().durable;
    ensure!(
        handle.projected_at_least(durable, PATIENCE).await,
        "the views follow"
    );
    let mut reading = handle.views().read().await?;
    let query = Query::new("select task, amount, finished from tasks");
    let rows: Vec<(i64, i64, bool)> = reading.connection().all_as(query).await?;
    let watermark = reading.watermark();
    let tasks = rows
        .into_iter()
        .map(|(task, amount, finished)| (task, (amount, finished)));
    Ok((tasks.collect(), watermark))
}

fn expected(tasks: i64) -> BTreeMap<i64, (i64, bool)> {
    (0..tasks)
        .map(|task| (task, (AMOUNT, task % 3 > 0)))
        .collect()
}

async fn start(rows: &MemoryJournal, site: &Site) -> Result<Store<Tasks>, OpenError> {
    Store::open_with(rows.clone(), site.database(), TasksView, tight()).await
}

async fn views_grow_with_the_journal_over_crashes_and_restarts(site: Site) -> Result<()> {
    let rows = MemoryJournal::default();
    for life in 0..4 {
        let store = start(&rows, &site).await?;
        let handle = store.handle();
        work(&handle, 20 * life..20 * (life + 1)).await?;
        if life == 2 {
            let (found, watermark) = tasks(&handle).await?;
            ensure!(found == expected(60), "{found:?}");
            ensure!(watermark >= handle.status().durable, "{watermark:?}");
        }
        // Dropped in the middle the first times, with the views somewhere behind.
        if life == 3 {
            store.shutdown().await;
        }
    }
    let store = start(&rows, &site).await?;
    ensure!(
        tasks(&store.handle()).await?.0 == expected(80),
        "after all lives"
    );
    Ok(())
}

/// What a start does with what it finds: whatever that is, state and views are the journal's fold.
async fn starts_as_the_fold(site: &Site, spoil: Query) -> Result<()> {
    let rows = MemoryJournal::default();
    let store = start(&rows, site).await?;
    work(&store.handle(), 0..40).await?;
    store.shutdown().await;
    site.spoil("views", spoil.clone()).await?;

    // Each start seals and checkpoints; `fold` holds the journal to the digest in it, so a state
    // recovered wrongly cannot pass, and neither can the projector's.
    let store = start(&rows, site).await?;
    let handle = store.handle();
    ensure!(
        tasks(&handle).await?.0 == expected(40),
        "the views after {spoil:?}"
    );
    work(&handle, 40..50).await?;
    ensure!(
        tasks(&handle).await?.0 == expected(50),
        "the views follow after {spoil:?}"
    );
    store.shutdown().await;
    let engine: Engine<Tasks> = fold(&mut rows.clone()).await?;
    ensure!(engine.machine().total() == 50 * AMOUNT, "the fold");
    Ok(())
}

async fn whatever_a_start_finds_it_ends_with_the_fold(site: Site) -> Result<()> {
    let zeros = [0_u8; 32];
    let spoils = [
        Query::new("select 1"),
        Query::new("update snapshot_parts set state = $1").bind(&zeros[..1]),
        Query::new("update snapshot_parts set digest = $1").bind(&zeros[..]),
        Query::new("update snapshot_parts set row_hash = $1").bind(&zeros[..]),
        Query::new("update snapshot_parts set seq = seq - 1"),
        Query::new("delete from snapshot_parts"),
        Query::new("update watermark set hash = $1").bind(&zeros[..]),
        Query::new("update watermark set seq = 1000000"),
        Query::new("update watermark set schema = 'of long ago'"),
        Query::new("delete from watermark"),
    ];
    for spoil in spoils {
        let what = format!("{spoil:?}");
        let site = site.another().await?;
        starts_as_the_fold(&site, spoil).await.context(what)?;
    }
    Ok(())
}

async fn views_that_are_deleted_are_made_anew(site: Site) -> Result<()> {
    let settings = tight;
    let store = Store::open(site.database(), TasksView, settings()).await?;
    work(&store.handle(), 0..30).await?;
    ensure!(
        rebuild_views(site.database()).await.is_err(),
        "not while they are in use"
    );
    store.shutdown().await;
    rebuild_views(site.database()).await?;
    let gone = site.spoil("views", Query::new("delete from tasks")).await;
    ensure!(gone.is_err(), "they are gone: {gone:?}");
    let store = Store::open(site.database(), TasksView, settings()).await?;
    ensure!(
        tasks(&store.handle()).await?.0 == expected(30),
        "they are back"
    );
    Ok(())
}

async fn a_journal_that_was_cut_takes_its_views_along(site: Site) -> Result<()> {
    let rows = MemoryJournal::default();
    let store = start(&rows, &site).await?;
    work(&store.handle(), 0..30).await?;
    store.shutdown().await;
    rows.rows().truncate(11);
    let store = start(&rows, &site).await?;
    let handle = store.handle();
    let found = tasks(&handle).await?.0;
    let engine: Engine<Tasks> = fold(&mut rows.clone()).await?;
    let sum: i64 = found.values().map(|(amount, _)| amount).sum();
    ensure!(
        engine.machine().total() == sum && found.len() < 30,
        "{found:?}"
    );
    ensure!(sum > 0, "something is left");
    Ok(())
}

/// The tasks view with one more table.
#[derive(Debug, Default)]
struct WiderView(TasksView);

static NAMES: Table = Table {
    name: "names",
    columns: &[
        Column::integer("task"),
        Column::text("name"),
        Column::wide("square"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["name"],
};

impl View<Tasks> for WiderView {
    fn tables(&self) -> Vec<&'static Table> {
        let mut tables = self.0.tables();
        tables.push(&NAMES);
        tables
    }

    fn fold(&mut self, seen: Seen, event: &Happened, machine: &Tasks, rows: &mut Rows) {
        self.0.fold(seen, event, machine, rows);
        if let Happened::Opened { task, .. } = event {
            let wide = i128::from(*task) * i128::from(u64::MAX);
            rows.put(
                &NAMES,
                [(*task).into(), format!("task {task}").into(), wide.into()],
            );
        }
    }

    async fn cold(
        connection: &mut Connection<'_>,
        keys: &[u64],
    ) -> Result<BTreeMap<u64, Option<Finished>>, sqlx::Error> {
        TasksView::cold(connection, keys).await
    }
}

async fn a_view_with_other_tables_is_made_anew_from_the_start(site: Site) -> Result<()> {
    let rows = MemoryJournal::default();
    let store = start(&rows, &site).await?;
    work(&store.handle(), 0..10).await?;
    store.shutdown().await;
    let wider = WiderView::default();
    let store = Store::open_with(rows.clone(), site.database(), wider, tight()).await?;
    let handle = store.handle();
    ensure!(tasks(&handle).await?.0 == expected(10), "the old table");
    let mut reading = handle.views().read().await?;
    let query = Query::new("select task, name, square from names order by task");
    let names: Vec<(i64, String, Value)> = reading.connection().all_as(query).await?;
    ensure!(names.len() == 10, "{names:?}");
    // As long as it fits it is a number; what does not fit is its digits.
    ensure!(names[0] == (0, "task 0".into(), 0_i64.into()), "{names:?}");
    ensure!(
        names[3] == (3, "task 3".into(), "55340232221128654845".into()),
        "{names:?}"
    );
    Ok(())
}

async fn a_fold_that_disagrees_with_the_writers_digest_stops_everything(site: Site) -> Result<()> {
    let mut rows = MemoryJournal::default();
    let store = start(&rows, &site).await?;
    work(&store.handle(), 0..3).await?;
    store.shutdown().await;
    // A checkpoint with a digest of nothing, well chained.
    let last = rows.rows().last().context("there are rows")?.clone();
    let at = fold::<Tasks>(&mut rows).await?.clock().plus_nanos(1);
    let digest = [7; 32];
    let record = ledger::Record::<Tasks>::Checkpoint { at, digest };
    let forged = ledger::shell::Row::following(last.head(), last.epoch, &[record])?;
    rows.append(&forged).await?;
    let store = start(&rows, &site).await?;
    let handle = store.handle();
    let stopped = async {
        while handle.status().stopped.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stopped).await?;
    let why = ledger::shell::StopReason::Corrupt;
    ensure!(store.shutdown().await == why, "the projector found it");
    Ok(())
}

async fn when_the_views_are_too_far_behind_commits_wait_for_them(site: Site) -> Result<()> {
    let settings = Settings {
        lag_events_max: 10,
        evict_events: u64::MAX,
        ..tight()
    };
    let store = Store::open(site.database(), TasksView, settings).await?;
    let handle = store.handle();
    let asks = (0..2_000).map(open).collect();
    for outcome in handle.submit_many(asks).await {
        outcome?;
    }
    let status = handle.status();
    ensure!(
        status.lag_events <= 10 + 2 * 8,
        "a batch and the one after it: {status:?}"
    );
    Ok(())
}
