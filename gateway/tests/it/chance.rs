//! Where random tests begin, and how much they do.

use std::time::{SystemTime, UNIX_EPOCH};

/// The seed that was chosen by `JIAOZI_SEED`, or another one every time.
pub(crate) fn seed() -> u64 {
    let clock = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .subsec_nanos()
            .into()
    };
    let chosen = std::env::var("JIAOZI_SEED").ok();
    chosen.map_or_else(clock, |seed| seed.parse().expect("JIAOZI_SEED is a number"))
}

/// Whether the large versions are wanted.
pub(crate) fn long() -> bool {
    std::env::var("JIAOZI_LONG").is_ok_and(|long| long == "1")
}
