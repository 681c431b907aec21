//! `gateway backup`: a copy of everything, at one moment, while the gateway runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;
use gateway::config::DataArgs;
use ledger::shell::backup::{self, copy_folder};

use super::draft::Draft;
use super::journal_of;

const EXAMPLES: &str = "\
The copy is one moment of the journal with views that fit it. The keys (master.key, operator.key, checkpoint.key) are left
out, because whoever has them beside the journal reads its secrets: keep a copy of them elsewhere.

Examples:
  gateway backup --data /var/lib/jiaozi --to /backup/2026-01-31
  gateway restore --from /backup/2026-01-31 --data /var/lib/jiaozi --keys /safe/jiaozi-keys";

/// What a gateway keeps beside the journal and the views: databases that follow it, and folders.
const FOLLOWERS: [&str; 1] = ["deliveries.db"];
const FOLDERS: [&str; 1] = ["models"];

/// Copy everything but the keys into a new directory.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    #[command(flatten)]
    data: DataArgs,
    /// The directory to make.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(crate) async fn run(args: &Backup) -> Result<ExitCode> {
    let (data, to) = (journal_of(&args.data).await?, &args.to);
    ensure!(
        !to.exists(),
        "{} is there already; name a new directory",
        to.display()
    );
    let draft = Draft::of(to)?;
    let mut told = |file: &Path, bytes: u64| eprintln!("{} ({bytes} bytes)", file.display());
    backup::backup(&data, draft.path(), &FOLLOWERS, &mut told).await?;
    for name in FOLDERS {
        let from = data.join(name);
        if from.is_dir() {
            copy_folder(&from, &draft.path().join(name), &mut told)?;
        }
    }
    draft.finish()?;
    eprintln!(
        "copied into {}; try it with: gateway verify --data {}",
        to.display(),
        to.display()
    );
    Ok(ExitCode::SUCCESS)
}
