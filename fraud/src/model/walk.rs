//! A forest laid out to be walked while money waits: margin and reasons in one pass.
//!
//! Numbers are compared as integers of the same order, features have numbers of eight bits, and a
//! tree's questions lie in 80 bytes, so that two hundred trees fit into the nearest cache. What each
//! leaf credits to which features is laid out beforehand in whole millionths, so that their sum does
//! not depend on the order in which it is made.

use super::attribution::{credits, expected};
use super::forest::{DEPTH, Forest, LEAVES, SPLITS, Tree};

/// The most features a walk can ask about.
pub(crate) const MOST_FEATURES: usize = 256;
/// Trees walked side by side.
const ABREAST: usize = 8;
/// Parts of a margin in which credits are counted.
const PARTS: f32 = 1_048_576.0;

/// A row as the walk compares it.
pub(crate) type Row = [i32; MOST_FEATURES];
/// What each feature added to the margin, in parts.
pub(crate) type Shares = [i32; MOST_FEATURES];

/// A forest ready to be walked.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    base: f32,
    trees: Vec<Asked>,
    leaves: Vec<[f32; LEAVES]>,
    credits: Vec<[Credit; LEAVES]>,
}

/// The questions of a tree, level by level; the last place is not used.
#[derive(Clone, Copy, Debug)]
struct Asked {
    features: [u8; SPLITS + 1],
    thresholds: [i32; SPLITS + 1],
}

/// What a leaf credits to the features on the way to it.
#[derive(Clone, Copy, Debug)]
struct Credit {
    features: [u8; DEPTH],
    parts: [i32; DEPTH],
}

impl Walk {
    /// Lays out a forest; nothing if it asks about too many features.
    pub(crate) fn new(forest: &Forest) -> Option<Self> {
        let asked = forest.trees.iter().map(Asked::new);
        let credit = forest.trees.iter().map(|tree| {
            let all = credits(tree, &expected(tree));
            let mut laid = [Credit::NONE; LEAVES];
            for (credit, steps) in laid.iter_mut().zip(all) {
                for (place, (feature, share)) in steps.into_iter().enumerate() {
                    credit.features[place] = u8::try_from(feature).ok()?;
                    credit.parts[place] = parts(share);
                }
            }
            Some(laid)
        });
        Some(Self {
            base: forest.base,
            trees: asked.collect::<Option<_>>()?,
            leaves: forest.trees.iter().map(|tree| tree.leaves).collect(),
            credits: credit.collect::<Option<_>>()?,
        })
    }

    /// The margin of a row, the same to the bit as the forest's; adds what each feature added to it.
    pub(crate) fn explain(&self, row: &Row, shares: &mut Shares) -> f64 {
        let mut sum = f64::from(self.base);
        let groups = self
            .trees
            .chunks(ABREAST)
            .zip(self.leaves.chunks(ABREAST))
            .zip(self.credits.chunks(ABREAST));
        for ((trees, leaves), credits) in groups {
            let mut nodes = [0_usize; ABREAST];
            for _ in 0..DEPTH {
                for (node, tree) in nodes.iter_mut().zip(trees) {
                    *node = tree.step(*node, row);
                }
            }
            for ((node, leaves), credits) in nodes.iter().zip(leaves).zip(credits) {
                let leaf = node.wrapping_sub(SPLITS) % LEAVES;
                sum += f64::from(leaves[leaf]);
                let Credit { features, parts } = &credits[leaf];
                for (feature, part) in features.iter().zip(parts) {
                    let share = &mut shares[usize::from(*feature)];
                    *share = share.wrapping_add(*part);
                }
            }
        }
        sum
    }
}

impl Asked {
    fn new(tree: &Tree) -> Option<Self> {
        let mut asked = Self {
            features: [0; SPLITS + 1],
            thresholds: [i32::MAX; SPLITS + 1],
        };
        for (place, split) in tree.splits.iter().enumerate() {
            asked.features[place] = u8::try_from(split.feature).ok()?;
            asked.thresholds[place] = ordered(split.threshold);
        }
        Some(asked)
    }

    fn step(&self, node: usize, row: &Row) -> usize {
        let node = node % (SPLITS + 1);
        let value = row[usize::from(self.features[node])];
        2 * node + 1 + usize::from(value >= self.thresholds[node])
    }
}

impl Credit {
    const NONE: Self = Self {
        features: [0; DEPTH],
        parts: [0; DEPTH],
    };
}

/// An integer that compares with others as the number does; the two zeros are one.
pub(crate) fn ordered(value: f32) -> i32 {
    let bits = (value + 0.0).to_bits().cast_signed();
    // Among negative numbers more bits are less.
    if bits < 0 { bits ^ i32::MAX } else { bits }
}

/// A share of a margin in parts.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast saturates; no leaf is anywhere near that large"
)]
fn parts(share: f32) -> i32 {
    (share * PARTS).round() as i32
}

/// Parts as a share of a margin.
pub(crate) fn share(parts: i32) -> f64 {
    f64::from(parts) / f64::from(PARTS)
}
