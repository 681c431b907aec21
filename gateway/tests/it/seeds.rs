//! The fuzzer's seeds, replayed: whatever once went wrong, and examples of what is right.

#[path = "../../../fuzz/checks.rs"]
mod checks;
#[path = "../../../fuzz/house.rs"]
mod house;

use std::fs;

use gateway::pay::Payments;
use ledger::Ledger;
use ledger::shell::codec;

use super::layering::workspace;

/// Between the bytes of a request that are changed: to answer one takes longer than to read one.
const REQUEST_STEP: usize = 29;

#[test]
fn every_seed_is_read_or_refused() {
    replay("record", 1, checks::record);
    replay("signature", 1, checks::signature);
    replay("code", 1, checks::code);
}

/// Seeds of rows in a form of long ago would be refused at the first byte, and check nothing behind it.
#[test]
fn seeds_of_rows_are_rows_as_they_are_written_now() {
    let folder = workspace().join("fuzz/seeds/record");
    for seed in fs::read_dir(folder).unwrap() {
        let (path, name) = seed.map(|seed| (seed.path(), seed.file_name())).unwrap();
        let bytes = fs::read(path).unwrap();
        let name = name.to_string_lossy();
        let read = match name.split('-').next() {
            Some("payments") => codec::decode::<Payments>(&bytes).map(drop),
            Some("ledger") => codec::decode::<Ledger>(&bytes).map(drop),
            _ => continue,
        };
        assert!(
            read.is_ok(),
            "{name} is no row any more ({read:?}): take it anew, from the journal of a town"
        );
    }
}

#[test]
fn every_request_is_answered() {
    replay("request", REQUEST_STEP, house::ask);
}

/// Checks each seed, and what a fuzzer would try first: what is cut off, or has a changed byte.
fn replay(target: &str, step: usize, check: fn(&[u8])) {
    let folder = workspace().join("fuzz/seeds").join(target);
    let mut seen = 0;
    for seed in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(seed.unwrap().path()).unwrap();
        check(&bytes);
        for at in (0..bytes.len()).step_by(step) {
            check(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            check(&changed);
        }
        seen += 1;
    }
    assert!(seen > 0, "{target} has no seeds");
}
