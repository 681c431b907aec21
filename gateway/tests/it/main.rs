//! The integration tests of the gateway, in one binary.

mod api;
mod cli;
mod qr;
mod sign;
mod webhook;
