//! `gateway checkpoint`: what the journal is, signed, to be kept elsewhere.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use gateway::checkpoint::{CheckpointKey, KEY_FILE, Note};
use gateway::config::DataArgs;
use ledger::shell::Views;
use ledger::shell::checkpoint::{state, text_of_sums};
use ledger::shell::journal::DatabaseReader;

use super::print;

const EXAMPLES: &str = "\
Prints the journal's rows, hashes and trial balance up to where the views have come, signed. The gateway may be running.
Keep it where whoever could change the journal cannot: `gateway verify --checkpoint` finds any change of what is before it,
and an end that was cut off. The public key checks it with any program that reads signed notes.

Examples:
  gateway checkpoint > checkpoint-2026-01-31.txt
  gateway checkpoint --key > checkpoint.pub
  gateway checkpoint --sums
  gateway verify --checkpoint checkpoint-2026-01-31.txt";

/// Print a signed checkpoint of the journal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    data: DataArgs,
    /// Print the public key instead.
    #[arg(long, conflicts_with = "sums")]
    key: bool,
    /// Print the trial balance that a checkpoint now would vouch for instead.
    #[arg(long)]
    sums: bool,
}

pub(crate) async fn run(checkpoint: &Checkpoint) -> Result<ExitCode> {
    let data = &checkpoint.data.data;
    if checkpoint.key {
        let key = CheckpointKey::load(&data.join(KEY_FILE))?;
        print(&format!("{}\n", key.public()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let database = checkpoint.data.database();
    let failed = || format!("there is no journal in {database} to speak of");
    let views = Views::open(&database);
    let mut reading = views.read().await.with_context(failed)?;
    let mut journal = DatabaseReader::open(&database).await.with_context(failed)?;
    let (statement, sums) = state(&mut reading, &mut journal).await?;
    journal.close().await?;
    if checkpoint.sums {
        print(&text_of_sums(&sums))?;
        return Ok(ExitCode::SUCCESS);
    }
    let key = CheckpointKey::load_or_make(&data.join(KEY_FILE))?;
    print(&Note::sign(statement, &key).text)?;
    Ok(ExitCode::SUCCESS)
}
