//! Models: boosted trees trained here, walked here.

mod bins;
mod boost;
mod dataset;
mod forest;
mod grow;

pub use boost::{Boosting, TrainError, Trainer};
pub use dataset::{Dataset, narrow};
pub use forest::Forest;
