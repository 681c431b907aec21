//! Money, currencies, and what one is worth in another: the only values that every other room of
//! the house shares.
//!
//! In reading order, money: [`Currency`] (ISO 4217 and own assets, each value carrying its minor
//! unit), [`Currencies`] (which own assets exist), [`Rounding`] (the one place where a division
//! decides what happens to the remainder), [`Money`] (integer minor units, checked, exact).
//!
//! Then exchange: [`Timestamp`] and [`Day`], [`Rate`] (a published price), [`Conversion`] (an exact
//! fraction, rounded once), [`Feed`] (prices coming in), [`RateBook`] (prices by source and time),
//! and [`Quote`] (a price for one customer).
//!
//! There is no clock, no I/O and no floating point in this crate: the caller brings time and text.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

// Money.
mod currencies;
mod currency;
mod iso4217;
mod money;
mod rounding;

// Exact prices.
mod conversion;
mod rate;
mod ratio;

// Prices coming in.
mod calendar;
mod ecb;
mod feed;
mod ndjson;

// Prices by source and time, and for one customer.
mod intake;
mod quote;
mod rate_book;
mod source;

pub use calendar::{Day, Timestamp};
pub use conversion::{Conversion, ConversionError};
pub use currencies::{Currencies, RegisterError};
pub use currency::{Currency, CurrencyError};
pub use ecb::{EcbCsv, EcbXml};
pub use feed::{Feed, FeedError, LineProblem, Reading, Tick};
pub use intake::{Accepted, TickError};
pub use money::{Money, MoneyError};
pub use ndjson::NdjsonFeed;
pub use quote::{Quote, QuoteError, Side, Terms, Tier};
pub use rate::{Rate, RateError};
pub use rate_book::{Leg, Mid, PriceError, RateBook};
pub use rounding::Rounding;
pub use source::{Freshness, Limits, Source};
