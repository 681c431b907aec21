//! `gateway bench http`: how many orders are made and paid a second, beside the bare echo of a signed request.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::config::Config;
use gateway::load::{self, Load};
use ledger::shell::journal;
use ledger::shell::sql::Database;

use super::print;

const EXAMPLES: &str = "\
A fresh gateway is made in a folder of its own, which is removed afterwards. Clients in the same process make orders and pay
them over HTTP, each request signed with a key of its own merchant or wallet and each answer durable; their work counts as
the gateway's. Before and after, the same clients ask a bare axum server that checks the same signatures and sends the
order back. Every answer, the merchants' balances and the whole journal are checked.

Examples:
  gateway bench http
  gateway bench http --connections 64 --json
  gateway bench http --database postgres://me@localhost/empty";

/// Orders made and paid over HTTP.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Http {
    /// Orders in all; a tenth as many come first and do not count.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().payments, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    payments: u64,
    /// Connections, each of which asks one thing at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().connections, value_parser = clap::value_parser!(u16).range(1..=8_000))]
    connections: u16,
    /// Merchants that make orders.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().merchants, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    merchants: u32,
    /// Wallets that pay.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().wallets, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    wallets: u32,
    /// A folder on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    data: PathBuf,
    /// An empty PostgreSQL database to measure instead of files. What is written stays in it.
    #[arg(long, value_name = "URL")]
    database: Option<Database>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(line: &Http) -> Result<()> {
    let load = Load {
        payments: line.payments,
        merchants: line.merchants,
        wallets: line.wallets,
        connections: line.connections,
    };
    let folder = tempfile::Builder::new()
        .prefix("bench-http-")
        .tempdir_in(&line.data)
        .with_context(|| format!("no folder can be made in {}", line.data.display()))?;
    let mut config = Config::in_directory(folder.path());
    if let Some(database) = &line.database {
        ensure!(
            !journal::exists(database).await?,
            "{database} has a journal already; make an empty database for this"
        );
        config.database = database.clone();
    }
    let tell = |progress: &str| eprintln!("{progress}");
    let figures = load::run(&config, &load, tell).await?;
    if line.json {
        return Ok(print(&(serde_json::to_string_pretty(&figures)? + "\n"))?);
    }
    Ok(print(&format!("{}\n", figures.table(&load)))?)
}
