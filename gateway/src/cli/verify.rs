//! `gateway verify`: everything on disk, checked against the journal, and the journal against itself.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::config::DataArgs;
use gateway::{app, audit};
use ledger::shell::chain::hex;

use super::{NO, print};

const EXAMPLES: &str = "\
Exit code 0 when all is as it should be, 1 with the first difference, 2 when it cannot be read. Nothing is written, and
the gateway may be running. Keep the head that is printed: it shows later that nothing before it was changed or cut off.

Examples:
  gateway verify
  gateway verify --data /var/lib/jiaozi";

/// Verify the journal and the views of a data directory.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(verify: &Verify) -> Result<ExitCode> {
    let data = &verify.data.data;
    ensure!(
        data.is_dir(),
        "there is no directory {}; name the gateway's with --data, or start the gateway once",
        data.display()
    );
    ensure!(
        app::has_journal(data),
        "there is no journal in {}; name the gateway's directory with --data",
        data.display()
    );
    eprintln!("verifying {}", data.display());
    let report = audit::verify(data)
        .await
        .with_context(|| format!("{} cannot be verified", data.display()))?;
    let views = report
        .views_at
        .map_or("none".to_owned(), |row| format!("up to row {}", row.0));
    let text = format!(
        "rows {}, records {}, events {}, checkpoints {}, views {views}\nhead {} {}\n",
        report.rows,
        report.records,
        report.events,
        report.checkpoints,
        report.head.sequence.0,
        hex(&report.head.hash)
    );
    print(&text)?;
    match report.difference {
        None => {
            print("clean\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Some(difference) => {
            print(&format!("first difference: {difference}\n"))?;
            Ok(ExitCode::from(NO))
        }
    }
}
