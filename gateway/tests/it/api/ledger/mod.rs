//! The ledger by itself, over real HTTP.

mod bulk;
mod event;
mod exchange;
mod reads;
mod story;
mod tenant;
