//! Profiles against naive recounts.

#![expect(clippy::float_cmp, reason = "counts and medians are exact")]

use proptest::prelude::*;

use super::counts::{Counts, Window};
use super::distinct::Distinct;
use super::entity::{DAY, Entity, HOUR, MINUTE};
use super::labels::Known;
use super::recent::{Event, Recent};
use super::ring::Ring;
use super::sources::Sources;
use super::table::Table;
use super::usual::Usual;
use super::{Limits, Profiles, half};
use crate::attempt::{
    Attempt, Channel, CurrencyCode, Key, Kind, Label, NANOS_PER_SECOND, Outcome, Role, mix,
};

const START: u32 = 20_000 * DAY;

fn event(at: u32, other: u32, amount: i64) -> Event {
    Event {
        at: START + at,
        other,
        amount,
    }
}

/// Events of some span, in any order: as they might come late.
fn events(most: usize, span: u32) -> impl Strategy<Value = Vec<Event>> {
    let one = (0..span, 1..9_u32, 1..100_000_i64);
    prop::collection::vec(
        one.prop_map(|(at, other, amount)| event(at, other, amount)),
        1..most,
    )
}

fn filled(events: &[Event]) -> (Entity, u32) {
    let mut entity = Entity::new(START);
    for event in events {
        entity.reserve(*event);
    }
    (
        entity,
        events.iter().map(|event| event.at).max().unwrap_or(START),
    )
}

/// The count and sum of a bucketed window, straight from its definition.
fn recount(events: &[Event], now: u32, width: u32, length: u32) -> (f64, f64) {
    let passed = f64::from(now % width) / f64::from(width);
    let share = |event: &Event| match now / width - event.at / width {
        back if back < length => 1.0,
        back if back == length => 1.0 - passed,
        _ => 0.0,
    };
    let sum =
        |value: fn(&Event) -> f64| events.iter().map(|event| share(event) * value(event)).sum();
    (sum(|_| 1.0), sum(|event| event.amount as f64))
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(1.0)
}

