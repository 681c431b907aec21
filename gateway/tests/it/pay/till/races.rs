//! Races at the till: two charges with one code, and a charge that is confirmed, taken back and expired at about the same
//! moment. In whatever order things come, one wins, and the books balance.
//!
//! `JIAOZI_LONG=1` runs a hundred times as many. A race is named by its seed; to repeat one, make `FIRST` that number.

use gateway::pay::{OrderState, Outcome};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::super::sending::{approach, races};
use super::super::world::World;
use super::Charge;
use super::story::{charge, shop};

fn balances(world: &World, seed: u64) {
    let lines = world.engine.machine().ledger().trial_balance();
    assert!(lines.iter().all(|line| line.balances()), "seed {seed}");
}

#[test]
fn a_code_is_used_once_however_many_tills_scan_it() {
    for seed in races() {
        let mut chance = SmallRng::seed_from_u64(seed);
        let mut world = shop();
        // Codes of two neighbouring steps, small amounts and large ones, scanned many times.
        let mut scans: Vec<Charge> = (0..6)
            .map(|scan| charge(1 + scan % 2, [100, 2_000][chance.random_range(0..2)]))
            .collect();
        scans.shuffle(&mut chance);
        let mut used = Vec::new();
        for (order, scan) in (1..).zip(&scans) {
            match world.charge(order, scan).1 {
                Outcome::Paid { .. } | Outcome::Pending { .. } => used.push(scan.step),
                Outcome::Refused(refusal) => {
                    assert_eq!(refusal.code(), "payment_code_used", "seed {seed}");
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        let expected = match scans[0].step {
            1 => vec![1, 2],
            step => vec![step],
        };
        assert_eq!(used, expected, "seed {seed}");
        balances(&world, seed);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Confirm,
    Reverse,
    Close,
}

#[test]
fn a_charge_is_confirmed_or_taken_back_or_over() {
    let mut ends = std::collections::BTreeMap::new();
    for seed in races() {
        let mut chance = SmallRng::seed_from_u64(seed);
        let mut world = shop();
        let (decision, _) = world.charge(1, &charge(1, 2_000));
        let due = world.find_order(1).expires_at.0;
        let mut moves = [Move::Confirm, Move::Confirm, Move::Reverse, Move::Close];
        moves.shuffle(&mut chance);
        let mut won = None;
        for one in moves {
            approach(&mut world, due, &mut chance);
            let before = world.find_order(1).state;
            let outcome = match one {
                Move::Confirm => world.confirm(decision, 1),
                Move::Reverse => world.reverse(1, 1),
                Move::Close => world.close(1, 1),
            };
            let now = world.find_order(1).state;
            if before == OrderState::AwaitingPayer
                && now != OrderState::AwaitingPayer
                && now != OrderState::Expired
            {
                assert_eq!(won, None, "seed {seed}: two moves won");
                assert!(!matches!(outcome, Outcome::Refused(_)), "seed {seed}");
                won = Some(one);
            }
            if one == Move::Confirm && matches!(outcome, Outcome::Paid { .. }) {
                assert_eq!(won, Some(Move::Confirm), "seed {seed}: {outcome:?}");
            }
        }
        world.wait(600 * super::super::world::SECOND);
        let end = world.find_order(1);
        let expected = match won {
            // What was paid can still be taken back, and is if the till asks for it afterwards.
            Some(Move::Confirm) => [OrderState::Paid, OrderState::Reversed],
            Some(Move::Reverse) => [OrderState::Reversed; 2],
            Some(Move::Close) => [OrderState::Closed; 2],
            None => [OrderState::Expired; 2],
        };
        assert!(
            expected.contains(&end.state),
            "seed {seed}: {won:?} {end:?}"
        );
        assert!(world.engine.machine().pending().is_empty(), "seed {seed}");
        *ends.entry(won).or_insert(0) += 1;
        balances(&world, seed);
    }
    for won in [
        Some(Move::Confirm),
        Some(Move::Reverse),
        Some(Move::Close),
        None,
    ] {
        let times = ends.get(&won).copied().unwrap_or(0);
        assert!(times > 50, "the races are one-sided: {ends:?}");
    }
}
