//! A double-entry ledger whose journal is the truth, whose state is the fold of that journal, and
//! whose tables are views of it.
//!
//! Read the modules in this order. The first three are pure: no clock, no randomness, no I/O, no
//! floats, no iteration over unordered maps, so that the same journal gives the same state on any
//! machine, to the bit. [`shell`] is everything that touches the world.
//!
//! 1. [`time`] and [`machine`]: what a state machine is, and when things happen.
//! 2. [`engine`]: a machine together with the *once* index, folded record by record.
//! 3. [`core`]: the ledger itself, a machine of accounts and transactions.
//! 4. [`shell`]: the journal on disk, the one writer, the views, recovery and verification.
//! 5. [`load`]: a load on all of it, and what it took.

pub mod core;
pub mod engine;
mod few;
pub mod load;
mod lookup;
pub mod machine;
pub mod once;
mod queue;
pub mod shell;
pub mod time;
mod wide;

pub use crate::core::{
    Account, AccountId, AccountKind, AccountNo, AccountState, Balance, Book, Command, Event,
    Ledger, Limits, NewAccount, NewPosting, NewTransaction, Outcome, Posting, Reason, Rejection,
    Transaction, TransactionId, TransactionNo, TrialBalance,
};
pub use engine::{Digest, Engine, Record, Submission, Verdict};
pub use few::Few;
pub use machine::{Answer, Cold, Machine, Moment, Refusable, Sequence};
pub use once::{Fingerprint, OnceEntry, OnceKey, Place, Remember, Unique};
pub use time::Timestamp;
