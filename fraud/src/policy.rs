//! From a score to an action, by what each action is expected to cost.
//!
//! Letting a fraud pass costs its amount and the work afterwards; asking costs patience, and some
//! frauds pass; a review costs an analyst's time; refusing a genuine payer costs the sale and some
//! trust. The cheapest action is taken, but none below its floor, so that a mistaken model cannot
//! disturb everyone. All in integers: parts per million of minor units.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attempt::Kind;
use crate::decision::Action;

const MILLION: i128 = 1_000_000;

/// What actions cost, in minor units of the currency risk is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What is done about scores, for all kinds of attempt and for some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Of whatever has none of its own.
    pub others: Policy,
    /// In the order of `Kind`.
    pub by_kind: [Option<Policy>; Kind::ALL.len()],
}

/// Why policies could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not JSON, or has a word nobody knows.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A part that is for no kind of attempt.
    #[error("there is no `{0}`; the parts are `others` and {kinds}", kinds = Kind::WORDS.join(", "))]
    NoKind(String),
    /// A number outside of what it means.
    #[error("`{part}`: {what}")]
    Senseless {
        /// The part it is in.
        part: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Policies {
    /// Scores everything and stops nothing.
    pub const WATCH: Self = Self {
        others: Policy::WATCH,
        by_kind: [None; Kind::ALL.len()],
    };

    /// Reads what is to be otherwise than the house has it: an object with a part `others`, and parts named after kinds
    /// of attempt, which go on from `others`. Each part says only what differs.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        let mut parts: serde_json::Map<String, Value> = serde_json::from_str(text)?;
        let others = parts.remove("others").unwrap_or_default();
        let others = Policy::default().with("others", others)?;
        let mut policies = Self {
            others,
            ..Self::default()
        };
        for (kind, part) in parts {
            let found = Kind::of(&kind).ok_or_else(|| PolicyError::NoKind(kind.clone()))?;
            policies.by_kind[found as usize] = Some(others.with(&kind, part)?);
        }
        Ok(policies)
    }

    /// What counts for a kind of attempt.
    pub(crate) fn of(&self, kind: Kind) -> &Policy {
        self.by_kind[kind as usize].as_ref().unwrap_or(&self.others)
    }
}

impl Policy {
    /// The same with some of it changed.
    fn with(self, part: &str, changes: Value) -> Result<Self, PolicyError> {
        let mut all = serde_json::to_value(self)?;
        lay_over(&mut all, changes);
        let policy: Self = serde_json::from_value(all)?;
        let senseless = |what| PolicyError::Senseless {
            part: part.to_owned(),
            what,
        };
        let costs = policy.costs;
        let shares = [
            costs.challenge_passed_ppm,
            costs.review_missed_ppm,
            costs.decline_lost_ppm,
        ];
        if shares.iter().any(|share| *share > 1_000_000) {
            return Err(senseless("a share is at most 1000000, the whole"));
        }
        let amounts = [costs.fraud, costs.challenge, costs.review, costs.decline];
        if amounts.iter().any(|amount| *amount < 0) {
            return Err(senseless("a cost is not below 0"));
        }
        Ok(policy)
    }
}

/// Replaces in `all` what `changes` names; objects are gone into.
fn lay_over(all: &mut Value, changes: Value) {
    match (all, changes) {
        (_, Value::Null) => {}
        (Value::Object(all), Value::Object(changes)) => {
            for (name, change) in changes {
                lay_over(all.entry(name).or_insert(Value::Null), change);
            }
        }
        (all, change) => *all = change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_only_what_differs() {
        let policies = Policies::from_json(
            r#"{"others": {"deny_ppm": 700000, "costs": {"review": 900}}, "transfer": {"challenge_ppm": 20000}}"#,
        );
        let policies = policies.expect("it is sound");
        let (payment, transfer) = (policies.of(Kind::Payment), policies.of(Kind::Transfer));
        let (house, ours) = (Policy::default(), policies.others);
        assert_eq!(*payment, ours);
        assert_eq!((ours.deny_ppm, ours.costs.review), (700_000, 900));
        assert_eq!(
            (ours.review_ppm, ours.costs.fraud),
            (house.review_ppm, house.costs.fraud)
        );
        let expected = Policy {
            challenge_ppm: 20_000,
            ..ours
        };
        assert_eq!(*transfer, expected);
        assert_eq!(
            transfer.action(30_000, 100_000),
            Action::Challenge,
            "a score that passes for a payment"
        );
        assert_eq!(payment.action(30_000, 100_000), Action::Allow);
        let unchanged = Policies::from_json("{}").expect("nothing differs");
        assert_eq!(unchanged, Policies::default());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, expected) in [
            ("[]", "invalid type"),
            (r#"{"transfers": {}}"#, "there is no `transfers`"),
            (r#"{"others": {"deny": 1}}"#, "unknown field `deny`"),
            (r#"{"others": {"deny_ppm": -1}}"#, "invalid value"),
            (r#"{"others": 5}"#, "invalid type"),
            (
                r#"{"transfer": {"costs": {"fraud": -1}}}"#,
                "`transfer`: a cost is not below 0",
            ),
            (
                r#"{"charge": {"costs": {"decline_lost_ppm": 1000001}}}"#,
                "`charge`: a share is at most 1000000",
            ),
        ] {
            let error = Policies::from_json(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

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
