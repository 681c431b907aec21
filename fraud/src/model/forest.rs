//! A forest in flat arrays.
//!
//! Every tree has the same depth; a tree that stops early is padded with splits that always go left.
//! So a step is one comparison and one multiplication, without a branch, and several trees are walked
//! side by side so that their memory waits overlap. Node `n` has children `2n + 1` (lower) and
//! `2n + 2` (at or above the threshold).

use serde::{Deserialize, Serialize};

use super::calibration::logistic_loss;
use super::dataset::Dataset;

/// Levels of splits in every tree.
pub(crate) const DEPTH: usize = 4;
/// Trees walked side by side.
const ABREAST: usize = 8;
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

    /// The forest of the first trees only.
    #[must_use]
    pub fn first(mut self, trees: usize) -> Self {
        self.trees.truncate(trees);
        self
    }

    /// The same forest over only the features it asks about, and those features.
    pub(crate) fn compact(&self) -> (Self, Vec<usize>) {
        let asked = |split: &&Split| split.threshold < f32::INFINITY;
        let splits = self
            .trees
            .iter()
            .flat_map(|tree| tree.splits.iter().filter(asked));
        let mut used: Vec<u32> = splits.map(|split| split.feature).collect();
        used.sort_unstable();
        used.dedup();
        let mut forest = self.clone();
        for split in forest.trees.iter_mut().flat_map(|tree| &mut tree.splits) {
            // A split that asks nothing may look anywhere.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a place among fewer than 2^32 features"
            )]
            let place = used.binary_search(&split.feature).unwrap_or(0) as u32;
            split.feature = place;
        }
        if used.is_empty() {
            used.push(0);
        }
        (
            forest,
            used.into_iter().map(|feature| feature as usize).collect(),
        )
    }

    /// How many trees give the least logistic loss on some rows; never fewer than a tenth, because early
    /// minima are luck.
    pub fn most_useful(&self, data: &Dataset) -> usize {
        let mut margins = vec![f64::from(self.base); data.len()];
        let mut best = (f64::INFINITY, self.trees.len());
        for (place, tree) in self.trees.iter().enumerate() {
            let mut loss = 0.0;
            for (row, (margin, label)) in margins.iter_mut().zip(data.labels()).enumerate() {
                *margin += f64::from(tree.leaves[leaf(tree, data.row(row))]);
                loss += logistic_loss(*margin, *label);
            }
            if loss < best.0 && (place + 1) * 10 >= self.trees.len() {
                best = (loss, place + 1);
            }
        }
        best.1
    }

    /// The margin of a row of narrow values.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let mut sum = f64::from(self.base);
        self.visit(row, |_, _, value| sum += value);
        sum
    }

    /// Gives `visit` each tree's place, the leaf where a row ends there, and the leaf's value.
    pub(crate) fn visit(&self, row: &[f32], mut visit: impl FnMut(usize, usize, f64)) {
        let (groups, rest) = self.trees.as_chunks::<ABREAST>();
        for (group, trees) in groups.iter().enumerate() {
            let mut nodes = [0_usize; ABREAST];
            for _ in 0..DEPTH {
                for (node, tree) in nodes.iter_mut().zip(trees) {
                    *node = step(tree, *node, row);
                }
            }
            for (place, (node, tree)) in nodes.iter().zip(trees).enumerate() {
                let leaf = node - SPLITS;
                visit(group * ABREAST + place, leaf, f64::from(tree.leaves[leaf]));
            }
        }
        for (place, tree) in rest.iter().enumerate() {
            let leaf = leaf(tree, row);
            visit(
                groups.len() * ABREAST + place,
                leaf,
                f64::from(tree.leaves[leaf]),
            );
        }
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
