//! The rows of the journal and the chain that binds them.
//!
//! Each row carries the hash of the one before, and its own hash covers its place, its writer's
//! epoch, that hash, and the Merkle root of its records. So whoever knows the hash of one row knows
//! that nothing before it was changed, and one record can be proven to be in the journal with a few
//! hashes, without showing anything else ([`Proof`]).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::Record;
use crate::machine::{Machine, Sequence};
use crate::shell::codec::{self, CodecError};
use crate::shell::merkle::{self, Hash, Path};

/// Says what is hashed, and in which form, so that this hash is never mistaken for another.
const DOMAIN: &[u8] = b"jiaozi journal row 1\0";

/// What stands before the first row: nothing, by a name.
pub const GENESIS: Hash = *b"jiaozi journal genesis, shard 0\0";

/// One row: what one append made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub sequence: Sequence,
    pub epoch: u64,
    pub prev_hash: Hash,
    pub hash: Hash,
    pub payload: Vec<u8>,
}

/// The last row of a chain: where the next one attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub sequence: Sequence,
    pub hash: Hash,
}

impl Head {
    pub const GENESIS: Self = Self {
        sequence: Sequence(0),
        hash: GENESIS,
    };
}

/// Why a row does not follow the one before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("row {expected} is missing; the next one there is {found}")]
    Gap { expected: u64, found: u64 },
    #[error("the row's prev_hash is {found}, but the row before has the hash {expected}")]
    Broken { expected: String, found: String },
    #[error("the row's hash is {found}, but its contents have the hash {expected}")]
    Hash { expected: String, found: String },
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Row {
    /// The row of these records that follows `head`.
    pub fn following<M: Machine>(
        head: Head,
        epoch: u64,
        records: &[Record<M>],
    ) -> Result<Self, CodecError> {
        Self::of_payload(head, epoch, codec::encode(records)?)
    }

    /// The row of records that are encoded already.
    pub(crate) fn of_payload(head: Head, epoch: u64, payload: Vec<u8>) -> Result<Self, CodecError> {
        let mut row = Self {
            sequence: head.sequence.next(),
            epoch,
            prev_hash: head.hash,
            hash: Hash::default(),
            payload,
        };
        row.hash = row.computed_hash()?;
        Ok(row)
    }

    pub fn head(&self) -> Head {
        Head {
            sequence: self.sequence,
            hash: self.hash,
        }
    }

    /// Checks that this row follows `head` and is what its hash says.
    pub fn check(&self, head: Head) -> Result<(), ChainError> {
        let expected = head.sequence.next();
        if self.sequence != expected {
            return Err(ChainError::Gap {
                expected: expected.0,
                found: self.sequence.0,
            });
        }
        if self.prev_hash != head.hash {
            return Err(ChainError::Broken {
                expected: hex(&head.hash),
                found: hex(&self.prev_hash),
            });
        }
        let hash = self.computed_hash()?;
        if self.hash == hash {
            Ok(())
        } else {
            Err(ChainError::Hash {
                expected: hex(&hash),
                found: hex(&self.hash),
            })
        }
    }

    /// The hash of what the row holds, whatever its `hash` says.
    pub fn computed_hash(&self) -> Result<Hash, CodecError> {
        let leaves = self.leaves()?;
        let count = leaves.len() as u64;
        let root = merkle::root(leaves);
        Ok(row_hash(
            self.sequence,
            self.epoch,
            &self.prev_hash,
            count,
            &root,
        ))
    }

    fn leaves(&self) -> Result<Vec<Hash>, CodecError> {
        let slices = codec::slices(&self.payload)?;
        Ok(slices.into_iter().map(merkle::leaf).collect())
    }

    /// The proof that a record, counted from 0, is in this row; `None` when there is no such record.
    pub fn prove(&self, record: usize) -> Result<Option<Proof>, CodecError> {
        let slices = codec::slices(&self.payload)?;
        let path = Path::to(record, self.leaves()?);
        Ok(path.map(|path| Proof {
            sequence: self.sequence,
            epoch: self.epoch,
            prev_hash: self.prev_hash,
            record: slices[record].to_vec(),
            path,
        }))
    }
}

fn row_hash(sequence: Sequence, epoch: u64, prev: &Hash, records: u64, root: &Hash) -> Hash {
    Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(sequence.0.to_be_bytes())
        .chain_update(epoch.to_be_bytes())
        .chain_update(prev)
        .chain_update(records.to_be_bytes())
        .chain_update(root)
        .finalize()
        .into()
}

/// Shows, to anyone who trusts a row's hash, that one record is in that row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub sequence: Sequence,
    pub epoch: u64,
    pub prev_hash: Hash,
    /// The record as it stands in the journal.
    pub record: Vec<u8>,
    pub path: Path,
}

impl Proof {
    /// Whether the record is in the row of this hash.
    pub fn holds_for(&self, row: &Hash) -> bool {
        self.path
            .root_from(merkle::leaf(&self.record))
            .is_some_and(|root| {
                let Self {
                    sequence,
                    epoch,
                    prev_hash,
                    path,
                    ..
                } = self;
                row_hash(*sequence, *epoch, prev_hash, path.count, &root) == *row
            })
    }
}

/// A hash as text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Ledger;
    use crate::time::Timestamp;

    fn row() -> Row {
        let at = Timestamp(1);
        let records: Vec<Record<Ledger>> = (0..5).map(|epoch| Record::Seal { at, epoch }).collect();
        Row::following(Head::GENESIS, 3, &records).expect("it encodes")
    }

    #[test]
    fn each_record_is_proven_by_the_hash_of_its_row() {
        let row = row();
        for record in 0..5 {
            let proof = row.prove(record).expect("readable").expect("there");
            assert!(proof.holds_for(&row.hash));
            let mut forged = proof.clone();
            forged.record[1] ^= 1;
            assert!(!forged.holds_for(&row.hash));
            let mut moved = proof;
            moved.sequence = Sequence(2);
            assert!(!moved.holds_for(&row.hash));
        }
        assert_eq!(row.prove(5), Ok(None));
    }

    #[test]
    fn any_changed_byte_breaks_the_chain() {
        let row = row();
        assert_eq!(row.check(Head::GENESIS), Ok(()));
        for at in 0..row.payload.len() {
            let mut changed = row.clone();
            changed.payload[at] ^= 1;
            assert!(changed.check(Head::GENESIS).is_err(), "payload byte {at}");
        }
        for at in 0..32 {
            let mut changed = row.clone();
            changed.hash[at] ^= 1;
            assert!(changed.check(Head::GENESIS).is_err(), "hash byte {at}");
            let mut changed = row.clone();
            changed.prev_hash[at] ^= 1;
            assert!(changed.check(Head::GENESIS).is_err(), "prev_hash byte {at}");
        }
        for changed in [
            Row {
                epoch: 4,
                ..row.clone()
            },
            Row {
                sequence: Sequence(2),
                ..row
            },
        ] {
            assert!(changed.check(Head::GENESIS).is_err());
        }
    }
}
