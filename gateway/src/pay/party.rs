//! Who is paid and who pays.

use fx::{Currency, Money, MoneyError, Rounding};
use serde::{Deserialize, Serialize};

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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    pub no: MerchantNo,
    pub id: MerchantId,
    /// As payers see it.
    pub name: String,
    pub city: String,
    /// The currencies it can be paid in; it has an account in each.
    pub currencies: Vec<Currency>,
    pub fee: Fee,
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
