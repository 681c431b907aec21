//! `gateway restore`: a backup, put back and verified.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::audit;
use gateway::config::DataArgs;
use ledger::shell::Wanted;
use ledger::shell::backup::copy_folder;
use ledger::shell::chain::hex;
use ledger::shell::journal;
use ledger::shell::sql::Database;

use super::draft::Draft;
use super::{NO, files_of, print};

const EXAMPLES: &str = "\
The directory must not be there yet, or be empty. It gets its name when all is in it. What was put back is verified; exit code 1 when something in it differs.

Examples:
  gateway restore --from /backup/2026-01-31 --data /var/lib/jiaozi --keys /safe/jiaozi-keys";

/// Put a backup back into an empty data directory, and verify it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    /// The directory that `gateway backup` made.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// The directory with the keys (master.key, operator.key, checkpoint.key); they can also be put back by hand.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

const KEYS: [&str; 3] = ["master.key", "operator.key", "checkpoint.key"];

pub(crate) async fn run(args: &Restore) -> Result<ExitCode> {
    let (from, data) = (&args.from, &files_of(&args.data)?);
    ensure!(
        journal::exists(&Database::from(from.as_path())).await?,
        "there is no journal in {}, so it is no backup",
        from.display()
    );
    let is_empty = std::fs::read_dir(data).map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        is_empty,
        "{} is not empty; name another directory",
        data.display()
    );
    let draft = Draft::of(data)?;
    put_back(from, draft.path())?;
    if let Some(keys) = &args.keys {
        for name in KEYS {
            let key = keys.join(name);
            if key.exists() {
                std::fs::copy(&key, draft.path().join(name))
                    .with_context(|| format!("{} cannot be put back", key.display()))?;
            }
        }
    }
    draft.finish()?;
    eprintln!("put back into {}; verifying it", data.display());
    let report = audit::verify(data.as_path(), Wanted::default())
        .await
        .with_context(|| format!("{} cannot be verified", data.display()))?;
    print(&format!(
        "head {} {}\n",
        report.head.sequence.0,
        hex(&report.head.hash)
    ))?;
    match report.difference {
        None => Ok(ExitCode::SUCCESS),
        Some(difference) => {
            print(&format!("first difference: {difference}\n"))?;
            Ok(ExitCode::from(NO))
        }
    }
}

/// Copies the files of a folder and of those in it.
fn put_back(from: &Path, to: &Path) -> Result<()> {
    let mut told = |file: &Path, bytes: u64| eprintln!("{} ({bytes} bytes)", file.display());
    copy_folder(from, to, &mut told)?;
    let entries = std::fs::read_dir(from)?;
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_dir()) {
            copy_folder(&path, &to.join(name), &mut told)?;
        }
    }
    Ok(())
}
