//! A run from beginning to end.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use ledger::shell::Wanted;
use tokio::task::JoinSet;

use crate::desk::{self, Desk};
use crate::flags::Flags;
use crate::house::{self, House};
use crate::rail::engine::EngineRail;
use crate::rail::http::HttpRail;
use crate::rail::{Answer, Chats, Rail, Trouble};
use crate::receiver::Hooks;
use crate::report::{Journal, Report, Webhooks};
use crate::run::Run;
use crate::world::Town;

/// How long the last webhooks may take: longer than the first two steps of the retry schedule.
const WEBHOOKS_WAIT_MAX: Duration = Duration::from_secs(60);
/// After so many errands somebody looks into a chat.
const ERRANDS_PER_CHAT: u64 = 6;
/// How often progress is told, and the webhooks are counted.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Runs the town over HTTP. Whether all was well.
pub(crate) async fn over_http(flags: &Flags) -> anyhow::Result<bool> {
    let (data, _temporary) = data_directory(flags)?;
    let gateway = House::start(&data, flags.listen).await?;
    let hooks = Hooks::open().await?;
    let town = Town::new(flags.seed, flags.shops, flags.people);
    let rail = HttpRail::new(
        gateway.url(),
        house::operator(&data)?,
        // One shop more, and some people more, are crooks.
        town.shops.len() + 1,
        town.people.len() + desk::CROOKS as usize,
        hooks.clone(),
    )?;
    let run = Arc::new(Run::begin(town, rail).await.map_err(broken)?);

    tell(&format!(
        "gateway at {}, data in {}",
        gateway.url(),
        data.display()
    ));
    open_town(&run, flags.customers).await?;
    let desk = Desk::open(&run.rail).await.map_err(broken)?;
    let crooks = {
        let run = run.clone();
        tokio::spawn(async move { run.crooks().await })
    };
    let took = shop(&run, flags).await;
    let mut caught = crooks.await?.map_err(broken)?;
    desk.work(&run, &mut caught).await.map_err(broken)?;
    desk.leave_key(&data)?;
    let webhooks = webhooks(&run, &hooks).await;
    let differences = run.audit().await.map_err(broken)?;
    let balance = trial_balance(&run).await?;

    let address = gateway.address;
    gateway.stop().await?;
    let journal = verify(&data).await?;
    let report = Report {
        shops: run.town.shops.len(),
        people: run.town.people.len(),
        trial_balance: balance,
        differences,
        webhooks: Some(webhooks),
        caught: Some(caught),
        ..Report::new(flags.seed, &mut run.tally(), took, journal)
    };
    publish(flags, &report)?;
    if !flags.exit {
        let gateway = House::start(&data, address).await?;
        doors(&gateway, &data);
        tokio::signal::ctrl_c().await?;
        gateway.stop().await?;
    }
    Ok(report.all_is_well())
}

/// Runs the town without HTTP, one errand after another.
pub(crate) async fn in_process(flags: &Flags) -> anyhow::Result<bool> {
    let town = Town::new(flags.seed, flags.shops, flags.people);
    let run = Run::begin(town, EngineRail::new(flags.seed));
    let run = run.await.map_err(broken)?;
    let started = Instant::now();
    for place in 0..run.town.shops.len() {
        run.open_shop(place).await.map_err(broken)?;
    }
    for place in 0..run.town.people.len() {
        run.open_wallet(place).await.map_err(broken)?;
    }
    for number in 0..flags.errands {
        run.errand(number).await;
        if number % ERRANDS_PER_CHAT == 0 {
            run.chat(number / ERRANDS_PER_CHAT).await;
        }
    }
    let differences = run.audit().await.map_err(broken)?;
    let balance = trial_balance(&run).await?;
    let (head, rows, events) = run.rail.journal();
    let replayed = run.rail.replay()?;
    let difference = (replayed != head)
        .then(|| format!("replaying the journal gives the hash {replayed}, not {head}"));
    let journal = Journal {
        verified: difference.is_none(),
        rows,
        events,
        head,
        difference,
    };
    let report = Report {
        shops: run.town.shops.len(),
        people: run.town.people.len(),
        trial_balance: balance,
        differences,
        ..Report::new(flags.seed, &mut run.tally(), started.elapsed(), journal)
    };
    publish(flags, &report)?;
    Ok(report.all_is_well())
}

/// For each currency the sum of all debits less the sum of all credits.
async fn trial_balance<R: Rail>(run: &Run<R>) -> anyhow::Result<BTreeMap<String, i128>> {
    let house = run.rail.house().await.map_err(broken)?;
    if house.is_empty() {
        return Err(anyhow!("the trial balance is empty"));
    }
    let lines = house.into_iter();
    Ok(lines.map(|(code, line)| (code, line.difference)).collect())
}

/// The named directory, or a temporary one that is gone when its guard is dropped.
fn data_directory(flags: &Flags) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(data) = &flags.data {
        return Ok((data.clone(), None));
    }
    let temporary = tempfile::Builder::new().prefix("jiaozi-town-").tempdir()?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Opens all shops and wallets, several at a time.
