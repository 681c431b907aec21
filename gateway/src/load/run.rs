//! Puts a load on a gateway and takes the time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Submission;
use ledger::load::{memory, quantile};
use ledger::shell::Wanted;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::client::Connection;
use super::figures::Times;
use super::parties::Parties;
use super::payer::{self, Numbers, price};
use super::{Figures, Load, LoadError, echo, expect};
use crate::app::{self, App, Started};
use crate::audit;
use crate::config::Config;
use crate::pay::{Command, MerchantId, Outcome};
use crate::sign::Signer;

/// How much of the load comes before anything counts, so that caches and connections are warm: one part in so many.
const WARM_UP_PART: u64 = 10;
/// Between two words on how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How long the views may stand still before something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a load on a gateway that is made in the place that the settings name, which must be empty. `told` hears what is
/// going on.
pub async fn run(config: &Config, load: &Load, told: impl Fn(&str)) -> Result<Figures, LoadError> {
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let Started { app, first_key } = App::start(config).await?;
    let first =
        first_key.ok_or_else(|| LoadError::Wrong("a journal that is not new".to_owned()))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async {
        // It also ends if nobody is left to tell it.
        let _ = stopped.await;
    };
    let serving = tokio::spawn(app::serve(app.clone(), listener, until));

    told("opening merchants and wallets");
    let operator = Signer::new(first.key_id.to_string(), first.secret.as_bytes());
    let parties = Arc::new(Parties::open(operator, address, load).await?);
    let measured = measure(&app, address, &parties, load, &told).await;
    // The server goes first, whatever came of it: it holds the journal.
    let _ = stop.send(());
    serving.await??;
    app.shutdown().await;
    let figures = measured?;

    told("verifying");
    let report = audit::verify(config.database.clone(), Wanted::default()).await?;
    expect(report.is_clean(), || format!("{:?}", report.difference))?;
    Ok(figures)
}

async fn measure(
    app: &App,
    address: SocketAddr,
    parties: &Arc<Parties>,
    load: &Load,
    told: &impl Fn(&str),
) -> Result<Figures, LoadError> {
    let warm_up = load.payments / WARM_UP_PART;
    let end = warm_up + load.payments;
    let half = load.payments.div_ceil(2);
    let echo = Echo::start(parties, load, told).await?;
    echo.runs(parties, warm_up.max(1)).await?;
    let before = echo.runs(parties, half).await?;

    let mut connections = open(address, load.connections, "pay").await?;
    told("warming up");
    let numbers = Numbers::new(0..warm_up);
    (connections, _) = drive(connections, parties, numbers, payer::pay, told).await?;
    memory::forget_peak();
    let commits_before = app.handle.status().commits;
    let started = Instant::now();
    let numbers = Numbers::new(warm_up..end);
    let (_, mut times) = drive(connections, parties, numbers, payer::pay, told).await?;
    let took = started.elapsed();
    caught_up(app, told).await?;
    let with_views = started.elapsed();
    let peak_rss_mib = memory::peak_mib().unwrap_or_default();
    let commits = app.handle.status().commits - commits_before;
    let after = echo.runs(parties, half).await?;
    check(app, parties, end).await?;

    times.requests.sort_unstable();
    times.payments.sort_unstable();
    let payments = load.payments as f64;
    let rate = |took: Duration| payments / took.as_secs_f64();
    let requests_per_s = 2.0 * rate(took);
    let echo_per_s = 2.0 * half as f64 / (before + after).as_secs_f64();
    Ok(Figures {
        payments: load.payments,
        payments_per_s: rate(took),
        requests_per_s,
        echo_per_s,
        ratio: requests_per_s / echo_per_s,
        p50_ms: quantile(&times.requests, 50),
        p99_ms: quantile(&times.requests, 99),
        payment_p99_ms: quantile(&times.payments, 99),
        with_views_per_s: rate(with_views),
        payments_per_commit: payments / commits.max(1) as f64,
        peak_rss_mib,
    })
}

/// The echo, and the connections to it.
struct Echo<'a, F> {
    address: SocketAddr,
    connections: u16,
    told: &'a F,
    /// It ends with this.
    _serving: JoinSet<()>,
}