proptest! {
    #[test]
    fn long_windows_equal_a_recount_by_days(events in events(200, 60 * DAY), later in 0..5 * DAY) {
        let (entity, newest) = filled(&events);
        let now = newest + later;
        let counts = Counts::of(&entity, now);
        for (window, days) in [(Window::Week, 7), (Window::Month, 30)] {
            let (count, amount) = recount(&events, now, DAY, days);
            prop_assert!(close(counts.count[window as usize], count), "{window:?}: {counts:?}, recounted {count}");
            prop_assert!(close(counts.amount[window as usize], amount));
        }
    }

    #[test]
    fn short_windows_of_a_quiet_entity_are_exact(events in events(Recent::CAPACITY, 2 * DAY), later in 0..2 * HOUR) {
        let (entity, newest) = filled(&events);
        let now = newest + later;
        let counts = Counts::of(&entity, now);
        for window in &Window::ALL[..4] {
            let inside = |event: &&Event| now - event.at < window.seconds();
            let (count, amount) = events.iter().filter(inside).fold((0.0, 0), |(count, amount), event| (count + 1.0, amount + event.amount));
            prop_assert_eq!(counts.count[*window as usize], count);
            prop_assert_eq!(counts.amount[*window as usize], amount as f64);
        }
        let mut others: Vec<u32> = events.iter().filter(|event| now - event.at < DAY).map(|event| event.other).collect();
        others.sort_unstable();
        others.dedup();
        prop_assert_eq!(counts.others[1], others.len() as f64);
    }

    #[test]
    fn short_windows_of_a_busy_entity_are_exact_or_equal_a_recount_by_buckets(
        events in events(400, 2 * DAY),
        later in 0..HOUR,
    ) {
        let (entity, newest) = filled(&events);
        let now = newest + later;
        let counts = Counts::of(&entity, now);
        let mut falling: Vec<u32> = events.iter().map(|event| event.at).collect();
        falling.sort_unstable_by(|left, right| right.cmp(left));
        for window in &Window::ALL[..4] {
            let seconds = window.seconds();
            let lost = falling.get(Recent::CAPACITY).is_some_and(|at| now - at < seconds);
            let width = if *window == Window::Day { HOUR } else { MINUTE };
            let expected = if lost {
                recount(&events, now, width, seconds / width).0
            } else {
                falling.iter().filter(|at| now - **at < seconds).count() as f64
            };
            prop_assert!(close(counts.count[*window as usize], expected), "{window:?} {counts:?}, recounted {expected}");
        }
    }

    #[test]
    fn order_of_arrival_does_not_matter_to_windows(events in events(300, 3 * DAY), shift in 0..300_usize) {
        let (entity, newest) = filled(&events);
        let mut turned = events.clone();
        turned.rotate_left(shift % events.len());
        turned.reverse();
        let (other, _) = filled(&turned);
        prop_assert_eq!(Counts::of(&entity, newest + 90), Counts::of(&other, newest + 90));
    }

    #[test]
    fn a_cancelled_attempt_leaves_only_its_failure(events in events(30, DAY), extra in 0..DAY) {
        let (mut entity, newest) = filled(&events);
        let before = Counts::of(&entity, newest.max(START + extra));
        entity.reserve(event(extra, 3, 77));
        entity.take_back(event(extra, 3, 77));
        entity.fail(START + extra);
        let after = Counts::of(&entity, newest.max(START + extra));
        prop_assert!(after.failed[1] > before.failed[1] || extra + 7 * DAY < newest - START);
        prop_assert_eq!(Counts { failed: before.failed, ..after }, before);
    }

    #[test]
    fn what_is_forgotten_was_never_there(events in events(31, DAY), after in 0..DAY) {
        let attempt = |(id, event): (u128, &Event)| Attempt {
            amount: event.amount,
            ..transfer(id, u64::from(event.at) * NANOS_PER_SECOND, 1, u64::from(event.other) + 1)
        };
        let mut profiles = Profiles::new(Limits::default());
        for attempt in (0..).zip(&events).map(attempt) {
            profiles.observe(&attempt, Outcome::Settled);
        }
        let newest = events.iter().map(|event| event.at).max().unwrap_or(START) + after;
        let probe = |payer, payee| transfer(1_001, u64::from(newest) * NANOS_PER_SECOND, payer, payee);
        // Somebody known pays somebody known, and a stranger.
        let probes = [probe(1, 3), probe(1, 77), probe(77, 1), probe(3, 1)];
        let registry = crate::feature::Registry::new();
        let features = |profiles: &Profiles| {
            let vectors = probes.iter().map(|probe| {
                let mut vector = Vec::new();
                registry.fill(profiles, probe, &mut vector);
                vector.into_iter().map(f64::to_bits).collect::<Vec<u64>>()
            });
            vectors.collect::<Vec<_>>()
        };
        let before = features(&profiles);
        for probe in &probes[..2] {
            profiles.reserve(probe);
            prop_assert_ne!(&features(&profiles), &before);
            profiles.forget(probe);
            // A second time there is nothing to give back.
            profiles.forget(probe);
            prop_assert_eq!(&features(&profiles), &before);
        }
    }

    #[test]
    fn the_median_is_that_of_the_newest_32(amounts in prop::collection::vec(0..1_000_000_i64, 1..120)) {
        let mut usual = Usual::new();
        for amount in &amounts {
            usual.learn(*amount, 5);
        }
        let mut newest: Vec<i64> = amounts.iter().rev().take(32).copied().collect();
        newest.sort_unstable();
        prop_assert_eq!(usual.median(), newest[newest.len() / 2] as f64);
    }

    #[test]
    fn a_sketch_learns_as_if_it_were_summed_anew(inserts in prop::collection::vec((0..40 * DAY, any::<u32>()), 1..300)) {
        let mut sketch = Distinct::new();
        for (at, bits) in inserts {
            sketch.insert(at, bits);
            // Only registers are saved; what they sum up to is made anew.
            let saved = postcard::to_allocvec(&sketch).expect("it can be written");
            let anew: Distinct = postcard::from_bytes(&saved).expect("it was just written");
            for now in [at, at + 15 * DAY] {
                prop_assert_eq!(sketch.estimate(now), anew.estimate(now));
            }
        }
    }

    #[test]
    fn a_ring_forgets_what_is_too_old(times in prop::collection::vec(0..500_u32, 1..80)) {
        let mut ring: Ring<u32, 8, 10> = Ring::new();
        for at in &times {
            if let Some(slot) = ring.slot(*at) {
                *slot += 1;
            }
        }
        let newest = times.iter().max().copied().unwrap_or(0) / 10;
        let mut seen = 0;
        ring.window(newest * 10 + 9, 7, |count, _| seen += count);
        prop_assert_eq!(seen as usize, times.iter().filter(|at| newest - *at / 10 < 8).count());
    }
}

