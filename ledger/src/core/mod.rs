//! The ledger itself: accounts, transactions of many postings, balances and limits, as a pure
//! machine.
//!
//! An account belongs to a [`Book`] and holds one asset. A posting moves an amount from its debit
//! account to its credit account: it adds to the debits of the one and to the credits of the other,
//! so the sum of all debits equals the sum of all credits in every asset, always. A transaction of
//! 1 to 256 postings happens as a whole or not at all, and so does a command of several
//! transactions. Inside, accounts go by dense numbers in the order they were opened.

#![deny(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::float_arithmetic
)]

mod account;
mod balance;
mod command;
mod draft;
mod ledger;
mod post;
mod reason;
mod rejection;
mod terms;
mod transaction;

pub use account::{
    ACCOUNTS_PER_COMMAND_MAX, Account, AccountId, AccountKind, AccountNo, AccountState, Book,
    Limits, NewAccount,
};
pub use balance::Balance;
pub use command::{Command, Event, Outcome};
pub use ledger::{Ledger, TrialBalance};
pub use reason::{Reason, UnknownReason};
pub use rejection::Rejection;
pub use transaction::{
    NewPosting, NewTransaction, POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting,
    REFERENCE_BYTES_MAX, Transaction, TransactionId, TransactionNo,
};
