//! Views that cannot be written for a while: what is folded again makes the same rows, what needs
//! them waits, and nobody hangs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fx::Currency;
use ledger::core::{Amounts, Memo, Metadata, Step};
use ledger::core::{Key, Row};
use ledger::shell::sql::{Connection, Query};
use ledger::shell::{
    Handle, LedgerAudit, LedgerEvents, LedgerView, ManualClock, Rows, Seen, Settings, Store,
    SubmitError, Table, View, Wanted, verify,
};
use ledger::{
    AccountId, AccountKind, Book, Command, Event, Ledger, Limits, Machine, NewAccount, NewPosting,
    Outcome, Submission, TransactionId, TransactionNo,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::shell_fixture::{PATIENCE, START, open, roomy};
use crate::shell_tasks::{Said, TasksView};

/// A ledger's tables with its events.
#[derive(Debug, Default)]
struct WithEvents {
    ledger: LedgerView,
    events: LedgerEvents,
}

impl View<Ledger> for WithEvents {
    fn tables(&self) -> Vec<&'static Table> {
        let mut tables = LedgerView::tables();
        tables.extend(LedgerEvents::tables());
        tables
    }

    fn fold(&mut self, seen: Seen, event: &Event, ledger: &Ledger, rows: &mut Rows) {
        self.ledger.fold(seen.moment, event, ledger, rows);
        self.events.fold(seen, event, ledger, |_| true, rows);
    }

    fn finish(&mut self, ledger: &Ledger, rows: &mut Rows) {
        self.ledger.finish(ledger, rows);
    }

    async fn cold(
        connection: &mut Connection<'_>,
        keys: &[Key],
    ) -> Result<BTreeMap<Key, Option<Row>>, sqlx::Error> {
        LedgerView::cold(connection, keys).await
    }
}

fn accounts() -> Submission<Ledger> {
    let account = |id| NewAccount {
        book: Book(1),
        id: AccountId(id),
        currency: Currency::CNY,
        kind: AccountKind::Liability,
        limits: Limits::NONE,
    };
    Submission::new(Command::Open((1..4).map(account).collect()))
}

/// Takes the views' file away from the projector, as somebody with a database tool may.
async fn locked(directory: &Path) -> Result<SqliteConnection> {
    let file = SqliteConnectOptions::new().filename(directory.join("views.db"));
    let mut connection = file.connect().await?;
    sqlx::query("begin immediate")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// Waits until something is so. What has been spawned runs before it is looked at.
async fn until<M: Machine>(handle: &Handle<M>, what: impl Fn(&Handle<M>) -> bool) -> Result<()> {
    let waiting = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if what(handle) {
                break;
            }
        }
    };
    Ok(tokio::time::timeout(PATIENCE, waiting).await?)
}

#[tokio::test]
async fn a_chunk_that_could_not_be_written_is_folded_again_to_the_same_rows() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let settings = Settings::default();
    let store = Store::open(directory.path(), WithEvents::default(), settings).await?;
    let handle = store.handle();
    let sealed = handle.status().durable;
    ensure!(handle.projected_at_least(sealed, PATIENCE).await);

    let lock = locked(directory.path()).await?;
    let opened = handle.submit(accounts()).await?;
    until(&handle, |handle| handle.status().views_failures > 0).await?;
    drop(lock);
    ensure!(handle.projected_at_least(opened.sequence, PATIENCE).await);

    let mut reading = handle.views().read().await?;
    let query = Query::new("select seq, position from ledger_events order by seq, position");
    let events: Vec<(u64, u64)> = reading.connection().all_as(query).await?;
    let row = opened.sequence.0;
    ensure!(events == [(row, 0), (row, 1), (row, 2)], "{events:?}");
    drop(reading);
    store.shutdown().await;
    let audit = LedgerAudit::default();
    let report = verify(
        directory.path(),
        WithEvents::default(),
        audit,
        Wanted::default(),
    )
    .await?;
    ensure!(report.difference.is_none(), "{:?}", report.difference);
    Ok(())
}

fn step(step: Step) -> Submission<Ledger> {
    Submission::new(Command::Transact {
        book: Book(1),
        steps: vec![step],
    })
}

fn memo(id: u128) -> Memo {
    Memo {
        id: TransactionId(id),
        kind: 0,
        reference: None,
        metadata: Metadata::default(),
    }
}

#[tokio::test]
async fn a_reversal_of_what_was_just_posted_waits_for_the_views() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let settings = Settings::default();
    let store = Store::open(directory.path(), LedgerView::default(), settings).await?;
    let handle = store.handle();
    let opened = handle.submit(accounts()).await?;
    ensure!(handle.projected_at_least(opened.sequence, PATIENCE).await);

    let lock = locked(directory.path()).await?;
    let posting = NewPosting {
        debit: AccountId(1),
        credit: AccountId(2),
        amount: 30,
    };
    let posted = handle.submit(step(Step::Post {
        memo: memo(1),
        postings: vec![posting],
        amounts: Amounts::Exact,
        effective: None,
        corrects: None,
    }));
    let posted = posted.await?;
    ensure!(handle.status().projected < posted.sequence);
    let reversal = step(Step::Reverse {
        memo: memo(2),
        transaction: TransactionNo(1),
        amounts: None,
        effective: None,
    });
    let reversing = handle.clone();
    let reversing = tokio::spawn(async move { reversing.submit(reversal).await });
    // It has been read from the views once, in vain, and is to be read again.
    until(&handle, |handle| handle.status().cold_reads >= 2).await?;
    drop(lock);
    let reversed = reversing.await??;
    ensure!(
        matches!(reversed.outcome, Outcome::Transacted(_)),
        "{reversed:?}"
    );
    Ok(())
}

#[tokio::test]
async fn behind_views_that_stand_still_who_waits_is_told_busy() -> Result<()> {
    let clock = ManualClock::new(START);
    let settings = Settings {
        batch_events_max: 1,
        lag_events_max: 0,
        ..roomy(&clock)
    };
    let stall_max = settings.stall_max;
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path(), TasksView, settings).await?;
    let handle = store.handle();
    let sealed = handle.status().durable;
    ensure!(handle.projected_at_least(sealed, PATIENCE).await);

    let lock = locked(directory.path()).await?;
    handle.submit(open(1)).await?;
    let submit = |task| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(open(task)).await })
    };
    let decided = submit(2);
    until(&handle, |handle| handle.status().queued_commands == 0).await?;
    let waiting = submit(3);
    clock.advance(stall_max + Duration::from_secs(1));
    handle.tick();
    let told = tokio::time::timeout(PATIENCE, waiting).await??;
    ensure!(matches!(told, Err(SubmitError::Busy { .. })), "{told:?}");
    drop(lock);
    ensure!(decided.await??.outcome == Said::Opened);
    ensure!(handle.ready(PATIENCE).await);
    ensure!(handle.submit(open(3)).await?.outcome == Said::Opened);
    Ok(())
}
