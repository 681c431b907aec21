//! The HTTP API, over real HTTP on a random port.

mod desk;
mod desk_pages;
mod documents;
mod dropped;
mod exchange;
mod house;
mod ledger;
mod lived;
mod payment;
mod people;
mod picture;
mod receiver;
mod refusal;
mod report;
mod retry;
mod risk;
mod signature;
mod verify;
mod views;
mod webhook;
