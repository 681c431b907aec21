//! Puts a load on a ledger and takes the time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;

use crate::core::{Command, Ledger, Outcome};
use crate::engine::Submission;
use crate::load::size::Sizes;
use crate::load::transfers::{ACCOUNTS_PER_COMMAND, Transfer, account, account_id};
use crate::load::{DiskLimit, Figures, Load, LoadError, memory, transfers};
use crate::shell::sql::{Database, Query};
use crate::shell::{
    Committed, Handle, LedgerAudit, LedgerView, Settings, Store, SubmitError, Wanted, verify,
};

/// How long the views may stand still before something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two words on how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);
const DISK_WITHIN: Duration = Duration::from_secs(2);

/// Runs a load on a database, which must be empty. The disk's limit is measured in `directory`,
/// which should be on the disk of the database. `told` hears what is going on.
pub async fn run(
    database: impl Into<Database>,
    directory: &Path,
    load: &Load,
    told: impl Fn(&str),
) -> Result<Figures, LoadError> {
    let database = database.into();
    let load = Load {
        accounts: load.accounts.max(2),
        batch: load.batch.max(1),
        submitters: load.submitters.max(1),
        ..*load
    };
    let store = open(&database).await?;
    let handle = store.handle();
    told("opening accounts");
    open_accounts(&handle, load.accounts).await?;
    caught_up(&handle, &told).await?;
    let commits_before = handle.status().commits;
    memory::forget_peak();

    let started = Instant::now();
    let mut latencies = submit(&handle, load, &told).await?;
    let burst = started.elapsed();
    caught_up(&handle, &told).await?;
    let sustained = started.elapsed();
    let peak_rss_mib = memory::peak_mib().unwrap_or_default();
    let commits = handle.status().commits - commits_before;
    check(&handle, &load).await?;

    told("starting again");
    drop(handle);
    drop(store);
    let started = Instant::now();
    let store = open(&database).await?;
    let recovery_s = started.elapsed().as_secs_f64();
    store.shutdown().await;
    let per_transfer = 1.0 / load.transfers.max(1) as f64;
    let sizes = Sizes::of(&database).await?;
    let row_bytes = sizes.journal / commits.max(1);

    told("verifying");
    let started = Instant::now();
    let (view, audit) = (LedgerView::default(), LedgerAudit::default());
    let report = verify(&database, view, audit, Wanted::default()).await?;
    let verified = started.elapsed();
    expect(report.is_clean(), || format!("{:?}", report.difference))?;
    told("measuring the disk");
    let row_bytes = usize::try_from(row_bytes).unwrap_or(usize::MAX);
    let disk = DiskLimit::measure(directory, row_bytes, DISK_WITHIN)?;

    let rate = |took: Duration| load.transfers as f64 / took.as_secs_f64();
    latencies.sort_unstable();
    Ok(Figures {
        transfers: load.transfers,
        burst_per_s: rate(burst),
        sustained_per_s: rate(sustained),
        disk_limit_per_s: disk.writes_per_s * load.transfers as f64 / commits.max(1) as f64,
        bytes_per_transfer: sizes.all as f64 * per_transfer,
        peak_rss_mib,
        recovery_s,
        verify_per_s: rate(verified),
        p50_ms: quantile(&latencies, 50),
        p99_ms: quantile(&latencies, 99),
        commits,
    })
}

async fn open(database: &Database) -> Result<Store<Ledger>, LoadError> {
    let view = LedgerView::default();
    Ok(Store::open(database, view, Settings::default()).await?)
}

async fn open_accounts(handle: &Handle<Ledger>, accounts: u64) -> Result<(), LoadError> {
    let numbers: Vec<u64> = (0..accounts).collect();
    for some in numbers.chunks(usize::try_from(ACCOUNTS_PER_COMMAND).unwrap_or(1)) {
        let new = some.iter().map(|number| account(*number)).collect();
        let opened = handle.submit(Submission::new(Command::Open(new))).await?;
        done(&opened)?;
    }
    Ok(())
}

/// Submits all transfers; returns how long each request took.
async fn submit(
    handle: &Handle<Ledger>,
    load: Load,
    told: &impl Fn(&str),
) -> Result<Vec<Duration>, LoadError> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..load.submitters {
        tasks.spawn(submitter(handle.clone(), load, next.clone()));
    }
    let mut latencies = Vec::new();
    loop {
        match tokio::time::timeout(TELL_EVERY, tasks.join_next()).await {
            Ok(None) => return Ok(latencies),
            Ok(Some(ended)) => latencies.extend(ended??),
            Err(_) => {
                let begun = next.load(Ordering::Relaxed).min(load.transfers);
                told(&format!(
                    "{begun} of {} transfers submitted",
                    load.transfers
                ));
            }
        }
    }
}

