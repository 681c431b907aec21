//! The one writer: answers, limits, time and defects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use ledger::shell::chain::Row;
use ledger::shell::journal::{Journal, JournalError, MemoryJournal, ReadJournal};
use ledger::shell::{
    Clock, Handle, ManualClock, OpenError, Settings, StopReason, Store, SubmitError,
};
use ledger::{OnceKey, Sequence, Submission, Timestamp, Unique};
use tokio::sync::Semaphore;

use crate::shell_fixture::{AMOUNT, PATIENCE, START, Site, ask, key, open, roomy};
use crate::shell_tasks::{Ask, Said, Tasks, TasksView};

on_both! {
    a_command_is_answered_and_still_there_after_a_restart
    a_second_process_is_kept_out
    every_answer_waits_until_what_its_state_saw_is_durable
    while_one_batch_becomes_durable_the_next_is_built_and_then_the_queue_fills
    many_commands_have_an_outcome_each_in_their_order
    a_panic_while_folding_stops_everything
    what_falls_due_happens_by_itself_and_before_anything_else
    the_writer_wakes_for_what_is_due_on_the_real_clock
    stamps_increase_and_a_jump_of_the_wall_clock_is_told_and_not_followed
    an_id_from_the_future_is_refused
}

/// A journal whose appends wait for a permit each.
struct Gated {
    rows: MemoryJournal,
    permits: Arc<Semaphore>,
    begun: Arc<AtomicU64>,
}

impl ReadJournal for Gated {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        self.rows.read(after, bytes_max).await
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.rows.row(sequence).await
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        self.rows.last().await
    }
}

impl Journal for Gated {
    type Reader = MemoryJournal;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
        self.rows.append(row).await
    }

    async fn close(self) -> Result<(), JournalError> {
        Ok(())
    }

    async fn reader(&self) -> Result<MemoryJournal, JournalError> {
        self.rows.reader().await
    }
}

/// Lets everything through at the end, so that a test that fails does not hang.
struct Gate {
    permits: Arc<Semaphore>,
    begun: Arc<AtomicU64>,
}

impl Gate {
    fn appends_begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.permits.close();
    }
}

/// A store on a gated journal, which lets through the seal.
async fn gated(site: &Site, settings: Settings) -> Result<(Store<Tasks>, MemoryJournal, Gate)> {
    let rows = MemoryJournal::default();
    let gate = Gate {
        permits: Arc::new(Semaphore::new(1)),
        begun: Arc::default(),
    };
    let journal = Gated {
        rows: rows.clone(),
        permits: gate.permits.clone(),
        begun: gate.begun.clone(),
    };
    let store = Store::open_with(journal, site.database(), TasksView, settings).await?;
    Ok((store, rows, gate))
}

async fn memory(site: &Site, settings: Settings) -> Result<(Store<Tasks>, MemoryJournal)> {
    let rows = MemoryJournal::default();
    let store = Store::open_with(rows.clone(), site.database(), TasksView, settings).await?;
    Ok((store, rows))
}

/// Waits until something is so. What has been spawned runs before it is looked at.
async fn until(handle: &Handle<Tasks>, what: impl Fn(&Handle<Tasks>) -> bool) {
    let waiting = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if what(handle) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("what is waited for happens");
}

async fn a_command_is_answered_and_still_there_after_a_restart(site: Site) -> Result<()> {
    let settings = Settings::default;
    let store: Store<Tasks> = Store::open(site.database(), TasksView, settings()).await?;
    let handle = store.handle();
    let first = handle.submit(open(1).once(key(1))).await?;
    assert_eq!((first.outcome.clone(), first.again), (Said::Opened, false));
    let again = handle.submit(open(1).once(key(1))).await?;
    assert_eq!((again.sequence, again.at), (first.sequence, first.at));
    assert_eq!((again.outcome, again.again), (Said::Opened, true));
    let other = Unique {
        fingerprint: key(2).fingerprint,
        ..key(1)
    };
    let reused = handle.submit(open(1).once(other)).await;
    assert_eq!(reused, Err(SubmitError::KeyReused(other.key)));
    assert_eq!(store.shutdown().await, StopReason::ShutDown);
    let why = StopReason::ShutDown;
    assert_eq!(
        handle.submit(open(2)).await,
        Err(SubmitError::Stopped { why })
    );

    let store: Store<Tasks> = Store::open(site.database(), TasksView, settings()).await?;
    let handle = store.handle();
    let again = handle.submit(open(1).once(key(1))).await?;
    assert_eq!((again.sequence, again.at), (first.sequence, first.at));
    assert!(again.again);
    assert!(handle.projected_at_least(again.sequence, PATIENCE).await);
    Ok(())
}

