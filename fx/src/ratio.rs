//! An exact positive fraction, and an amount times it, rounded once.
//!
//! What: a reduced numerator and denominator of up to 126 bits. Rates, crosses, inverses and
//! spreads are all fractions, so that a chain of them is multiplied first and rounded last.
//!
//! Why once: rounding the middle leg to cents changes most cross conversions, some by a hundred
//! units of the target (see the decision record on rates and rounding).
//!
//! Limits: a product that does not fit is refused, never approximated. Published rates have ten
//! significant digits at most, and two of them with both minor units and a spread fit with room.

use crate::Rounding;

/// Above this a sum of three would not fit 128 bits.
const PART_MAX: u128 = 1 << 126;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    numerator: u128,
    denominator: u128,
}

impl Ratio {
    pub(crate) const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// `None` when a part is zero or too large after reducing.
    pub(crate) fn new(numerator: u128, denominator: u128) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let common = greatest_common_divisor(numerator, denominator);
        Self::reduced(numerator / common, denominator / common)
    }

    fn reduced(numerator: u128, denominator: u128) -> Option<Self> {
        let fits = numerator <= PART_MAX && denominator <= PART_MAX;
        fits.then_some(Self {
            numerator,
            denominator,
        })
    }

    pub(crate) fn numerator(&self) -> u128 {
        self.numerator
    }

    pub(crate) fn denominator(&self) -> u128 {
        self.denominator
    }

    pub(crate) fn inverse(&self) -> Self {
        Self {
            numerator: self.denominator,
            denominator: self.numerator,
        }
    }

    /// The product, or `None` when it does not fit.
    pub(crate) fn times(&self, other: &Self) -> Option<Self> {
        // Reducing crosswise first keeps the products small and leaves nothing to reduce after.
        let left = greatest_common_divisor(self.numerator, other.denominator);
        let right = greatest_common_divisor(other.numerator, self.denominator);
        let numerator = (self.numerator / left).checked_mul(other.numerator / right)?;
        let denominator = (self.denominator / right).checked_mul(other.denominator / left)?;
        Self::reduced(numerator, denominator)
    }

    /// `amount` times this fraction as an integer, or `None` when it does not fit. Symmetric about
    /// zero.
    #[inline]
    pub(crate) fn apply(&self, amount: i64, rounding: Rounding) -> Option<i64> {
        let size = amount.unsigned_abs();
        let (quotient, remainder) = match u128::from(size).checked_mul(self.numerator) {
            Some(product) => {
                let quotient = product / self.denominator;
                // One division is dear; the remainder follows from it by a multiplication.
                (quotient, product - quotient * self.denominator)
            }
            None => self.divide_bitwise(size)?,
        };
        let up = rounding.rounds_up(quotient & 1 == 1, remainder, self.denominator);
        let rounded = u64::try_from(quotient).ok()?.checked_add(u64::from(up))?;
        if amount < 0 {
            0_i64.checked_sub_unsigned(rounded)
        } else {
            i64::try_from(rounded).ok()
        }
    }

    /// Long multiplication and division in one, a bit of `size` at a time from the top, for parts
    /// beyond 64 bits and amounts so large that the product needs up to 190.
    #[cold]
    fn divide_bitwise(&self, size: u64) -> Option<(u128, u128)> {
        let whole = self.numerator / self.denominator;
        let rest = self.numerator % self.denominator;
        let (mut quotient, mut remainder) = (0_u128, 0_u128);
        for bit in (0..u64::BITS - size.leading_zeros()).rev() {
            quotient = quotient.checked_mul(2)?;
            remainder *= 2;
            if size >> bit & 1 == 1 {
                quotient = quotient.checked_add(whole)?;
                remainder += rest;
            }
            // The remainder was below the denominator, so it is now below three times it.
            quotient = quotient.checked_add(remainder / self.denominator)?;
            remainder %= self.denominator;
        }
        Some((quotient, remainder))
    }
}

/// Stein's binary algorithm; neither argument is zero.
fn greatest_common_divisor(left: u128, right: u128) -> u128 {
    let shift = (left | right).trailing_zeros();
    let (mut a, mut b) = (left >> left.trailing_zeros(), right);
    while b != 0 {
        b >>= b.trailing_zeros();
        (a, b) = (a.min(b), a.abs_diff(b));
    }
    a << shift
}
