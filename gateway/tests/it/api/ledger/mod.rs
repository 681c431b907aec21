//! The ledger by itself, over real HTTP.

mod bulk;
mod reads;
mod story;
mod tenant;
