//! What an amount in one currency is in another: an exact fraction, applied with one rounding.
//!
//! What: a [`Conversion`] counts in minor units, so it knows that 1 JPY has none and 1 KWD has a
//! thousand. It is made from a [`Rate`], inverted, chained and reduced by a spread without losing
//! anything; only [`Conversion::convert`] rounds, once, by a rule the caller names.
//!
//! Why prepared: making one costs a greatest common divisor, using it costs two multiplications. A
//! quote makes one and uses it three times; a revaluation makes one and uses it a million times.

use crate::{Currency, Money, Rate, Rounding, ratio::Ratio};

/// An exact price of one currency in another, ready to be applied to many amounts.
///
/// | operation | result | notes |
/// |---|---|---|
/// | [`Conversion::at`] | base to quote | from a published rate |
/// | [`Conversion::inverse`] | the other way | exact, so there and back is the identity |
/// | [`Conversion::then`] | a cross through what both share | exact |
/// | [`Conversion::less`] | a client's price | exact |
/// | [`Conversion::convert`] | an amount | the only rounding |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    from: Currency,
    to: Currency,
    /// Minor units of `to` per minor unit of `from`.
    ratio: Ratio,
}

/// Why an amount could not be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    #[error("this is a price for {expected}, not for {given}; look up the price of {given}")]
    Currency { expected: Currency, given: Currency },
    #[error("{amount} is more {to} than 64 bits of minor units hold; use smaller amounts")]
    Overflow { amount: Money, to: Currency },
    #[error("the rates from {from} to {to} are too extreme to combine exactly; check the feed")]
    Extreme { from: Currency, to: Currency },
}

/// Basis points in a whole.
pub(crate) const BPS: u32 = 10_000;

impl Conversion {
    pub fn identity(currency: Currency) -> Self {
        Self {
            from: currency,
            to: currency,
            ratio: Ratio::ONE,
        }
    }

    /// From the base currency of a published rate to its quote currency.
    #[expect(
        clippy::missing_panics_doc,
        reason = "a rate and units fit 91 bits and are not zero"
    )]
    pub fn at(rate: Rate, base: Currency, quote: Currency) -> Self {
        let numerator = u128::from(rate.scaled()) * u128::from(quote.units());
        let denominator = u128::from(Rate::SCALE) * u128::from(base.units());
        let ratio = Ratio::new(numerator, denominator).expect("a rate and units fit 91 bits");
        Self {
            from: base,
            to: quote,
            ratio,
        }
    }

    pub fn from(&self) -> Currency {
        self.from
    }

    pub fn to(&self) -> Currency {
        self.to
    }

    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ratio: self.ratio.inverse(),
        }
    }

    /// This conversion and then the next, as one.
    pub fn then(&self, next: &Self) -> Result<Self, ConversionError> {
        if self.to != next.from {
            return Err(ConversionError::Currency {
                expected: next.from,
                given: self.to,
            });
        }
        let (from, to) = (self.from, next.to);
        match self.ratio.times(&next.ratio) {
            Some(ratio) => Ok(Self { from, to, ratio }),
            None => Err(ConversionError::Extreme { from, to }),
        }
    }

    /// The same price with this many basis points taken off what is received; all of it is refused.
    pub fn less(&self, spread_bps: u32) -> Result<Self, ConversionError> {
        let (from, to) = (self.from, self.to);
        let kept = Ratio::new(BPS.saturating_sub(spread_bps).into(), BPS.into());
        match kept.and_then(|kept| self.ratio.times(&kept)) {
            Some(ratio) => Ok(Self { from, to, ratio }),
            None => Err(ConversionError::Extreme { from, to }),
        }
    }

    /// An amount of `from` in `to`. Symmetric: minus the amount gives minus the result.
    #[inline]
    pub fn convert(&self, amount: Money, rounding: Rounding) -> Result<Money, ConversionError> {
        if amount.currency != self.from {
            let (expected, given) = (self.from, amount.currency);
            return Err(ConversionError::Currency { expected, given });
        }
        match self.ratio.apply(amount.amount, rounding) {
            Some(converted) => Ok(Money::new(converted, self.to)),
            None => Err(ConversionError::Overflow {
                amount,
                to: self.to,
            }),
        }
    }

    /// The price as a decimal number of whole units, for people to read; `None` when it rounds to
    /// zero or does not fit.
    pub fn rate(&self, rounding: Rounding) -> Option<Rate> {
        let scale = u128::from(Rate::SCALE) * u128::from(self.from.units());
        let scaled = self
            .ratio
            .times(&Ratio::new(scale, self.to.units().into())?)?;
        Rate::from_scaled(scaled.apply(1, rounding)?.unsigned_abs())
    }

    /// Minor units of `to` per minor unit of `from`, as a reduced numerator and denominator.
    pub fn fraction(&self) -> (u128, u128) {
        (self.ratio.numerator(), self.ratio.denominator())
    }
}
