//! How good a ranking of attempts by suspicion is.
//!
//! Ties share their rank everywhere, so a constant score earns what chance earns.

use serde::{Deserialize, Serialize};

use crate::model::narrow;

/// A score and whether the attempt was fraud.
pub type Scored = (f64, bool);

/// The probability that a fraud scores above a genuine attempt; 0.5 is chance. Missing without both.
pub fn auc(scored: &[Scored]) -> Option<f64> {
    let groups = Groups::new(scored);
    let (frauds, genuine) = (groups.frauds as f64, groups.genuine as f64);
    let mut genuine_above = 0.0;
    let mut pairs = 0.0;
    for group in &groups.falling {
        pairs += group.frauds as f64 * (genuine - genuine_above - group.genuine as f64 / 2.0);
        genuine_above += group.genuine as f64;
    }
    (frauds > 0.0 && genuine > 0.0).then(|| pairs / (frauds * genuine))
}

/// The mean precision at each fraud, in order of falling score (the area below the
/// precision-recall curve, by steps). Missing without frauds.
pub fn average_precision(scored: &[Scored]) -> Option<f64> {
    let groups = Groups::new(scored);
    let (mut caught, mut flagged, mut sum) = (0.0, 0.0, 0.0);
    for group in &groups.falling {
        caught += group.frauds as f64;
        flagged += (group.frauds + group.genuine) as f64;
        sum += group.frauds as f64 * caught / flagged;
    }
    (groups.frauds > 0).then(|| sum / groups.frauds as f64)
}

/// The share of frauds caught when at most `touched` of genuine attempts are stopped with them.
pub fn recall_at(scored: &[Scored], touched: f64) -> Option<f64> {
    let groups = Groups::new(scored);
    let most = touched * groups.genuine as f64;
    let (mut frauds, mut genuine) = (0, 0);
    for group in &groups.falling {
        if (genuine + group.genuine) as f64 > most {
            break;
        }
        genuine += group.genuine;
        frauds += group.frauds;
    }
    (groups.frauds > 0).then(|| frauds as f64 / groups.frauds as f64)
}

/// The mean square distance between probability and truth; lower is better.
pub fn brier(scored: &[Scored]) -> f64 {
    let square = |(chance, fraud): &Scored| (chance - f64::from(u8::from(*fraud))).powi(2);
    scored.iter().map(square).sum::<f64>() / scored.len().max(1) as f64
}

/// How far probabilities are from rates, over ten groups of equal size by score, in the mean.
pub fn calibration_error(scored: &[Scored]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    let size = sorted.len().div_ceil(10).max(1);
    let error = |group: &[Scored]| {
        let chance: f64 = group.iter().map(|(chance, _)| chance).sum();
        let frauds = group.iter().filter(|(_, fraud)| *fraud).count() as f64;
        (chance - frauds).abs()
    };
    sorted.chunks(size).map(error).sum::<f64>() / sorted.len().max(1) as f64
}

/// One card on one day: its highest score and whether any of its attempts was fraud.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CardDay {
    /// The day.
    pub day: u32,
    /// The card, or any payer.
    pub card: u64,
    /// The score.
    pub score: f64,
    /// Whether it was fraud.
    pub fraud: bool,
}

/// The share of the `most` most suspicious cards of each day that were defrauded that day, in the mean
/// over days; a card that was caught does not come up again.
pub fn card_precision(attempts: &[CardDay], most: usize) -> f64 {
    let mut days: std::collections::BTreeMap<u32, std::collections::BTreeMap<u64, (f64, bool)>> =
        std::collections::BTreeMap::new();
    for attempt in attempts {
        let card = days
            .entry(attempt.day)
            .or_default()
            .entry(attempt.card)
            .or_insert((f64::MIN, false));
        *card = (card.0.max(attempt.score), card.1 || attempt.fraud);
    }
    let mut caught = std::collections::BTreeSet::new();
    let mut sum = 0.0;
    for cards in days.values() {
        let mut ranked: Vec<(u64, f64, bool)> = cards
            .iter()
            .filter(|(card, _)| !caught.contains(*card))
            .map(|(card, (score, fraud))| (*card, *score, *fraud))
            .collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        let found: Vec<u64> = ranked
            .iter()
            .take(most)
            .filter(|(_, _, fraud)| *fraud)
            .map(|(card, _, _)| *card)
            .collect();
        sum += found.len() as f64 / most.max(1) as f64;
        caught.extend(found);
    }
    sum / days.len().max(1) as f64
}

