//! What stands between a stolen key and the money: how often may be guessed, and who may change what is asked for.

use gateway::pay::order::Verdict as Risk;
use gateway::pay::step_up::{Change, StepUps};
use gateway::pay::{Decision, Device, KeyId, Outcome, Refusal, SealedSecret, Standing};

use super::world::{SECOND, World, cny};

/// A customer with money and a PIN, and orders to pay.
fn shop() -> World {
    let mut world = World::with(1, 2, 60);
    world.top_up(1, cny(10_000));
    world.set_pin(1);
    for order in 1..=8 {
        world.create(order, 1, cny(100), 3_000);
    }
    world
}

#[track_caller]
fn refused(outcome: Outcome, wanted: &Refusal) {
    assert_eq!(outcome, Outcome::Refused(wanted.clone()));
}

#[track_caller]
fn asked(world: &mut World, order: u128) -> Decision {
    match world.pay(order, 1, Risk::Challenge) {
        Outcome::Pending { decision, .. } => *decision,
        other => panic!("not pending: {other:?}"),
    }
}

fn pin(secret: u8) -> Change {
    Change::Pin(SealedSecret(vec![secret]))
}

fn phone(id: u128) -> Change {
    Change::AddDevice(Device {
        id: KeyId(id),
        name: "phone".to_owned(),
        secret: SealedSecret(vec![4]),
        handle: None,
    })
}

#[test]
fn of_many_guesses_made_at_the_same_time_one_counts() {
    let mut world = shop();
    let decision = asked(&mut world, 1).id.0;
    let mut guesses = vec![world.proof(1, false); 23];
    guesses.push(world.proof(1, true));
    let mut guesses = guesses.into_iter();
    let first = guesses.next().unwrap();
    refused(
        world.confirm_by(decision, 1, first),
        &Refusal::ProofWrong { left: 2 },
    );
    for guess in guesses {
        refused(
            world.confirm_by(decision, 1, guess),
            &Refusal::ProofOutdated,
        );
    }
    assert_eq!(world.step_ups(1).wrong_in_a_row, 1);
    assert!(matches!(world.confirm(decision, 1), Outcome::Paid { .. }));
    assert_eq!(world.step_ups(1).wrong_in_a_row, 0);
}

#[test]
fn a_pin_that_is_blocked_while_a_payment_waits_confirms_nothing() {
    let mut world = shop();
    let waits = asked(&mut world, 8).id.0;
    for order in 1..=3 {
        let decision = asked(&mut world, order).id.0;
        for left in [2, 1, 0] {
            refused(
                world.wrong_proof(decision, 1),
                &Refusal::ProofWrong { left },
            );
        }
    }
    refused(
        world.wrong_proof(waits, 1),
        &Refusal::ProofWrong { left: 2 },
    );
    refused(world.confirm(waits, 1), &Refusal::PinBlocked);
    refused(world.wrong_proof(waits, 1), &Refusal::PinBlocked);
}

#[test]
fn what_a_wallet_confirms_with_is_changed_by_who_proves_something() {
    let mut world = shop();
    let known = world.step_ups(1);
    for change in [pin(9), phone(7), Change::RemoveDevice(KeyId(7))] {
        refused(
            world.change_step_ups(1, change, None),
            &Refusal::ProofNeeded,
        );
    }
    let wrong = world.proof(1, false);
    refused(
        world.change_step_ups(1, pin(9), Some(wrong.clone())),
        &Refusal::ProofWrong { left: 9 },
    );
    refused(
        world.change_step_ups(1, pin(9), Some(wrong)),
        &Refusal::ProofOutdated,
    );
    assert_eq!(world.step_ups(1).pin, known.pin);
    let right = world.proof(1, true);
    world.change_step_ups(1, phone(7), Some(right.clone()));
    let changed = world.step_ups(1);
    assert_eq!((changed.devices.len(), changed.wrong_in_a_row), (1, 0));
    // The same proof again, as a thief would who has seen it.
    refused(
        world.change_step_ups(1, phone(8), Some(right)),
        &Refusal::ProofOutdated,
    );
}

#[test]
fn a_blocked_pin_is_not_set_anew_with_itself_or_with_nothing() {
    let mut world = shop();
    for left in (0..StepUps::WRONG_IN_A_ROW_MAX).rev() {
        let wrong = world.proof(1, false);
        refused(
            world.change_step_ups(1, pin(9), Some(wrong)),
            &Refusal::ProofWrong { left },
        );
    }
    assert!(world.step_ups(1).pin_is_blocked());
    refused(
        world.change_step_ups(1, pin(9), None),
        &Refusal::ProofNeeded,
    );
    let right = world.proof(1, true);
    refused(
        world.change_step_ups(1, pin(9), Some(right)),
        &Refusal::PinBlocked,
    );
}

#[test]
fn what_was_reset_can_be_set_anew_but_not_for_payments_that_wait() {
    let mut world = shop();
    let waits = asked(&mut world, 1);
    assert_eq!(waits.standing, Standing::AwaitingConfirmation);
    let reset = world.change_step_ups(1, Change::Reset, None);
    assert!(matches!(reset, Outcome::StepUps(step_ups) if step_ups.is_empty()));
    refused(
        world.change_step_ups(1, pin(9), None),
        &Refusal::ConfirmationsPending,
    );
    // What comes now, an analyst looks at.
    assert_eq!(asked(&mut world, 2).standing, Standing::InReview);
    world.wait(301 * SECOND);
    let set = world.change_step_ups(1, pin(9), None);
    assert!(matches!(set, Outcome::StepUps(_)), "{set:?}");
    refused(world.confirm(waits.id.0, 1), &Refusal::DecisionNotPending);
    let later = asked(&mut world, 3);
    assert!(matches!(world.confirm(later.id.0, 1), Outcome::Paid { .. }));
}
