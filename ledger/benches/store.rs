//! How fast the whole ledger is, durable on disk: `cargo bench -p ledger --bench store`.
//!
//! Two loads, each on a fresh ledger: transfers in batches of 8,190, and one at a time from 64
//! submitters. Beside each stands what the disk itself could do with the same bytes in commits of
//! the same size, measured in the same run. As a test it runs with small numbers and shows that
//! what is measured is also right: the load checks counts and balances itself.

use ledger::load::{self, Figures, Load, LoadError};

/// The allocator of the `gateway` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn measure(load: &Load) -> Result<Figures, LoadError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| LoadError::File {
        path: "threads".into(),
        error,
    })?;
    // Beside the sources rather than in memory-backed temporary space: it is about the disk.
    let directory =
        tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).map_err(|error| LoadError::File {
            path: env!("CARGO_MANIFEST_DIR").into(),
            error,
        })?;
    let figures = runtime.block_on(load::run(directory.path(), directory.path(), load, |_| {}))?;
    println!("{}\n", figures.table(load));
    Ok(figures)
}

fn main() -> Result<(), LoadError> {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (many, few) = if full {
        (1_000_000, 100_000)
    } else {
        (2_000, 200)
    };
    let batched = Load {
        transfers: many,
        batch: if full { 8_190 } else { 256 },
        accounts: if full { 10_000 } else { 100 },
        ..Load::default()
    };
    let unbatched = Load {
        transfers: few,
        batch: 1,
        submitters: 64,
        ..batched
    };
    for load in [batched, unbatched] {
        let figures = measure(&load)?;
        // Not how fast it was, which is the machine's business, but that it was measured at all.
        assert_eq!(figures.transfers, load.transfers);
        assert!(figures.commits > 0 && figures.commits <= load.transfers);
        assert!(figures.disk_limit_per_s > 0.0 && figures.bytes_per_transfer > 0.0);
        assert!(figures.sustained_per_s <= figures.burst_per_s);
    }
    Ok(())
}