async fn a_second_process_is_kept_out(site: Site) -> Result<()> {
    let open = || Store::<Tasks>::open(site.database(), TasksView, Settings::default());
    let store = open().await?;
    let second = open().await;
    let Err(OpenError::Journal(error)) = second else {
        panic!("the second opener is refused, not {second:?}");
    };
    assert!(error.is_held(), "{error}");
    let holder = match &site {
        Site::Sqlite(directory) => directory.path().display().to_string(),
        Site::Postgres(_) => "jiaozi, user postgres, from the same machine".to_owned(),
    };
    assert!(error.to_string().contains(&holder), "{error}");
    store.handle().submit(crate::shell_fixture::open(1)).await?;
    drop(store);
    open().await?;
    Ok(())
}

async fn every_answer_waits_until_what_its_state_saw_is_durable(site: Site) -> Result<()> {
    let (store, rows, gate) = gated(&site, Settings::default()).await?;
    let handle = store.handle();
    let answers = [
        open(1).once(key(1)),
        open(1).once(key(1)),
        ask(Ask::Look(1)),
        ask(Ask::Finish(2)),
    ]
    .map(|submission| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(submission).await })
    });
    until(&handle, |_| gate.appends_begun() == 2).await;
    until(&handle, |handle| handle.status().queued_commands == 0).await;
    let sealed = rows.rows().len();
    assert!(answers.iter().all(|answer| !answer.is_finished()));
    assert_eq!(sealed, 1, "only the seal is durable");
    gate.permits.add_permits(10);
    for answer in answers {
        let answer = answer.await??;
        assert!(answer.sequence <= handle.status().durable);
    }
    Ok(())
}

async fn while_one_batch_becomes_durable_the_next_is_built_and_then_the_queue_fills(
    site: Site,
) -> Result<()> {
    let settings = Settings {
        queue_commands_max: 5,
        batch_events_max: 10,
        ..Settings::default()
    };
    let (store, rows, gate) = gated(&site, settings).await?;
    let handle = store.handle();
    let submit = |task| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(open(task)).await })
    };
    // One alone is in flight; ten are in the batch being built; five wait; the next is refused.
    let mut answers = vec![submit(0)];
    until(&handle, |_| gate.appends_begun() == 2).await;
    for task in 1..=10 {
        answers.push(submit(task));
        until(&handle, |handle| handle.status().queued_commands == 0).await;
    }
    for waiting in 1..=5 {
        answers.push(submit(10 + waiting as u64));
        until(&handle, |handle| handle.status().queued_commands == waiting).await;
    }
    let refused = handle.submit(open(16)).await;
    assert!(
        matches!(refused, Err(SubmitError::Busy { .. })),
        "{refused:?}"
    );
    gate.permits.add_permits(100);
    for answer in answers {
        assert_eq!(answer.await??.outcome, Said::Opened);
    }
    let epochs: Vec<u64> = rows.rows().iter().map(|row| row.epoch).collect();
    assert_eq!(
        epochs,
        [1, 1, 1, 1],
        "a seal, then one, ten and five commands"
    );
    Ok(())
}

async fn many_commands_have_an_outcome_each_in_their_order(site: Site) -> Result<()> {
    let settings = Settings {
        batch_events_max: 7,
        ..Settings::default()
    };
    let (store, rows) = memory(&site, settings).await?;
    let handle = store.handle();
    let commands: Vec<Submission<Tasks>> = (0..50)
        .map(|n| match n % 5 {
            4 => ask(Ask::PanicInDecide),
            3 => open(n - 1),
            _ => open(n),
        })
        .collect();
    let outcomes = handle.submit_many(commands).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match n % 5 {
            4 => assert_eq!(outcome, Err(SubmitError::Internal)),
            3 => assert_eq!(outcome?.outcome, Said::Exists),
            _ => assert_eq!(outcome?.outcome, Said::Opened),
        }
    }
    let total = handle.submit(ask(Ask::Total)).await?.outcome;
    let amount = 30 * AMOUNT;
    assert_eq!(total, Said::Total { amount, due: 0 });
    // The seal, and seven batches of seven; the fiftieth was a defect alone, which makes no row.
    assert_eq!(rows.rows().len(), 1 + 50 / 7, "batches have their limit");
    assert!(handle.submit_many(Vec::new()).await.is_empty());
    Ok(())
}

