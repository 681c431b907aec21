//! A simulated town that pays by QR code: the living demonstration of the gateway and its auditor.
//!
//! In reading order: [`world`] says who lives there and what they set out to do; [`rail`] is the way
//! to the gateway, over HTTP or in process; [`phone`] reads codes; [`run`] runs an errand, and [`till`] one at a till that scans; [`tally`] keeps what was seen, as
//! a second set of books; [`receiver`] takes webhooks; [`house`] is the gateway itself; [`town`] puts
//! it all together and [`report`] says what came of it. [`desk`] has the town's crooks and its analysts.

mod chat;
mod desk;
mod flags;
mod house;
mod phone;
mod rail;
mod receiver;
mod report;
mod run;
mod tally;
mod till;
mod town;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::flags::Flags;

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads could be started: {error}");
            return ExitCode::from(2);
        }
    };
    let result = if flags.in_process {
        runtime.block_on(town::in_process(&flags))
    } else {
        runtime.block_on(town::over_http(&flags))
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {}", gateway::failure::told(&error));
            ExitCode::from(2)
        }
    }
}
