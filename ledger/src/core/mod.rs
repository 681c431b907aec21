//! The ledger itself: accounts, transactions of many postings, balances and limits, as a pure
//! machine.
//!
//! An account belongs to a [`Book`] and holds one asset. A posting moves an amount from its debit
//! account to its credit account: it adds to the debits of the one and to the credits of the other,
//! so the sum of all debits equals the sum of all credits in every asset, always. A transaction of
//! 1 to 256 postings happens as a whole or not at all, and so does a command of several
//! transactions. Inside, accounts go by dense numbers in the order they were opened.
//!
//! Read [`Command`], [`Event`] and [`Outcome`] first; `ledger` folds, the other files decide, one
//! for each thing that can be asked.

#![deny(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::float_arithmetic
)]

mod account;
mod balance;
mod book;
mod calendar;
mod change;
mod cold;
mod command;
mod decide;
mod draft;
mod due;
mod hold;
mod ledger;
mod memo;
mod name;
mod post;
mod reason;
mod rejection;
mod reversal;
mod run;
mod step;
mod terms;
mod transact;
mod transaction;
mod velocity;

pub use account::{
    ACCOUNTS_PER_COMMAND_MAX, Account, AccountId, AccountKind, AccountNo, AccountState, Book,
    Limits, NewAccount,
};
pub use balance::{Balance, Standing};
pub use book::{BOOK_NAME_BYTES_MAX, BookSettings, BookTerms};
pub use calendar::Day;
pub use change::Changes;
pub use cold::{Key, Row, Rows};
pub use command::{Command, Event, KnownAccount, Outcome};
pub use hold::{Hold, HoldState};
pub use ledger::{Ledger, TrialBalance};
pub use memo::{
    Description, METADATA_KEY_BYTES_MAX, METADATA_PAIRS_MAX, METADATA_VALUE_BYTES_MAX, Memo,
    Metadata,
};
pub use name::{ACCOUNT_NAME_BYTES_MAX, AccountName, AccountNameError, NamedAccount};
pub use reason::{Reason, UnknownReason};
pub use rejection::Rejection;
pub use reversal::TransactionRow;
pub use step::{Amounts, Details, Done, Step, Transacted};
pub use transaction::{
    NewPosting, NewTransaction, POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting,
    REFERENCE_BYTES_MAX, Transaction, TransactionId, TransactionNo,
};
pub use velocity::{
    Class, Counter, Direction, Flow, Tally, VELOCITY_LIMITS_MAX, VelocityLimit, VelocityOf, Window,
};