/// What a number's values were like: ten groups that a sample fills equally, one for missing values, and how full each is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    edges: Vec<f32>,
    counts: Vec<u64>,
}

impl Picture {
    /// Takes a picture of a sample.
    pub fn of(sample: &[f64]) -> Self {
        let mut sorted: Vec<f32> = sample
            .iter()
            .map(|value| narrow(*value))
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_by(f32::total_cmp);
        let mut edges: Vec<f32> = (1..10)
            .filter_map(|tenth| sorted.get(sorted.len() * tenth / 10).copied())
            .collect();
        edges.dedup();
        let mut picture = Self {
            counts: vec![0; edges.len() + 2],
            edges,
        };
        for value in sample {
            let group = picture.group(*value);
            picture.counts[group] += 1;
        }
        picture
    }

    /// Whether it is one that can be drawn on: a damaged file may say anything.
    pub(crate) fn is_sound(&self) -> bool {
        let rises = self.edges.windows(2).all(|pair| pair[0] < pair[1]);
        rises && self.counts.len() == self.edges.len() + 2
    }

    fn group(&self, value: f64) -> usize {
        let value = narrow(value);
        // What is missing is below all numbers.
        if value.is_finite() {
            self.edges.partition_point(|edge| *edge <= value)
        } else {
            self.edges.len() + 1
        }
    }
}

/// How far a number has moved from a picture of its past: the population stability index. Under 0.1 nothing moved, over
/// 0.2 look into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    before: Picture,
    after: Vec<u64>,
}

impl Drift {
    /// Measures against a picture.
    pub fn from_picture(before: Picture) -> Self {
        let after = vec![0; before.counts.len()];
        Self { before, after }
    }

    /// Measures against a sample.
    pub fn new(sample: &[f64]) -> Self {
        Self::from_picture(Picture::of(sample))
    }

    /// Counts a new value.
    pub fn add(&mut self, value: f64) {
        let group = self.before.group(value);
        self.after[group] += 1;
    }

    /// How many new values were counted.
    pub fn counted(&self) -> u64 {
        self.after.iter().sum()
    }

    /// The index as of now; 0 without values on both sides.
    pub fn index(&self) -> f64 {
        let (before, after) = (self.before.counts.iter().sum::<u64>(), self.counted());
        if before == 0 || after == 0 {
            return 0.0;
        }
        // An empty group would make the index infinite; it counts as one in ten thousand.
        let share = |count: u64, all: u64| (count as f64 / all as f64).max(1e-4);
        let pairs = self.before.counts.iter().zip(&self.after);
        let shares = pairs.map(|(was, is)| (share(*was, before), share(*is, after)));
        shares.map(|(was, is)| (is - was) * (is / was).ln()).sum()
    }
}

/// Attempts of equal score.
struct Group {
    frauds: usize,
    genuine: usize,
}

struct Groups {
    falling: Vec<Group>,
    frauds: usize,
    genuine: usize,
}

