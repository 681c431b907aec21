//! The Merkle tree over the records of a row, shaped as in RFC 6962: leaves and nodes are hashed
//! under different prefixes, so that neither can be passed off as the other, and a lone node is
//! carried up as it is. One record is proven with the hashes beside its path to the root.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of one record's bytes.
pub fn leaf(record: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(record)
        .finalize()
        .into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The root over `hashes`, which is used up. No leaves at all have the hash of nothing.
pub fn root(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        halve(&mut hashes);
    }
    hashes.pop().unwrap_or_else(|| Sha256::digest([]).into())
}

fn halve(hashes: &mut Vec<Hash>) {
    let pairs = hashes.len().div_ceil(2);
    for pair in 0..pairs {
        hashes[pair] = match hashes.get(2 * pair + 1) {
            Some(right) => node(&hashes[2 * pair], right),
            None => hashes[2 * pair],
        };
    }
    hashes.truncate(pairs);
}

/// The way from one leaf up to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// Which leaf, from 0, of how many.
    pub index: u64,
    pub count: u64,
    /// The neighbours on the way, from the leaf upwards; none where a lone node is carried up.
    pub beside: Vec<Hash>,
}

impl Path {
    /// The path of leaf `index`, if there is one.
    pub fn to(index: usize, mut hashes: Vec<Hash>) -> Option<Self> {
        let count = hashes.len();
        (index < count).then(|| {
            let mut beside = Vec::new();
            let mut at = index;
            while hashes.len() > 1 {
                beside.extend(hashes.get(at ^ 1));
                halve(&mut hashes);
                at /= 2;
            }
            Self {
                index: index as u64,
                count: count as u64,
                beside,
            }
        })
    }

    /// The root this path leads to from a leaf; `None` when the path does not fit a tree of
    /// `count` leaves.
    pub fn root_from(&self, leaf: Hash) -> Option<Hash> {
        if self.index >= self.count {
            return None;
        }
        let mut beside = self.beside.iter();
        let (mut at, mut width, mut hash) = (self.index, self.count, leaf);
        while width > 1 {
            if at % 2 == 1 {
                hash = node(beside.next()?, &hash);
            } else if at + 1 < width {
                hash = node(&hash, beside.next()?);
            }
            at /= 2;
            width = width.div_ceil(2);
        }
        beside.next().is_none().then_some(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, section 2.1, word for word: split at the largest power of two
    /// below the count.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(
                    &by_definition(&leaves[..split]),
                    &by_definition(&leaves[split..]),
                )
            }
        }
    }

    #[test]
    fn every_leaf_of_every_tree_is_proven_and_nothing_else_is() {
        for count in 0..70_usize {
            let leaves: Vec<Hash> = (0..count).map(|n| leaf(&n.to_be_bytes())).collect();
            let expected = by_definition(&leaves);
            assert_eq!(root(leaves.clone()), expected, "{count} leaves");
            assert_eq!(Path::to(count, leaves.clone()), None);
            for index in 0..count {
                let path = Path::to(index, leaves.clone()).expect("the leaf is there");
                assert_eq!(path.root_from(leaves[index]), Some(expected));
                assert_ne!(path.root_from(leaf(b"another")), Some(expected));
                let mut longer = path.clone();
                longer.beside.push(expected);
                assert_eq!(longer.root_from(leaves[index]), None);
                let mut shorter = path;
                if shorter.beside.pop().is_some() {
                    assert_eq!(shorter.root_from(leaves[index]), None);
                }
            }
        }
    }

    #[test]
    fn the_empty_tree_and_one_leaf_are_those_of_the_standard() {
        let hex = |hash: Hash| hash.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(root(Vec::new())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(root(vec![leaf(b"")])),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }
}
