//! Transactions and their postings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::{AccountId, AccountNo};
use crate::few::Few;
use crate::wide;

/// Enough for a combined order over fifty merchants with their fees, or a payroll page; small
/// enough that one transaction never holds up the writer.
pub const POSTINGS_PER_TRANSACTION_MAX: usize = 256;

/// Over all transactions of one all-or-nothing command.
pub const POSTINGS_PER_COMMAND_MAX: usize = 8_190;

/// A reference is for a human or a bank's file: 140 characters of ISO 20022 remittance text in the
/// longest UTF-8 would be 560 bytes, in the usual 140 to 280.
pub const REFERENCE_BYTES_MAX: usize = 280;

/// The caller's name for a transaction, unique within its book for ever. A UUIDv7 is best.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TransactionId(#[serde(with = "wide")] pub u128);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The ledger's own number for a transaction: its place in the order of posting, from 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TransactionNo(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPosting {
    pub debit: AccountId,
    pub credit: AccountId,
    pub amount: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTransaction {
    pub id: TransactionId,
    /// The caller's own code for what kind of transaction this is.
    pub kind: u16,
    pub reference: Option<Box<str>>,
    pub postings: Few<NewPosting, 1>,
}

impl NewTransaction {
    pub(super) fn weight(&self) -> usize {
        let reference = self.reference.as_deref().map_or(0, str::len);
        size_of_val(self) + size_of_val(&*self.postings) + reference
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub debit: AccountNo,
    pub credit: AccountNo,
    pub amount: i64,
}

/// A transaction that has been posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    pub no: TransactionNo,
    pub id: TransactionId,
    pub kind: u16,
    pub reference: Option<Box<str>>,
    pub postings: Few<Posting, 1>,
}
