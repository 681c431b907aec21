//! The fuzzer's seeds, replayed: whatever once went wrong, and examples of what is right.

#[path = "../../../fuzz/checks.rs"]
mod checks;

use std::fs;

use super::layering::workspace;

#[test]
fn every_seed_is_read_or_refused() {
    for (target, check) in [
        ("record", checks::record as fn(&[u8])),
        ("signature", checks::signature),
        ("code", checks::code),
    ] {
        let folder = workspace().join("fuzz/seeds").join(target);
        let mut seen = 0;
        for seed in fs::read_dir(folder).unwrap() {
            let bytes = fs::read(seed.unwrap().path()).unwrap();
            check(&bytes);
            // What is cut off or has a changed byte is what a fuzzer would try first.
            for at in 0..bytes.len() {
                check(&bytes[..at]);
                let mut changed = bytes.clone();
                changed[at] ^= 0x41;
                check(&changed);
            }
            seen += 1;
        }
        assert!(seen > 0, "{target} has no seeds");
    }
}
