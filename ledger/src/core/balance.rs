//! The sums of an account.

use serde::{Deserialize, Serialize};

use crate::core::AccountKind;

/// A sum of debits and a sum of credits, in minor units. Sums are `i128`: at a billion full-range
/// postings a second they last for longer than the universe has.
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

    /// The part that raises the net.
    const fn raising(self, kind: AccountKind) -> i128 {
        if kind.is_debit_normal() {
            self.debits
        } else {
            self.credits
        }
    }

    /// The part that lowers the net.
    const fn lowering(self, kind: AccountKind) -> i128 {
        if kind.is_debit_normal() {
            self.credits
        } else {
            self.debits
        }
    }
}

/// How an account stands: what was posted, and what is held on top of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Everything ever posted.
    pub balance: Balance,
    /// What the open holds would still post.
    pub held: Balance,
}

impl Standing {
    /// The net as it would be if of all that is held only what lowers it were captured. This is
    /// what a minimum is measured against.
    pub const fn lowest(&self, kind: AccountKind) -> i128 {
        self.balance.net(kind) - self.held.lowering(kind)
    }

    /// The net as it would be if of all that is held only what raises it were captured. This is
    /// what a maximum is measured against.
    pub const fn highest(&self, kind: AccountKind) -> i128 {
        self.balance.net(kind) + self.held.raising(kind)
    }
}
