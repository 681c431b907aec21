//! Codes of reasons in words.

use fraud::rule::Rule;

use super::Risk;
use super::load::HOUSE;
use crate::pay::desk::Desk;
use crate::pay::{Assessment, Decision};

/// One reason of a decision, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    /// The feature or rule behind it.
    pub code: String,
    pub text: String,
    pub value_milli: i64,
    pub weight_ppm: i32,
}

impl Risk {
    /// Why it was decided so, the weightiest reasons first.
    pub(crate) fn explain(&self, decision: &Decision, desk: &Desk) -> Vec<Why> {
        let version = decision.scored.assessment.rules_version;
        let mut published = desk.published.iter();
        let rules = published.find(|published| published.version == version);
        let rules = rules.map_or(&[][..], |published| &published.rules);
        let codes = &decision.scored.assessment.reasons;
        let reasons = codes.iter().zip(&decision.scored.evidence);
        reasons
            .map(|(code, evidence)| Why {
                code: code.clone(),
                text: self.words(code, evidence.value_milli, rules),
                value_milli: evidence.value_milli,
                weight_ppm: evidence.weight_ppm,
            })
            .collect()
    }

    fn words(&self, code: &str, value_milli: i64, rules: &[Rule]) -> String {
        if let Some(slot) = self.registry.slot(code) {
            let reason = fraud::Reason {
                code: code.into(),
                sentence: self.registry.features()[slot].sentence.as_str().into(),
                value_milli,
                weight_ppm: 0,
            };
            return reason.text();
        }
        if code == Assessment::UNAVAILABLE {
            return "the scorer could not be asked in time".to_owned();
        }
        let rule = rules
            .iter()
            .chain(HOUSE.iter())
            .find(|rule| rule.name == code);
        rule.map_or_else(|| code.to_owned(), |rule| rule.because.clone())
    }
}
