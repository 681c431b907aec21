//! Random days of three people who send each other money, on the rules and on the naive model: the same answers, the same
//! balances and the same ends, whatever leaves memory in between; and replay equals live.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{Mode, Outcome, Payments, Reply, Split, WalletNo};
use ledger::Engine;
use proptest::prelude::*;

use super::super::model::OK;
use super::super::world::{SECOND, World};
use super::model::Model;
use super::{Packet, code};

const WALLETS: u128 = 3;
const CURRENCIES: [Currency; 2] = [Currency::CNY, Currency::JPY];

#[derive(Clone, Debug)]
enum Step {
    TopUp {
        wallet: u128,
        amount: Money,
    },
    Transfer {
        who: (u128, u128),
        amount: Money,
        mode: Mode,
        risk: Risk,
    },
    RedPacket {
        packet: Packet,
        risk: Risk,
    },
    /// What becomes of one of the last things that were sent.
    Reply {
        back: usize,
        wallet: u128,
        reply: Reply,
    },
    Claim {
        back: usize,
        wallet: u128,
    },
    Confirm {
        back: usize,
        wallet: u128,
        right: bool,
    },
    Release {
        back: usize,
    },
    Deny {
        back: usize,
    },
    Freeze {
        wallet: u128,
        frozen: bool,
    },
    Wait {
        secs: u64,
    },
    Evict,
}

fn money() -> impl Strategy<Value = Money> {
    let currency =
        prop_oneof![8 => Just(CURRENCIES[0]), 4 => Just(CURRENCIES[1]), 1 => Just(Currency::EUR)];
    let amount = prop_oneof![8 => 1i64..2_000, 1 => -2i64..=0, 1 => Just(i64::MAX)];
    (amount, currency).prop_map(|(amount, currency)| Money::new(amount, currency))
}

