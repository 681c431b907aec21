//! Stories of people who send each other money.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::recipe::{PAYMENTS_BOOK, Role};
use gateway::pay::{
    Command, Mode, Outcome, PacketState, Refusal, Reply, Split, Standing, TransferState, WalletId,
    split,
};

use super::super::world::{SECOND, World, cny};
use super::{Packet, code};

const DAY: u64 = 24 * 3600;

/// Four people with 100.00 CNY each, and one who has only yen.
fn people() -> World {
    let mut world = World::with(1, 4, 60);
    for wallet in 1..=4 {
        world.top_up(wallet, cny(10_000));
    }
    world.must(Command::OpenWallet {
        id: WalletId(5),
        holder: "holder 5".to_owned(),
        currencies: vec![Currency::JPY],
    });
    world
}

/// What the first four have, and what is in transit.
fn balances(world: &World) -> [i128; 5] {
    let ledger = world.engine.machine().ledger();
    let mut accounts = (0..4)
        .map(|no| Role::Wallet(gateway::pay::WalletNo(no)))
        .chain([Role::Transit]);
    std::array::from_fn(|_| {
        let role = accounts.next().unwrap();
        let account = ledger.account(PAYMENTS_BOOK, role.account(Currency::CNY));
        account.unwrap().net()
    })
}

fn lucky(amount: i64, shares: u16, to: &[u128]) -> Packet {
    Packet {
        from: 1,
        amount: cny(amount),
        split: Split::Lucky,
        shares,
        to: to.to_vec(),
    }
}

#[track_caller]
fn refused(outcome: &Outcome, wanted: &str) {
    assert_eq!(code(outcome), wanted, "{outcome:?}");
}

#[test]
fn an_instant_transfer_is_the_others_at_once() {
    let mut world = people();
    let (sent, outcome) = world.transfer((1, 2), cny(2_500), Mode::Instant, Risk::Allow);
    let Outcome::Transfer {
        transfer, balance, ..
    } = outcome
    else {
        panic!("not sent")
    };
    assert_eq!(transfer.state, TransferState::Completed);
    assert_eq!(balance, Some(7_500));
    assert_eq!(balances(&world), [7_500, 12_500, 10_000, 10_000, 0]);
    world.evict();
    refused(&world.reply(sent, 2, Reply::Accept), "transfer_completed");
}