impl Groups {
    fn new(scored: &[Scored]) -> Self {
        let mut sorted = scored.to_vec();
        sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
        let group = |equal: &[Scored]| {
            let frauds = equal.iter().filter(|(_, fraud)| *fraud).count();
            Group {
                frauds,
                genuine: equal.len() - frauds,
            }
        };
        let falling: Vec<Group> = sorted
            .chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq())
            .map(group)
            .collect();
        let frauds = falling.iter().map(|group| group.frauds).sum();
        Self {
            frauds,
            genuine: scored.len() - frauds,
            falling,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scored() -> impl Strategy<Value = Vec<Scored>> {
        // Few different scores, so that there are ties.
        prop::collection::vec((0..12_u8, any::<bool>()), 0..60).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(score, fraud)| (f64::from(score), fraud))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn auc_counts_pairs(scored in scored()) {
            let (frauds, genuine): (Vec<Scored>, Vec<Scored>) = scored.iter().partition(|(_, fraud)| *fraud);
            let pairs = frauds.iter().flat_map(|(fraud, _)| genuine.iter().map(move |(other, _)| (*fraud, *other)));
            let won: f64 = pairs.map(|(fraud, other)| if fraud > other { 1.0 } else if fraud < other { 0.0 } else { 0.5 }).sum();
            match auc(&scored) {
                Some(found) => prop_assert!((found - won / (frauds.len() * genuine.len()) as f64).abs() < 1e-12),
                None => prop_assert!(frauds.is_empty() || genuine.is_empty()),
            }
        }

        #[test]
        fn average_precision_sums_steps_of_recall(scored in scored()) {
            let frauds = scored.iter().filter(|(_, fraud)| *fraud).count() as f64;
            let caught = |least: f64| scored.iter().filter(|(score, fraud)| *score >= least && *fraud).count() as f64;
            let flagged = |least: f64| scored.iter().filter(|(score, _)| *score >= least).count() as f64;
            let mut before = 0.0;
            let mut sum = 0.0;
            for least in (0..12).rev().map(f64::from).filter(|least| flagged(*least) > 0.0) {
                sum += (caught(least) - before) / frauds * caught(least) / flagged(least);
                before = caught(least);
            }
            let found = average_precision(&scored);
            prop_assert_eq!(found.is_none(), frauds < 1.0);
            prop_assert!(found.is_none_or(|found| (found - sum).abs() < 1e-12), "{:?} {}", found, sum);
        }

        #[test]
        fn recall_touches_no_more_than_it_may(scored in scored(), touched in 0.0..1.0_f64) {
            let genuine = scored.iter().filter(|(_, fraud)| !*fraud).count() as f64;
            let frauds = scored.iter().filter(|(_, fraud)| *fraud).count() as f64;
            let most = |least: f64| scored.iter().filter(|(score, fraud)| *score >= least && !*fraud).count() as f64;
            let caught = |least: f64| scored.iter().filter(|(score, fraud)| *score >= least && *fraud).count() as f64;
            let best = (0..13).map(f64::from).filter(|least| most(*least) <= touched * genuine).map(caught).fold(0.0, f64::max);
            if let Some(found) = recall_at(&scored, touched) {
                prop_assert!((found - best / frauds).abs() < 1e-12, "{found} {best}");
            }
        }
    }

    #[test]
    fn a_caught_card_does_not_come_up_again() {
        let card = |day, card, score, fraud| CardDay {
            day,
            card,
            score,
            fraud,
        };
        let attempts = [
            card(0, 1, 0.9, true),
            card(0, 1, 0.1, false),
            card(0, 2, 0.8, false),
            card(0, 3, 0.2, true),
            card(1, 1, 0.9, true),
            card(1, 3, 0.8, true),
            card(1, 4, 0.7, true),
        ];
        // The first day finds card 1 among cards 1 and 2; the second both of cards 3 and 4.
        assert!((card_precision(&attempts, 2) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn drift_is_nothing_for_the_same_and_much_for_another() {
        let sample: Vec<f64> = (0..1_000).map(f64::from).collect();
        let index = |shift: f64| {
            let mut drift = Drift::new(&sample);
            for value in &sample {
                drift.add(value + shift);
            }
            drift.index()
        };
        assert!(
            index(0.0) < 1e-9 && index(30.0) < 0.1 && index(500.0) > 0.2,
            "{} {} {}",
            index(0.0),
            index(30.0),
            index(500.0)
        );
    }
}
