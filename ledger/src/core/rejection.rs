//! A refusal: why, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::{AccountId, Reason};

/// When several reasons apply, the first in the order of [`Reason`] is given; of those the one of
/// the first transaction, there of the first posting, there of the debit account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    pub reason: Reason,
    /// Which transaction of the command, from 0.
    pub transaction: u32,
    /// Which posting of the transaction, or which of the accounts to open, from 0.
    pub posting: u32,
    pub account: Option<AccountId>,
}

impl Rejection {
    pub const fn new(reason: Reason) -> Self {
        Self {
            reason,
            transaction: 0,
            posting: 0,
            account: None,
        }
    }

    #[must_use]
    pub const fn of_account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    #[must_use]
    pub(crate) const fn at(mut self, transaction: u32, posting: u32) -> Self {
        self.transaction = transaction;
        self.posting = posting;
        self
    }

    const fn place(&self) -> (Reason, u32, u32) {
        (self.reason, self.transaction, self.posting)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.text())?;
        if let Some(account) = self.account {
            write!(f, " (account {account})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

/// Of all refusals seen, the one that is given.
#[derive(Default)]
pub(super) struct Foremost(Option<Rejection>);

impl Foremost {
    /// Takes note of a refusal; of two in the same place the earlier one stays.
    pub(super) fn note(&mut self, rejection: Rejection) {
        if self.0.is_none_or(|first| rejection.place() < first.place()) {
            self.0 = Some(rejection);
        }
    }

    /// The other decision, unless what was noted comes before what it says.
    pub(super) fn join<T>(mut self, other: Result<T, Rejection>) -> Result<T, Rejection> {
        if let Err(rejection) = &other {
            self.note(*rejection);
        }
        self.or(()).and(other)
    }

    pub(super) fn or<T>(self, value: T) -> Result<T, Rejection> {
        self.0.map_or(Ok(value), Err)
    }
}
