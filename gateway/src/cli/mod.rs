//! The command line. One file a command; each says in its `--help` what it does, with examples.
//!
//! Standard output carries data and nothing else, so every command can be piped; what is for people goes to standard
//! error. The exit code is 0 when all is well, 1 when the answer is "no" (a difference found, no code in the picture,
//! a request refused), and 2 when the question could not be asked (wrong usage, a file that cannot be read).

mod archive;
mod backup;
mod bench;
mod checkpoint;
mod doctor;
mod draft;
mod fraud;
mod ledger;
mod listen;
mod qr;
mod report;
mod request;
mod restore;
mod serve;
mod server;
mod trigger;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use ::ledger::shell::journal;
use ::ledger::shell::sql::Database;
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, Subcommand};
use gateway::config::DataArgs;

/// The answer is "no".
pub(crate) const NO: u8 = 1;
/// The question could not be asked.
pub(crate) const FAILED: u8 = 2;

/// A payment ledger and QR-transaction processor.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Verify(verify::Verify),
    Checkpoint(checkpoint::Checkpoint),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Archive(archive::Archive),
    Doctor(doctor::Doctor),
    Request(request::Request),
    Listen(listen::Listen),
    Trigger(trigger::Trigger),
    /// Say what happened, for people and for other programs.
    #[command(subcommand)]
    Report(report::Report),
    /// Make, read and explain QR codes.
    #[command(subcommand)]
    Qr(qr::Qr),
    /// Carry a book out of one gateway and into another, or to other programs.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Train and judge models of fraud.
    #[command(subcommand)]
    Fraud(fraud::Fraud),
    /// Measure how fast this machine is.
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let result = match Line::parse().command {
        Command::Serve(serve) => wait_for(serve::run(&serve)),
        Command::Verify(verify) => wait_for(verify::run(&verify)),
        Command::Checkpoint(checkpoint) => wait_for(checkpoint::run(&checkpoint)),
        Command::Backup(backup) => wait_for(backup::run(&backup)),
        Command::Restore(restore) => wait_for(restore::run(&restore)),
        Command::Archive(archive) => wait_for(archive::run(&archive)),
        Command::Doctor(doctor) => wait_for(doctor::run(&doctor)),
        Command::Request(request) => wait_for(request::run(&request)),
        Command::Listen(listen) => wait_for(listen::run(&listen)),
        Command::Trigger(trigger) => wait_for(trigger::run(&trigger)),
        Command::Report(report) => wait_for(report::run(&report)),
        Command::Qr(command) => qr::run(&command),
        Command::Ledger(command) => wait_for(ledger::run(&command)),
        Command::Fraud(command) => fraud::run(&command),
        Command::Bench(command) => wait_for(bench::run(&command)),
    };
    result.unwrap_or_else(|error| {
        if closed_early(&error) {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {}", gateway::failure::told(&error));
        ExitCode::from(FAILED)
    })
}

/// The directory of a journal that is kept in files, for what is done to files.
fn files_of(data: &DataArgs) -> Result<PathBuf> {
    match data.database() {
        Database::Sqlite(files) => Ok(files),
        server @ Database::Postgres(_) => bail!(
            "{server} is a server, which has its own ways for this (pg_dump, pg_basebackup): see Operating, On PostgreSQL"
        ),
    }
}

/// The same where a journal must be.
async fn journal_of(data: &DataArgs) -> Result<PathBuf> {
    let files = files_of(data)?;
    ensure!(
        journal::exists(&Database::from(files.as_path())).await?,
        "there is no journal in {}; name the gateway's directory with --data",
        files.display()
    );
    Ok(files)
}

/// Runs what waits for the world.
fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("no threads could be started")?;
    runtime.block_on(work)
}

/// Writes data to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Whoever read our output has had enough (`gateway qr decode … | head -1`), which is no error of ours.
fn closed_early(error: &anyhow::Error) -> bool {
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref().is_some_and(broken_pipe)
}
