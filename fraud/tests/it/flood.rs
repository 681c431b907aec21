//! An attack with ever new ids: what is remembered stays within its bound.

use fraud::{Attempt, Channel, CurrencyCode, Key, Kind, Label, Limits, Outcome, Profiles};
use proptest::prelude::*;

use crate::world::{START, labelled};

const NANOS: u64 = 1_000_000_000;

/// An attempt in which everyone is new: five ids that never came before.
fn strangers(turn: u64) -> Attempt {
    let id = |role: u64| Key(turn * 8 + role);
    Attempt {
        id: turn.into(),
        // Two thousand a second.
        at: START + turn * (NANOS / 2_000),
        kind: Kind::Transfer,
        channel: Channel::Api,
        payer: id(0),
        payee: Some(id(1)),
        device: Some(id(2)),
        link: Some(id(3)),
        place: Some(id(4)),
        amount: 100,
        currency: CurrencyCode::new("CNY"),
    }
}

proptest! {
    /// Few ids that come often, many that come once; ends in any order, or none.
    #[test]
    fn no_story_takes_more_memory_than_the_limits_say(
        limits in (1..12_usize, 1..20_usize, 1..9_usize),
        story in prop::collection::vec((0..40_u64, 0..5_u8), 1..400),
    ) {
        let (entities_per_role, pairs, in_flight) = limits;
        let limits = Limits { entities_per_role, pairs, in_flight };
        let mut profiles = Profiles::new(limits);
        for (turn, (who, end)) in story.into_iter().enumerate() {
            let attempt = strangers(if who < 4 { who } else { 100 + turn as u64 });
            let attempt = Attempt { id: turn as u128, ..attempt };
            match end {
                0 => profiles.reserve(&attempt),
                1 => profiles.observe(&attempt, Outcome::Cancelled),
                2 => profiles.observe(&attempt, labelled(Label::Fraud)),
                _ => profiles.observe(&attempt, Outcome::Settled),
            }
            prop_assert!(profiles.entities() <= 5 * entities_per_role);
            prop_assert!(profiles.bytes() <= limits.bytes_max(), "{} of {}", profiles.bytes(), limits.bytes_max());
        }
    }
}

/// A hundred thousand strangers, or with `JIAOZI_LONG=1` two hundred million: a billion ids.
#[test]
fn a_flood_of_strangers_stays_within_the_bound() {
    let long = std::env::var("JIAOZI_LONG").is_ok_and(|long| long == "1");
    let turns = if long { 200_000_000 } else { 100_000 };
    let limits = Limits {
        entities_per_role: 1_000,
        pairs: 4_000,
        in_flight: 500,
    };
    let mut profiles = Profiles::new(limits);
    for turn in 0..turns {
        let attempt = strangers(turn);
        // Half of them are scored and never heard of again.
        profiles.reserve(&attempt);
        if turn % 2 == 0 {
            profiles.observe(&attempt, Outcome::Settled);
        }
        if turn % (turns / 20) == 0 {
            println!("{} ids, {} bytes", 5 * turn, profiles.bytes());
            assert!(profiles.bytes() <= limits.bytes_max());
        }
    }
    assert_eq!(profiles.entities(), 5 * limits.entities_per_role);
    assert!(profiles.evicted() >= 5 * (turns - 1_000));
    assert!(profiles.bytes() <= limits.bytes_max());
}
