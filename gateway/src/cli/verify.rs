//! `gateway verify`: everything on disk, checked against the journal, and the journal against itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::audit;
use gateway::checkpoint::{CheckpointKey, KEY_FILE, Note, PublicKey};
use gateway::config::DataArgs;
use ledger::shell::chain::hex;
use ledger::shell::journal;
use ledger::shell::sql::Database;
use ledger::shell::{Progress, Statement, Wanted};

use super::{NO, print};

const EXAMPLES: &str = "\
Exit code 0 when all is as it should be, 1 with the first difference, 2 when it cannot be read. Nothing is written, and
the gateway may be running. A checkpoint of an earlier time shows besides that nothing before it was changed and that the end
was not cut off: `gateway checkpoint` prints one.

Examples:
  gateway verify
  gateway verify --data /var/lib/jiaozi
  gateway verify --database postgres://jiaozi@db.example.com/jiaozi
  gateway verify --data /var/lib/jiaozi --checkpoint checkpoint-2026-01-31.txt
  gateway verify --data /restored --checkpoint last.txt --checkpoint-key jiaozi-5f0c2b1a+1b2c3d4e+AX…";
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Verify the journal and the views of a database.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    data: DataArgs,
    /// A checkpoint that was kept, which must still hold; may be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key that signed it; that of the data directory when not given.
    #[arg(long, value_name = "KEY", requires = "checkpoint")]
    checkpoint_key: Option<PublicKey>,
}

impl Verify {
    /// What the checkpoints say, once it is clear who signed them.
    fn statements(&self) -> Result<Vec<Statement>> {
        if self.checkpoint.is_empty() {
            return Ok(Vec::new());
        }
        let key = match &self.checkpoint_key {
            Some(key) => key.clone(),
            None => CheckpointKey::load(&self.data.data.join(KEY_FILE))?.public(),
        };
        let read = |file: &PathBuf| {
            let shown = file.display();
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read the checkpoint {shown}"))?;
            let note = Note::read(&text, &key);
            Ok(note
                .with_context(|| format!("{shown} does not count"))?
                .statement)
        };
        self.checkpoint.iter().map(read).collect()
    }
}

/// Tells how far it has come, every few seconds.
fn telling() -> impl FnMut(Progress) + Send {
    let (started, mut told) = (Instant::now(), Instant::now());
    move |Progress { row, last, events }| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let seconds = started.elapsed().as_secs();
            eprintln!("row {} of {}, {events} events, {seconds} s", row.0, last.0);
        }
    }
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
    let wanted = Wanted {
        statements: verify.statements()?,
        progress: Box::new(telling()),
    };
    let report = audit::verify(&database, wanted)
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
