//! The `gateway` binary: the product's one command line.

mod cli;

use std::process::ExitCode;

/// What one thread makes another lets go, a million times a second, and the system's allocator then
/// waits for its own locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
