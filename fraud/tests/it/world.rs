//! Small ways to say who pays whom.

use fraud::{Attempt, Channel, CurrencyCode, Key, Kind, Label, Outcome};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const HOUR: u64 = 3600 * SECOND;
pub(crate) const DAY: u64 = 24 * HOUR;
/// The first day of every story: 2023-11-14, a Tuesday, at midnight.
pub(crate) const START: u64 = 1_699_920_000 * SECOND;

/// A person pays a shop.
pub(crate) fn payment(id: u128, at: u64, from: u64, to: u64, amount: i64) -> Attempt {
    Attempt {
        id,
        at,
        kind: Kind::Payment,
        channel: Channel::MerchantCode,
        payer: Key(from),
        payee: Some(Key(to)),
        device: None,
        link: None,
        place: None,
        amount,
        currency: CurrencyCode::new("CNY"),
    }
}

/// The first that is said of an attempt.
pub(crate) const fn labelled(now: Label) -> Outcome {
    Outcome::Labelled { was: None, now }
}

/// Features as bits, so that what is missing equals what is missing.
pub(crate) fn bits(vector: &[f64]) -> Vec<u64> {
    vector.iter().map(|value| value.to_bits()).collect()
}
