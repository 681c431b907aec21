//! Accounts: what they are, what bounds them.

use std::fmt;

use fx::Currency;
use serde::{Deserialize, Serialize};

use crate::core::{Balance, Class, Standing};
use crate::wide;

/// Over all accounts of one all-or-nothing command.
pub const ACCOUNTS_PER_COMMAND_MAX: usize = 8_190;

/// A ledger of its own within the journal. Nothing moves between books.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Book(pub u32);

/// The caller's name for an account, unique within its book.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AccountId(#[serde(with = "wide")] pub u128);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The ledger's own number for an account: its place in the order of opening, over all books.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AccountNo(pub u32);

impl AccountNo {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an account stands for; it decides on which side the account normally has its balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AccountKind {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

impl AccountKind {
    pub const fn is_debit_normal(self) -> bool {
        matches!(self, Self::Asset | Self::Expense)
    }
}

/// Bounds of the balance, on its normal side. No transaction may cross one, or take a balance that
/// is already beyond one further away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// 0 is "no overdraft"; -5000 is a credit line of 50.00.
    pub minimum: Option<i64>,
    pub maximum: Option<i64>,
}

impl Limits {
    pub const NONE: Self = Self {
        minimum: None,
        maximum: None,
    };
    pub const NO_OVERDRAFT: Self = Self {
        minimum: Some(0),
        maximum: None,
    };

    pub const fn is_valid(self) -> bool {
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => minimum <= maximum,
            _ => true,
        }
    }
}

/// In is what raises the balance on its normal side, out what lowers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountState {
    #[default]
    Open,
    FrozenIn,
    FrozenOut,
    Frozen,
    Closed,
}

impl AccountState {
    pub const fn lets_in(self) -> bool {
        matches!(self, Self::Open | Self::FrozenOut)
    }

    pub const fn lets_out(self) -> bool {
        matches!(self, Self::Open | Self::FrozenIn)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    pub book: Book,
    pub id: AccountId,
    pub currency: Currency,
    pub kind: AccountKind,
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub no: AccountNo,
    pub book: Book,
    pub id: AccountId,
    pub currency: Currency,
    pub kind: AccountKind,
    pub limits: Limits,
    pub state: AccountState,
    /// Everything ever posted.
    pub balance: Balance,
    /// What the open holds would still post.
    pub held: Balance,
    /// Which velocity limits it shares with others.
    pub class: Class,
}

impl Account {
    pub const fn opened(no: AccountNo, new: NewAccount) -> Self {
        let NewAccount {
            book,
            id,
            currency,
            kind,
            limits,
        } = new;
        let nothing = Balance {
            debits: 0,
            credits: 0,
        };
        Self {
            no,
            book,
            id,
            currency,
            kind,
            limits,
            state: AccountState::Open,
            balance: nothing,
            held: nothing,
            class: Class(0),
        }
    }

    /// The terms on which the account is open today.
    pub const fn terms(&self) -> NewAccount {
        let Self {
            book,
            id,
            currency,
            kind,
            limits,
            ..
        } = *self;
        NewAccount {
            book,
            id,
            currency,
            kind,
            limits,
        }
    }

    /// The balance on the account's normal side.
    pub const fn net(&self) -> i128 {
        self.balance.net(self.kind)
    }

    pub const fn standing(&self) -> Standing {
        Standing {
            balance: self.balance,
            held: self.held,
        }
    }

    /// What may leave before the minimum is reached, beside what is held; `None` when nothing
    /// bounds it.
    pub fn available(&self) -> Option<i128> {
        self.limits
            .minimum
            .map(|minimum| self.standing().lowest(self.kind) - i128::from(minimum))
    }
}