#[test]
fn distinct_counts_are_within_three_standard_errors() {
    for many in [0_u32, 1, 3, 10, 40, 100, 300, 1_000, 10_000, 100_000] {
        let mut sketch = Distinct::new();
        #[expect(clippy::cast_possible_truncation, reason = "half of mixed bits")]
        (0..many).for_each(|id| sketch.insert(START, mix(u64::from(id)) as u32));
        let estimate = sketch.estimate(START);
        let error = (estimate - f64::from(many)).abs();
        assert!(
            error <= 0.39 * f64::from(many),
            "{many} estimated as {estimate}"
        );
        assert_eq!(
            sketch.estimate(START + 40 * DAY),
            0.0,
            "all are forgotten after two generations"
        );
    }
}

#[test]
fn a_flood_of_new_ids_neither_grows_the_table_nor_drives_out_the_established() {
    let mut table: Table<Entity> = Table::new(2_000);
    for known in 0..1_000_u64 {
        let entity = table.entry(known, || Entity::new(START));
        (0..40).for_each(|turn| entity.settle(event(turn, 1, 100)));
    }
    for flood in 0..200_000_u64 {
        table
            .entry(1_000_000 + flood, || Entity::new(START + HOUR))
            .settle(event(HOUR, 1, 1));
    }
    assert_eq!(table.len(), 2_000);
    let kept = (0..1_000)
        .filter(|known| table.get(*known).is_some())
        .count();
    assert!(kept > 900, "{kept} of 1,000 established profiles are left");
}

#[test]
fn labels_follow_the_order_of_payments_however_late_they_come() {
    let mut entity = Entity::new(START);
    for (at, fraud) in [(10, true), (20, true), (30, false), (5, true)] {
        entity.label(known(at, fraud), None);
    }
    let labels = entity.labels;
    assert_eq!((labels.frauds, labels.run, labels.genuine_since), (3, 0, 1));
    assert_eq!(
        (labels.first_fraud_at, labels.last_fraud_at),
        (START + 5, START + 20)
    );
    assert!(
        !labels.last_fraud,
        "the newest payment that is known was genuine"
    );
}

const FRAUD: Outcome = Outcome::Labelled {
    was: None,
    now: Label::Fraud,
};

fn known(at: u32, fraud: bool) -> Known {
    Known {
        at: START + at,
        id: at,
        fraud,
        ordinary: true,
    }
}

#[test]
fn a_label_that_came_late_breaks_a_run() {
    let mut entity = Entity::new(START);
    for (at, fraud) in [(10, true), (20, true), (30, true), (25, false)] {
        entity.label(known(at, fraud), None);
    }
    assert_eq!(
        (entity.labels.run, entity.labels.run_since),
        (1, START + 30)
    );
    entity.label(known(25, true), Some(false));
    assert_eq!(
        (entity.labels.run, entity.labels.run_since),
        (4, START + 10)
    );
}

#[test]
fn what_is_too_old_to_be_kept_by_itself_is_still_counted_once() {
    let mut entity = Entity::new(START);
    for at in 1..=40 {
        entity.label(known(at, at % 2 == 0), None);
    }
    for at in [2, 4, 6] {
        entity.label(known(at, false), Some(true));
        entity.label(known(at, false), Some(false));
    }
    entity.label(known(1, true), Some(false));
    let counts = Counts::of(&entity, START + HOUR);
    assert_eq!((counts.known[0], counts.frauds[0]), (40.0, 18.0));
    assert_eq!((entity.labels.frauds, entity.labels.run), (18, 1));
    for at in 1..=40 {
        let was = if at == 1 { true } else { at % 2 == 0 && at > 6 };
        entity.label(known(at, false), Some(was));
    }
    let labels = entity.labels;
    assert_eq!((labels.frauds, labels.run, labels.last_fraud_at), (0, 0, 0));
    assert_eq!(entity.distance(START + HOUR), Entity::FAR);
}

