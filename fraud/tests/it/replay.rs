//! What is learned live and what is learned from the past is the same, to the bit.

use fraud::{Attempt, Key, Label, Outcome, Scorer, Settings};
use proptest::prelude::*;

use crate::world::{DAY, START, payment};

/// One thing that happens to one of some attempts.
#[derive(Clone, Debug)]
struct Happening {
    payer: u64,
    payee: u64,
    device: Option<u64>,
    amount: i64,
    gap: u64,
    outcome: Outcome,
    label: Option<Label>,
}

fn happening() -> impl Strategy<Value = Happening> {
    let outcome = prop_oneof![4 => Just(Outcome::Settled), 1 => Just(Outcome::Cancelled)];
    let label = prop_oneof![3 => Just(None), 1 => Just(Some(Label::Fraud)), 2 => Just(Some(Label::Genuine))];
    let who = (0..4_u64, 10..14_u64, prop::option::of(20..22_u64));
    (who, 1..90_000_i64, 0..DAY / 2, outcome, label).prop_map(
        |((payer, payee, device), amount, gap, outcome, label)| Happening {
            payer,
            payee,
            device,
            amount,
            gap,
            outcome,
            label,
        },
    )
}

fn attempts(happenings: &[Happening]) -> Vec<Attempt> {
    let mut at = START;
    let one = |(id, happening): (u128, &Happening)| {
        at += happening.gap;
        let mut attempt = payment(id, at, happening.payer, happening.payee, happening.amount);
        attempt.device = happening.device.map(Key);
        attempt
    };
    (1..).zip(happenings).map(one).collect()
}

fn bits(vector: &[f64]) -> Vec<u64> {
    vector.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #[test]
    fn features_live_equal_features_replayed(happenings in prop::collection::vec(happening(), 1..80), overlap in 1..6_usize) {
        let attempts = attempts(&happenings);
        let mut live = Scorer::new(Settings::default());
        let mut replayed = Scorer::new(Settings::default());
        // Live, some attempts are in flight at a time; the journal knows only how each ended.
        for (place, attempt) in attempts.iter().enumerate() {
            live.score(attempt);
            if let Some(ended) = (place + 1).checked_sub(overlap) {
                live.observe(&attempts[ended], happenings[ended].outcome);
            }
        }
        for ended in (attempts.len() + 1).saturating_sub(overlap)..attempts.len() {
            live.observe(&attempts[ended], happenings[ended].outcome);
        }
        for (attempt, happening) in attempts.iter().zip(&happenings) {
            replayed.observe(attempt, happening.outcome);
        }
        for (attempt, happening) in attempts.iter().zip(&happenings) {
            if let Some(label) = happening.label {
                live.observe(attempt, Outcome::Labelled(label));
                replayed.observe(attempt, Outcome::Labelled(label));
            }
        }
        let next = attempts.last().map_or(START, |attempt| attempt.at) + DAY / 7;
        for payer in 0..4 {
            for payee in 10..14 {
                let mut probe = payment(9_999, next, payer, payee, 777);
                probe.device = Some(Key(20));
                prop_assert_eq!(bits(&live.features(&probe)), bits(&replayed.features(&probe)));
            }
        }
    }

    #[test]
    fn the_same_story_is_decided_the_same(happenings in prop::collection::vec(happening(), 1..60)) {
        let tell = || {
            let mut scorer = Scorer::new(Settings::default());
            let decide = |(attempt, happening): (&Attempt, &Happening)| {
                let decision = scorer.score(attempt);
                scorer.observe(attempt, happening.outcome);
                decision
            };
            attempts(&happenings).iter().zip(&happenings).map(decide).collect::<Vec<_>>()
        };
        prop_assert_eq!(tell(), tell());
    }
}
