//! What can be set, in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  sim                              a town for 20 seconds, then its doors stay open
  sim --exit --json summary.json   the same for a script: exit code 0 only when all is well
  sim --data town --seconds 60     a town that can be looked into afterwards
  sim --in-process --seed 7        the same journal hash each time, on any machine";

/// A small town that pays by QR code: shops, customers, refunds, and a few who try it on.
///
/// Starts a gateway on its embedded database, opens shops and wallets, and lets the customers shop
/// over HTTP. Then it stops the gateway, verifies its journal, starts it again and leaves the doors
/// open until Ctrl-C.
#[derive(Clone, Debug, Parser)]
#[command(name = "sim", version, after_help = EXAMPLES)]
pub(crate) struct Flags {
    /// Where the gateway keeps its data; a temporary directory when not given.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Who lives in the town and what they set out to do.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How long the town shops.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// The address and port of the gateway; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// End after the summary. The exit code is 0 only when the books balance, the journal verifies
    /// and every webhook arrived.
    #[arg(long)]
    pub exit: bool,
    /// Write the summary as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// How many shops there are.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub shops: u32,
    /// How many people have a wallet.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub people: u32,
    /// How many customers are out at a time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub customers: u32,
    /// Run without HTTP, one step after another on a clock of the town's own, and print the hash of
    /// the journal's last row.
    #[arg(long, conflicts_with_all = ["data", "listen", "seconds", "customers"])]
    pub in_process: bool,
    /// With --in-process: how many errands are run.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2_000,
        requires = "in_process"
    )]
    pub errands: u64,
}
