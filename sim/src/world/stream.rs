//! Chance, reproducible: every actor draws from a stream of its own, derived from the seed, what it
//! is and its number. So one more shop does not change what any customer does.

use rand::SeedableRng;
use rand::rngs::SmallRng;

/// Who draws.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Actor {
    Shop = 1,
    Person = 2,
    Errand = 3,
    Ids = 4,
    Crook = 5,
    CrookIds = 6,
    Chat = 7,
}

pub(crate) fn stream(seed: u64, actor: Actor, number: u64) -> SmallRng {
    let mixed = mix(mix(mix(seed) ^ actor as u64) ^ number);
    SmallRng::seed_from_u64(mixed)
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood, 2014): every bit of the input reaches every bit
/// of the output.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
