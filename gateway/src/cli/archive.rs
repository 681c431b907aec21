//! `gateway archive`: old rows of the journal, moved into compressed files.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use gateway::config::DataArgs;
use ledger::shell::{Archived, archive};

use super::{journal_of, print};

const EXAMPLES: &str = "\
The gateway may be running. What moves is older than what a start needs; everything that reads history finds it in the files
of DIR/archive, `gateway verify` too. Copy these files once: they never change. The journal's own file keeps its size and
fills the room again.

Examples:
  gateway archive --data /var/lib/jiaozi
  gateway archive --data /var/lib/jiaozi --keep 1000000";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Move old rows of the journal into compressed files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Archive {
    #[command(flatten)]
    data: DataArgs,
    /// How many of the newest rows stay where they are.
    #[arg(long, value_name = "ROWS", default_value_t = 100_000)]
    keep: u64,
}

pub(crate) async fn run(args: &Archive) -> Result<ExitCode> {
    let data = journal_of(&args.data).await?;
    let mut told = Instant::now();
    let telling = |archived: Archived| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!("{} rows, up to row {}", archived.rows, archived.last.0);
        }
    };
    let archived = archive(&data, args.keep, telling)
        .await
        .with_context(|| format!("the journal of {} is not archived further", data.display()))?;
    print(&format!(
        "moved {} rows; the archive has all up to row {}\n",
        archived.rows, archived.last.0
    ))?;
    Ok(ExitCode::SUCCESS)
}
