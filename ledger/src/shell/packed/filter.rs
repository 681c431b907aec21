//! A filter says of most keys that a run does not have them, without reading it: a Bloom filter
//! whose bits for one key all lie within 64 bytes, so that asking touches memory once.

use crate::shell::packed::entry::digest;

/// A false alarm costs a look into a run, and there may be twenty runs to be asked about each key.
const BITS_PER_KEY: usize = 20;
/// Bits set for each key; with twenty bits a key about one answer in three thousand is a false
/// alarm. All come from one number of 64 bits, nine for each.
const PROBES: u32 = 7;
const WORDS: usize = 8;

/// Which keys may be there, for keys that are spread evenly already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<[u64; WORDS]>,
}

impl Filter {
    pub(crate) fn of(keys: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut filter = Self::with_room(keys.len());
        for key in keys {
            filter.insert(key);
        }
        filter
    }

    /// An empty filter for so many keys.
    pub(crate) fn with_room(keys: usize) -> Self {
        let blocks = (keys * BITS_PER_KEY).div_ceil(WORDS * 64).max(1);
        Self {
            blocks: vec![[0; WORDS]; blocks],
        }
    }

    pub(crate) fn insert(&mut self, key: u64) {
        let block = self.block(key);
        for (word, bit) in bits(key) {
            self.blocks[block][word] |= bit;
        }
    }

    pub(crate) fn may_have(&self, key: u64) -> bool {
        let block = &self.blocks[self.block(key)];
        bits(key).all(|(word, bit)| block[word] & bit != 0)
    }

    /// The high bits of a key choose its block.
    fn block(&self, key: u64) -> usize {
        let scaled = (u128::from(key) * self.blocks.len() as u128) >> 64;
        usize::try_from(scaled).unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let words = self.blocks.as_flattened().iter();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Reads a filter back; `None` when it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let (blocks, []) = words.as_chunks::<WORDS>() else {
            return None;
        };
        let blocks: Vec<[u64; WORDS]> = blocks
            .iter()
            .map(|block| block.map(u64::from_le_bytes))
            .collect();
        (!blocks.is_empty()).then_some(Self { blocks })
    }
}

/// The bits of a key, from other bits of it than those that chose its block.
fn bits(key: u64) -> impl Iterator<Item = (usize, u64)> {
    let spread = digest(0, key.into());
    (0..PROBES).map(move |probe| {
        let bit = (spread >> (probe * 9)) & 511;
        (
            usize::try_from(bit / 64).unwrap_or_default(),
            1 << (bit % 64),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_denied_and_little_else_is_suspected() {
        for count in [0_u64, 1, 100, 50_000] {
            let keys: Vec<u64> = (0..count).map(|key| digest(1, key.into())).collect();
            let filter = Filter::of(keys.iter().copied());
            assert!(keys.iter().all(|key| filter.may_have(*key)));
            let others = (0..10_000).map(|key| digest(2, key));
            let alarms = others.filter(|key| filter.may_have(*key)).count();
            assert!(alarms < 40, "{alarms} false alarms of 10,000 at {count}");
            assert_eq!(Filter::from_bytes(&filter.bytes()), Some(filter));
        }
        assert_eq!(Filter::from_bytes(&[1, 2, 3]), None);
        assert_eq!(Filter::from_bytes(&[]), None);
    }
}
