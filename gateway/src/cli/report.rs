//! `gateway report`: what happened, from the views of a database.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand};
use gateway::config::DataArgs;
use gateway::report::Builder;
use gateway::store::decision;
use ledger::Timestamp;
use ledger::shell::Views;
use ledger::shell::sql::Database;

use super::print;

const EXAMPLES: &str = "\
The gateway may be running; nothing is written. Without a form it is JSON.

Examples:
  gateway report fraud --from 2026-11-01 --to 2026-12-01 --html > november.html
  gateway report fraud --from 2026-11-24T08:00:00Z --to 2026-11-25 --csv";

/// The file of the views in a gateway's data directory.
pub(super) const VIEWS: &str = "views.db";
/// Decisions read at a time.
const PAGE: u32 = 5_000;
/// After how many somebody may want to know how far it is.
const TELL_EVERY: u64 = 500_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    Fraud(Fraud),
}

/// What the scorer stopped and let through, against what payments turned out to be.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fraud {
    #[command(flatten)]
    data: DataArgs,

    /// Attempts made at this time or later: a day or an RFC 3339 time, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    /// Attempts made before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,

    /// A page that stands by itself, with charts.
    #[arg(long, conflicts_with_all = ["csv", "json"])]
    html: bool,

    /// Every table, one after the other.
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Everything, the curves too.
    #[arg(long)]
    json: bool,
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let midnight = day
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|time| time.and_utc());
    let written = || {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| time.to_utc())
    };
    let nanos = midnight
        .or_else(written)
        .and_then(|time| time.timestamp_nanos_opt());
    let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
    nanos.map(Timestamp).ok_or_else(|| {
        "write a day as in 2026-11-24, or a time as in 2026-11-24T08:00:00Z".to_owned()
    })
}

/// Who names a directory that is not a gateway's hears that, and not that some file in it cannot be opened.
pub(super) fn must_have_run(database: &Database) -> Result<()> {
    let Database::Sqlite(data) = database else {
        return Ok(());
    };
    let found = if data.is_dir() {
        "holds no views, so no gateway has run there"
    } else {
        "is not a directory"
    };
    ensure!(
        data.join(VIEWS).is_file(),
        "{database} {found}; name the gateway's with --data, or its server with --database"
    );
    Ok(())
}

pub(crate) async fn run(report: &Report) -> Result<ExitCode> {
    let Report::Fraud(asked) = report;
    let database = asked.data.database();
    must_have_run(&database)?;
    let from = asked.from.unwrap_or(Timestamp::ZERO);
    let until = asked.to.unwrap_or(Timestamp(i64::MAX.cast_unsigned()));
    ensure!(from < until, "--from is not before --to");
    let views = Views::open(&database);
    let (mut builder, mut behind, mut seen) = (Builder::default(), None, 0_u64);
    loop {
        let mut reading = views
            .read()
            .await
            .with_context(|| format!("the views in {database} cannot be read"))?;
        let page = decision::between(&mut reading, (from, until), behind, PAGE).await?;
        let Some(last) = page.last() else {
            break;
        };
        behind = Some((last.decision.at, last.decision.id));
        for one in &page {
            builder.add(one);
        }
        let before = seen / TELL_EVERY;
        seen += page.len() as u64;
        if seen / TELL_EVERY > before {
            eprintln!("{seen} attempts read");
        }
    }
    let report = builder.finish(asked.from, asked.to);
    let text = if asked.html {
        report.to_html()?
    } else if asked.csv {
        report.to_csv()
    } else {
        serde_json::to_string_pretty(&report)? + "\n"
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
