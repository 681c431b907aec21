//! Models: boosted trees trained here, walked here.
//!
//! In reading order: a [`Dataset`] holds labelled rows, `bins` makes its values small integers,
//! [`Boosting`] grows trees one after the other by `grow`, a [`Forest`] holds them, `walk` walks them while money waits, a [`Calibration`]
//! makes the result a probability, `attribution` says why, a [`Model`] is all of it as a file.

mod artifact;
mod attribution;
mod bins;
mod boost;
mod calibration;
mod dataset;
mod forest;
mod grow;
#[cfg(test)]
mod proofs;
mod walk;

pub(crate) use artifact::pictures;
pub use artifact::{Model, ModelError};
pub(crate) use attribution::Paths;
pub use boost::{Boosting, TrainError, Trainer};
pub use calibration::Calibration;
pub use dataset::{Dataset, narrow};
pub use forest::Forest;
pub(crate) use walk::{MOST_FEATURES, Row, Shares, Walk, ordered};
