//! The payment rules without HTTP or SQL: stories, and a naive second implementation that must agree.

mod biller;
mod combined;
mod coupon;
mod exchange;
mod limits;
mod mandate;
mod model;
mod profit_share;
mod property;
mod sending;
mod step_up;
mod story;
mod till;
mod world;
