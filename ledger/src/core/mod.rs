//! The ledger itself: accounts, transactions of many postings, balances and limits, as a pure
//! machine.
//!
//! An account belongs to a [`Book`] and holds one asset. A posting moves an amount from its debit
//! account to its credit account: it adds to the debits of the one and to the credits of the other,
//! so the sum of all debits equals the sum of all credits in every asset, always. A transaction of
//! 1 to 256 postings happens as a whole or not at all, and so does a command of several
//! transactions. Inside, accounts go by dense numbers in the order they were opened.

mod account;
mod balance;
mod draft;
mod ledger;
mod rejection;
mod transaction;

pub use account::{
    Account, AccountId, AccountKind, AccountNo, AccountState, Book, Limits, NewAccount,
};
pub use balance::Balance;
pub use ledger::{Command, Event, Ledger, Outcome, TrialBalance};
pub use rejection::{Reason, Rejection};
pub use transaction::{
    NewPosting, NewTransaction, POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting,
    REFERENCE_BYTES_MAX, Transaction, TransactionId, TransactionNo,
};
