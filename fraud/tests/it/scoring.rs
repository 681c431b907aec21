//! Stories of single decisions.

use fraud::{Action, Label, Outcome, Policy, Scorer, Settings};

use crate::world::{DAY, HOUR, SECOND, START, payment};

/// A payer with thirty quiet days behind it.
fn settled_payer() -> Scorer {
    let mut scorer = Scorer::new(Settings::default());
    for day in 0..30 {
        let attempt = payment(u128::from(day), START + day * DAY, 1, 100 + day % 5, 1_000);
        assert_eq!(scorer.score(&attempt).action, Action::Allow, "day {day}");
        scorer.observe(&attempt, Outcome::Settled);
    }
    scorer
}

#[test]
fn an_everyday_payment_is_allowed_and_an_outlier_is_explained() {
    let mut scorer = settled_payer();
    let now = START + 30 * DAY;
    assert_eq!(
        scorer.score(&payment(900, now, 1, 100, 1_100)).action,
        Action::Allow
    );

    let decision = scorer.score(&payment(901, now + HOUR, 1, 999, 40_000));
    assert_eq!(decision.action, Action::Challenge);
    let reasons: Vec<String> = decision.reasons.iter().map(fraud::Reason::text).collect();
    assert!(
        reasons.contains(&"the amount is 40 times the payer's median".to_owned()),
        "{reasons:?}"
    );
}

#[test]
fn attempts_in_the_same_second_see_one_another() {
    let mut scorer = settled_payer();
    let now = START + 30 * DAY;
    let actions: Vec<Action> = (0..40)
        .map(|turn| {
            scorer
                .score(&payment(1_000 + turn, now, 1, 100, 900))
                .action
        })
        .collect();
    assert_eq!(actions[0], Action::Allow);
    assert!(
        actions[39] >= Action::Challenge,
        "nothing settled yet, but forty are in flight: {actions:?}"
    );
}

#[test]
fn what_is_cancelled_no_longer_counts() {
    let mut scorer = settled_payer();
    let now = START + 30 * DAY;
    for turn in 0..3 {
        let attempt = payment(1_000 + turn, now, 1, 100, 900);
        scorer.score(&attempt);
        scorer.observe(&attempt, Outcome::Cancelled);
    }
    let decision = scorer.score(&payment(2_000, now + SECOND, 1, 100, 900));
    assert_eq!(
        (decision.action, decision.reasons.len()),
        (Action::Allow, 0)
    );
}

#[test]
fn a_shop_known_for_fraud_is_stopped() {
    let mut scorer = Scorer::new(Settings::default());
    for turn in 0..20 {
        let attempt = payment(turn, START + HOUR, 50, 7, 1_000);
        scorer.observe(&attempt, Outcome::Settled);
        scorer.observe(&attempt, Outcome::Labelled(Label::Fraud));
    }
    let decision = scorer.score(&payment(100, START + 8 * DAY, 51, 7, 1_000));
    assert!(decision.action >= Action::Challenge, "{decision:?}");
}

#[test]
fn a_watching_policy_scores_and_stops_nothing() {
    let mut scorer = Scorer::new(Settings {
        policy: Policy::WATCH,
        ..Settings::default()
    });
    let decisions: Vec<_> = (0..100)
        .map(|turn| scorer.score(&payment(turn, START, 1, 2, 5)))
        .collect();
    assert!(
        decisions
            .iter()
            .all(|decision| decision.action == Action::Allow)
    );
    assert!(decisions[99].score_ppm > 100_000);
}
