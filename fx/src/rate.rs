//! A published price of one currency in another.
//!
//! What: how many whole units of the quote currency one whole unit of the base currency costs, as
//! an integer at a scale of 10^-10. In "EUR/USD 1.1172" the base is EUR and the quote USD.
//!
//! Why this scale: 64 bits at 10^-10 hold every rate the European Central Bank ever published, from
//! 0.4 Maltese lira to 1,836,200 Turkish lira, digit for digit; four fixed decimals do not. Zero
//! and negative prices do not exist.
//!
//! Limits: an *inverse* has too few digits at any fixed scale (one old Turkish lira is 0.0000005446
//! euro), so inverses and crosses are never rates. They are exact fractions, see
//! [`Conversion`](crate::Conversion).

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::currency::shown;

/// Units of the quote currency per unit of the base currency, at a scale of 10^-10, above zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(NonZeroU64);

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    #[error("{text:?} is not a rate; write a positive decimal number such as 7.4326")]
    Syntax { text: String },
    #[error("{text:?} has more than 10 decimal places; round it first")]
    Precision { text: String },
    #[error("{text:?} is out of range; a rate lies between 0.0000000001 and 1844674407")]
    Range { text: String },
}

impl Rate {
    /// Decimal places of the scale.
    pub const DECIMALS: usize = 10;
    /// What one whole unit is at that scale.
    pub const SCALE: u64 = 10_000_000_000;

    /// A rate from its integer at the scale; `None` for zero.
    pub fn from_scaled(scaled: u64) -> Option<Self> {
        NonZeroU64::new(scaled).map(Self)
    }

    /// The integer at the scale: 74326000000 for 7.4326.
    pub fn scaled(self) -> u64 {
        self.0.get()
    }

    /// Reads a positive decimal number, exactly.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let shown = || shown(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(RateError::Syntax { text: shown() });
        }
        if fraction.len() > Self::DECIMALS {
            return Err(RateError::Precision { text: shown() });
        }
        let padding = std::iter::repeat_n(b'0', Self::DECIMALS - fraction.len());
        let mut digits = whole.bytes().chain(fraction.bytes()).chain(padding);
        let scaled = digits.try_fold(0_u64, |scaled, digit| {
            scaled.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        let rate = scaled.and_then(Self::from_scaled);
        rate.ok_or_else(|| RateError::Range { text: shown() })
    }

    /// The middle of a market, to the nearest step of the scale (a tie goes to the even one).
    pub fn middle(bid: Self, ask: Self) -> Self {
        let (low, high) = (bid.min(ask).scaled(), bid.max(ask).scaled());
        let half = (high - low) / 2;
        let floor = low + half;
        let is_tie = !(high - low).is_multiple_of(2);
        let even = floor + u64::from(is_tie && !floor.is_multiple_of(2));
        // The middle is at least the lower of two rates, so it is not zero.
        Self::from_scaled(even).unwrap_or(bid)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.scaled() / Self::SCALE, self.scaled() % Self::SCALE);
        let fraction = format!("{fraction:010}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            digits => write!(f, "{whole}.{digits}"),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
