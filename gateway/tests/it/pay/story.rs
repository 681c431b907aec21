//! Stories of one shop and its customers.

use gateway::pay::order::Verdict as Risk;
use gateway::pay::{OrderState, Outcome, Refusal};
use ledger::Verdict;

use super::world::{SECOND, World, cny};

/// A shop that pays 0.60 % and a customer with 100.00 CNY.
fn shop() -> World {
    let mut world = World::with(2, 2, 60);
    world.top_up(1, cny(10_000));
    world
}

#[track_caller]
fn refused(outcome: Outcome, wanted: &Refusal) {
    assert_eq!(outcome, Outcome::Refused(wanted.clone()));
}

#[test]
fn a_payment_moves_the_amount_less_the_fee() {
    let mut world = shop();
    world.create(1, 1, cny(2_500), 600);
    let Outcome::Paid {
        order,
        wallet_balance,
        merchant_balance,
    } = world.pay(1, 1, Risk::Allow, false)
    else {
        panic!("not paid")
    };
    assert_eq!(order.state, OrderState::Paid);
    assert_eq!(
        order.payment.as_ref().map(|payment| payment.fee),
        Some(cny(15))
    );
    assert_eq!((wallet_balance, merchant_balance), (7_500, 2_485));
}

#[test]
fn an_order_is_paid_once_whoever_comes_second() {
    let mut world = shop();
    world.top_up(2, cny(10_000));
    world.create(1, 1, cny(2_500), 600);
    world.pay(1, 1, Risk::Allow, false);
    for evicted in [false, true] {
        if evicted {
            world.evict();
        }
        refused(world.pay(1, 1, Risk::Allow, false), &Refusal::OrderPaid);
        refused(world.pay(1, 2, Risk::Allow, false), &Refusal::OrderPaid);
    }
}

#[test]
fn partial_refunds_give_back_the_whole_fee_in_the_end() {
    let mut world = shop();
    world.create(1, 1, cny(2_500), 600);
    world.pay(1, 1, Risk::Allow, false);
    let mut fees = Vec::new();
    for (refund, amount) in [(1, 999), (2, 1), (3, 1_499), (4, 1)] {
        world.evict();
        let Outcome::Refunded { refund, .. } = world.refund(refund, 1, 1, cny(amount)) else {
            panic!("not refunded")
        };
        fees.push(refund.fee_returned.amount);
    }
    // 15 of fee on 2,500: after 999, 1,000, 2,499 and 2,500 refunded 5, 6, 14 and 15 are returned.
    assert_eq!(fees, [5, 1, 8, 1]);
    refused(
        world.refund(5, 1, 1, cny(1)),
        &Refusal::RefundTooLarge { refundable: 0 },
    );
}

#[test]
fn a_refund_needs_a_paid_order_of_the_same_merchant_and_money_to_give_back() {
    let mut world = shop();
    world.create(1, 1, cny(2_500), 600);
    refused(world.refund(1, 1, 1, cny(100)), &Refusal::OrderNotPaid);
    world.pay(1, 1, Risk::Allow, false);
    refused(world.refund(1, 1, 2, cny(100)), &Refusal::OrderNotFound);
    refused(world.refund(1, 1, 1, cny(0)), &Refusal::AmountInvalid);
    refused(
        world.refund(1, 1, 1, cny(2_501)),
        &Refusal::RefundTooLarge { refundable: 2_500 },
    );
    // The fee comes back from the house, so the merchant's 24.85 do cover 25.00.
    assert!(matches!(
        world.refund(1, 1, 1, cny(2_500)),
        Outcome::Refunded { .. }
    ));
}

#[test]
fn an_empty_wallet_pays_nothing() {
    let mut world = shop();
    world.create(1, 1, cny(10_001), 600);
    refused(
        world.pay(1, 1, Risk::Allow, false),
        &Refusal::InsufficientFunds,
    );
    world.top_up(1, cny(1));
    assert!(matches!(
        world.pay(1, 1, Risk::Allow, false),
        Outcome::Paid {
            wallet_balance: 0,
            ..
        }
    ));
}

#[test]
fn an_order_can_be_paid_until_the_last_moment_and_not_after() {
    let mut world = shop();
    let Verdict::New(Outcome::Order(order)) = world.create(1, 1, cny(100), 60) else {
        panic!()
    };
    world.create(2, 1, cny(100), 60);
    let left = order.expires_at.nanos_since(world.now);
    world.wait(left - SECOND);
    assert!(matches!(
        world.pay(1, 1, Risk::Allow, false),
        Outcome::Paid { .. }
    ));
    world.wait(2 * SECOND);
    refused(world.pay(2, 1, Risk::Allow, false), &Refusal::OrderExpired);
    world.evict();
    refused(world.pay(2, 1, Risk::Allow, false), &Refusal::OrderExpired);
    refused(world.close(2, 1), &Refusal::OrderExpired);
}

#[test]
fn closing_is_final_repeatable_and_only_for_ones_own_open_orders() {
    let mut world = shop();
    world.create(1, 1, cny(100), 60);
    refused(world.close(1, 2), &Refusal::OrderNotFound);
    for _ in 0..2 {
        let Outcome::Order(order) = world.close(1, 1) else {
            panic!("not closed")
        };
        assert_eq!(order.state, OrderState::Closed);
        world.evict();
    }
    refused(world.pay(1, 1, Risk::Allow, false), &Refusal::OrderClosed);
}

#[test]
fn risk_is_heard_before_money_moves() {
    let mut world = shop();
    world.create(1, 1, cny(100), 60);
    refused(world.pay(1, 1, Risk::Deny, true), &Refusal::RiskDenied);
    refused(world.pay(1, 1, Risk::Review, true), &Refusal::RiskReview);
    refused(
        world.pay(1, 1, Risk::Challenge, false),
        &Refusal::ConfirmationRequired,
    );
    assert!(matches!(
        world.pay(1, 1, Risk::Challenge, true),
        Outcome::Paid { .. }
    ));
}

#[test]
fn a_number_names_one_order_of_a_merchant_for_ever() {
    let mut world = shop();
    let first = world.create(1, 1, cny(100), 60);
    let Verdict::New(outcome) = first else {
        panic!("not created")
    };
    for _ in 0..2 {
        let Verdict::Again(place) = world.create(1, 1, cny(100), 60) else {
            panic!("anew")
        };
        assert_eq!(world.outcome(place), outcome);
        assert!(matches!(
            world.create(1, 1, cny(101), 60),
            Verdict::KeyReused(_)
        ));
        world.close(1, 1);
        world.evict();
    }
    assert!(matches!(
        world.create(1, 2, cny(100), 60),
        Verdict::New(Outcome::Order(_))
    ));
}

#[test]
fn a_refused_order_does_not_use_its_number_up() {
    let mut world = shop();
    let refusal = Outcome::Refused(Refusal::AmountInvalid);
    let Verdict::New(outcome) = world.create(1, 1, cny(0), 60) else {
        panic!("not decided")
    };
    assert_eq!(outcome, refusal);
    assert!(matches!(
        world.create(1, 1, cny(100), 60),
        Verdict::New(Outcome::Order(_))
    ));
}
