//! The ledger by itself, over real HTTP.

mod reads;
mod story;
mod tenant;
