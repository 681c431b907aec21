//! The naive model: fractions of unbounded integers, slow and obviously right.

use fx::{Currency, Rate, Rounding};
use num_bigint::BigInt;

/// A fraction that is never reduced.
#[derive(Debug, Clone)]
pub(crate) struct Fraction {
    pub(crate) numerator: BigInt,
    pub(crate) denominator: BigInt,
}

impl Fraction {
    pub(crate) fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Self {
        Self {
            numerator: numerator.into(),
            denominator: denominator.into(),
        }
    }

    /// Minor units of the quote currency per minor unit of the base currency.
    pub(crate) fn at(rate: Rate, base: Currency, quote: Currency) -> Self {
        let ten = |exponent: u32| BigInt::from(10).pow(exponent);
        let numerator = BigInt::from(rate.scaled()) * ten(quote.exponent().into());
        Self::new(numerator, ten(10) * ten(base.exponent().into()))
    }

    pub(crate) fn inverse(&self) -> Self {
        Self::new(self.denominator.clone(), self.numerator.clone())
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self::new(
            &self.numerator * &other.numerator,
            &self.denominator * &other.denominator,
        )
    }

    /// As an integer; the fraction may be negative, its denominator not.
    pub(crate) fn round(&self, rounding: Rounding) -> BigInt {
        let zero = BigInt::from(0);
        if self.numerator < zero {
            return -Self::new(-&self.numerator, self.denominator.clone()).round(rounding);
        }
        let floor = &self.numerator / &self.denominator;
        let twice_rest = 2 * (&self.numerator - &floor * &self.denominator);
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => twice_rest > zero,
            Rounding::HalfUp => twice_rest >= self.denominator,
            Rounding::HalfEven => {
                let is_odd = &floor % 2 != zero;
                twice_rest > self.denominator || (twice_rest == self.denominator && is_odd)
            }
        };
        floor + i32::from(up)
    }
}
