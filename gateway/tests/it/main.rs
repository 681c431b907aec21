//! The integration tests of the gateway, in one binary.

mod api;
mod browser;
mod cli;
mod crash;
mod documents;
mod layering;
mod pages;
mod pay;
mod qr;
mod server;
mod sign;
mod webhook;
