//! The HTTP API, over real HTTP on a random port.

mod documents;
mod house;
mod payment;
mod receiver;
mod refusal;
mod retry;
mod views;
mod webhook;
