//! The HTTP API, over real HTTP on a random port.

mod house;
mod payment;
mod receiver;
mod retry;