fn packet() -> impl Strategy<Value = Packet> {
    let split = prop_oneof![2 => Just(Split::Lucky), 1 => Just(Split::Fixed)];
    let everybody: Vec<u128> = (1..=WALLETS + 1).collect();
    let to = prop_oneof![
        5 => Just((1..=WALLETS).collect::<Vec<u128>>()),
        2 => prop::sample::subsequence(everybody, 0..=3),
    ];
    let amount =
        prop_oneof![6 => money(), 1 => (1i64..5).prop_map(|few| Money::new(few, CURRENCIES[0]))];
    (0..=WALLETS, amount, split, 0u16..=4, to).prop_map(|(from, amount, split, shares, to)| {
        Packet {
            from,
            amount,
            split,
            shares,
            to,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let wallet = || 1..=WALLETS;
    let anybody = || 0..=WALLETS + 1;
    let back = || 0usize..5;
    let risk = || {
        prop_oneof![
            8 => Just(Risk::Allow), 3 => Just(Risk::Challenge), 3 => Just(Risk::Review), 1 => Just(Risk::Deny)
        ]
    };
    let mode = prop_oneof![1 => Just(Mode::Instant), 2 => Just(Mode::ToAccept)];
    let reply = prop_oneof![2 => Just(Reply::Accept), 1 => Just(Reply::Decline)];
    let small =
        (1i64..3_000, 0usize..2).prop_map(|(amount, at)| Money::new(amount, CURRENCIES[at]));
    let secs = prop_oneof![2 => 1u64..400, 1 => 80_000u64..90_000, 1 => 200_000u64..300_000];
    prop_oneof![
        4 => (wallet(), small).prop_map(|(wallet, amount)| Step::TopUp { wallet, amount }),
        6 => ((anybody(), anybody()), money(), mode, risk())
            .prop_map(|(who, amount, mode, risk)| Step::Transfer { who, amount, mode, risk }),
        5 => (packet(), risk()).prop_map(|(packet, risk)| Step::RedPacket { packet, risk }),
        5 => (back(), wallet(), reply).prop_map(|(back, wallet, reply)| Step::Reply { back, wallet, reply }),
        8 => (back(), wallet()).prop_map(|(back, wallet)| Step::Claim { back, wallet }),
        3 => (back(), wallet(), prop::bool::weighted(0.7))
            .prop_map(|(back, wallet, right)| Step::Confirm { back, wallet, right }),
        2 => back().prop_map(|back| Step::Release { back }),
        1 => back().prop_map(|back| Step::Deny { back }),
        1 => (wallet(), prop::bool::weighted(0.4)).prop_map(|(wallet, frozen)| Step::Freeze { wallet, frozen }),
        2 => secs.prop_map(|secs| Step::Wait { secs }),
        2 => Just(Step::Evict),
    ]
}

/// One of the last things that were sent; before there is any, one that never was.
fn recent(sent: &[u128], back: usize) -> u128 {
    let place = sent.len().checked_sub(back + 1);
    place.map_or(u128::MAX >> 40, |place| sent[place])
}

/// Does a step on both sides and returns what each said.
fn both(
    world: &mut World,
    model: &mut Model,
    sent: &mut Vec<u128>,
    step: &Step,
) -> (&'static str, &'static str) {
    match step {
        Step::TopUp { wallet, amount } => {
            let said = code(&world.top_up(*wallet, *amount));
            model.top_up(*wallet, amount.amount, amount.currency);
            (said, OK)
        }
        Step::Transfer {
            who,
            amount,
            mode,
            risk,
        } => {
            let (id, outcome) = world.transfer(*who, *amount, *mode, *risk);
            sent.push(id);
            let (amount, when) = ((amount.amount, amount.currency), (*risk, world.now.0));
            (
                code(&outcome),
                model.transfer(id, *who, amount, *mode, when),
            )
        }
        Step::RedPacket { packet, risk } => {
            let (id, outcome) = world.red_packet(packet, *risk);
            sent.push(id);
            let shares = match &outcome {
                Outcome::RedPacket { packet, .. } => Some(packet.shares.clone()),
                _ => None,
            };
            let when = (*risk, world.now.0);
            (code(&outcome), model.red_packet(id, packet, shares, when))
        }
        Step::Freeze { wallet, frozen } => {
            let said = code(&world.freeze(*wallet, *frozen));
            model.freeze(*wallet, *frozen);
            (said, OK)
        }
        Step::Wait { secs } => {
            world.wait(secs * SECOND);
            model.pass_time(world.now.0);
            (OK, OK)
        }
        Step::Evict => {
            world.evict();
            (OK, OK)
        }
        about => afterwards(world, model, sent, about),
    }
}

/// What becomes of something that was sent.
fn afterwards(
    world: &mut World,
    model: &mut Model,
    sent: &[u128],
    step: &Step,
) -> (&'static str, &'static str) {
    match *step {
        Step::Reply {
            back,
            wallet,
            reply,
        } => {
            let id = recent(sent, back);
            let said = code(&world.reply(id, wallet, reply));
            (said, model.reply(id, wallet, reply))
        }
        Step::Claim { back, wallet } => {
            let id = recent(sent, back);
            (code(&world.claim(id, wallet)), model.claim(id, wallet))
        }
        Step::Confirm {
            back,
            wallet,
            right,
        } => {
            let id = recent(sent, back);
            if right {
                let said = code(&world.confirm(id, wallet));
                (said, model.confirm(id, wallet, world.now.0))
            } else {
                let said = code(&world.wrong_proof(id, wallet));
                (said, model.wrong_proof(id, wallet))
            }
        }
        Step::Release { back } => {
            let id = recent(sent, back);
            let said = code(&world.release(id));
            (said, model.release(id, world.now.0))
        }
        Step::Deny { back } => {
            let id = recent(sent, back);
            (code(&world.deny(id)), model.deny(id))
        }
        _ => (OK, OK),
    }
}

fn all_agrees(world: &mut World, model: &Model) -> Result<(), TestCaseError> {
    let ledger = world.engine.machine().ledger();
    for currency in CURRENCIES {
        for id in 1..=WALLETS {
            let role = Role::Wallet(WalletNo(u32::try_from(id - 1).unwrap()));
            let account = ledger
                .account(PAYMENTS_BOOK, role.account(currency))
                .unwrap();
            let purse = model
                .purses
                .get(&(id, currency))
                .copied()
                .unwrap_or_default();
            prop_assert_eq!(account.net(), purse, "{} {}", role, currency);
            prop_assert_eq!(
                account.held.debits,
                model.held(id, currency),
                "held of {}",
                role
            );
        }
        let transit = ledger.account(PAYMENTS_BOOK, Role::Transit.account(currency));
        let expected = model.transit.get(&currency).copied().unwrap_or_default();
        prop_assert_eq!(transit.unwrap().net(), expected, "in transit, {}", currency);
    }
    for line in ledger.trial_balance() {
        prop_assert!(line.balances(), "{:?}", line);
    }
    for (id, expected) in &model.transfers {
        prop_assert_eq!(world.find_transfer(*id).state, expected.state);
    }
    for (id, expected) in &model.packets {
        let found = world.find_red_packet(*id);
        prop_assert_eq!(
            (found.state, found.returned),
            (expected.state, expected.returned)
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn the_rules_agree_with_the_naive_model(steps in prop::collection::vec(step(), 1..50)) {
        let mut world = World::with(0, WALLETS, 0);
        let mut model = Model::new(WALLETS);
        world.set_pin(1);
        model.pins.insert(1, 0);
        let mut sent = Vec::new();
        for step in &steps {
            let (said, expected) = both(&mut world, &mut model, &mut sent, step);
            prop_assert_eq!(said, expected, "{:?}", step);
        }
        all_agrees(&mut world, &model)?;

        let mut replayed = Engine::<Payments>::default();
        for (sequence, record) in &world.records {
            replayed.apply(*sequence, record, |_, _, _| {});
        }
        prop_assert_eq!(replayed.digest().unwrap(), world.engine.digest().unwrap());
        let snapshot = replayed.snapshot().unwrap();
        prop_assert_eq!(Engine::<Payments>::restore(&snapshot).unwrap().snapshot().unwrap(), snapshot);
    }
}
