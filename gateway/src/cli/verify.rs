//! `gateway verify`: everything on disk, checked against the journal, and the journal against itself.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::audit;
use gateway::config::DataArgs;
use ledger::shell::chain::hex;
use ledger::shell::journal;
use ledger::shell::sql::Database;

use super::{NO, print};

const EXAMPLES: &str = "\
Exit code 0 when all is as it should be, 1 with the first difference, 2 when it cannot be read. Nothing is written, and
the gateway may be running. Keep the head that is printed: it shows later that nothing before it was changed or cut off.

Examples:
  gateway verify
  gateway verify --data /var/lib/jiaozi
  gateway verify --database postgres://jiaozi@db.example.com/jiaozi";

/// Verify the journal and the views of a database.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(verify: &Verify) -> Result<ExitCode> {
    let database = verify.data.database();
    if let Database::Sqlite(data) = &database {
        ensure!(
            data.is_dir(),
            "there is no directory {database}; name the gateway's with --data, or start the gateway once"
        );
    }
    ensure!(
        journal::exists(&database)
            .await
            .with_context(|| format!("{database} cannot be read"))?,
        "there is no journal in {database}; name the gateway's directory with --data or its server with --database"
    );
    eprintln!("verifying {database}");
    let report = audit::verify(&database)
        .await
        .with_context(|| format!("{database} cannot be verified"))?;
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
