//! The HTTP API: `/v1`, its documentation, and what machines ask of a server.
//!
//! [`table`] lists every route with its rules and its words; the router and the OpenAPI document are both made from
//! it. A request takes the way that [`serve`] describes; a handler sees only what it understands ([`ask`]) and answers
//! in the words of [`wire`]. Refusals speak by the one catalogue of [`crate::problem`]. One file holds what belongs to one
//! kind of thing: orders, payments, refunds, wallets.
//!
//! Not here: the rules of payments, which are `pay`'s, and the pages, which are `web`'s.

mod act;
pub(crate) mod ask;
mod asset;
mod bill;
mod biller;
mod check;
mod checkouts;
mod checkpoint;
pub(crate) mod code;
mod combined;
mod confirmation;
mod coupon;
mod decision;
mod delivery;
mod desk;
mod endpoint;
pub mod event;
mod exchange;
mod fee;
mod house;
mod key;
mod ledger;
pub mod mandate;
mod merchant;
pub mod once;
mod openapi;
pub mod order;
mod page;
mod payment;
mod people;
mod points;
mod prepay;
mod printed_code;
mod profit_share;
mod promotions;
mod quote;
mod rate;
mod red_packet;
pub mod refund;
pub(crate) mod refused;
pub mod route;
mod scan;
mod serve;
mod simulated;
mod statement;
mod step_up;
mod stream;
mod table;
mod till;
mod tills;
mod transfer;
mod wallet;
pub mod wire;

use std::sync::Arc;

use axum::Router;

pub use openapi::openapi;
pub use refused::code_of;
pub use route::{Retry, Route};
pub(crate) use serve::nowhere;
pub use table::routes;

use crate::app::App;

pub fn router(app: Arc<App>) -> Router {
    serve::router(app, routes())
}