/// One submitter: the next batch, as long as there is one.
async fn submitter(
    handle: Handle<Ledger>,
    load: Load,
    next: Arc<AtomicU64>,
) -> Result<Vec<Duration>, LoadError> {
    let mut latencies = Vec::new();
    loop {
        let batch = load.batch as u64;
        let first = next.fetch_add(batch, Ordering::Relaxed);
        if first >= load.transfers {
            return Ok(latencies);
        }
        let started = Instant::now();
        let millis = now_millis();
        let mut waiting: Vec<Transfer> = (first..load.transfers.min(first + batch))
            .map(|number| Transfer::of(&load, number, millis))
            .collect();
        while !waiting.is_empty() {
            let submissions = waiting.iter().map(|transfer| transfer.submission());
            let answers = handle.submit_many(submissions.collect()).await;
            let mut again = Vec::new();
            let mut pause = None;
            for (transfer, answer) in waiting.into_iter().zip(answers) {
                match answer {
                    Ok(committed) => done(&committed)?,
                    Err(SubmitError::Busy { retry_after }) => {
                        again.push(transfer);
                        pause = Some(retry_after);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            waiting = again;
        }
        latencies.push(started.elapsed());
    }
}

fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

fn done(committed: &Committed<Outcome>) -> Result<(), LoadError> {
    match &committed.outcome {
        Outcome::Refused(rejection) => Err(LoadError::Wrong(rejection.to_string())),
        _ => Ok(()),
    }
}

/// Waits for the views, as long as they move.
async fn caught_up(handle: &Handle<Ledger>, told: &impl Fn(&str)) -> Result<(), LoadError> {
    let durable = handle.status().durable;
    let (mut seen, mut moved) = (handle.status().projected, Instant::now());
    while !handle.projected_at_least(durable, TELL_EVERY).await {
        let projected = handle.status().projected;
        if projected > seen {
            (seen, moved) = (projected, Instant::now());
        }
        told(&format!(
            "the views are at row {} of {}",
            projected.0, durable.0
        ));
        expect(moved.elapsed() < PATIENCE, || {
            "the views do not catch up".to_owned()
        })?;
    }
    Ok(())
}

/// That everything is there: as many transactions as were submitted, balances that are the sums of
/// what was submitted, and books that balance.
async fn check(handle: &Handle<Ledger>, load: &Load) -> Result<(), LoadError> {
    let mut nets = vec![0_i128; usize::try_from(load.accounts).unwrap_or(0)];
    for number in 0..load.transfers {
        let Transfer {
            debit,
            credit,
            amount,
            ..
        } = Transfer::of(load, number, 0);
        for (account, amount) in [(debit, -amount), (credit, amount)] {
            if let Ok(index) = usize::try_from(account) {
                nets[index] += i128::from(amount);
            }
        }
    }
    let numbers: Vec<u64> = (0..load.accounts).collect();
    for some in numbers.chunks(1_000) {
        let question = Command::Balances {
            book: transfers::BOOK,
            accounts: some.iter().map(|number| account_id(*number)).collect(),
        };
        let answer = handle.submit(Submission::new(question)).await?.outcome;
        let Outcome::Accounts(accounts) = answer else {
            return Err(LoadError::Wrong(format!("{answer:?}")));
        };
        for (number, account) in some.iter().zip(accounts) {
            let expected = usize::try_from(*number).ok().and_then(|n| nets.get(n));
            expect(expected == Some(&account.net()), || {
                format!(
                    "account {number} is at {} and not at {expected:?}",
                    account.net()
                )
            })?;
        }
    }
    let mut reading = handle.views().read().await?;
    let sum = Query::new("select coalesce(sum(last_no - first_no + 1), 0) from transactions");
    let counted = reading.connection().one_as(sum).await;
    let (count,): (u64,) = counted.map_err(crate::shell::ViewsError::from)?;
    expect(count == load.transfers, || {
        format!("the views have {count} transactions")
    })
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), LoadError> {
    if holds {
        Ok(())
    } else {
        Err(LoadError::Wrong(otherwise()))
    }
}

/// The latency that so many of a hundred stay below, in milliseconds.
pub fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = sorted.get((sorted.len() * percent / 100).min(last));
    at.map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
}
