//! Stories at the till that need a clock of their own.

use fx::{Currency, Money};
use gateway::pay::order::Verdict as Risk;
use gateway::pay::step_up::Change;
use gateway::pay::{Command, MerchantId, OrderState, Outcome, PrintedCode, Refusal};

use super::super::world::{SECOND, World, cny};
use super::{Charge, phone};

pub(super) fn charge(step: u64, amount: i64) -> Charge {
    Charge {
        merchant: 1,
        till: "till 1",
        handle: 0,
        step,
        amount: cny(amount),
        risk: Risk::Allow,
    }
}

/// A shop and a customer with a phone and 100 yuan.
pub(super) fn shop() -> World {
    let mut world = World::with(1, 1, 60);
    world.top_up(1, cny(10_000));
    world.add_phone(1, 0);
    world
}

#[track_caller]
fn refused(outcome: Outcome, wanted: &Refusal) {
    assert_eq!(outcome, Outcome::Refused(wanted.clone()));
}

#[test]
fn a_payer_has_five_minutes_to_confirm_and_then_the_order_is_over() {
    let mut world = shop();
    let (decision, outcome) = world.charge(1, &charge(1, 2_000));
    assert!(matches!(outcome, Outcome::Pending { .. }), "{outcome:?}");
    world.wait(300 * SECOND - 10);
    assert_eq!(world.find_order(1).state, OrderState::AwaitingPayer);
    world.wait(20);
    assert_eq!(world.find_order(1).state, OrderState::Expired);
    refused(world.confirm(decision, 1), &Refusal::DecisionNotPending);
    // Nobody can pay it later either, and taking it back changes nothing.
    refused(world.pay(1, 1, Risk::Allow), &Refusal::OrderExpired);
    world.evict();
    assert!(
        matches!(world.reverse(1, 1), Outcome::Order(order) if order.state == OrderState::Expired)
    );
}

#[test]
fn a_charge_can_be_taken_back_for_a_day() {
    let mut world = shop();
    for (order, wait, wanted) in [
        (1, 24 * 3600 - 1, None),
        (2, 24 * 3600 + 1, Some(Refusal::ReversalTooLate)),
    ] {
        world.charge(order, &charge(u64::try_from(order).unwrap(), 500));
        world.evict();
        world.wait(wait * SECOND);
        let outcome = world.reverse(order, 1);
        match wanted {
            None => assert_eq!(world.find_order(order).state, OrderState::Reversed),
            Some(refusal) => refused(outcome, &refusal),
        }
    }
}

#[test]
fn a_shop_that_has_spent_the_money_cannot_take_the_charge_back() {
    let mut world = shop();
    world.charge(1, &charge(1, 500));
    world.charge(2, &charge(2, 400));
    world.refund(1, 2, 1, cny(400));
    // The fee of the second went back too, so there is exactly what the first one brought.
    assert!(matches!(world.reverse(1, 1), Outcome::Order(_)));
    world.charge(3, &charge(3, 500));
    let outcome = world.reverse(3, 2);
    refused(outcome, &Refusal::OrderNotFound);
}

#[test]
fn a_till_that_guessed_may_scan_again_after_ten_minutes() {
    let mut world = shop();
    for _ in 0..5 {
        refused(world.guess(1, "till 1"), &Refusal::PaymentCodeInvalid);
    }
    refused(world.guess(1, "till 1"), &Refusal::TillBlocked);
    let (_, blocked) = world.charge(1, &charge(1, 500));
    refused(blocked, &Refusal::TillBlocked);
    world.wait(600 * SECOND);
    let (_, paid) = world.charge(2, &charge(1, 500));
    assert!(matches!(paid, Outcome::Paid { .. }), "{paid:?}");
}

#[test]
fn a_handle_is_given_once_and_goes_with_its_phone() {
    let mut world = shop();
    let proof = world.proof(1, true);
    world.change_step_ups(1, Change::RemoveDevice(phone(0)), Some(proof));
    let (_, gone) = world.charge(1, &charge(1, 500));
    refused(gone, &Refusal::PaymentCodeInvalid);
    refused(
        world.ask(Command::FindCodeDevice(0), Vec::new()),
        &Refusal::PaymentCodeInvalid,
    );
    world.add_phone(1, 1);
    let of_the_new = Charge {
        handle: 1,
        ..charge(1, 500)
    };
    assert!(matches!(
        world.charge(2, &of_the_new).1,
        Outcome::Paid { .. }
    ));
}

#[test]
fn a_merchant_has_so_many_printed_codes_and_no_more() {
    let mut world = shop();
    let yen = Money::new(1, Currency::JPY);
    for code in 0..PrintedCode::PER_MERCHANT_MAX {
        assert!(matches!(
            world.print(code as u128, 1, false, yen),
            Outcome::PrintedCode(_)
        ));
    }
    let more = u128::MAX;
    refused(
        world.print(more, 1, false, yen),
        &Refusal::PrintedCodesTooMany,
    );
    // Retired ones count: who still scans one is told so.
    world.retire(1, 1);
    refused(
        world.print(more, 1, false, yen),
        &Refusal::PrintedCodesTooMany,
    );
    refused(world.retire(more, 1), &Refusal::PrintedCodeNotFound);
    let page = Command::PrintedCodes {
        merchant: MerchantId(1),
        after: None,
        limit: 3,
    };
    let Outcome::PrintedCodes(codes) = world.ask(page, Vec::new()) else {
        panic!("no list")
    };
    let retired: Vec<bool> = codes.iter().map(|code| code.retired).collect();
    assert_eq!(retired, [false, true, false]);
}
