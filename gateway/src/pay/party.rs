//! Who is paid and who pays.

use std::fmt;
use std::str::FromStr;

use fx::{Currency, Money, MoneyError, Rounding};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::id::{MerchantId, MerchantNo, WalletId, WalletNo};

/// What the house takes of a payment, in basis points (hundredths of a percent), rounded half to
/// even to the minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    pub basis_points: u16,
}

impl Fee {
    pub const BASIS_POINTS_MAX: u16 = 10_000;

    pub fn of(self, amount: Money) -> Result<Money, MoneyError> {
        let (part, whole) = (
            u64::from(self.basis_points),
            u64::from(Self::BASIS_POINTS_MAX),
        );
        amount.proportion(part, whole, Rounding::HalfEven)
    }
}

/// As a percentage: 0.6 %.
impl fmt::Display for Fee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.basis_points / 100, self.basis_points % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole} %"),
            (_, 0) => write!(f, "{whole}.{} %", rest / 10),
            _ => write!(f, "{whole}.{rest:02} %"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    pub no: MerchantNo,
    pub id: MerchantId,
    /// As payers see it.
    pub name: String,
    pub city: String,
    pub country: Option<CountryCode>,
    pub category: Option<CategoryCode>,
    /// The currencies it can be paid in; it has an account in each.
    pub currencies: Vec<Currency>,
    pub fee: Fee,
}

/// A merchant that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMerchant {
    pub id: MerchantId,
    pub name: String,
    pub city: String,
    pub country: Option<CountryCode>,
    pub category: Option<CategoryCode>,
    pub currencies: Vec<Currency>,
    pub fee: Fee,
}

/// A country as ISO 3166-1 writes it in two letters. Which of them are given to a country changes over the years, so
/// only their form is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// ISO 3166-1's code for an unknown country.
    pub const UNKNOWN: Self = Self(*b"ZZ");
}

impl FromStr for CountryCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        match *text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => Ok(Self([first, second])),
            _ => Err(CodeError::Country),
        }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([first, second]) = *self;
        write!(f, "{}{}", char::from(first), char::from(second))
    }
}

/// What a merchant deals in: a merchant category code of four digits (ISO 18245), as in 5812 for restaurants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCode(u16);

impl CategoryCode {
    /// EMVCo's code for no particular trade.
    pub const NONE: Self = Self(0);
}

impl FromStr for CategoryCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let is_code = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_code);
        number.map(Self).ok_or(CodeError::Category)
    }
}

impl fmt::Display for CategoryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    #[error("is a country of ISO 3166-1 in two capital letters, such as CN")]
    Country,
    #[error("is a merchant category code of four digits, such as 5812")]
    Category,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    pub no: WalletNo,
    pub id: WalletId,
    /// The wallet provider's own name for its holder: a customer number, never a person's name.
    pub holder: String,
    /// The currencies it can hold; it has an account in each.
    pub currencies: Vec<Currency>,
}