#[test]
fn an_offer_is_accepted_declined_or_goes_back_after_a_day() {
    for (reply, after, state, ends_with) in [
        (
            Some(Reply::Accept),
            DAY - 1,
            TransferState::Completed,
            [7_500, 12_500],
        ),
        (
            Some(Reply::Decline),
            DAY - 1,
            TransferState::Declined,
            [10_000, 10_000],
        ),
        (None, DAY + 1, TransferState::Expired, [10_000, 10_000]),
    ] {
        let mut world = people();
        let (sent, _) = world.transfer((1, 2), cny(2_500), Mode::ToAccept, Risk::Allow);
        assert_eq!(balances(&world), [7_500, 10_000, 10_000, 10_000, 2_500]);
        refused(&world.reply(sent, 1, Reply::Accept), "transfer_not_found");
        world.wait(after * SECOND);
        if let Some(reply) = reply {
            assert!(matches!(
                world.reply(sent, 2, reply),
                Outcome::Transfer { .. }
            ));
        }
        let [first, second, _, _, transit] = balances(&world);
        assert_eq!(([first, second], transit), (ends_with, 0), "{state:?}");
        // It ends once, and what it was is known also when it has left memory.
        for _ in 0..2 {
            assert_eq!(world.find_transfer(sent).state, state);
            let wanted = format!("transfer_{}", state.name());
            refused(&world.reply(sent, 2, Reply::Accept), &wanted);
            refused(&world.reply(sent, 2, Reply::Decline), &wanted);
            world.evict();
        }
    }
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_reason() {
    let eur = Money::new(100, Currency::EUR);
    for (who, amount, wanted) in [
        ((9, 2), cny(100), "wallet_not_found"),
        ((1, 9), cny(100), "payee_not_found"),
        ((1, 1), cny(100), "payee_is_payer"),
        ((1, 2), cny(0), "amount_invalid"),
        ((1, 2), cny(-1), "amount_invalid"),
        ((1, 2), eur, "currency_not_held"),
        ((1, 5), cny(100), "currency_not_taken"),
        ((1, 2), cny(10_001), "insufficient_funds"),
    ] {
        for mode in Mode::ALL {
            let mut world = people();
            let (_, outcome) = world.transfer(who, amount, mode, Risk::Allow);
            refused(&outcome, wanted);
            assert_eq!(balances(&world), [10_000, 10_000, 10_000, 10_000, 0]);
        }
    }
    let (_, denied) = people().transfer((1, 2), cny(100), Mode::Instant, Risk::Deny);
    refused(&denied, "risk_denied");
}

#[test]
fn nothing_leaves_a_frozen_wallet_not_even_what_is_in_transit() {
    let mut world = people();
    let (offer, _) = world.transfer((1, 2), cny(2_500), Mode::ToAccept, Risk::Allow);
    let (packet, _) = world.red_packet(&lucky(1_000, 2, &[2, 3]), Risk::Allow);
    world.freeze(1, true);
    let (_, outcome) = world.transfer((1, 2), cny(100), Mode::Instant, Risk::Allow);
    refused(&outcome, "account_frozen");
    refused(&world.reply(offer, 2, Reply::Accept), "account_frozen");
    refused(&world.claim(packet, 2), "account_frozen");
    // Money comes in as ever.
    let (_, outcome) = world.transfer((2, 1), cny(100), Mode::Instant, Risk::Allow);
    assert!(matches!(outcome, Outcome::Transfer { .. }));
    world.freeze(1, false);
    assert!(matches!(world.claim(packet, 2), Outcome::Claimed { .. }));
    world.freeze(1, true);
    world.wait((DAY + 1) * SECOND);
    assert_eq!(world.find_transfer(offer).state, TransferState::Expired);
    assert_eq!(balances(&world)[4], 0, "all of it is back");
}

#[test]
fn what_looks_risky_waits_and_the_other_does_not_know_of_it() {
    for mode in Mode::ALL {
        let mut world = people();
        world.set_pin(1);
        let (sent, outcome) = world.transfer((1, 2), cny(2_500), mode, Risk::Challenge);
        let Outcome::Transfer {
            transfer,
            balance: None,
            decision: Some(decision),
        } = outcome
        else {
            panic!("it does not wait")
        };
        assert_eq!(decision.standing, Standing::AwaitingConfirmation);
        assert_eq!(transfer.state, TransferState::AwaitingConfirmation);
        assert!(!world.find_transfer(sent).has_left());
        refused(&world.reply(sent, 2, Reply::Accept), "transfer_not_found");
        refused(&world.confirm(sent, 2), "decision_not_pending");
        assert!(matches!(
            world.confirm(sent, 1),
            Outcome::Transfer {
                balance: Some(7_500),
                ..
            }
        ));
        let expected = match mode {
            Mode::Instant => TransferState::Completed,
            Mode::ToAccept => TransferState::Offered,
        };
        assert_eq!(world.find_transfer(sent).state, expected);
    }
}

#[test]
fn money_in_review_is_held_and_then_goes_or_stays() {
    let mut world = people();
    let (held, outcome) = world.transfer((1, 2), cny(9_000), Mode::Instant, Risk::Review);
    assert!(matches!(
        outcome,
        Outcome::Transfer {
            decision: Some(_),
            ..
        }
    ));
    let (_, outcome) = world.transfer((1, 2), cny(9_000), Mode::Instant, Risk::Allow);
    refused(&outcome, "insufficient_funds");
    assert!(matches!(world.release(held), Outcome::Transfer { .. }));
    assert_eq!(balances(&world), [1_000, 19_000, 10_000, 10_000, 0]);

    // Denied by an analyst, forgotten, or proven wrong three times: it never left.
    let (denied, _) = world.red_packet(&lucky(500, 2, &[2, 3]), Risk::Review);
    world.deny(denied);
    let (forgotten, _) = world.transfer((1, 2), cny(500), Mode::ToAccept, Risk::Review);
    world.wait((DAY + 1) * SECOND);
    world.set_pin(1);
    let (wrong, _) = world.red_packet(&lucky(500, 2, &[2, 3]), Risk::Challenge);
    for _ in 0..3 {
        refused(&world.wrong_proof(wrong, 1), "proof_wrong");
    }
    for _ in 0..2 {
        assert_eq!(world.find_red_packet(denied).state, PacketState::Cancelled);
        assert_eq!(
            world.find_transfer(forgotten).state,
            TransferState::Cancelled
        );
        assert_eq!(world.find_red_packet(wrong).state, PacketState::Cancelled);
        refused(&world.claim(wrong, 2), "red_packet_not_found");
        world.evict();
    }
    assert_eq!(balances(&world), [1_000, 19_000, 10_000, 10_000, 0]);
}

#[test]
fn a_red_packet_is_emptied_by_whoever_comes_first_one_share_each() {
    let mut world = people();
    let (sent, outcome) = world.red_packet(&lucky(1_000, 2, &[4, 2, 3]), Risk::Allow);
    let Outcome::RedPacket {
        packet, balance, ..
    } = outcome
    else {
        panic!("not sent")
    };
    assert_eq!((packet.state, balance), (PacketState::Open, Some(9_000)));
    assert_eq!(
        split::lucky(1_000, 2, &packet.seed),
        Some(packet.shares.clone())
    );
    refused(&world.claim(sent, 1), "red_packet_not_found");
    for (wallet, share) in [(3, packet.shares[0]), (2, packet.shares[1])] {
        let Outcome::Claimed { claim, balance, .. } = world.claim(sent, wallet) else {
            panic!("not claimed")
        };
        assert_eq!(claim.amount, share);
        assert_eq!(balance, 10_000 + i128::from(share));
        refused(&world.claim(sent, wallet), "red_packet_claimed");
    }
    for _ in 0..2 {
        refused(&world.claim(sent, 4), "red_packet_empty");
        refused(&world.claim(sent, 3), "red_packet_claimed");
        assert_eq!(world.find_red_packet(sent).state, PacketState::Emptied);
        world.evict();
    }
}

#[test]
fn what_nobody_takes_out_of_a_red_packet_goes_back_after_a_day() {
    let mut world = people();
    let packet = Packet {
        split: Split::Fixed,
        ..lucky(999, 3, &[1, 2, 3])
    };
    let (sent, _) = world.red_packet(&packet, Risk::Allow);
    assert!(matches!(world.claim(sent, 2), Outcome::Claimed { .. }));
    // The sender is one of the group.
    assert!(matches!(world.claim(sent, 1), Outcome::Claimed { .. }));
    world.wait((DAY + 1) * SECOND);
    for _ in 0..2 {
        refused(&world.claim(sent, 3), "red_packet_expired");
        let found = world.find_red_packet(sent);
        assert_eq!((found.state, found.returned), (PacketState::Expired, 333));
        world.evict();
    }
    assert_eq!(balances(&world), [9_667, 10_333, 10_000, 10_000, 0]);
}

#[test]
fn a_red_packet_that_cannot_be_cut_is_refused() {
    let group = |count: u128| (1..=count).collect::<Vec<_>>();
    for (split, amount, shares, to, wanted) in [
        (Split::Lucky, 100, 2, vec![1], "payee_is_payer"),
        (Split::Lucky, 100, 1, vec![1], "payee_is_payer"),
        (Split::Lucky, 100, 2, vec![2], "shares_invalid"),
        (Split::Lucky, 100, 0, vec![2], "shares_invalid"),
        (Split::Lucky, 100, 1, vec![], "shares_invalid"),
        (Split::Lucky, 100, 1, vec![2, 2], "shares_invalid"),
        (Split::Lucky, 100, 1, vec![2, 9], "payee_not_found"),
        (Split::Lucky, 1_000, 501, group(501), "shares_invalid"),
        (Split::Lucky, 1, 2, vec![2, 3], "shares_invalid"),
        (Split::Lucky, 0, 1, vec![2], "amount_invalid"),
        (Split::Fixed, 100, 3, vec![2, 3, 4], "shares_invalid"),
        (Split::Fixed, 10_002, 3, vec![2, 3, 4], "insufficient_funds"),
    ] {
        let mut world = people();
        let packet = Packet {
            from: 1,
            amount: cny(amount),
            split,
            shares,
            to: to.clone(),
        };
        let (_, outcome) = world.red_packet(&packet, Risk::Allow);
        refused(&outcome, wanted);
    }
}

#[test]
fn somebody_without_the_currency_takes_no_share() {
    let mut world = people();
    let (sent, _) = world.red_packet(&lucky(100, 1, &[2, 5]), Risk::Allow);
    refused(&world.claim(sent, 5), "currency_not_held");
    assert!(matches!(world.claim(sent, 2), Outcome::Claimed { .. }));
}

#[test]
fn nobody_fills_the_memory_with_what_is_under_way() {
    let mut world = people();
    let mut offer = || {
        world
            .transfer((1, 2), cny(1), Mode::ToAccept, Risk::Allow)
            .1
    };
    for _ in 0..1_000 {
        assert!(matches!(offer(), Outcome::Transfer { .. }));
    }
    assert_eq!(offer(), Outcome::Refused(Refusal::SendingTooMuch));
    // When it has come back there is room again.
    world.wait((DAY + 1) * SECOND);
    let (_, outcome) = world.transfer((1, 2), cny(1), Mode::ToAccept, Risk::Allow);
    assert!(matches!(outcome, Outcome::Transfer { .. }));
    assert_eq!(balances(&world)[4], 1);
}
