//! `gateway doctor`: what is wrong with a set-up, and how to mend it.
//!
//! It takes the settings of `serve` and looks at everything they name without changing anything, apart from a file that
//! it writes and removes again to see that writing works. Each look gives one [`Finding`]; the report is one line for
//! each, with what to do under those that are not well.

mod checks;
mod disk;
mod server;

pub(super) use checks::is_running;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use gateway::config::{self, Config};

use super::{NO, print};

const EXAMPLES: &str = "\
It takes the settings of `gateway serve`, by flag or by environment, and says what would be in its way. Exit code 1 when
something is.

Examples:
  gateway doctor
  gateway doctor --data /var/lib/jiaozi --mode live --public-url https://pay.example.com";

/// Say what is wrong with a set-up, and how to mend it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {
    #[command(flatten)]
    settings: config::Args,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Well,
    /// It works, but somebody should know.
    Doubtful,
    /// `serve` would not start, or could not be relied on.
    Bad,
}

/// What one look has found.
#[derive(Debug)]
struct Finding {
    what: &'static str,
    grade: Grade,
    /// What was seen.
    seen: String,
    /// What to do about it, if anything.
    mend: Option<String>,
}

impl Finding {
    fn well(what: &'static str, seen: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Well,
            seen: seen.into(),
            mend: None,
        }
    }

    fn doubtful(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Doubtful,
            seen: seen.into(),
            mend: Some(mend.into()),
        }
    }

    fn bad(what: &'static str, seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Bad,
            seen: seen.into(),
            mend: Some(mend.into()),
        }
    }
}

pub(crate) async fn run(doctor: &Doctor) -> Result<ExitCode> {
    let config = Config::from(&doctor.settings);
    let findings = checks::all(&config).await;
    print(&report(&findings))?;
    let worst = findings.iter().map(|finding| finding.grade).max();
    Ok(if worst == Some(Grade::Bad) {
        ExitCode::from(NO)
    } else {
        ExitCode::SUCCESS
    })
}

fn report(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let mark = match finding.grade {
            Grade::Well => "ok   ",
            Grade::Doubtful => "note ",
            Grade::Bad => "BAD  ",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{mark} {:<14} {}", finding.what, finding.seen);
        if let Some(mend) = &finding.mend {
            let _ = writeln!(out, "      {:<14} -> {mend}", "");
        }
    }
    let count = |grade| {
        findings
            .iter()
            .filter(|finding| finding.grade == grade)
            .count()
    };
    let (notes, bad) = (count(Grade::Doubtful), count(Grade::Bad));
    let _ = match (bad, notes) {
        (0, 0) => writeln!(out, "all is well"),
        (0, _) => writeln!(out, "nothing is in the way; notes: {notes}"),
        _ => writeln!(out, "in the way: {bad}; notes: {notes}"),
    };
    out
}