#[test]
fn a_correction_of_what_was_never_counted_here_takes_nothing_away() {
    let mut entity = Entity::new(START);
    entity.label(known(10, true), None);
    // As after an eviction: this label was given to a profile that is gone.
    entity.label(known(20, false), Some(true));
    let counts = Counts::of(&entity, START + HOUR);
    assert_eq!((counts.known[0], counts.frauds[0]), (2.0, 1.0));
    assert_eq!(entity.labels.frauds, 1);
}

#[test]
fn what_there_was_no_room_for_in_flight_has_not_failed() {
    let mut profiles = Profiles::new(Limits {
        in_flight: 2,
        ..Limits::default()
    });
    let at = u64::from(START) * NANOS_PER_SECOND;
    for id in 0..5 {
        profiles.reserve(&transfer(id, at, 1, 9));
    }
    let counts = |profiles: &Profiles| {
        let payer = profiles.entity(Role::Payer, Key(1)).expect("it took part");
        let counts = Counts::of(payer, START + HOUR);
        (counts.count[3], counts.failed[0])
    };
    assert_eq!(counts(&profiles), (2.0, 0.0));
    profiles.observe(&transfer(0, at, 1, 9), Outcome::Settled);
    profiles.observe(&transfer(4, at, 1, 9), Outcome::Cancelled);
    assert_eq!(counts(&profiles), (2.0, 1.0));
}

#[test]
fn the_same_thing_tried_twice_counts_as_it_ended() {
    let at = u64::from(START) * NANOS_PER_SECOND;
    let (first, second) = (
        transfer(1, at, 1, 9),
        transfer(1, at + NANOS_PER_SECOND, 1, 9),
    );
    let (mut live, mut folded) = (
        Profiles::new(Limits::default()),
        Profiles::new(Limits::default()),
    );
    live.reserve(&first);
    live.reserve(&second);
    let of = |profiles: &Profiles| {
        let payer = profiles.entity(Role::Payer, Key(1)).expect("it took part");
        Counts::of(payer, START + 30).count[0]
    };
    live.forget(&second);
    assert_eq!(of(&live), 1.0, "the first is still under way");
    live.observe(&second, Outcome::Settled);
    folded.observe(&second, Outcome::Settled);
    for (role, key) in [(Role::Payer, Key(1)), (Role::Payee, Key(9))] {
        let of = |profiles: &Profiles| {
            profiles
                .entity(role, key)
                .map(|it| Counts::of(it, START + 30))
        };
        assert_eq!(of(&live), of(&folded));
        assert_eq!(of(&live).map(|counts| counts.count[0]), Some(1.0));
    }
}

#[test]
fn a_fraud_with_an_ordinary_amount_speaks_against_the_shop() {
    let at = |day: u32| u64::from(START + day * DAY) * NANOS_PER_SECOND;
    let mut profiles = Profiles::new(Limits::default());
    for id in 0..8 {
        profiles.observe(&transfer(id, at(0), 1, 9), Outcome::Settled);
    }
    let usual = transfer(8, at(1), 1, 9);
    let large = Attempt {
        id: 9,
        amount: 10 * usual.amount,
        ..transfer(9, at(2), 1, 9)
    };
    for attempt in [&usual, &large] {
        profiles.observe(attempt, Outcome::Settled);
        profiles.observe(attempt, FRAUD);
    }
    let counts = |role, key, day: u32| {
        let entity = profiles.entity(role, Key(key)).expect("it took part");
        Counts::of(entity, START + day * DAY)
    };
    let shop = counts(Role::Payee, 9, 5);
    assert_eq!((shop.frauds[0], shop.ordinary_frauds[0]), (2.0, 1.0));
    let payer = counts(Role::Payer, 1, 5);
    assert_eq!((payer.unusual, payer.unusual_days), (1.0, Some((3, 3))));
    assert_eq!(
        counts(Role::Payer, 1, 16).unusual_days,
        None,
        "fourteen days later it counts no more"
    );
}