async fn a_panic_while_folding_stops_everything(site: Site) -> Result<()> {
    let (store, rows) = memory(&site, Settings::default()).await?;
    let handle = store.handle();
    handle.submit(open(1)).await?;
    let bomb = handle.submit(ask(Ask::PanicInEvolve)).await;
    assert_eq!(bomb, Err(SubmitError::OutcomeUnknown));
    let why = StopReason::Defect;
    until(&handle, |handle| handle.status().stopped.is_some()).await;
    assert_eq!(
        handle.submit(open(2)).await,
        Err(SubmitError::Stopped { why })
    );
    assert_eq!(store.shutdown().await, why);
    assert_eq!(rows.rows().len(), 2, "the seal and the first task");
    Ok(())
}

async fn what_falls_due_happens_by_itself_and_before_anything_else(site: Site) -> Result<()> {
    let clock = ManualClock::new(START);
    let settings = Settings {
        batch_due_max: 3,
        ..roomy(&clock)
    };
    let (store, rows) = memory(&site, settings).await?;
    let handle = store.handle();
    let tasks = (0..10).map(|task| {
        ask(Ask::Open {
            task,
            amount: AMOUNT,
            due_in: Some(1_000_000 * (task + 1)),
        })
    });
    handle.submit_many(tasks.collect()).await;
    let before = rows.rows().len();
    clock.advance(Duration::from_micros(9_500));
    handle.tick();
    until(&handle, |handle| {
        handle.status().commits >= before as u64 + 3
    })
    .await;
    let total = handle.submit(ask(Ask::Total)).await?.outcome;
    let amount = 10 * AMOUNT;
    assert_eq!(
        total,
        Said::Total { amount, due: 9 },
        "the tenth is not due yet"
    );
    clock.advance(Duration::from_secs(1));
    let last = handle.submit(ask(Ask::Finish(9))).await?.outcome;
    assert_eq!(last, Said::Unknown, "it fell due before this was decided");
    Ok(())
}

async fn the_writer_wakes_for_what_is_due_on_the_real_clock(site: Site) -> Result<()> {
    let (store, _rows) = memory(&site, Settings::default()).await?;
    let handle = store.handle();
    let soon = ask(Ask::Open {
        task: 1,
        amount: AMOUNT,
        due_in: Some(30_000_000),
    });
    let opened = handle.submit(soon).await?;
    until(&handle, |handle| handle.status().durable > opened.sequence).await;
    assert_eq!(
        handle.submit(ask(Ask::Finish(1))).await?.outcome,
        Said::Unknown
    );
    Ok(())
}

async fn stamps_increase_and_a_jump_of_the_wall_clock_is_told_and_not_followed(
    site: Site,
) -> Result<()> {
    let clock = ManualClock::new(START);
    let (store, _rows) = memory(&site, roomy(&clock)).await?;
    let handle = store.handle();
    let one = handle.submit(open(1)).await?.at;
    let two = handle.submit(open(2)).await?.at;
    assert!(START < one && one < two && two < START.plus_nanos(100));
    clock.set_wall(START.plus_secs(86_400));
    let three = handle.submit(open(3)).await?.at;
    assert!(two < three && three < START.plus_secs(1));
    assert_eq!(handle.status().clock_steps, 1);
    assert!(handle.now() < START.plus_secs(1), "{:?}", handle.now());
    clock.set_wall(START);
    clock.advance(Duration::from_secs(2));
    assert_eq!(handle.now(), START.plus_secs(2));
    let four = handle.submit(open(4)).await?.at;
    assert_eq!(four, START.plus_secs(2));
    Ok(())
}

async fn an_id_from_the_future_is_refused(site: Site) -> Result<()> {
    let clock = ManualClock::new(START);
    let (store, _rows) = memory(&site, roomy(&clock)).await?;
    let handle = store.handle();
    let uuid_v7 = |millis: u64| (u128::from(millis) << 80) | (7 << 76) | (0b10 << 62);
    let keyed = |millis| OnceKey {
        scope: 1,
        key: uuid_v7(millis),
    };
    let now = START.as_millis();
    for (ahead, refused) in [(0, false), (59_999, false), (61_000, true)] {
        let unique = Unique {
            key: keyed(now + ahead),
            ..key(1)
        };
        let outcome = handle.submit(open(ahead).once(unique)).await;
        if refused {
            assert_eq!(outcome, Err(SubmitError::KeyFromFuture(unique.key)));
        } else {
            assert_eq!(outcome?.outcome, Said::Opened);
        }
    }
    Ok(())
}

