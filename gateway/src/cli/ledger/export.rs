//! `gateway ledger export`: a whole book, written to a file or to standard output.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use reqwest::{Method, Response};

use crate::cli::NO;
use crate::cli::request::ServerArgs;
use crate::cli::server::{Sent, Server, refusal};

const EXAMPLES: &str = "\
The book is written as it stood when the export began; the gateway goes on meanwhile. A file gets its name when it is whole.

Examples:
  gateway ledger export --key-file tea.key -o book.ndjson
  gateway ledger export --key-file tea.key --format csv -o book.csv
  gateway ledger export --key-file tea.key --format hledger | hledger -f - balancesheet";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Lines of JSON, which can be imported.
    Ndjson,
    /// A table with a row for each posting.
    Csv,
    /// Plain text for hledger.
    Hledger,
}

/// Write a whole book to a file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    server: ServerArgs,
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: Format,
    /// Where to write it; standard output when not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(export: &Export) -> Result<ExitCode> {
    let server = Server::new(&export.server)?;
    let format = match export.format {
        Format::Ndjson => "ndjson",
        Format::Csv => "csv",
        Format::Hledger => "hledger",
    };
    let target = format!("/v1/ledger/export?format={format}");
    let answer = server.send(Method::GET, &target, Sent::default()).await?;
    if !answer.status().is_success() {
        eprintln!("refused: {}", refusal(&answer.bytes().await?));
        return Ok(ExitCode::from(NO));
    }
    match &export.output {
        None => copy(answer, &mut io::stdout().lock()).await?,
        Some(file) => into_file(answer, file).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn into_file(answer: Response, file: &Path) -> Result<()> {
    let failed = || format!("{} cannot be written", file.display());
    let Some(name) = file.file_name() else {
        bail!("{} is not the name of a file", file.display());
    };
    let mut draft_name = name.to_owned();
    draft_name.push(".part");
    let draft = file.with_file_name(draft_name);
    let mut written = File::create(&draft).with_context(failed)?;
    copy(answer, &mut written).await?;
    written.sync_all().with_context(failed)?;
    std::fs::rename(&draft, file).with_context(failed)
}

async fn copy(mut answer: Response, to: &mut impl Write) -> Result<()> {
    let (mut bytes, started, mut told) = (0_u64, Instant::now(), Instant::now());
    while let Some(piece) = answer
        .chunk()
        .await
        .context("the export broke off; nothing is lost, ask again")?
    {
        to.write_all(&piece)?;
        bytes += piece.len() as u64;
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!(
                "{} MB, {} s",
                bytes / 1_000_000,
                started.elapsed().as_secs()
            );
        }
    }
    to.flush()?;
    eprintln!("exported {bytes} bytes");
    Ok(())
}
