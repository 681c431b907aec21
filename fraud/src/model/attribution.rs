//! Why a forest gave a margin: how much each feature added.
//!
//! Two answers. *Path attribution* credits each split on the way to a leaf with the change of the
//! expected margin there (Saabas); it is laid out beforehand leaf by leaf and costs little more than
//! the score itself, so every decision has it. *Shapley values* share the margin fairly among
//! features (Lundberg's tree SHAP, with the training rows' paths as background); exact, slower, for
//! what is not allowed. Both add up to the margin less the forest's mean.

use super::forest::{DEPTH, Forest, LEAVES, SPLITS, Tree, leaf};

/// What the splits on the way to one leaf contribute, by feature.
type Credits = [(u32, f32); DEPTH];

/// Path attributions of all leaves of all trees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paths {
    leaves: Vec<[Credits; LEAVES]>,
}

impl Paths {
    pub(crate) fn new(forest: &Forest) -> Self {
        Self {
            leaves: forest.trees.iter().map(credits).collect(),
        }
    }

    /// The margin of a row; adds each feature's share to `shares`.
    pub(crate) fn explain(&self, forest: &Forest, row: &[f32], shares: &mut [f32]) -> f64 {
        let mut sum = f64::from(forest.base);
        for (tree, credits) in forest.trees.iter().zip(&self.leaves) {
            let leaf = leaf(tree, row);
            sum += f64::from(tree.leaves[leaf]);
            for (feature, share) in &credits[leaf] {
                shares[*feature as usize] += share;
            }
        }
        sum
    }
}

#[expect(clippy::cast_possible_truncation, reason = "shares are kept as f32")]
fn credits(tree: &Tree) -> [Credits; LEAVES] {
    let expected = expected(tree);
    std::array::from_fn(|leaf| {
        let mut node = leaf + SPLITS;
        std::array::from_fn(|_| {
            let parent = (node - 1) / 2;
            let credit = (
                tree.splits[parent].feature,
                (expected[node].1 - expected[parent].1) as f32,
            );
            node = parent;
            credit
        })
    })
}

/// For each node of a tree the rows it covers and the mean of their leaves; a node without rows
/// has the mean of its parent's other side.
fn expected(tree: &Tree) -> [(f64, f64); SPLITS + LEAVES] {
    let mut nodes = [(0.0, 0.0); SPLITS + LEAVES];
    for leaf in 0..LEAVES {
        nodes[SPLITS + leaf] = (f64::from(tree.covers[leaf]), f64::from(tree.leaves[leaf]));
    }
    for node in (0..SPLITS).rev() {
        let (lower, upper) = (nodes[2 * node + 1], nodes[2 * node + 2]);
        let cover = lower.0 + upper.0;
        let mean = if cover > 0.0 {
            (lower.0 * lower.1 + upper.0 * upper.1) / cover
        } else {
            lower.1
        };
        nodes[node] = (cover, mean);
    }
    nodes
}

/// Adds each feature's exact Shapley value for a row to `shares`.
pub(crate) fn shapley(forest: &Forest, row: &[f32], shares: &mut [f64]) {
    for tree in &forest.trees {
        let expected = expected(tree);
        for leaf in (0..LEAVES).filter(|leaf| tree.covers[*leaf] > 0) {
            let path = Path::new(tree, &expected, leaf, row);
            path.share(f64::from(tree.leaves[leaf]), shares);
        }
    }
}

/// The different features on the way to a leaf: for each, the share of rows that go this way when
/// the feature is unknown, and 1 or 0 when it is known, by whether this row goes this way.
struct Path {
    steps: [Step; DEPTH],
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Step {
    feature: u32,
    unknown: f64,
    known: f64,
}

impl Path {
    fn new(
        tree: &Tree,
        expected: &[(f64, f64); SPLITS + LEAVES],
        leaf: usize,
        row: &[f32],
    ) -> Self {
        let mut path = Self {
            steps: [Step::default(); DEPTH],
            len: 0,
        };
        let mut node = leaf + SPLITS;
        while node > 0 {
            let parent = (node - 1) / 2;
            let split = tree.splits[parent];
            let above = row[split.feature as usize] >= split.threshold;
            let same_way = above == (node == 2 * parent + 2);
            let unknown = expected[node].0 / expected[parent].0;
            path.add(split.feature, unknown, f64::from(u8::from(same_way)));
            node = parent;
        }
        path
    }

    fn add(&mut self, feature: u32, unknown: f64, known: f64) {
        if let Some(step) = self.steps[..self.len]
            .iter_mut()
            .find(|step| step.feature == feature)
        {
            step.unknown *= unknown;
            step.known *= known;
        } else {
            self.steps[self.len] = Step {
                feature,
                unknown,
                known,
            };
            self.len += 1;
        }
    }

    /// Shares a leaf's value: each feature's part is the mean, over all orders in which features
    /// become known, of what its becoming known adds.
    fn share(&self, value: f64, shares: &mut [f64]) {
        let steps = &self.steps[..self.len];
        for (own, step) in steps.iter().enumerate() {
            // `sizes[k]` sums, over sets of k other features, the product of known and unknown parts.
            let mut sizes = [0.0; DEPTH];
            sizes[0] = 1.0;
            let others = steps.iter().enumerate().filter(|(other, _)| *other != own);
            for (many, (_, other)) in others.enumerate() {
                for size in (0..=many).rev() {
                    if size + 1 < DEPTH {
                        sizes[size + 1] += sizes[size] * other.known;
                    }
                    sizes[size] *= other.unknown;
                }
            }
            let weights = &ORDERS[self.len - 1];
            let mean: f64 = sizes
                .iter()
                .zip(weights)
                .map(|(size, weight)| size * weight)
                .sum();
            shares[step.feature as usize] += value * mean * (step.known - step.unknown);
        }
    }
}

/// `ORDERS[n - 1][k]`: the share of the orders of n features in which a given one comes after a given
/// set of k, which is `k! (n - k - 1)! / n!`.
const ORDERS: [[f64; DEPTH]; DEPTH] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [1.0 / 2.0, 1.0 / 2.0, 0.0, 0.0, 0.0],
    [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0, 0.0, 0.0],
    [1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0, 0.0],
    [1.0 / 5.0, 1.0 / 20.0, 1.0 / 30.0, 1.0 / 20.0, 1.0 / 5.0],
];
