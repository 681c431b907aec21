//! Stories of single decisions.

use std::sync::Arc;

use fraud::{Action, Boosting, Dataset, Label, Model, Outcome, Policies, Ready, Scorer, Settings};

use crate::world::{DAY, HOUR, SECOND, START, labelled, payment};

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
fn a_feature_is_a_reason_once_and_the_heaviest_comes_first() {
    let mut scorer = settled_payer();
    let now = START + 30 * DAY;
    for turn in 0..13 {
        let failed = payment(800 + u128::from(turn), now + turn * SECOND, 1, 100, 1_000);
        scorer.observe(&failed, Outcome::Cancelled);
    }
    let decision = scorer.score(&payment(900, now + HOUR, 1, 100, 13_000));
    let reasons: Vec<(&str, i32)> = decision
        .reasons
        .iter()
        .map(|reason| (&*reason.code, reason.weight_ppm))
        .collect();
    assert_eq!(
        reasons,
        [
            ("payer.failed_1d", 260_000),
            ("payer.ratio_median", 100_000)
        ]
    );
}

#[test]
fn what_is_forgotten_is_no_failure() {
    let mut scorer = settled_payer();
    let now = START + 30 * DAY;
    for turn in 0..20 {
        let attempt = payment(1_000 + turn, now, 1, 100, 900);
        scorer.score(&attempt);
        scorer.forget(&attempt);
    }
    let decision = scorer.score(&payment(2_000, now + SECOND, 1, 100, 900));
    assert_eq!((decision.score_ppm, decision.reasons.len()), (0, 0));
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
        scorer.observe(&attempt, labelled(Label::Fraud));
    }
    let decision = scorer.score(&payment(100, START + 8 * DAY, 51, 7, 1_000));
    assert!(decision.action >= Action::Challenge, "{decision:?}");
}

#[test]
fn a_watching_policy_scores_and_stops_nothing() {
    let mut scorer = Scorer::new(Settings {
        policies: Policies::WATCH,
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

/// A model that has learned that large amounts are fraud.
fn afraid_of_large_amounts(scorer: &Scorer) -> Ready {
    let mut data = Dataset::new(1);
    for row in 0..4_000_u32 {
        data.push(&[f64::from(row * 7 % 1_000)], row * 7 % 1_000 > 900);
    }
    let trainer = Boosting {
        rounds: 20,
        ..Boosting::default()
    };
    let names = vec!["amount".to_owned()];
    let model = Model::train(&trainer, &data, names, 1).expect("the data are sound");
    Ready::new(Arc::new(model), scorer.registry()).expect("the amount is a feature")
}

#[test]
fn drift_is_told_when_enough_was_seen() {
    let mut scorer = Scorer::new(Settings::default());
    scorer.set_champion(afraid_of_large_amounts(&scorer));
    let mut turn = 0;
    let mut score_up_to = |scorer: &mut Scorer, end: u128| {
        while turn < end {
            turn += 1;
            scorer.score(&payment(turn, START, 1, 2, 5));
        }
    };
    score_up_to(&mut scorer, 959);
    assert_eq!((scorer.drift(), scorer.drifted().len()), (None, 0));
    score_up_to(&mut scorer, 960);
    assert_eq!((scorer.drift(), scorer.drifted().len()), (None, 1));
    score_up_to(&mut scorer, 999);
    assert_eq!(scorer.drift(), None);
    score_up_to(&mut scorer, 1_000);
    assert!(scorer.drift() > Some(0.25), "{:?}", scorer.drift());
    let drifted = scorer.drifted();
    assert!(
        &*drifted[0].0 == "amount" && drifted[0].1 > 0.25,
        "{drifted:?}"
    );
    scorer.set_champion(afraid_of_large_amounts(&scorer));
    assert_eq!(scorer.drift(), None, "another model begins anew");
}
