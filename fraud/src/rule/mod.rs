//! Rules that analysts write, in the syntax of CEL (Common Expression Language).
//!
//! A rule is a condition over the registry's features, an action, and a sentence for people. Among the
//! rules that hold, the one of highest priority speaks, of equals the most severe; if it says *allow*,
//! the model is not asked, else the more severe of rule and model counts. A rule in shadow is only
//! reported. A velocity limit is a rule over a window, such as `payer.count_1h > 20`.
//!
//! A set is compiled whole or not at all and then never changes: publishing a new one swaps it.

mod backtest;
mod check;
mod lists;
mod program;

use std::sync::Arc;

pub use backtest::{Backtest, Past, Tally};
pub use check::{LONGEST, RuleError};
pub use lists::Lists;
pub(crate) use program::Facts;
use program::{Guard, Test};
use serde::{Deserialize, Serialize};

use crate::decision::Action;
use crate::feature::Registry;

/// The most rules that people may have in a set.
pub const MOST: usize = 500;
/// How many rules a caller may add to those of its own.
const MOST_OF_THE_HOUSE: usize = 16;
/// The most steps that a set takes for one attempt: comparisons, sums, names looked up. They take well under a millisecond,
/// the dearest of them too, so that rules cannot hold up payments however they are written.
pub const MOST_STEPS: usize = 20_000;

/// A rule as an analyst writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Short and unique; it is the code of the reason.
    pub name: String,
    /// The condition, in CEL.
    pub when: String,
    /// What to do when it holds.
    pub action: Action,
    /// What to tell people.
    pub because: String,
    /// The highest speaks first.
    pub priority: i32,
    /// Only report that it would have held.
    pub shadow: bool,
}

/// Why a set of rules was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A condition is wrong.
    #[error("rule `{rule}`: {error}")]
    Condition {
        /// The rule's name.
        rule: String,
        /// What is wrong, and where.
        error: RuleError,
    },
    /// Two rules of one name.
    #[error("two rules are called `{0}`; rename one")]
    Twice(String),
    /// Too many.
    #[error("{0} rules are too many, at most {MOST} are allowed; combine some")]
    TooMany(usize),
    /// Too much to ask of every payment.
    #[error(
        "the rules take {0} steps together, at most {MOST_STEPS} are allowed; shorten some, or put what they enumerate on a list"
    )]
    TooLong(usize),
}

/// Rules ready to run.
#[derive(Clone, Debug)]
pub struct RuleSet {
    version: u32,
    rules: Vec<Compiled>,
    /// What each rule asks first, all together: most rules say no to most attempts here.
    guards: Vec<Guard>,
}

#[derive(Clone, Debug)]
struct Compiled {
    name: Arc<str>,
    because: Arc<str>,
    test: Test,
    action: Action,
    priority: i32,
    shadow: bool,
}

/// What a set of rules says of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What the rule that speaks wants, if any holds.
    pub action: Option<Action>,
    /// Name and sentence of the rules that hold, those that speak first in front.
    pub held: Vec<(Arc<str>, Arc<str>)>,
    /// Names of the rules in shadow that would have held.
    pub shadow: Vec<Arc<str>>,
}

impl RuleSet {
    /// No rules.
    pub const fn empty() -> Self {
        Self {
            version: 0,
            rules: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// Checks and compiles rules; all errors are told at once. There may be a few more than [`MOST`], so that a caller can
    /// add some of its own to as many as people may have.
    pub fn compile(
        version: u32,
        rules: &[Rule],
        registry: &Registry,
        lists: &Lists,
    ) -> Result<Self, Vec<RulesError>> {
        if rules.len() > MOST + MOST_OF_THE_HOUSE {
            return Err(vec![RulesError::TooMany(rules.len())]);
        }
        let (mut compiled, mut errors) = (Vec::with_capacity(rules.len()), Vec::new());
        for (place, rule) in rules.iter().enumerate() {
            if rules[..place]
                .iter()
                .any(|earlier| earlier.name == rule.name)
            {
                errors.push(RulesError::Twice(rule.name.clone()));
            }
            match check::compile(&rule.when, registry, lists) {
                Ok(test) => compiled.push(Compiled::new(rule, test)),
                Err(error) => errors.push(RulesError::Condition {
                    rule: rule.name.clone(),
                    error,
                }),
            }
        }
        let steps = compiled.iter().map(|rule| rule.test.steps()).sum();
        if steps > MOST_STEPS {
            errors.push(RulesError::TooLong(steps));
        }
        compiled.sort_by_key(|rule: &Compiled| std::cmp::Reverse((rule.priority, rule.action)));
        if errors.is_empty() {
            Ok(Self {
                version,
                guards: compiled.iter().map(|rule| rule.test.guard()).collect(),
                rules: compiled,
            })
        } else {
            Err(errors)
        }
    }

    /// Which set this is.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// How many rules there are.
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for (guard, rule) in self.guards.iter().zip(&self.rules) {
            if !guard.may_hold(facts) || !rule.test.holds(facts) {
                continue;
            }
            if rule.shadow {
                verdict.shadow.push(Arc::clone(&rule.name));
            } else {
                verdict.action.get_or_insert(rule.action);
                verdict
                    .held
                    .push((Arc::clone(&rule.name), Arc::clone(&rule.because)));
            }
        }
        verdict
    }
}

impl Compiled {
    fn new(rule: &Rule, test: Test) -> Self {
        Self {
            name: rule.name.as_str().into(),
            because: rule.because.as_str().into(),
            test,
            action: rule.action,
            priority: rule.priority,
            shadow: rule.shadow,
        }
    }
}
