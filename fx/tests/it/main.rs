//! What the rest of the house relies on: currencies, amounts, prices and quotes.

mod calendar;
mod conversion;
mod currency;
mod ecb;
mod feed;
mod money;
mod oracle;
mod quote;
mod rate_book;

use fx::{Currency, Rate};
use proptest::prelude::*;

/// Every property is tried this often; proptest prints the seed of a failure.
const CASES: u32 = 10_000;

/// Currencies of every exponent that occurs, 0 to 8.
fn any_currency() -> impl Strategy<Value = Currency> {
    (0_u8..=8, any::<bool>()).prop_map(|(exponent, own)| match (exponent, own) {
        (0, false) => Currency::JPY,
        (2, false) => Currency::CNY,
        (3, false) => Currency::KWD,
        (4, false) => Currency::CLF,
        _ => Currency::own("POINTS", exponent).expect("a valid own asset"),
    })
}

/// Small amounts, amounts of every magnitude, and both ends of the range.
fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        -1000_i64..=1000,
        (any::<i64>(), 0_u32..63).prop_map(|(n, shift)| n >> shift),
        Just(i64::MIN),
        Just(i64::MAX),
    ]
}

/// Every rate there is, from the smallest to the largest.
fn any_rate() -> impl Strategy<Value = Rate> {
    let scaled = (any::<u64>(), 0_u32..64).prop_map(|(n, shift)| (n >> shift).max(1));
    scaled.prop_map(|scaled| Rate::from_scaled(scaled).expect("above zero"))
}

/// Rates as markets publish them: up to seven significant digits, from 0.000001 to 2,000,000.
fn market_rate() -> impl Strategy<Value = Rate> {
    (1_u64..2_000_000, 4_u32..=10).prop_map(|(digits, shift)| {
        Rate::from_scaled(digits * 10_u64.pow(shift)).expect("above zero")
    })
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).expect("a rate")
}
