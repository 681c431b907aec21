//! The two sums of an account.

use serde::{Deserialize, Serialize};

use crate::core::AccountKind;

/// Everything ever debited and everything ever credited, in minor units. Sums are `i128`: at a
/// billion full-range postings a second they last for longer than the universe has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub debits: i128,
    pub credits: i128,
}

impl Balance {
    /// What the account holds, on its normal side: debits less credits for assets and expenses,
    /// credits less debits for the others.
    pub const fn net(self, kind: AccountKind) -> i128 {
        if kind.is_debit_normal() {
            self.debits - self.credits
        } else {
            self.credits - self.debits
        }
    }

    pub(crate) fn debit(&mut self, amount: i64) {
        self.debits += i128::from(amount);
    }

    pub(crate) fn credit(&mut self, amount: i64) {
        self.credits += i128::from(amount);
    }
}
