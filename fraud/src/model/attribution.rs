//! Why a forest gave a margin: how much each feature added.
//!
//! Two answers. *Path attribution* credits each split on the way to a leaf with the change of the
//! expected margin there (Saabas); it is laid out beforehand leaf by leaf and costs little more than
//! the score itself, so every decision has it. *Shapley values* share the margin fairly among
//! features (Lundberg's tree SHAP, with the training rows' paths as background); exact, slower, for
//! what is not allowed. Both add up to the margin less the forest's mean.

use super::forest::{DEPTH, Forest, LEAVES, SPLITS, Tree};

/// What the splits on the way to one leaf contribute, by feature.
pub(super) type Credits = [(u32, f32); DEPTH];

/// A forest made ready to say why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paths {
    credits: Vec<[Credits; LEAVES]>,
    /// The ways to all leaves that training rows reached.
    ways: Vec<Way>,
}

/// The different features on the way to a leaf, and the leaf's value.
#[derive(Clone, Debug, PartialEq)]
struct Way {
    steps: [Step; DEPTH],
    len: usize,
    value: f64,
}

/// A row goes this way if the feature is in `[least, below)`; of the rows of training this share did
/// where its tree asked.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    feature: u32,
    least: f32,
    below: f32,
    unknown: f64,
}

impl Paths {
    pub(crate) fn new(forest: &Forest) -> Self {
        let expected: Vec<Expected> = forest.trees.iter().map(expected).collect();
        let credits = forest
            .trees
            .iter()
            .zip(&expected)
            .map(|(tree, expected)| credits(tree, expected))
            .collect();
        let ways = forest
            .trees
            .iter()
            .zip(&expected)
            .flat_map(|(tree, expected)| {
                let reached = (0..LEAVES).filter(|leaf| tree.covers[*leaf] > 0);
                reached.map(|leaf| Way::new(tree, expected, leaf))
            });
        Self {
            credits,
            ways: ways.collect(),
        }
    }

    /// The margin of a row; adds each feature's share along the paths to `shares`.
    pub(crate) fn explain(&self, forest: &Forest, row: &[f32], shares: &mut [f32]) -> f64 {
        let mut sum = f64::from(forest.base);
        forest.visit(row, |tree, leaf, value| {
            sum += value;
            for (feature, share) in &self.credits[tree][leaf] {
                shares[*feature as usize] += share;
            }
        });
        sum
    }

    /// Adds each feature's exact Shapley value for a row to `shares`.
    pub(crate) fn shapley(&self, row: &[f32], shares: &mut [f64]) {
        for way in &self.ways {
            way.share(row, shares);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "shares are kept as f32")]
pub(super) fn credits(tree: &Tree, expected: &Expected) -> [Credits; LEAVES] {
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

/// For each node of a tree the rows it covers and the mean of their leaves.
pub(super) type Expected = [(f64, f64); SPLITS + LEAVES];

/// A node that no row reached has its lower side's mean.
pub(super) fn expected(tree: &Tree) -> Expected {
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

impl Way {
    fn new(tree: &Tree, expected: &Expected, leaf: usize) -> Self {
        let nothing = Step {
            feature: 0,
            least: f32::NEG_INFINITY,
            below: f32::INFINITY,
            unknown: 1.0,
        };
        let mut way = Self {
            steps: [nothing; DEPTH],
            len: 0,
            value: f64::from(tree.leaves[leaf]),
        };
        let mut node = leaf + SPLITS;
        while node > 0 {
            let parent = (node - 1) / 2;
            let split = tree.splits[parent];
            let unknown = expected[node].0 / expected[parent].0;
            let (least, below) = if node.is_multiple_of(2) {
                (split.threshold, f32::INFINITY)
            } else {
                (f32::NEG_INFINITY, split.threshold)
            };
            // A split that all rows pass the same way tells nothing.
            if unknown < 1.0 {
                way.add(Step {
                    feature: split.feature,
                    least,
                    below,
                    unknown,
                });
            }
            node = parent;
        }
        way
    }

    fn add(&mut self, step: Step) {
        if let Some(same) = self.steps[..self.len]
            .iter_mut()
            .find(|other| other.feature == step.feature)
        {
            same.unknown *= step.unknown;
            same.least = same.least.max(step.least);
            same.below = same.below.min(step.below);
        } else {
            self.steps[self.len] = step;
            self.len += 1;
        }
    }

    /// Shares the leaf's value: each feature's part is the mean, over all orders in which features
    /// become known, of what its becoming known adds.
    fn share(&self, row: &[f32], shares: &mut [f64]) {
        let mut known = [0.0; DEPTH];
        let steps = &self.steps[..self.len];
        for (known, step) in known.iter_mut().zip(steps) {
            let value = row[step.feature as usize];
            *known = f64::from(u8::from(value >= step.least && value < step.below));
        }
        for (own, step) in steps.iter().enumerate() {
            // `sizes[k]` sums, over sets of k other features, the product of known and unknown parts.
            let mut sizes = [1.0, 0.0, 0.0, 0.0];
            for (other, Step { unknown, .. }) in
                steps.iter().enumerate().filter(|(other, _)| *other != own)
            {
                let [none, one, two, three] = sizes;
                let [without, with] = [*unknown, known[other]];
                sizes = [
                    none * without,
                    one * without + none * with,
                    two * without + one * with,
                    three * without + two * with,
                ];
            }
            let weights = &ORDERS[self.len - 1];
            let mean: f64 = sizes
                .iter()
                .zip(weights)
                .map(|(size, weight)| size * weight)
                .sum();
            shares[step.feature as usize] += self.value * mean * (known[own] - step.unknown);
        }
    }
}

/// `ORDERS[n - 1][k]`: the share of the orders of n features in which a given one comes after a given
/// set of k, which is `k! (n - k - 1)! / n!`.
const ORDERS: [[f64; DEPTH]; DEPTH] = [
    [1.0, 0.0, 0.0, 0.0],
    [1.0 / 2.0, 1.0 / 2.0, 0.0, 0.0],
    [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0, 0.0],
    [1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0],
];
