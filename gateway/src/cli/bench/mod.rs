//! `gateway bench`: how fast this machine is at what the gateway does.

mod fraud;
mod ledger;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::print;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Fraud(fraud::Fraud),
    Ledger(ledger::Ledger),
}

pub(crate) async fn run(command: &Bench) -> Result<ExitCode> {
    match command {
        Bench::Fraud(line) => fraud::run(line)?,
        Bench::Ledger(line) => ledger::run(line).await?,
    }
    Ok(ExitCode::SUCCESS)
}
