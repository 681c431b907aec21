//! Stories of labels: the last word counts, once.

use fraud::{Attempt, Key, Label, Outcome, Scorer, Settings};
use proptest::prelude::*;

use crate::world::{DAY, HOUR, START, bits, payment};

/// Attempts that settled: three payers, three shops, two phones; some amounts are far from ordinary.
fn settled(many: u64) -> (Scorer, Vec<Attempt>) {
    let mut scorer = Scorer::new(Settings::default());
    let attempt = |turn: u64| {
        let amount = if turn % 7 == 6 { 90_000 } else { 1_000 };
        // Some come in the same second.
        let at = START + turn / 2 * HOUR;
        let mut attempt = payment(u128::from(turn), at, turn % 3, 10 + turn % 4 % 3, amount);
        attempt.device = Some(Key(20 + turn % 2));
        attempt
    };
    let attempts: Vec<Attempt> = (0..many).map(attempt).collect();
    for attempt in &attempts {
        scorer.observe(attempt, Outcome::Settled);
    }
    (scorer, attempts)
}

/// What everyone's features are some days later.
fn features(scorer: &Scorer) -> Vec<Vec<u64>> {
    let who = (0..3).flat_map(|payer| (10..13).map(move |payee| (payer, payee)));
    let probes = who.map(|(payer, payee)| {
        let mut probe = payment(9_999, START + 5 * DAY, payer, payee, 1_100);
        probe.device = Some(Key(20 + payer % 2));
        bits(&scorer.features(&probe))
    });
    probes.collect()
}

fn value(scorer: &Scorer, attempt: &Attempt, name: &str) -> f64 {
    let slot = scorer.registry().slot(name).expect("it is a feature");
    scorer.features(attempt)[slot]
}

fn label() -> impl Strategy<Value = Label> {
    prop_oneof![Just(Label::Fraud), Just(Label::Genuine)]
}

#[test]
#[expect(clippy::float_cmp, reason = "counts are exact")]
fn a_fraud_said_thrice_is_one_fraud_and_a_correction_leaves_nothing() {
    let (mut scorer, attempts) = settled(8);
    let fraud = &attempts[3];
    let probe = Attempt {
        id: 9_999,
        at: START + 5 * DAY,
        ..fraud.clone()
    };
    let mut was = None;
    let mut say = |scorer: &mut Scorer, now| {
        let was = was.replace(now);
        scorer.observe(fraud, Outcome::Labelled { was, now });
    };
    for _ in 0..3 {
        say(&mut scorer, Label::Fraud);
    }
    for name in [
        "payer.frauds_35d",
        "payee.fraud_run",
        "payee.fraud_rate_35d",
    ] {
        assert_eq!(value(&scorer, &probe, name), 1.0, "{name}");
    }
    assert_eq!(value(&scorer, &probe, "payer.fraud_distance"), 0.0);
    say(&mut scorer, Label::Genuine);
    for name in [
        "payer.frauds_35d",
        "payee.fraud_run",
        "payee.fraud_rate_35d",
    ] {
        assert_eq!(value(&scorer, &probe, name), 0.0, "{name}");
    }
    assert_eq!(value(&scorer, &probe, "payer.fraud_distance"), 3.0);
    assert!(value(&scorer, &probe, "payer.last_fraud_days").is_nan());
}

proptest! {
    /// With money moving in between it cannot be so: taint that payments passed on is not called back, and whether an amount
    /// was ordinary is judged by what the payer had paid when the label came. Nor beyond sixteen known attempts of an entity,
    /// of which only sums are left.
    #[test]
    fn any_sequence_of_labels_leaves_what_the_last_one_alone_would(
        said in prop::collection::vec((0..16_usize, label()), 1..80),
    ) {
        let (mut scorer, attempts) = settled(16);
        let mut last = [None; 16];
        for (place, now) in said {
            let was = last[place].replace(now);
            scorer.observe(&attempts[place], Outcome::Labelled { was, now });
        }
        let (mut alone, _) = settled(16);
        for (attempt, now) in attempts.iter().zip(last) {
            if let Some(now) = now {
                alone.observe(attempt, Outcome::Labelled { was: None, now });
            }
        }
        prop_assert_eq!(features(&scorer), features(&alone));
    }

    /// However many are known, counts of days and of frauds are those of the last words.
    #[test]
    fn counts_are_of_the_last_words_however_many_are_known(
        said in prop::collection::vec((0..120_usize, label()), 1..300),
    ) {
        let (mut scorer, attempts) = settled(120);
        let mut last = vec![None; 120];
        for (place, now) in said {
            let was = last[place].replace(now);
            scorer.observe(&attempts[place], Outcome::Labelled { was, now });
        }
        for probe in &attempts[..12] {
            let probe = Attempt { id: 9_999, at: START + 5 * DAY, ..probe.clone() };
            let own = attempts.iter().zip(&last).filter(|(attempt, _)| attempt.payer == probe.payer);
            let (mut known, mut frauds) = (0.0, 0.0);
            for label in own.filter_map(|(_, last)| *last) {
                known += 1.0;
                frauds += f64::from(u8::from(label == Label::Fraud));
            }
            let said = ["payer.frauds_14d", "payer.fraud_rate_14d"].map(|name| value(&scorer, &probe, name));
            prop_assert_eq!(bits(&said)[0], bits(&[frauds])[0]);
            prop_assert!(known == 0.0 || bits(&said)[1] == bits(&[frauds / known])[0]);
            prop_assert!(value(&scorer, &probe, "payer.fraud_run") <= frauds);
            prop_assert_eq!(value(&scorer, &probe, "payer.last_fraud_days").is_nan(), frauds == 0.0);
        }
    }
}
