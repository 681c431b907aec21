//! The ledger by itself, over real HTTP.

mod story;
mod tenant;
