//! The gateway: the product itself.
//!
//! In reading order:
//!
//! 1. [`pay`]: the payment rules, pure. Nothing else here decides about money.
//! 2. [`app`]: the running gateway that everything shares, from start to shutdown.
//! 3. [`api`]: the HTTP API. [`auth`] and [`sign`] say who asks, [`problem`] how a refusal is told.
//! 4. [`store`]: the SQL tables that follow the journal, and what is read from them.
//! 5. [`notify`] and [`webhook`]: telling merchants.
//! 6. [`qr`]: codes, both ways.
//! 7. [`web`]: pages for people.
//! 8. [`audit`]: what must hold of a journal, checked offline. [`checkpoint`]: what it is, signed.
//! 9. [`report`]: what became of payments that looked risky.
//! 10. [`payment_code`]: the digits that a payer's phone makes without a network.
//! 11. [`load`]: what it bears, measured over HTTP.
//! 12. [`config`], [`network`], [`secret`], [`telemetry`] and [`failure`]: settings, secrets, metrics, and how a failure is told.

pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod checkpoint;
pub mod config;
pub mod failure;
pub mod load;
pub mod network;
pub mod notify;
pub mod pay;
pub mod payment_code;
pub mod problem;
pub mod qr;
pub mod report;
pub mod secret;
pub mod sign;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod webhook;
