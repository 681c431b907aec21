//! Money and currencies: the only values that every other room of the house shares.
//!
//! In reading order: [`Currency`] (ISO 4217 and own assets, each value carrying its minor unit),
//! [`Currencies`] (which own assets exist), [`Money`] (integer minor units, checked, exact) and
//! [`Rounding`] (the one place where a division decides what happens to the remainder).
//!
//! There is no clock, no I/O and no floating point in this crate: the caller brings time and text.

#![deny(clippy::float_arithmetic)]

mod currencies;
mod currency;
mod iso4217;
mod money;
mod rounding;

pub use currencies::{Currencies, RegisterError};
pub use currency::{Currency, CurrencyError};
pub use money::{Money, MoneyError};
pub use rounding::Rounding;
