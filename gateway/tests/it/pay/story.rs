//! Stories of one shop and its customers.

use gateway::pay::order::Verdict as Risk;
use gateway::pay::{Decision, OrderState, Outcome, Refusal, Standing};
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
    } = world.pay(1, 1, Risk::Allow)
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
    world.pay(1, 1, Risk::Allow);
    for evicted in [false, true] {
        if evicted {
            world.evict();
        }
        refused(world.pay(1, 1, Risk::Allow), &Refusal::OrderPaid);
        refused(world.pay(1, 2, Risk::Allow), &Refusal::OrderPaid);
    }
}

#[test]
fn partial_refunds_give_back_the_whole_fee_in_the_end() {
    let mut world = shop();
    world.create(1, 1, cny(2_500), 600);
    world.pay(1, 1, Risk::Allow);
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
    world.pay(1, 1, Risk::Allow);
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
    refused(world.pay(1, 1, Risk::Allow), &Refusal::InsufficientFunds);
    world.top_up(1, cny(1));
    assert!(matches!(
        world.pay(1, 1, Risk::Allow),
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
    assert!(matches!(world.pay(1, 1, Risk::Allow), Outcome::Paid { .. }));
    world.wait(2 * SECOND);
    refused(world.pay(2, 1, Risk::Allow), &Refusal::OrderExpired);
    world.evict();
    refused(world.pay(2, 1, Risk::Allow), &Refusal::OrderExpired);
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
    refused(world.pay(1, 1, Risk::Allow), &Refusal::OrderClosed);
}

#[test]
fn what_is_denied_leaves_the_order_as_it_was() {
    let mut world = shop();
    world.create(1, 1, cny(100), 60);
    refused(world.pay(1, 1, Risk::Deny), &Refusal::RiskDenied);
    assert!(matches!(world.pay(1, 1, Risk::Allow), Outcome::Paid { .. }));
}

#[track_caller]
fn pending(outcome: Outcome) -> Decision {
    match outcome {
        Outcome::Pending { decision, .. } => *decision,
        other => panic!("not pending: {other:?}"),
    }
}

#[test]
fn a_challenged_payment_waits_for_its_payer_and_blocks_nobody() {
    let mut world = shop();
    world.set_pin(1);
    world.top_up(2, cny(10_000));
    world.create(1, 1, cny(100), 600);
    let asked = pending(world.pay(1, 1, Risk::Challenge));
    assert_eq!(asked.standing, Standing::AwaitingConfirmation);
    let again = pending(world.pay(1, 1, Risk::Challenge));
    assert_eq!(again.id, asked.id, "who is asked is not asked twice");
    // Somebody else's proof is no proof, and somebody else may pay.
    refused(world.confirm(asked.id.0, 2), &Refusal::DecisionNotPending);
    assert!(matches!(world.pay(1, 2, Risk::Allow), Outcome::Paid { .. }));
    refused(world.confirm(asked.id.0, 1), &Refusal::OrderPaid);
}

#[test]
fn three_wrong_proofs_deny_and_ten_in_a_row_block_the_pin() {
    let mut world = shop();
    world.set_pin(1);
    for order in 1..=3 {
        world.create(order, 1, cny(100), 600);
        let asked = pending(world.pay(order, 1, Risk::Challenge));
        assert_eq!(asked.standing, Standing::AwaitingConfirmation, "{order}");
        for left in [2, 1, 0] {
            refused(
                world.wrong_proof(asked.id.0, 1),
                &Refusal::ProofWrong { left },
            );
        }
        refused(world.confirm(asked.id.0, 1), &Refusal::DecisionNotPending);
    }
    world.create(4, 1, cny(100), 600);
    let asked = pending(world.pay(4, 1, Risk::Challenge));
    refused(
        world.wrong_proof(asked.id.0, 1),
        &Refusal::ProofWrong { left: 2 },
    );
    refused(world.wrong_proof(asked.id.0, 1), &Refusal::PinBlocked);
    world.create(5, 1, cny(100), 600);
    let looked_at = pending(world.pay(5, 1, Risk::Challenge));
    assert_eq!(looked_at.standing, Standing::InReview);
}

#[test]
fn a_confirmation_lapses_and_the_order_can_still_be_paid() {
    let mut world = shop();
    world.set_pin(1);
    world.create(1, 1, cny(100), 600);
    let asked = pending(world.pay(1, 1, Risk::Challenge));
    world.wait(301 * SECOND);
    refused(world.confirm(asked.id.0, 1), &Refusal::DecisionNotPending);
    assert!(matches!(world.pay(1, 1, Risk::Allow), Outcome::Paid { .. }));
}

#[test]
fn money_in_review_is_held_until_it_is_released() {
    let mut world = shop();
    world.create(1, 1, cny(9_000), 60);
    world.create(2, 1, cny(9_000), 60);
    let held = pending(world.pay(1, 1, Risk::Review));
    refused(world.pay(1, 2, Risk::Allow), &Refusal::OrderInReview);
    // What is held cannot be spent twice.
    refused(world.pay(2, 1, Risk::Allow), &Refusal::InsufficientFunds);
    // The order's time does not end while it is looked at.
    world.wait(3_600 * SECOND);
    let Outcome::Paid {
        order,
        wallet_balance,
        merchant_balance,
    } = world.release(held.id.0)
    else {
        panic!("not released")
    };
    assert_eq!(order.state, OrderState::Paid);
    assert_eq!((wallet_balance, merchant_balance), (1_000, 8_946));
    refused(world.release(held.id.0), &Refusal::DecisionNotPending);
}

#[test]
fn money_in_review_goes_back_when_it_is_denied_forgotten_or_withdrawn() {
    let mut world = shop();
    // Denied in time: the order is open again.
    world.create(1, 1, cny(10_000), 60);
    let held = pending(world.pay(1, 1, Risk::Review));
    assert!(matches!(world.deny(held.id.0), Outcome::Decision(_)));
    // Withdrawn by the merchant.
    pending(world.pay(1, 1, Risk::Review));
    assert!(matches!(world.close(1, 1), Outcome::Order(_)));
    // Looked at by nobody for a day: by then the order's own time is over too.
    world.create(2, 1, cny(10_000), 60);
    pending(world.pay(2, 1, Risk::Review));
    world.wait((24 * 3_600 + 1) * SECOND);
    refused(world.pay(2, 1, Risk::Allow), &Refusal::OrderExpired);
    world.create(3, 1, cny(10_000), 60);
    assert!(matches!(world.pay(3, 1, Risk::Allow), Outcome::Paid { .. }));
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
