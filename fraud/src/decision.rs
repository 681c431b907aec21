//! What the scorer answers: an action, a score, and why, in words.
//!
//! Everything is an integer or a name, so that the answer can stand in a journal and be the same on
//! every machine. Words are put together only when someone reads them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What should happen to the attempt. Ordered from mild to severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Let it through.
    Allow,
    /// Ask the payer to prove who they are.
    Challenge,
    /// Hold the money until an analyst has looked.
    Review,
    /// Refuse.
    Deny,
}

/// One cause of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The feature or rule behind it: stable, for machines.
    pub code: Arc<str>,
    /// A sentence with `{}` where the value goes.
    pub sentence: Arc<str>,
    /// The observed value in thousandths of its unit.
    pub value_milli: i64,
    /// How far it moved the score, in parts per million; 0 for a rule that acts by itself.
    pub weight_ppm: i32,
}

impl Reason {
    /// The reason as a sentence for people.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, after)) = self.sentence.split_once("{}") else {
            return out.write_str(&self.sentence);
        };
        let sign = if self.value_milli < 0 { "-" } else { "" };
        let magnitude = self.value_milli.unsigned_abs();
        let (whole, milli) = (magnitude / 1000, magnitude % 1000);
        if milli == 0 {
            return write!(out, "{before}{sign}{whole}{after}");
        }
        let digits = format!("{milli:03}");
        write!(
            out,
            "{before}{sign}{whole}.{}{after}",
            digits.trim_end_matches('0')
        )
    }
}

/// The scorer's answer for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What should happen.
    pub action: Action,
    /// The probability of fraud in parts per million.
    pub score_ppm: u32,
    /// Why: the rules that hold, then the features that raised the score, each once, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Which set of rules spoke; 0 is none.
    pub rule_version: u32,
    /// Which model spoke; 0 is the built-in scorecard.
    pub model_version: u32,
    /// Names of rules in shadow that would have held.
    pub shadow: Vec<Arc<str>>,
    /// What the challenger would have scored, if there is one.
    pub challenger_ppm: Option<u32>,
}
