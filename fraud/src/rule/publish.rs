//! Two people publish rules: one writes, another approves.

use super::{Lists, Rule, RuleSet, RulesError};
use crate::feature::Registry;

/// Rules that someone proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The version they shall have.
    pub version: u32,
    /// Who wrote them.
    pub author: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// Why a draft was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The author cannot approve.
    #[error("{0} wrote these rules and cannot approve them; ask someone else")]
    SamePerson(String),
    /// It is not newer than what runs.
    #[error("version {draft} is not newer than version {running}, which runs; draft it again")]
    NotNewer {
        /// The draft's version.
        draft: u32,
        /// The version that runs.
        running: u32,
    },
    /// Something is wrong with the rules.
    #[error("{} rules are wrong; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Rules(Vec<RulesError>),
}

impl Draft {
    /// The rules ready to run, if another person approves and they are sound.
    pub fn approve(
        &self,
        approver: &str,
        running: &RuleSet,
        registry: &Registry,
        lists: &Lists,
    ) -> Result<RuleSet, PublishError> {
        if approver == self.author {
            return Err(PublishError::SamePerson(self.author.clone()));
        }
        if self.version <= running.version() {
            return Err(PublishError::NotNewer {
                draft: self.version,
                running: running.version(),
            });
        }
        RuleSet::compile(self.version, &self.rules, registry, lists).map_err(PublishError::Rules)
    }
}
