//! What the rest of the house relies on: currencies, amounts, and later rates and quotes.

mod currency;
mod money;

use fx::Currency;
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