async fn open_town<R: Rail + 'static>(run: &Arc<Run<R>>, workers: u32) -> anyhow::Result<()> {
    let (shops, people) = (run.town.shops.len(), run.town.people.len());
    tell(&format!("opening {shops} shops and {people} wallets"));
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (run, next) = (run.clone(), next.clone());
        tasks.spawn(async move {
            loop {
                let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed))?;
                if place < shops {
                    run.open_shop(place).await?;
                } else if place < shops + people {
                    run.open_wallet(place - shops).await?;
                } else {
                    return Answer::Ok(());
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done?.map_err(broken)?;
    }
    Ok(())
}

/// Lets the customers shop until the time is up, and waits for those who are still in a shop.
async fn shop<R: Rail + Chats + 'static>(run: &Arc<Run<R>>, flags: &Flags) -> Duration {
    let started = Instant::now();
    let until = started + Duration::from_secs(flags.seconds);
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..flags.customers {
        let (run, next) = (run.clone(), next.clone());
        tasks.spawn(async move {
            while Instant::now() < until {
                let number = next.fetch_add(1, Ordering::Relaxed);
                run.errand(number).await;
                if number % ERRANDS_PER_CHAT == 0 {
                    run.chat(number / ERRANDS_PER_CHAT).await;
                }
            }
        });
    }
    let mut ticks = tokio::time::interval(TELL_EVERY);
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => run.tally().fault(format!("a customer was lost: {error}")),
            },
            _ = ticks.tick() => progress(run, started, flags.seconds),
        }
    }
    end_progress();
    started.elapsed()
}

fn progress<R: Rail>(run: &Run<R>, started: Instant, seconds: u64) {
    let tally = run.tally();
    let refused: u64 = tally.refused.values().sum();
    let (orders, payments, refunds) = (tally.orders, tally.payments, tally.refunds);
    let elapsed = started.elapsed().as_secs().min(seconds);
    drop(tally);
    let line = format!(
        "{elapsed:>3}/{seconds} s  {orders} orders  {payments} paid  {refunds} refunds  {refused} refused"
    );
    let mut out = std::io::stderr();
    // On a terminal the line is written over; elsewhere each is a line of its own. What cannot be
    // written is not worth stopping for.
    let _ = if out.is_terminal() {
        write!(out, "\r\x1b[2K{line}")
    } else {
        writeln!(out, "{line}")
    };
}

fn end_progress() {
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
}

fn tell(line: &str) {
    eprintln!("{line}");
}

/// Waits until everything that is due was heard, or nothing more can be expected.
async fn webhooks<R: Rail>(run: &Run<R>, hooks: &Hooks) -> Webhooks {
    let started = Instant::now();
    loop {
        let (due, delivered) = count(run, hooks);
        if delivered >= due || started.elapsed() > WEBHOOKS_WAIT_MAX {
            let (_, repeated, wrong_signature) = hooks.totals();
            return Webhooks {
                due,
                delivered,
                repeated,
                wrong_signature,
            };
        }
        tell(&format!(
            "waiting for webhooks: {delivered} of {due} have arrived"
        ));
        tokio::time::sleep(TELL_EVERY).await;
    }
}

fn count<R: Rail>(run: &Run<R>, hooks: &Hooks) -> (u64, u64) {
    let tally = run.tally();
    let mut counts = (0, 0);
    for ((order, news), due) in &tally.due {
        counts.0 += u64::from(*due);
        counts.1 += u64::from(hooks.count(order, news.topic()).min(*due));
    }
    counts
}

async fn verify(data: &Path) -> anyhow::Result<Journal> {
    tell("verifying the journal");
    let report = gateway::audit::verify(data, Wanted::default()).await?;
    Ok(Journal {
        verified: report.is_clean(),
        rows: report.rows,
        events: report.events,
        head: ledger::shell::chain::hex(&report.head.hash),
        difference: report.difference.map(|difference| difference.to_string()),
    })
}

fn publish(flags: &Flags, report: &Report) -> anyhow::Result<()> {
    println!("{report}");
    if let Some(file) = &flags.json {
        let json = serde_json::to_string_pretty(report)? + "\n";
        std::fs::write(file, json)
            .with_context(|| format!("the summary cannot be written to {}", file.display()))?;
    }
    Ok(())
}

fn doors(gateway: &House, data: &Path) {
    let (url, key) = (gateway.url(), data.join("operator.key"));
    println!(
        "
The town rests; its gateway is open until Ctrl-C:

  everyone    {url}/
  developers  {url}/docs          every request, with examples
  analysts    {url}/analyst     with the key in {analyst}
  finance     {url}/v1/trial-balance   signed; see below
  operators   {url}/metrics       and /healthz, /readyz

One request to copy, signed with the operator's key:

  cargo run --release -p gateway -- request GET /v1/trial-balance \\
    --url {url} --key-file {key}",
        key = key.display(),
        analyst = data.join(desk::KEY_FILE).display()
    );
}

fn broken(trouble: Trouble) -> anyhow::Error {
    match trouble {
        Trouble::Refused { code } => anyhow!("the gateway refused: {code}"),
        Trouble::Broken(error) => error,
    }
}
