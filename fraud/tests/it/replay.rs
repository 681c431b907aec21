//! What is learned live and what is learned from the past is the same, to the bit.

use fraud::{Attempt, Key, Label, Outcome, Scorer, Settings};
use proptest::prelude::*;

use crate::world::{DAY, START, bits, labelled, payment};

/// One thing that happens to one of some attempts.
#[derive(Clone, Debug)]
struct Happening {
    payer: u64,
    payee: u64,
    device: Option<u64>,
    amount: i64,
    gap: u64,
    /// Nothing, if the journal never hears of it.
    outcome: Option<Outcome>,
    label: Option<Label>,
}

fn happening() -> impl Strategy<Value = Happening> {
    let outcome = prop_oneof![4 => Just(Some(Outcome::Settled)), 1 => Just(Some(Outcome::Cancelled)), 1 => Just(None)];
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

/// Tells a scorer how an attempt ended.
fn end(scorer: &mut Scorer, attempt: &Attempt, happening: &Happening) {
    match happening.outcome {
        Some(outcome) => scorer.observe(attempt, outcome),
        None => scorer.forget(attempt),
    }
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
                end(&mut live, &attempts[ended], &happenings[ended]);
            }
        }
        for ended in (attempts.len() + 1).saturating_sub(overlap)..attempts.len() {
            end(&mut live, &attempts[ended], &happenings[ended]);
        }
        for (attempt, happening) in attempts.iter().zip(&happenings) {
            if let Some(outcome) = happening.outcome {
                replayed.observe(attempt, outcome);
            }
        }
        let known = |(attempt, happening): (_, &Happening)| Some((attempt, happening.outcome.and(happening.label)?));
        for (attempt, label) in attempts.iter().zip(&happenings).filter_map(known) {
            live.observe(attempt, labelled(label));
            replayed.observe(attempt, labelled(label));
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
    fn saved_profiles_go_on_as_if_nothing_had_happened(
        happenings in prop::collection::vec(happening(), 2..150),
        saved_at in 0..150_usize,
    ) {
        let attempts = attempts(&happenings);
        let saved_at = saved_at % attempts.len();
        let mut steady = Scorer::new(Settings::default());
        let mut restarted = Scorer::new(Settings::default());
        for (place, (attempt, happening)) in attempts.iter().zip(&happenings).enumerate() {
            for scorer in [&mut steady, &mut restarted] {
                scorer.score(attempt);
                if place % 3 > 0 {
                    end(scorer, attempt, happening);
                }
                if let Some(label) = happening.label {
                    scorer.observe(attempt, labelled(label));
                }
            }
            if place == saved_at {
                let bytes = postcard::to_stdvec(restarted.profiles()).expect("profiles can be saved");
                restarted = Scorer::new(Settings::default());
                restarted.restore(postcard::from_bytes(&bytes).expect("profiles can be read"));
            }
        }
        // What was in flight when it was saved can still be settled.
        for (attempt, happening) in attempts.iter().zip(&happenings).step_by(3) {
            end(&mut steady, attempt, happening);
            end(&mut restarted, attempt, happening);
        }
        for probe in &attempts {
            let probe = Attempt { id: 9_999, at: START + 90 * DAY, ..probe.clone() };
            prop_assert_eq!(bits(&steady.features(&probe)), bits(&restarted.features(&probe)));
        }
    }

    #[test]
    fn the_same_story_is_decided_the_same(happenings in prop::collection::vec(happening(), 1..60)) {
        let tell = || {
            let mut scorer = Scorer::new(Settings::default());
            let decide = |(attempt, happening): (&Attempt, &Happening)| {
                let decision = scorer.score(attempt);
                end(&mut scorer, attempt, happening);
                decision
            };
            attempts(&happenings).iter().zip(&happenings).map(decide).collect::<Vec<_>>()
        };
        prop_assert_eq!(tell(), tell());
    }
}
