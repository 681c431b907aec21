//! `gateway serve`: start, say where the doors are, and end in good order.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::app::{self, App, Started};
use gateway::config::{self, Config, LogArgs, LogFormat, Mode};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::{doctor, print};

const EXAMPLES: &str = "\
The first start makes the data directory, a master key and the operator's key. Every flag can be set by its environment
variable. Stop it with Ctrl-C or SIGTERM; being killed loses nothing that was acknowledged.

Examples:
  gateway serve
  gateway serve --data /var/lib/jiaozi --listen 127.0.0.1:8080 --mode live --public-url https://pay.example.com";

/// Start the gateway.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: config::Args,
}

pub(crate) async fn run(serve: &Serve) -> Result<ExitCode> {
    log(&serve.settings.log)?;
    let mut config = Config::from(&serve.settings);
    ensure!(
        config.mode == Mode::Test || config.public_url.is_some(),
        "in live mode say how payers reach this gateway, for its codes name that address: --public-url https://pay.example.com"
    );
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        let listen = config.listen;
        let mend = if doctor::is_running(&config.data) {
            "a gateway is running on this data directory already"
        } else {
            "choose another address with --listen, port 0 picks a free one"
        };
        format!("cannot listen on {listen}; {mend}")
    })?;
    // Port 0 has become a real one.
    config.listen = listener
        .local_addr()
        .context("the listening address is not known")?;
    let started = App::start(&config).await.with_context(|| {
        format!(
            "cannot start on {}; gateway doctor says more",
            config.database
        )
    })?;
    // Before the doors are told: whoever reads of them may ask at once.
    let stop = asked_to_stop().context("signals cannot be listened for")?;
    print(&doors(&config, &started))?;
    let app = started.app;
    app::serve(app.clone(), listener, stop)
        .await
        .context("the listener failed")?;
    app.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn log(log: &LogArgs) -> Result<()> {
    let filter = EnvFilter::try_new(&log.log).with_context(|| {
        format!(
            "--log {} is not a level or a list such as info,sqlx=warn",
            log.log
        )
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}

/// Where everything is, for the person who started it.
fn doors(config: &Config, started: &Started) -> String {
    let url = &started.app.public_url;
    let money = match config.mode {
        Mode::Test => "in TEST mode: play money, and customers that are simulated",
        Mode::Live => "in live mode: real money",
    };
    let key = Path::new(&config.data).join(app::OPERATOR_KEY_FILE);
    let key = key.display();
    let mut text = format!("Jiaozi {} {money}\n\n", env!("CARGO_PKG_VERSION"));
    let lines = [
        ("home", format!("{url}/")),
        ("developers", format!("{url}/docs")),
        ("checkout", format!("{url}/c/ORDER")),
        ("analysts", format!("{url}/analyst")),
        ("health", format!("{url}/readyz")),
        ("listens on", format!("http://{}", config.listen)),
        ("database", config.database.to_string()),
        ("operator key", key.to_string()),
    ];
    for (door, place) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {door:<13} {place}");
    }
    if let Some(first) = &started.first_key {
        let _ = writeln!(
            text,
            "\nThe operator's key {} is new, and kept in that file.",
            first.key_id
        );
        // A terminal forgets; what is not one may be a log that others read.
        if std::io::stdout().is_terminal() {
            let _ = writeln!(text, "Its secret: {}", first.secret);
        }
    }
    let _ = writeln!(
        text,
        "\nTry: gateway request GET /v1/trial-balance --url {url} --key-file {key}"
    );
    text
}

/// Listens for Ctrl-C and SIGTERM from now on; what is returned waits for one of them.
#[cfg(unix)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Listens for Ctrl-C.
#[cfg(not(unix))]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
