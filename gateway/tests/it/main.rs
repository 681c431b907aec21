//! The integration tests of the gateway, in one binary.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a story reads better without borrows"
)]
#![allow(clippy::too_many_lines, reason = "a story is told in one piece")]
#![allow(
    clippy::doc_markdown,
    reason = "names of standards and products are not code"
)]

mod api;
mod browser;
mod chance;
mod cli;
mod crash;
mod database;
mod disk;
mod documents;
mod layering;
mod pages;
mod pay;
#[path = "../../../ledger/tests/it/postgres.rs"]
#[expect(dead_code, reason = "the ledger's tests do more to a server")]
mod postgres;
mod qr;
mod scenarios;
mod seeds;
mod server;
mod sign;
mod webhook;
