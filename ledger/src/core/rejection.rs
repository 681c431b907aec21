//! Why the ledger says no: a closed list whose order is the order of the checks.
//!
//! When several reasons apply, the one that stands first in [`Reason`] is given, and of those the
//! one of the first posting. Codes are stable: they are in the journal and in clients' code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::AccountId;

/// New reasons go where their check belongs in the precedence; the journal stores the code's
/// number, which is explicit for that reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    AssetExists,
    AccountExists,
    LimitsInvalid,
    TransactionsMissing,
    PostingsMissing,
    PostingsTooMany,
    ReferenceTooLong,
    AmountNotPositive,
    SameAccount,
    AccountNotFound,
    AssetsDiffer,
    AccountClosed,
    AccountFrozen,
    BalanceNotZero,
    BelowMinimum,
    AboveMaximum,
}

impl Reason {
    /// All reasons, in order of precedence.
    pub const ALL: [Self; 16] = [
        Self::AssetExists,
        Self::AccountExists,
        Self::LimitsInvalid,
        Self::TransactionsMissing,
        Self::PostingsMissing,
        Self::PostingsTooMany,
        Self::ReferenceTooLong,
        Self::AmountNotPositive,
        Self::SameAccount,
        Self::AccountNotFound,
        Self::AssetsDiffer,
        Self::AccountClosed,
        Self::AccountFrozen,
        Self::BalanceNotZero,
        Self::BelowMinimum,
        Self::AboveMaximum,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::AssetExists => "asset_exists",
            Self::AccountExists => "account_exists",
            Self::LimitsInvalid => "limits_invalid",
            Self::TransactionsMissing => "transactions_missing",
            Self::PostingsMissing => "postings_missing",
            Self::PostingsTooMany => "postings_too_many",
            Self::ReferenceTooLong => "reference_too_long",
            Self::AmountNotPositive => "amount_not_positive",
            Self::SameAccount => "same_account",
            Self::AccountNotFound => "account_not_found",
            Self::AssetsDiffer => "assets_differ",
            Self::AccountClosed => "account_closed",
            Self::AccountFrozen => "account_frozen",
            Self::BalanceNotZero => "balance_not_zero",
            Self::BelowMinimum => "below_minimum",
            Self::AboveMaximum => "above_maximum",
        }
    }

    pub const fn text(self) -> &'static str {
        match self {
            Self::AssetExists => "an asset of this code is registered with another exponent",
            Self::AccountExists => "an account of this id is open in this book with other terms",
            Self::LimitsInvalid => "the minimum balance is above the maximum",
            Self::TransactionsMissing => "the command has no transaction",
            Self::PostingsMissing => "the transaction has no posting",
            Self::PostingsTooMany => "there are more postings than one command may have",
            Self::ReferenceTooLong => "the reference is too long",
            Self::AmountNotPositive => "a posting's amount must be above zero",
            Self::SameAccount => "a posting's two accounts must differ",
            Self::AccountNotFound => "no such account in this book",
            Self::AssetsDiffer => "a posting's two accounts hold different assets",
            Self::AccountClosed => "the account is closed",
            Self::AccountFrozen => "the account is frozen for this direction",
            Self::BalanceNotZero => "only an account at zero can be closed",
            Self::BelowMinimum => "the balance would fall below the account's minimum",
            Self::AboveMaximum => "the balance would rise above the account's maximum",
        }
    }
}

/// A refusal: why, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rejection {
    pub reason: Reason,
    /// Which transaction of the command, from 0.
    pub transaction: u32,
    /// Which posting of the transaction, from 0.
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
