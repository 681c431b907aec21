//! The integration tests of the gateway, in one binary.

mod cli;
mod qr;
mod sign;
mod webhook;
