//! What a transaction, a hold or an account says about itself to people and other programs. The
//! ledger carries it and bounds it, and decides nothing by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::{REFERENCE_BYTES_MAX, Reason, TransactionId};

/// Pairs of key and value, each key once.
pub type Metadata = BTreeMap<Box<str>, Box<str>>;

/// Enough to join with other systems; whatever is larger belongs there.
pub const METADATA_PAIRS_MAX: usize = 16;
pub const METADATA_KEY_BYTES_MAX: usize = 40;
pub const METADATA_VALUE_BYTES_MAX: usize = 200;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// The caller's name for the transaction or hold.
    pub id: TransactionId,
    /// The caller's own code for what kind this is.
    pub kind: u16,
    pub reference: Option<Box<str>>,
    pub metadata: Metadata,
}

/// What an account says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The caller's own code for what kind of account this is.
    pub kind: u16,
    pub reference: Option<Box<str>>,
    pub metadata: Metadata,
}

impl Description {
    pub(super) fn weight(&self) -> usize {
        weight(self.reference.as_deref(), &self.metadata)
    }

    pub(super) fn fault(&self) -> Option<Reason> {
        fault(self.reference.as_deref(), &self.metadata)
    }
}

impl Memo {
    pub(super) fn weight(&self) -> usize {
        weight(self.reference.as_deref(), &self.metadata)
    }

    pub(super) fn fault(&self) -> Option<Reason> {
        fault(self.reference.as_deref(), &self.metadata)
    }
}

/// How many bytes of text there are.
fn weight(reference: Option<&str>, metadata: &Metadata) -> usize {
    let pairs = metadata.iter().map(|(key, value)| key.len() + value.len());
    reference.map_or(0, str::len) + pairs.sum::<usize>()
}

/// What is too long, if anything is.
pub(super) fn fault(reference: Option<&str>, metadata: &Metadata) -> Option<Reason> {
    let pairs_fit = metadata.iter().all(|(key, value)| {
        (1..=METADATA_KEY_BYTES_MAX).contains(&key.len()) && value.len() <= METADATA_VALUE_BYTES_MAX
    });
    if reference.is_some_and(|text| text.len() > REFERENCE_BYTES_MAX) {
        Some(Reason::ReferenceTooLong)
    } else if metadata.len() > METADATA_PAIRS_MAX || !pairs_fit {
        Some(Reason::MetadataTooLarge)
    } else {
        None
    }
}
