//! The ledger by itself: books of tenants, for those who want a ledger without payments.
//!
//! A tenant signs with a key of the role `ledger`, which speaks for one book; there is no way to name another. All
//! that is written goes through the same journal and the same writer as payments. Amounts carry the currency of
//! their accounts, accounts go by names such as `assets:bank:cny`.

mod account;
mod asked;
mod balance;
mod book;
mod bulk;
mod command;
mod event;
mod exchange;
mod hold;
mod look;
mod reading;
mod shown;
mod statement;
pub(super) mod table;
mod transaction;
