//! Done once, for ever: also when the key has left memory, and after a restart.

use anyhow::{Result, ensure};
use ledger::shell::{Committed, Handle, ManualClock, Store, SubmitError};
use ledger::{
    Engine, Moment, OnceEntry, OnceKey, Place, Record, Remember, Sequence, Submission, Timestamp,
    Unique, Verdict,
};

use crate::shell_fixture::{AMOUNT, PATIENCE, Site, ask, key, open, roomy, tight};
use crate::shell_tasks::{Ask, Said, Tasks, TasksView};

on_both! {
    a_retry_gets_the_first_answer_after_its_key_has_left_memory
    what_has_left_memory_is_decided_on_from_the_views
    a_young_time_ordered_key_needs_no_look_into_the_views
}

const TASKS: u64 = 60;

/// Opens and finishes tasks one after the other, so that the views keep up and things leave memory.
async fn work(handle: &Handle<Tasks>) -> Result<Vec<Committed<Said>>> {
    let mut answers = Vec::new();
    for task in 0..TASKS {
        let opened = handle.submit(open(task).once(key(task))).await?;
        let finished = handle.submit(ask(Ask::Finish(task))).await?;
        ensure!(
            handle.projected_at_least(finished.sequence, PATIENCE).await,
            "the views follow"
        );
        answers.push(opened);
    }
    Ok(answers)
}

async fn retries_get_the_first_answers(
    handle: &Handle<Tasks>,
    answers: &[Committed<Said>],
) -> Result<()> {
    for (task, first) in (0..).zip(answers) {
        let again = handle.submit(open(task).once(key(task))).await?;
        ensure!(again.again, "task {task} is not opened twice");
        ensure!(again.outcome == first.outcome, "{again:?} after {first:?}");
        ensure!(
            (again.sequence, again.at) == (first.sequence, first.at),
            "{again:?}"
        );
        let other = Unique {
            fingerprint: key(task + 1).fingerprint,
            ..key(task)
        };
        let reused = handle.submit(open(task).once(other)).await;
        ensure!(
            reused == Err(SubmitError::KeyReused(other.key)),
            "{reused:?}"
        );
    }
    Ok(())
}

async fn a_retry_gets_the_first_answer_after_its_key_has_left_memory(site: Site) -> Result<()> {
    let store = Store::open(site.database(), TasksView, tight()).await?;
    let handle = store.handle();
    let answers = work(&handle).await?;
    let in_memory = handle.status().once_in_memory;
    ensure!(
        in_memory < TASKS / 2,
        "{in_memory} keys are still in memory"
    );
    retries_get_the_first_answers(&handle, &answers).await?;
    ensure!(
        handle.status().cold_reads > TASKS / 2,
        "{:?}",
        handle.status()
    );

    // A crash, and a start from the snapshot and the tail.
    drop(store);
    let store = Store::open(site.database(), TasksView, tight()).await?;
    retries_get_the_first_answers(&store.handle(), &answers).await?;
    Ok(())
}

async fn what_has_left_memory_is_decided_on_from_the_views(site: Site) -> Result<()> {
    let store = Store::open(site.database(), TasksView, tight()).await?;
    let handle = store.handle();
    work(&handle).await?;
    let before = handle.status().cold_reads;
    for task in [0, 1, TASKS / 2] {
        let look = handle.submit(ask(Ask::Look(task))).await?.outcome;
        ensure!(look == Said::Finished(AMOUNT), "task {task}: {look:?}");
        let twice = handle.submit(open(task)).await?.outcome;
        ensure!(twice == Said::Exists, "task {task}: {twice:?}");
    }
    let unknown = handle.submit(ask(Ask::Look(TASKS + 7))).await?.outcome;
    ensure!(unknown == Said::Unknown, "{unknown:?}");
    ensure!(
        handle.status().cold_reads == before + 7,
        "each one was read from the views"
    );

    // Many at once, of which only some need the views.
    let asks = (0..TASKS + 2).map(|task| ask(Ask::Look(task))).collect();
    for (task, outcome) in (0..).zip(handle.submit_many(asks).await) {
        let expected = if task < TASKS {
            Said::Finished(AMOUNT)
        } else {
            Said::Unknown
        };
        ensure!(outcome?.outcome == expected, "task {task}");
    }
    Ok(())
}

async fn a_young_time_ordered_key_needs_no_look_into_the_views(site: Site) -> Result<()> {
    let store = Store::open(site.database(), TasksView, tight()).await?;
    let handle = store.handle();
    work(&handle).await?;
    drop(store);
    // Two hours later, so that the keys are younger than anything that left, by more than clocks
    // may differ.
    let clock = ManualClock::new(later().1);
    let store = Store::open(site.database(), TasksView, roomy(&clock)).await?;
    let handle = store.handle();
    for number in 0..10 {
        let unique = Unique {
            key: OnceKey {
                scope: 1,
                key: later().0 + number,
            },
            ..key(0)
        };
        let task = 1_000_000 + u64::try_from(number)?;
        // The task's own number is unknown, so one look is for the task, none for the key.
        let opened = handle.submit(open(task).once(unique)).await?.outcome;
        ensure!(opened == Said::Opened, "{opened:?}");
    }
    ensure!(handle.status().cold_reads == 10, "{:?}", handle.status());
    Ok(())
}

/// A UUIDv7 of two hours from now, and that time.
fn later() -> (u128, ledger::Timestamp) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or_default() + 7_200_000;
    let key = (u128::from(millis) << 80) | (7 << 76) | (0b10 << 62);
    (key, ledger::Timestamp::from_millis(millis))
}

#[test]
fn a_key_that_has_left_memory_answers_before_a_later_key_that_has_not() {
    let mut engine = Engine::<Tasks>::default();
    let moment = |row| Moment {
        sequence: Sequence(row),
        at: Timestamp(row),
    };
    // An order's number is used up by a success only.
    let number = |of: u64| Unique {
        key: OnceKey::of_text(2, "order 7"),
        remember: Remember::Successes,
        ..key(of)
    };
    let refused = || ask(Ask::Finish(99)).once(key(1)).once(number(1));
    let (first, _) = engine.submit(moment(1), &refused());
    assert_eq!(first, Verdict::New(Said::Unknown));
    let second = open(5).once(key(2)).once(number(2));
    assert_eq!(
        engine.submit(moment(2), &second).0,
        Verdict::New(Said::Opened)
    );

    // The first request's key leaves memory; the number, used by the second, is still there.
    let evict = Record::Evict {
        at: Timestamp(3),
        through: Sequence(1),
    };
    engine.apply(Sequence(3), &evict, |_, _, _| {});
    let missing = Verdict::Missing {
        keys: Vec::new(),
        once: vec![key(1).key],
        at_least: Sequence(1),
    };
    assert_eq!(engine.submit(moment(4), &refused()).0, missing);

    let place = Place {
        sequence: Sequence(1),
        record: 0,
    };
    let entry = OnceEntry {
        key: key(1).key,
        fingerprint: key(1).fingerprint,
        place,
    };
    let mut brought: Submission<Tasks> = refused();
    brought.cold.read_at = Sequence(1);
    brought.once_cold.insert(entry.key, Some(entry));
    assert_eq!(engine.submit(moment(4), &brought).0, Verdict::Again(place));
    // A new request with the number of another is told so, once its own key is known to be new.
    let mut third = ask(Ask::Finish(98)).once(key(3)).once(number(3));
    third.cold.read_at = Sequence(1);
    third.once_cold.insert(key(3).key, None);
    let reused = Verdict::KeyReused(number(3).key);
    assert_eq!(engine.submit(moment(4), &third).0, reused);
}
