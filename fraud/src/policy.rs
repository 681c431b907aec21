//! From a score to an action, by what each action is expected to cost.
//!
//! Letting a fraud pass costs its amount and the work afterwards; asking costs patience, and some
//! frauds pass; a review costs an analyst's time; refusing a genuine payer costs the sale and some
//! trust. The cheapest action is taken, but none below its floor, so that a mistaken model cannot
//! disturb everyone. All in integers: parts per million of minor units.

use crate::decision::Action;

const MILLION: i128 = 1_000_000;

/// What actions cost, in minor units of the currency risk is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// The work after a fraud, beyond its amount.
    pub fraud: i64,
    /// One challenge.
    pub challenge: i64,
    /// The share of frauds that pass a challenge.
    pub challenge_passed_ppm: u32,
    /// One review.
    pub review: i64,
    /// The share of frauds that a review lets through.
    pub review_missed_ppm: u32,
    /// Refusing a genuine payer.
    pub decline: i64,
    /// The share of a genuine payment's amount that refusing it loses.
    pub decline_lost_ppm: u32,
}

impl Costs {
    const DEFAULT: Self = Self {
        fraud: 2_000,
        challenge: 20,
        challenge_passed_ppm: 150_000,
        review: 500,
        review_missed_ppm: 50_000,
        decline: 1_000,
        decline_lost_ppm: 100_000,
    };

    /// What an action is expected to cost, in millionths of a minor unit.
    fn of(&self, action: Action, amount: i128, score: i128) -> i128 {
        let loss = amount + i128::from(self.fraud);
        let passed = |share: u32| score * loss * i128::from(share) / MILLION;
        match action {
            Action::Allow => score * loss,
            Action::Challenge => {
                i128::from(self.challenge) * MILLION + passed(self.challenge_passed_ppm)
            }
            Action::Review => i128::from(self.review) * MILLION + passed(self.review_missed_ppm),
            Action::Deny => {
                let lost =
                    i128::from(self.decline) + amount * i128::from(self.decline_lost_ppm) / MILLION;
                (MILLION - score) * lost
            }
        }
    }
}

/// Costs, and from which score on each action may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Never ask for proof below.
    pub challenge_ppm: u32,
    /// Never hold for an analyst below.
    pub review_ppm: u32,
    /// Never refuse below.
    pub deny_ppm: u32,
    /// What actions cost.
    pub costs: Costs,
}

impl Policy {
    /// Scores everything and stops nothing.
    pub const WATCH: Self = Self {
        challenge_ppm: u32::MAX,
        review_ppm: u32::MAX,
        deny_ppm: u32::MAX,
        costs: Costs::DEFAULT,
    };

    /// The cheapest action that the score allows; of equals the mildest.
    pub fn action(&self, score_ppm: u32, amount: i64) -> Action {
        let (amount, score) = (i128::from(amount.max(0)), i128::from(score_ppm));
        let open = [
            (Action::Allow, 0),
            (Action::Challenge, self.challenge_ppm),
            (Action::Review, self.review_ppm),
            (Action::Deny, self.deny_ppm),
        ];
        let allowed = open.into_iter().filter(|(_, floor)| score_ppm >= *floor);
        let cheapest = allowed
            .map(|(action, _)| (self.costs.of(action, amount, score), action))
            .min();
        cheapest.map_or(Action::Allow, |(_, action)| action)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            challenge_ppm: 50_000,
            review_ppm: 200_000,
            deny_ppm: 500_000,
            costs: Costs::DEFAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_follows_money_at_risk_and_score() {
        let policy = Policy::default();
        let cases = [
            (0, 100_000_000, Action::Allow, "nothing suspected"),
            (
                49_999,
                100_000_000,
                Action::Allow,
                "below every floor, however much money",
            ),
            (
                60_000,
                100,
                Action::Challenge,
                "even little money is worth a question",
            ),
            (
                300_000,
                5_000,
                Action::Challenge,
                "a question is cheaper than an analyst",
            ),
            (
                300_000,
                50_000,
                Action::Review,
                "much money is worth an analyst",
            ),
            (990_000, 50_000, Action::Deny, "almost certain"),
            (
                990_000,
                -5,
                Action::Deny,
                "a nonsensical amount counts as none",
            ),
        ];
        for (score, amount, action, why) in cases {
            assert_eq!(policy.action(score, amount), action, "{why}");
        }
        assert_eq!(Policy::WATCH.action(999_999, i64::MAX), Action::Allow);
    }

    #[test]
    fn more_suspicion_is_never_milder() {
        let policy = Policy::default();
        for amount in [0, 100, 10_000, 1_000_000, i64::MAX] {
            let actions: Vec<Action> = (0..1_000)
                .map(|step| policy.action(step * 1_000, amount))
                .collect();
            assert!(actions.is_sorted(), "amount {amount}");
        }
    }
}