impl<'a, F: Fn(&str)> Echo<'a, F> {
    async fn start(parties: &Parties, load: &Load, told: &'a F) -> Result<Self, LoadError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        let keys = parties.keys.clone();
        serving.spawn(async move {
            if let Err(error) = echo::serve(listener, keys).await {
                tracing::error!(%error, "the echo ended");
            }
        });
        Ok(Self {
            address,
            connections: load.connections,
            told,
            _serving: serving,
        })
    }

    /// How long so many requests take.
    async fn runs(&self, parties: &Arc<Parties>, requests: u64) -> Result<Duration, LoadError> {
        (self.told)("measuring the bare echo");
        let connections = open(self.address, self.connections, "echo").await?;
        let started = Instant::now();
        let numbers = Numbers::new(0..requests);
        drive(connections, parties, numbers, payer::echo, self.told).await?;
        Ok(started.elapsed())
    }
}

async fn open(address: SocketAddr, count: u16, name: &str) -> Result<Vec<Connection>, LoadError> {
    // Nonces are a key's own, for ever: each run has names of its own.
    let run = uuid::Uuid::now_v7().simple();
    let mut connections = Vec::new();
    for number in 0..count {
        let name = format!("{name}-{run}-{number}");
        connections.push(Connection::open(address, name).await?);
    }
    Ok(connections)
}

/// Lets every connection work until there is nothing more to do, and says how far it is.
async fn drive<W, D>(
    connections: Vec<Connection>,
    parties: &Arc<Parties>,
    numbers: Arc<Numbers>,
    work: W,
    told: &impl Fn(&str),
) -> Result<(Vec<Connection>, Times), LoadError>
where
    W: Fn(Connection, Arc<Parties>, Arc<Numbers>) -> D,
    D: Future<Output = Result<(Connection, Times), LoadError>> + Send + 'static,
{
    let mut working: JoinSet<_> = connections
        .into_iter()
        .map(|connection| work(connection, parties.clone(), numbers.clone()))
        .collect();
    let (mut connections, mut times) = (Vec::new(), Times::default());
    loop {
        match tokio::time::timeout(TELL_EVERY, working.join_next()).await {
            Ok(None) => return Ok((connections, times)),
            Ok(Some(ended)) => {
                let (connection, took) = ended??;
                connections.push(connection);
                times.extend(took);
            }
            Err(_) => told(&format!("{} left", numbers.left())),
        }
    }
}

/// Waits for the views, as long as they move.
async fn caught_up(app: &App, told: &impl Fn(&str)) -> Result<(), LoadError> {
    let durable = app.handle.status().durable;
    let (mut seen, mut moved) = (app.handle.status().projected, Instant::now());
    while !app.handle.projected_at_least(durable, TELL_EVERY).await {
        let projected = app.handle.status().projected;
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

/// That the merchants and the house have what was paid to the last fen.
async fn check(app: &App, parties: &Parties, orders: u64) -> Result<(), LoadError> {
    let paid: i128 = (0..orders).map(|number| i128::from(price(number))).sum();
    let mut got: i128 = 0;
    for merchant in &parties.merchants {
        let id: MerchantId = merchant
            .id
            .parse()
            .map_err(|error| LoadError::Wrong(format!("a merchant's id: {error}")))?;
        let question = Submission::new(Command::FindMerchant(id));
        let answer = app.handle.submit(question).await?.outcome;
        let Outcome::Merchant { accounts, .. } = answer else {
            return Err(LoadError::Wrong(format!("{answer:?}")));
        };
        got += accounts.iter().map(ledger::Account::net).sum::<i128>();
    }
    let question = Submission::new(Command::TrialBalance);
    let answer = app.handle.submit(question).await?.outcome;
    let Outcome::TrialBalance { sums, house } = answer else {
        return Err(LoadError::Wrong(format!("{answer:?}")));
    };
    expect(sums.iter().all(|sum| sum.balances()), || {
        format!("books that do not balance: {sums:?}")
    })?;
    let fees = crate::pay::recipe::Role::Fees.account(fx::Currency::CNY);
    let fees = house.iter().find(|account| account.id == fees);
    got += fees.map_or(0, ledger::Account::net);
    expect(got == paid, || {
        format!("{paid} fen were paid and {got} have arrived")
    })
}
