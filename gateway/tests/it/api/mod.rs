//! The HTTP API, over real HTTP on a random port.

mod biller;
mod combined;
mod coupon;
mod desk;
mod desk_pages;
mod documents;
mod dropped;
mod exchange;
mod fee;
mod house;
mod key;
mod learned;
mod ledger;
mod lived;
mod mandate;
mod payment;
mod people;
mod picture;
mod prepay;
mod printed_code;
mod profit_share;
mod receiver;
mod refusal;
mod report;
mod retry;
mod risk;
mod signature;
mod simulated;
mod strain;
mod till;
mod verify;
mod views;
mod webhook;

pub(crate) use till::payment_code_by_python;
