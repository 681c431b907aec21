//! A rule as it runs: a small tree over slots of the feature vector.
//!
//! There are no loops and no names left, so a rule ends after at most as many steps as it has nodes.
//! A comparison with a missing value, or with the result of dividing by zero, is false.

use super::lists::Lists;
use crate::attempt::{Attempt, Role};

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) attempt: &'a Attempt,
    pub(crate) vector: &'a [f64],
    pub(crate) score_ppm: u32,
    pub(crate) lists: &'a Lists,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Compare {
    #[expect(
        clippy::float_cmp,
        reason = "an analyst who writes == means exactly that"
    )]
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right && !left.is_nan() && !right.is_nan(),
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// How two numbers make a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Something that is a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    Constant(f64),
    Slot(usize),
    Score,
    Negative(Box<Self>),
    Pair(Arithmetic, Box<(Self, Self)>),
    Either(Box<(Test, Self, Self)>),
}

impl Number {
    /// How many steps it takes at most.
    fn steps(&self) -> usize {
        1 + match self {
            Self::Constant(_) | Self::Slot(_) | Self::Score => 0,
            Self::Negative(of) => of.steps(),
            Self::Pair(_, pair) => pair.0.steps() + pair.1.steps(),
            Self::Either(branches) => branches.0.steps() + branches.1.steps() + branches.2.steps(),
        }
    }

    fn value(&self, facts: &Facts<'_>) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Slot(slot) => facts.vector[*slot],
            Self::Score => f64::from(facts.score_ppm),
            Self::Negative(of) => -of.value(facts),
            Self::Pair(how, pair) => {
                let (left, right) = (pair.0.value(facts), pair.1.value(facts));
                match how {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide if right == 0.0 => f64::NAN,
                    Arithmetic::Divide => left / right,
                    Arithmetic::Remainder => left % right,
                }
            }
            Self::Either(branches) => {
                if branches.0.holds(facts) {
                    branches.1.value(facts)
                } else {
                    branches.2.value(facts)
                }
            }
        }
    }
}

/// Something that is true or false.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Constant(bool),
    /// The common case: a feature against a constant.
    Slot(usize, Compare, f64),
    Numbers(Compare, Box<(Number, Number)>),
    /// A flag that is set.
    Flag(usize),
    /// A feature that is not missing.
    Present(usize),
    /// One of some values.
    Among(Number, Vec<f64>),
    /// An entity that is on a list.
    Listed(Role, usize),
    Currency(crate::attempt::CurrencyCode),
    Not(Box<Self>),
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
    Same(Box<(Self, Self)>),
    Either(Box<(Self, Self, Self)>),
}

/// A comparison without which a rule cannot hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Guard {
    /// There is none so simple.
    Open,
    Slot(u32, Compare, f64),
}

impl Guard {
    pub(crate) fn may_hold(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Open => true,
            Self::Slot(slot, how, value) => how.holds(facts.vector[*slot as usize], *value),
        }
    }
}

impl Test {
    /// The comparison of a feature with a constant that comes first in a chain of conditions which must all hold.
    pub(crate) fn guard(&self) -> Guard {
        match self {
            Self::Slot(slot, how, value) => {
                u32::try_from(*slot).map_or(Guard::Open, |slot| Guard::Slot(slot, *how, *value))
            }
            Self::And(pair) => pair.0.guard(),
            _ => Guard::Open,
        }
    }

    /// How many steps it takes at most.
    pub(crate) fn steps(&self) -> usize {
        1 + match self {
            Self::Constant(_)
            | Self::Slot(..)
            | Self::Flag(_)
            | Self::Present(_)
            | Self::Listed(..)
            | Self::Currency(_) => 0,
            Self::Numbers(_, pair) => pair.0.steps() + pair.1.steps(),
            Self::Among(number, values) => number.steps() + values.len(),
            Self::Not(of) => of.steps(),
            Self::And(pair) | Self::Or(pair) | Self::Same(pair) => pair.0.steps() + pair.1.steps(),
            Self::Either(branches) => branches.0.steps() + branches.1.steps() + branches.2.steps(),
        }
    }

    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Slot(slot, how, value) => how.holds(facts.vector[*slot], *value),
            Self::Numbers(how, pair) => how.holds(pair.0.value(facts), pair.1.value(facts)),
            Self::Flag(slot) => facts.vector[*slot] > 0.0,
            Self::Present(slot) => !facts.vector[*slot].is_nan(),
            Self::Among(number, values) => {
                let value = number.value(facts);
                values.iter().any(|one| Compare::Equal.holds(value, *one))
            }
            Self::Listed(role, list) => facts
                .attempt
                .entity(*role)
                .is_some_and(|key| facts.lists.has(*list, *role, key, facts.attempt.at)),
            Self::Currency(code) => facts.attempt.currency == *code,
            Self::Not(of) => !of.holds(facts),
            Self::And(pair) => pair.0.holds(facts) && pair.1.holds(facts),
            Self::Or(pair) => pair.0.holds(facts) || pair.1.holds(facts),
            Self::Same(pair) => pair.0.holds(facts) == pair.1.holds(facts),
            Self::Either(branches) => {
                if branches.0.holds(facts) {
                    branches.1.holds(facts)
                } else {
                    branches.2.holds(facts)
                }
            }
        }
    }
}
