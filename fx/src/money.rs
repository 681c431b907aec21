//! An amount of money: an integer count of minor units, and the currency they are counted in.
//!
//! What: every operation is checked and answers with an error that says what did not fit; nothing
//! is ever rounded silently. Parsing and formatting are exact inverses.
//!
//! Why `i64`: it holds 92 quadrillion yuan to the fen. Sums over many amounts are kept in `i128` by
//! the ledger, and every product here goes through `i128`.
//!
//! Limits: the text form is plain decimal ("-12.50"): no exponent, no grouping, no underscore,
//! since "1.000" means one to some people and a thousand to others.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Currency, Rounding, currency::shown};

/// An amount in minor units of a currency.
///
/// | operation | result | notes |
/// |---|---|---|
/// | [`Money::parse`] | exact, or an error that says why not | `"12.5"` CNY is 1250 |
/// | [`Money::checked_add`], [`Money::checked_sub`] | same currency only | overflow is an error |
/// | [`Money::checked_mul`] | times an integer | overflow is an error |
/// | [`Money::proportion`] | times a fraction, rounded as told | fees, percentages |
/// | [`Money::split`], [`Money::split_by_weights`] | parts whose sum is the whole | largest remainder |
/// | `Display` | `"12.50 CNY"` | [`Money::format_amount`] gives `"12.50"` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: Currency,
}

/// Why an amount could not be computed or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the result does not fit 64 bits of minor units of {currency}; use smaller amounts")]
    Overflow { currency: Currency },
    #[error("{left} and {right} cannot be added; convert one of them first")]
    Currencies { left: Currency, right: Currency },
    #[error("{text:?} is not an amount; write digits with an optional sign and '.', such as 12.50")]
    Syntax { text: String },
    #[error(
        "{text:?} has {given} decimal places but {currency} has {}; round it first",
        currency.exponent()
    )]
    Precision {
        text: String,
        given: usize,
        currency: Currency,
    },
    #[error("an amount splits into 1 to {} parts, not {parts}", Money::PARTS_MAX)]
    Parts { parts: usize },
    #[error("all weights are zero, so no part can carry the amount; give one a weight")]
    NoWeight,
    #[error("a proportion needs a denominator above zero")]
    ZeroDenominator,
}

impl Money {
    /// The most parts that one amount splits into; the largest use is a combined order.
    pub const PARTS_MAX: usize = 10_000;

    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads a plain decimal number of whole units, exactly.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let syntax = || MoneyError::Syntax { text: shown(text) };
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(syntax()),
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(syntax());
        }
        let places = usize::from(currency.exponent());
        if fraction.len() > places {
            let (text, given) = (shown(text), fraction.len());
            return Err(MoneyError::Precision {
                text,
                given,
                currency,
            });
        }
        let padding = std::iter::repeat_n(b'0', places - fraction.len());
        let mut amount: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
            let digit = i64::from(digit - b'0');
            // The sign is applied digit by digit, so that the smallest amount is read like any
            // other.
            amount = amount
                .checked_mul(10)
                .and_then(|n| n.checked_add(if negative { -digit } else { digit }))
                .ok_or(MoneyError::Overflow { currency })?;
        }
        Ok(Self { amount, currency })
    }

    /// The amount as a plain decimal number with all its decimal places, without the code.
    pub fn format_amount(&self) -> String {
        let sign = if self.amount < 0 { "-" } else { "" };
        let size = self.amount.unsigned_abs();
        let (whole, fraction) = (size / self.currency.units(), size % self.currency.units());
        match usize::from(self.currency.exponent()) {
            0 => format!("{sign}{whole}"),
            places => format!("{sign}{whole}.{fraction:0places$}"),
        }
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.require_currency_of(other)?;
        self.with(self.amount.checked_add(other.amount))
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.require_currency_of(other)?;
        self.with(self.amount.checked_sub(other.amount))
    }

    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.with(self.amount.checked_neg())
    }

    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        self.with(self.amount.checked_mul(factor))
    }

    /// `numerator / denominator` of the amount, rounded once: a fee of 60 basis points is
    /// `proportion(60, 10_000, rounding)`.
    pub fn proportion(
        self,
        numerator: u64,
        denominator: u64,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        if denominator == 0 {
            return Err(MoneyError::ZeroDenominator);
        }
        // A 64-bit amount times a 64-bit numerator fits 128 bits with its sign.
        let product = i128::from(self.amount) * i128::from(numerator);
        let amount = rounding.divide(product, i128::from(denominator));
        self.with(amount.and_then(|amount| i64::try_from(amount).ok()))
    }

    /// `parts` amounts that differ by at most one minor unit and sum to the whole; the first ones
    /// carry what does not divide.
    pub fn split(self, parts: u32) -> Result<Vec<Self>, MoneyError> {
        let count = usize::try_from(parts).unwrap_or(usize::MAX);
        if count == 0 || count > Self::PARTS_MAX {
            return Err(MoneyError::Parts { parts: count });
        }
        let (each, rest) = (
            self.amount / i64::from(parts),
            self.amount % i64::from(parts),
        );
        let part = |i: u32| {
            let carries = u64::from(i) < rest.unsigned_abs();
            each + if carries { rest.signum() } else { 0 }
        };
        Ok((0..parts)
            .map(|i| Self::new(part(i), self.currency))
            .collect())
    }

    /// One part per weight, in proportion, summing to the whole.
    ///
    /// Each part is rounded toward zero; the units left over go to the largest remainders, on a tie
    /// to the earlier part. A part of weight zero gets nothing.
    pub fn split_by_weights(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        if weights.is_empty() || weights.len() > Self::PARTS_MAX {
            return Err(MoneyError::Parts {
                parts: weights.len(),
            });
        }
        let total: u128 = weights.iter().copied().map(u128::from).sum();
        if total == 0 {
            return Err(MoneyError::NoWeight);
        }
        let size = u128::from(self.amount.unsigned_abs());
        let exact = |weight: &u64| size * u128::from(*weight);
        let mut parts: Vec<u128> = weights.iter().map(|w| exact(w) / total).collect();
        let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse(exact(&weights[i]) % total));
        let mut left_over = size - parts.iter().sum::<u128>();
        for i in by_remainder {
            if left_over == 0 {
                break;
            }
            parts[i] += 1;
            left_over -= 1;
        }
        let sign = i128::from(self.amount.signum());
        let signed = |part: u128| i64::try_from(sign * i128::try_from(part).ok()?).ok();
        parts
            .into_iter()
            .map(|part| self.with(signed(part)))
            .collect()
    }

    fn require_currency_of(self, other: Self) -> Result<(), MoneyError> {
        let (left, right) = (self.currency, other.currency);
        if left == right {
            Ok(())
        } else {
            Err(MoneyError::Currencies { left, right })
        }
    }

    fn with(self, amount: Option<i64>) -> Result<Self, MoneyError> {
        let currency = self.currency;
        match amount {
            Some(amount) => Ok(Self { amount, currency }),
            None => Err(MoneyError::Overflow { currency }),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.format_amount(), self.currency)
    }
}
