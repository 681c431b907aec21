//! The one writer, on a real data directory.

use std::time::Duration;

use anyhow::Result;
use ledger::shell::{Settings, StopReason, Store, SubmitError};
use ledger::{Fingerprint, OnceKey, Remember, Submission, Unique};

use crate::shell_tasks::{Ask, Said, Tasks, TasksView};

fn open(task: u64) -> Submission<Tasks> {
    Submission::new(Ask::Open {
        task,
        amount: 10,
        due_in: None,
    })
}

fn keyed(task: u64, content: &str) -> Submission<Tasks> {
    open(task).once(Unique {
        key: OnceKey::of_text(1, &format!("task {task}")),
        fingerprint: Fingerprint::of(content.as_bytes()),
        remember: Remember::Always,
    })
}

#[tokio::test]
async fn a_command_is_answered_and_still_there_after_a_restart() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let store: Store<Tasks> = Store::open(directory.path(), TasksView, Settings::default()).await?;
    let handle = store.handle();
    let first = handle.submit(keyed(1, "a")).await?;
    assert_eq!((first.outcome.clone(), first.again), (Said::Opened, false));
    let again = handle.submit(keyed(1, "a")).await?;
    assert_eq!(
        (again.outcome, again.sequence),
        (Said::Opened, first.sequence)
    );
    assert_eq!((again.at, again.again), (first.at, true));
    let reused = handle.submit(keyed(1, "b")).await;
    assert!(matches!(reused, Err(SubmitError::KeyReused(_))));
    assert_eq!(store.shutdown().await, StopReason::ShutDown);
    let after = handle.submit(open(2)).await;
    let why = StopReason::ShutDown;
    assert_eq!(after, Err(SubmitError::Stopped { why }));

    let store: Store<Tasks> = Store::open(directory.path(), TasksView, Settings::default()).await?;
    let handle = store.handle();
    let again = handle.submit(keyed(1, "a")).await?;
    assert_eq!(
        (again.outcome, again.sequence),
        (Said::Opened, first.sequence)
    );
    assert!(again.again);
    assert!(
        handle
            .projected_at_least(again.sequence, Duration::from_secs(5))
            .await
    );
    Ok(())
}
