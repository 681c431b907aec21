//! A forest in flat arrays.
//!
//! Every tree has the same depth; a tree that stops early is padded with splits that always go left.
//! So a step is one comparison and one multiplication, without a branch, and several trees are walked
//! side by side so that their memory waits overlap. Node `n` has children `2n + 1` (lower) and
//! `2n + 2` (at or above the threshold).

use serde::{Deserialize, Serialize};

/// Levels of splits in every tree.
pub(crate) const DEPTH: usize = 5;
/// Splits in every tree.
pub(crate) const SPLITS: usize = (1 << DEPTH) - 1;
/// Leaves of every tree.
pub(crate) const LEAVES: usize = 1 << DEPTH;

/// A question: is the feature at or above the threshold?
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Split {
    pub(crate) feature: u32,
    pub(crate) threshold: f32,
}

/// One tree as it was grown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    pub(crate) splits: [Split; SPLITS],
    pub(crate) leaves: [f32; LEAVES],
    /// Rows of the training set that ended in each leaf.
    pub(crate) covers: [u32; LEAVES],
}

/// Trees whose leaves add up to a margin: the logarithm of the odds of fraud, before calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    pub(crate) base: f32,
    pub(crate) trees: Vec<Tree>,
}

impl Forest {
    /// How many trees there are.
    pub const fn trees(&self) -> usize {
        self.trees.len()
    }

    /// The margin of a row of narrow values.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let mut sum = f64::from(self.base);
        let (groups, rest) = self.trees.as_chunks::<8>();
        for group in groups {
            let mut nodes = [0_usize; 8];
            for _ in 0..DEPTH {
                for (node, tree) in nodes.iter_mut().zip(group) {
                    *node = step(tree, *node, row);
                }
            }
            for (node, tree) in nodes.iter().zip(group) {
                sum += f64::from(tree.leaves[node - SPLITS]);
            }
        }
        for tree in rest {
            sum += f64::from(tree.leaves[leaf(tree, row)]);
        }
        sum
    }
}

/// The leaf where a row ends.
pub(crate) fn leaf(tree: &Tree, row: &[f32]) -> usize {
    (0..DEPTH).fold(0, |node, _| step(tree, node, row)) - SPLITS
}

fn step(tree: &Tree, node: usize, row: &[f32]) -> usize {
    let split = tree.splits[node];
    2 * node + 1 + usize::from(row[split.feature as usize] >= split.threshold)
}
