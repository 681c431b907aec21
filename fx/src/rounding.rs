//! What happens to the remainder of a division.
//!
//! What: four rules, all symmetric about zero, so that a refund of minus x rounds like the payment
//! of x and cancels it exactly.
//!
//! Which to use: `HalfEven` for internal valuation (unbiased over many), `Down` and `Up` for what a
//! customer receives and pays (against the customer, by less than one minor unit), `HalfUp` where a
//! contract or a tax rule says "commercial rounding".

use serde::{Deserialize, Serialize};

/// How a quotient becomes an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rounding {
    /// To the nearest; a tie goes to the even neighbour.
    HalfEven,
    /// To the nearest; a tie goes away from zero.
    HalfUp,
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

impl Rounding {
    /// `numerator / denominator` as an integer, or `None` for a zero denominator or a result that
    /// does not fit.
    pub fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        let (size, divisor) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        let quotient = size.checked_div(divisor)?;
        let rounded = quotient.checked_add(u128::from(self.rounds_up(
            quotient & 1 == 1,
            size % divisor,
            divisor,
        )))?;
        if (numerator < 0) == (denominator < 0) {
            i128::try_from(rounded).ok()
        } else {
            0_i128.checked_sub_unsigned(rounded)
        }
    }

    /// Whether a quotient, given its oddness and its remainder, moves away from zero.
    pub(crate) fn rounds_up(self, odd: bool, remainder: u128, divisor: u128) -> bool {
        match self {
            Self::Down => false,
            Self::Up => remainder > 0,
            // The comparison with half the divisor is written so that it cannot overflow.
            Self::HalfUp => remainder >= divisor - remainder,
            Self::HalfEven => {
                let rest = divisor - remainder;
                remainder > rest || (remainder == rest && odd)
            }
        }
    }
}
