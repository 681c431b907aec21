//! `gateway bench`: how fast this machine is at what the gateway does.

mod fraud;
mod http;
mod ledger;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::print;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Fraud(fraud::Fraud),
    Http(http::Http),
    Ledger(ledger::Ledger),
}

pub(crate) async fn run(command: &Bench) -> Result<ExitCode> {
    match command {
        Bench::Fraud(line) => fraud::run(line)?,
        Bench::Http(line) => http::run(line).await?,
        Bench::Ledger(line) => ledger::run(line).await?,
    }
    Ok(ExitCode::SUCCESS)
}
