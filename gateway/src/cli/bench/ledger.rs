//! `gateway bench ledger`: how fast the ledger takes transfers on this disk, beside what the disk itself can do.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use ledger::load::{self, Load};
use ledger::shell::journal;
use ledger::shell::sql::Database;

use super::print;

const EXAMPLES: &str = "\
A fresh ledger is made in a folder of its own, which is removed afterwards. Measured are, in this order: transfers
acknowledged and durable; the same with the views caught up; the start after an end without a word; the verification of
everything on disk; and how often the same disk makes as many bytes durable with nothing else around it. Every answer,
balance and count is checked on the way.

Examples:
  gateway bench ledger
  gateway bench ledger --transfers 200000 --batch 1 --submitters 64
  gateway bench ledger --transfers 10000000 --random-ids --data /srv/disk --json
  gateway bench ledger --database postgres://me@localhost/empty --data /var/lib/postgresql";

/// Durable transfers between accounts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ledger {
    /// Transfers in all.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().transfers, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    transfers: u64,
    /// Accounts that they move between.
    #[arg(long, value_name = "NUMBER", default_value_t = Load::default().accounts, value_parser = clap::value_parser!(u64).range(2..=100_000_000))]
    accounts: u64,
    /// Transfers in one request.
    #[arg(long, value_name = "NUMBER", default_value_t = 8_190, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// Requests under way at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    submitters: u16,
    /// Take one side of every transfer from the same account.
    #[arg(long)]
    hot: bool,
    /// Give transfers ids without a time in them (UUID version 4 instead of 7).
    #[arg(long)]
    random_ids: bool,
    /// A folder on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    data: PathBuf,
    /// An empty PostgreSQL database to measure instead of files. What is written stays in it; --data is then a folder on
    /// the server's disk, for its limit.
    #[arg(long, value_name = "URL")]
    database: Option<Database>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(line: &Ledger) -> Result<()> {
    let load = Load {
        transfers: line.transfers,
        accounts: line.accounts,
        batch: line.batch.into(),
        submitters: line.submitters.into(),
        hot: line.hot,
        random_ids: line.random_ids,
    };
    let folder = tempfile::Builder::new()
        .prefix("bench-ledger-")
        .tempdir_in(&line.data)
        .with_context(|| format!("no folder can be made in {}", line.data.display()))?;
    let database = match &line.database {
        Some(database) => {
            ensure!(
                !journal::exists(database).await?,
                "{database} has a journal already; make an empty database for this"
            );
            database.clone()
        }
        None => folder.path().into(),
    };
    let tell = |progress: &str| eprintln!("{progress}");
    let figures = load::run(database, folder.path(), &load, tell).await?;
    if line.json {
        return Ok(print(&(serde_json::to_string_pretty(&figures)? + "\n"))?);
    }
    Ok(print(&format!("{}\n", figures.table(&load)))?)
}
