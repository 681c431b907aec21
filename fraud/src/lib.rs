//! Fraud: every attempt to move money is scored before it moves, and the answer says why.
//!
//! The crate is pure: the caller brings time and storage. In reading order: an [`Attempt`] is what is
//! known; [`Profiles`] remember everyone involved; a [`Registry`] of features turns both into
//! numbers; a [`Scorer`] turns the numbers into a [`Decision`].
//!
//! | to | use |
//! |---|---|
//! | decide while money waits | [`Scorer::score`], then [`Scorer::observe`] with what became of it |
//! | rebuild or save what is remembered | [`Profiles`], which is `serde`; the same calls give the same profiles |
//! | write rules, lists, backtests | [`rule`] |
//! | train and load models | [`Boosting`], [`Model::train`], [`Model::from_json`], [`Ready`], [`Scorer::set_champion`] |
//! | judge a labelled file | [`evaluate`] |
//! | measure | [`speed`], [`metrics`] |
//!
//! Floats are allowed here, because statistics need them; what leaves the crate in a decision is
//! an integer. Only operations that are exact by IEEE 754 enter a feature, so two machines agree.
//!
//! ```
//! use fraud::{Action, Attempt, Channel, CurrencyCode, Key, Kind, Outcome, Scorer, Settings};
//!
//! let mut scorer = Scorer::new(Settings::default());
//! let attempt = Attempt {
//!     id: 1,
//!     at: 1_700_000_000_000_000_000,
//!     kind: Kind::Payment,
//!     channel: Channel::MerchantCode,
//!     payer: Key(7),
//!     payee: Some(Key::of("the noodle shop")),
//!     device: None,
//!     link: None,
//!     place: None,
//!     amount: 1_250,
//!     currency: CurrencyCode::new("CNY"),
//! };
//! assert_eq!(scorer.score(&attempt).action, Action::Allow);
//! scorer.observe(&attempt, Outcome::Settled);
//! ```

#![allow(
    clippy::cast_precision_loss,
    reason = "features are statistics; 52 bits of an amount are enough for them"
)]
#![allow(
    clippy::similar_names,
    reason = "payer and payee are the words of the field"
)]

mod attempt;
mod decision;
pub mod evaluate;
mod expert;
mod feature;
pub mod metrics;
mod model;
mod policy;
mod profile;
pub mod rule;
mod scorecard;
mod scorer;
pub mod speed;

pub use attempt::{Attempt, Channel, CurrencyCode, Key, Kind, Label, Outcome, Role};
pub use decision::{Action, Decision, Reason};
pub use feature::{Feature, Registry, Unit};
pub use model::{
    Boosting, Calibration, Dataset, Forest, Model, ModelError, TrainError, Trainer, narrow,
};
pub use policy::{Costs, Policies, Policy, PolicyError};
pub use profile::{Limits, Profiles};
pub use scorer::{Ready, Scorer, Settings};
