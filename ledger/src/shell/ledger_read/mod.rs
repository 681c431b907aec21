//! Reading a ledger's books from the views: accounts, transactions, holds, statements, balances as of any moment.
//!
//! Everything here reads inside one [`Reading`](crate::shell::Reading), so all of an answer is as it stood at one row
//! of the journal. What the tables look like is known to `line` and `transaction` alone as far as transactions go
//! (their storage may change for speed), and to one file each for the rest. Statements are plain SQL for SQLite and
//! `PostgreSQL` alike, with `$1` for parameters.
//!
//! In reading order: [`account`], [`transaction`], [`line`], [`balance`] (on what is read so far), [`statement`],
//! [`hold`], [`event`].

pub mod account;
pub mod balance;
mod column;
pub mod event;
pub mod hold;
pub mod line;
pub mod statement;
pub mod transaction;

pub use account::AccountRow;
pub use event::EventRow;
pub use hold::HoldRow;
pub use line::Line;
pub use statement::{Entry, Filter, Place, Side, Span, Statement, TimeKind};
pub use transaction::{Posted, PostedDetails};
