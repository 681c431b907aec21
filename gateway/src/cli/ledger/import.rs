//! `gateway ledger import`: an exported book, read into another one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::cli::NO;
use crate::cli::request::ServerArgs;
use crate::cli::server::{Sent, Server, refusal};

const EXAMPLES: &str = "\
Reads what `gateway ledger export` wrote. Ids and effective dates are kept, the time of recording is now. Each line is done
once: after a failure of any kind say the same again. Exit code 1 when a line is refused, which is named, or when at the end
a balance is not that of the export because the book had something in it before.

Examples:
  gateway ledger import book.ndjson --key-file tea.key
  gateway ledger import book.ndjson --key-file tea.key --url https://pay.example.com";

/// Lines and bytes sent at a time.
const LINES_MAX: usize = 5_000;
const BYTES_MAX: usize = 8 << 20;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How often a piece is sent that could not be taken for the moment, and how long to wait in between: longer each time.
const TRIES_MAX: u32 = 8;
const PAUSE_FIRST: Duration = Duration::from_millis(250);

/// Read an exported book into another one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The file that an export wrote.
    file: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(import: &Import) -> Result<ExitCode> {
    let total = check(&import.file)?;
    let server = Server::new(&import.server)?;
    let (started, mut told) = (Instant::now(), Instant::now());
    let mut differing = Vec::new();
    let (mut first, mut again) = (1_u64, 0);
    let mut lines = reader(&import.file)?.lines().peekable();
    while lines.peek().is_some() {
        let (mut piece, mut count) = (Vec::new(), 0);
        while count < LINES_MAX && piece.len() < BYTES_MAX {
            let Some(line) = lines.next() else { break };
            let line = line.with_context(|| format!("line {first} cannot be read"))?;
            piece.extend_from_slice(line.as_bytes());
            piece.push(b'\n');
            count += 1;
        }
        let answer = match send(&server, first, &piece).await? {
            Ok(answer) => answer,
            Err(why) => {
                eprintln!("refused: {why}");
                return Ok(ExitCode::from(NO));
            }
        };
        first += count as u64;
        again += answer["again"].as_u64().unwrap_or_default();
        differing.extend(answer["differing"].as_array().cloned().unwrap_or_default());
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let seconds = started.elapsed().as_secs();
            eprintln!("line {} of {total}, {seconds} s", first - 1);
        }
    }
    eprintln!("imported {total} lines, {again} of them not for the first time");
    for account in &differing {
        let (name, exported, found) =
            (&account["account"], &account["exported"], &account["found"]);
        eprintln!("{name} has {found} where the export had {exported}");
    }
    Ok(if differing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}

fn reader(file: &Path) -> Result<BufReader<File>> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()));
    Ok(BufReader::new(opened?))
}

/// Counts the lines of a file, which must have its end.
fn check(file: &Path) -> Result<u64> {
    let (mut count, mut last) = (0_u64, String::new());
    for line in reader(file)?.lines() {
        let number = count + 1;
        last =
            line.with_context(|| format!("{}, line {number}: cannot be read", file.display()))?;
        count = number;
    }
    let end: Value = serde_json::from_str(&last).unwrap_or_default();
    let is_whole = end["type"] == "end" && end["lines"].as_u64() == count.checked_sub(1);
    ensure!(
        is_whole,
        "{} is not a whole export: it should end with a line of type \"end\" that counts those before it; export it again",
        file.display()
    );
    Ok(count)
}

/// Sends lines until they are taken or refused.
async fn send(server: &Server, first: u64, lines: &[u8]) -> Result<Result<Value, String>> {
    let target = format!("/v1/ledger/import?first_line={first}");
    let mut pause = PAUSE_FIRST;
    for tried in 1.. {
        let sent = Sent {
            body: lines.to_vec(),
            media: "application/x-ndjson",
            idempotency_key: None,
        };
        let answer = server.send(Method::POST, &target, sent).await?;
        let status = answer.status();
        let text = answer.bytes().await.context("the answer broke off")?;
        if status.is_success() {
            return Ok(Ok(serde_json::from_slice(&text)?));
        }
        let passes = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        if !passes || tried == TRIES_MAX {
            return Ok(Err(refusal(&text)));
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    unreachable!("the last try returns")
}
