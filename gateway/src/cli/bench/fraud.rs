//! `gateway bench fraud`: how many decisions a second, and how long one takes.

use anyhow::Result;
use clap::Args;
use fraud::speed::{self, Load};

use super::print;

const EXAMPLES: &str = "\
Measured on one core, with a town of profiles in memory: attempt, features, 50 rules, a model of 200 trees, decision with
reasons. Decisions a second are taken over a run without any clock inside, the settling of each payment included; the times
of single decisions over a second run. Times are processor time of the one thread, so that other work on the machine counts
as little as possible; reading that clock is part of each decision's time, some 0.2 us.

Examples:
  gateway bench fraud
  gateway bench fraud --profiles 100000 --json";

/// Fraud decisions.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fraud {
    /// Profiles in memory.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    profiles: u64,
    /// Decisions in each of the two runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    decisions: u64,
    /// Print JSON instead of lines.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(line: &Fraud) -> Result<()> {
    eprintln!(
        "building a town of {} profiles and training a model on it",
        line.profiles
    );
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or(0)
    };
    let load = Load {
        profiles: line.profiles,
        decisions: line.decisions,
    };
    let speed = speed::measure(load, now)?;
    if line.json {
        return Ok(print(&(serde_json::to_string_pretty(&speed)? + "\n"))?);
    }
    Ok(print(&format!("{speed}\n"))?)
}
