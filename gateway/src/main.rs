//! The `gateway` binary: the product's one command line.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