#[tokio::test]
async fn questions_fill_a_batch_as_commands_do() -> Result<()> {
    let settings = Settings {
        queue_commands_max: 5,
        batch_events_max: 10,
        ..Settings::default()
    };
    let site = Site::sqlite()?;
    let (store, _rows, gate) = gated(&site, settings).await?;
    let handle = store.handle();
    let submit = |submission| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(submission).await })
    };
    let in_flight = submit(open(0));
    until(&handle, |_| gate.appends_begun() == 2).await;
    let questions: Vec<_> = (0..40).map(|n| submit(ask(Ask::Look(n)))).collect();
    // Ten are in the batch being built and five wait, at most; the others are refused at once.
    let refused = || questions.iter().filter(|asked| asked.is_finished()).count();
    until(&handle, |_| refused() >= 25).await;
    gate.permits.add_permits(10);
    assert_eq!(in_flight.await??.outcome, Said::Opened);
    for question in questions {
        match question.await? {
            Ok(answer) => assert!(answer.sequence <= handle.status().durable),
            Err(error) => assert_eq!(error.code(), "busy"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn behind_a_disk_that_stands_still_who_waits_is_told_busy() -> Result<()> {
    let clock = ManualClock::new(START);
    let settings = Settings {
        batch_events_max: 1,
        ..roomy(&clock)
    };
    let stall_max = settings.stall_max;
    let site = Site::sqlite()?;
    let (store, _rows, gate) = gated(&site, settings).await?;
    let handle = store.handle();
    let submit = |task| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(open(task)).await })
    };
    let in_flight = submit(1);
    until(&handle, |_| gate.appends_begun() == 2).await;
    let decided = submit(2);
    until(&handle, |handle| handle.status().queued_commands == 0).await;
    let waiting = submit(3);
    until(&handle, |handle| handle.status().queued_commands == 1).await;

    clock.advance(stall_max + Duration::from_secs(1));
    handle.tick();
    let told = tokio::time::timeout(PATIENCE, waiting).await??;
    assert!(matches!(told, Err(SubmitError::Busy { .. })), "{told:?}");
    let late = handle.submit(open(4)).await;
    assert!(matches!(late, Err(SubmitError::Busy { .. })), "{late:?}");
    assert!(!handle.status().ready, "a load balancer looks elsewhere");

    gate.permits.add_permits(10);
    assert_eq!(in_flight.await??.outcome, Said::Opened);
    assert_eq!(decided.await??.outcome, Said::Opened);
    assert!(handle.ready(PATIENCE).await);
    assert_eq!(handle.submit(open(3)).await?.outcome, Said::Opened);
    Ok(())
}

/// A clock that counts how often the writer looks at it, which it does once a turn.
#[derive(Debug)]
struct CountingClock {
    hands: ManualClock,
    looks: Arc<AtomicU64>,
}

impl Clock for CountingClock {
    fn wall(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.hands.wall()
    }

    fn monotonic(&self) -> Duration {
        self.hands.monotonic()
    }
}

#[tokio::test]
async fn the_writer_sleeps_while_it_seals_though_something_is_overdue() -> Result<()> {
    let hands = ManualClock::new(START);
    let directory = tempfile::tempdir()?;
    let rows = MemoryJournal::default();
    let path = directory.path().to_owned();
    let store = Store::open_with(rows.clone(), path.as_path(), TasksView, roomy(&hands)).await?;
    let due = ask(Ask::Open {
        task: 1,
        amount: AMOUNT,
        due_in: Some(1_000_000_000),
    });
    store.handle().submit(due).await?;
    store.shutdown().await;

    hands.advance(Duration::from_secs(10));
    let (looks, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let gate = Gate {
        permits: Arc::new(Semaphore::new(0)),
        begun: begun.clone(),
    };
    let journal = Gated {
        rows,
        permits: gate.permits.clone(),
        begun,
    };
    let settings = Settings {
        clock: Arc::new(CountingClock {
            hands: hands.clone(),
            looks: looks.clone(),
        }),
        ..roomy(&hands)
    };
    let opening = tokio::spawn(async move {
        Store::open_with(journal, path.as_path(), TasksView, settings).await
    });
    let sealing = async {
        while gate.appends_begun() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sealing).await?;
    let before = looks.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let turns = looks.load(Ordering::SeqCst) - before;
    drop(gate);
    let store = opening.await??;
    assert!(turns < 50, "{turns} turns in a third of a second");
    let finished = store.handle().submit(ask(Ask::Finish(1))).await?;
    assert_eq!(finished.outcome, Said::Unknown, "it fell due");
    Ok(())
}