#[test]
fn a_fraud_taints_those_near_it_for_thirty_days() {
    let at = |day: u64| (u64::from(START) + day * u64::from(DAY)) * NANOS_PER_SECOND;
    let pay = |id, day, payer, payee| transfer(id, at(day), payer, payee);
    let mut profiles = Profiles::new(Limits::default());
    let distance = |profiles: &Profiles, role, key, day: u32| {
        profiles
            .entity(role, Key(key))
            .map(|entity| entity.distance(START + day * DAY))
    };
    let fraud = pay(1, 0, 1, 9);
    profiles.observe(&fraud, Outcome::Settled);
    profiles.observe(&fraud, FRAUD);
    profiles.observe(&pay(2, 1, 2, 9), Outcome::Settled);
    profiles.observe(&pay(3, 2, 2, 8), Outcome::Settled);
    profiles.observe(&pay(4, 3, 3, 7), Outcome::Settled);
    let cases = [
        (Role::Payee, 9, 5, 0, "it received the fraud"),
        (Role::Payer, 2, 5, 1, "it paid whoever received the fraud"),
        (Role::Payee, 8, 5, 2, "it was paid by one who paid them"),
        (Role::Payer, 3, 5, 3, "it has nothing to do with it"),
        (Role::Payee, 9, 31, 3, "that was long ago"),
    ];
    for (role, key, day, expected, why) in cases {
        assert_eq!(distance(&profiles, role, key, day), Some(expected), "{why}");
    }
}

fn transfer(id: u128, at: u64, payer: u64, payee: u64) -> Attempt {
    Attempt {
        id,
        at,
        kind: Kind::Transfer,
        channel: Channel::App,
        payer: Key(payer),
        payee: Some(Key(payee)),
        device: None,
        link: None,
        place: None,
        amount: 100,
        currency: CurrencyCode::new("CNY"),
    }
}

/// The fewest payments, one after the other, by which money got from one to another; at most so many.
fn hands(payments: &[(u64, u64)], from: u64, to: u64, most: u8) -> Option<u8> {
    let shorter = |at: usize| match (payments[at].0, most) {
        (payer, _) if payer == from => Some(1),
        (_, 1) => None,
        (payer, _) => Some(hands(&payments[..at], from, payer, most - 1)? + 1),
    };
    let last = (0..payments.len()).filter(|at| payments[*at].1 == to);
    last.filter_map(shorter).min()
}

proptest! {
    #[test]
    fn circles_are_those_of_a_search_through_all_payments(payments in prop::collection::vec((0..6_u64, 0..6_u64), 1..40)) {
        let payments: Vec<(u64, u64)> = payments.into_iter().filter(|(payer, payee)| payer != payee).collect();
        let mut profiles = Profiles::new(Limits::default());
        for (minute, (payer, payee)) in payments.iter().enumerate() {
            let at = (u64::from(START) + minute as u64 * 60) * NANOS_PER_SECOND;
            profiles.observe(&transfer(minute as u128, at, *payer, *payee), Outcome::Settled);
        }
        for (from, to) in (0..6).flat_map(|from| (0..6).map(move |to| (from, to))) {
            let held = profiles.entity(Role::Payee, Key(to));
            let found = held.and_then(|held| held.sources.hands_from(half(Key(from)), START + DAY));
            prop_assert_eq!(found, hands(&payments, from, to, Sources::HANDS_MAX), "{} to {}", from, to);
        }
    }
}

#[test]
fn money_that_came_long_ago_is_ones_own() {
    let mut sources = Sources::default();
    sources.arrive(7, &Sources::default(), START);
    assert_eq!(sources.hands_from(7, START + 7 * DAY), Some(1));
    assert_eq!(sources.hands_from(7, START + 7 * DAY + 1), None);
    let mut next = Sources::default();
    next.arrive(8, &sources, START + 8 * DAY);
    assert_eq!(
        next.hands_from(7, START + 8 * DAY),
        None,
        "it is not passed on either"
    );
}
