//! The ledger by itself, over real HTTP.

mod bulk;
mod event;
mod exchange;
mod proof;
mod reads;
mod story;
pub(in crate::api) mod tenant;
