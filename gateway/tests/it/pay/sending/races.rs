//! Races for the last moment: shares of a red packet and an offer are asked for around the time at which they go back. In
//! whatever order things come, each share is taken once or goes back, and the books balance.
//!
//! `JIAOZI_LONG=1` runs a hundred times as many. A race is named by its seed; to repeat one, make `FIRST` that number.

use fx::Currency;
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{Mode, Outcome, PacketState, Reply, Split, TransferState};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::super::world::{SECOND, World, cny};
use super::Packet;

const FIRST: u64 = 0;
const RACES: u64 = 1_000;
const DAY: u64 = 24 * 3600 * SECOND;

pub(in super::super) fn races() -> std::ops::Range<u64> {
    let times = if std::env::var_os("JIAOZI_LONG").is_some() {
        100
    } else {
        1
    };
    FIRST..FIRST + RACES * times
}

/// Waits until the time is up to some nanoseconds before or after a moment.
pub(in super::super) fn approach(world: &mut World, moment: u64, chance: &mut SmallRng) {
    let wanted = (moment + chance.random_range(0..40)).saturating_sub(20);
    world.wait(wanted.saturating_sub(world.now.0));
}

#[test]
fn a_share_is_taken_once_or_goes_back() {
    let (mut taken_all, mut returned_some) = (0, 0);
    for seed in races() {
        let mut chance = SmallRng::seed_from_u64(seed);
        let mut world = World::with(0, 5, 0);
        world.top_up(1, cny(1_000));
        let shares = chance.random_range(1..=4);
        let packet = Packet {
            from: 1,
            amount: cny(1_000),
            split: Split::Lucky,
            shares,
            to: vec![2, 3, 4, 5],
        };
        let (sent, _) = world.red_packet(&packet, Risk::Allow);
        let due = world.find_red_packet(sent).expires_at.unwrap().0;
        // Some come long before, the others at the last moment; some come twice.
        let mut who: Vec<u128> = (2..=5)
            .chain((0..3).map(|_| chance.random_range(2..=5)))
            .collect();
        who.shuffle(&mut chance);
        let early = chance.random_range(0..=who.len());
        let mut taken = Vec::new();
        for (place, wallet) in who.into_iter().enumerate() {
            if place >= early {
                approach(&mut world, due, &mut chance);
            }
            let before = world.now.0;
            match world.claim(sent, wallet) {
                Outcome::Claimed { claim, .. } => {
                    assert!(before <= due, "seed {seed}: taken after the last moment");
                    taken.push((wallet, claim.amount));
                }
                Outcome::Refused(refusal) => {
                    let had = taken.iter().any(|(other, _)| *other == wallet);
                    let wanted = match refusal.code() {
                        "red_packet_claimed" => had,
                        "red_packet_empty" => taken.len() == usize::from(shares),
                        "red_packet_expired" => world.now.0 > due,
                        _ => false,
                    };
                    assert!(wanted, "seed {seed}: {refusal:?}");
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        world.wait(DAY);
        let found = world.find_red_packet(sent);
        let sum: i64 = taken.iter().map(|(_, amount)| amount).sum();
        assert_eq!(sum + found.returned, 1_000, "seed {seed}");
        let emptied = taken.len() == usize::from(shares);
        let expected = if emptied {
            PacketState::Emptied
        } else {
            PacketState::Expired
        };
        assert_eq!(found.state, expected, "seed {seed}");
        taken_all += u64::from(emptied);
        returned_some += u64::from(!emptied);
        balances(&world, seed);
    }
    assert!(
        taken_all > 100 && returned_some > 100,
        "the races are one-sided"
    );
}

#[test]
fn an_offer_is_accepted_or_goes_back() {
    let (mut accepted, mut returned) = (0, 0);
    for seed in races() {
        let mut chance = SmallRng::seed_from_u64(seed);
        let mut world = World::with(0, 2, 0);
        world.top_up(1, cny(1_000));
        let (sent, _) = world.transfer((1, 2), cny(1_000), Mode::ToAccept, Risk::Allow);
        let due = world.find_transfer(sent).expires_at.unwrap().0;
        let mut replies = [Reply::Accept, Reply::Decline, Reply::Accept];
        replies.shuffle(&mut chance);
        let mut won = 0;
        for reply in replies {
            approach(&mut world, due, &mut chance);
            if let Outcome::Transfer { .. } = world.reply(sent, 2, reply) {
                won += 1;
            }
        }
        world.wait(DAY);
        let state = world.find_transfer(sent).state;
        let by_reply = matches!(state, TransferState::Completed | TransferState::Declined);
        assert_eq!(won, usize::from(by_reply), "seed {seed}: {state:?}");
        accepted += u64::from(state == TransferState::Completed);
        returned += u64::from(state == TransferState::Expired);
        balances(&world, seed);
    }
    assert!(accepted > 100 && returned > 100, "the races are one-sided");
}

fn balances(world: &World, seed: u64) {
    let ledger = world.engine.machine().ledger();
    let lines = ledger.trial_balance();
    assert!(lines.iter().all(|line| line.balances()));
    let transit = ledger.account(PAYMENTS_BOOK, Role::Transit.account(Currency::CNY));
    assert_eq!(
        transit.unwrap().net(),
        0,
        "seed {seed}: something stays in transit"
    );
}
