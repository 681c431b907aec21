//! `gateway ledger`: a whole book as a file, and back, over HTTP with the tenant's own key.

mod export;
mod import;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    Export(export::Export),
    Import(import::Import),
}

pub(crate) async fn run(ledger: &Ledger) -> Result<ExitCode> {
    match ledger {
        Ledger::Export(export) => export::run(export).await,
        Ledger::Import(import) => import::run(import).await,
    }
}
