//! Gradient boosting of trees for a yes-or-no question.
//!
//! Each tree is grown against the slope of the logistic loss of all trees before it. Rows and
//! features are sampled by a fixed sequence, so the same data and settings give the same forest on
//! any number of threads.

use super::bins::Binned;
use super::dataset::{Dataset, drawn};
use super::forest::{DEPTH, Forest, LEAVES, Tree};
use super::grow::Grower;

/// Why nothing could be trained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// A model needs examples of both kinds.
    #[error(
        "training needs frauds and genuine rows, but there are {frauds} frauds among {rows} rows; give a longer period"
    )]
    OneSided {
        /// Frauds found.
        frauds: usize,
        /// Rows found.
        rows: usize,
    },
}

/// Anything that turns labelled rows into a forest.
pub trait Trainer {
    /// Trains on all rows of a dataset; tells `watch` how many of how many trees there are so far.
    fn train_watched(
        &self,
        data: &Dataset,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Forest, TrainError>;

    /// The same trainer, growing at most so many trees.
    #[must_use]
    fn up_to(&self, trees: usize) -> Self
    where
        Self: Sized;

    /// Trains on all rows of a dataset.
    fn train(&self, data: &Dataset) -> Result<Forest, TrainError> {
        self.train_watched(data, &mut |_, _| {})
    }
}

/// Settings of the boosting trainer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boosting {
    /// Trees.
    pub rounds: usize,
    /// How much of each tree's advice is taken.
    pub rate: f64,
    /// Levels of splits, at most four.
    pub depth: usize,
    /// Pulls leaves towards zero.
    pub lambda: f64,
    /// The least sum of second derivatives in a child.
    pub least_weight: f64,
    /// The least gain of a split.
    pub least_gain: f64,
    /// The share of rows each tree sees.
    pub rows: f64,
    /// The share of features each tree sees.
    pub features: f64,
    /// Bins a feature.
    pub bins: usize,
    /// Chooses among the fixed sequences of samples.
    pub seed: u64,
    /// Threads to use; the forest does not depend on it.
    pub threads: usize,
}

impl Default for Boosting {
    fn default() -> Self {
        Self {
            rounds: 300,
            rate: 0.03,
            depth: DEPTH,
            lambda: 5.0,
            least_weight: 1.0,
            least_gain: 0.0,
            rows: 0.7,
            features: 0.3,
            bins: 1024,
            seed: 1,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

impl Trainer for Boosting {
    fn train_watched(
        &self,
        data: &Dataset,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Forest, TrainError> {
        Ok(self.run(data, watch)?.0)
    }

    fn up_to(&self, trees: usize) -> Self {
        Self {
            rounds: self.rounds.min(trees),
            ..*self
        }
    }
}

impl Boosting {
    /// For finding out what a file holds, where nobody waits for a payment: more trees, that look at more features.
    #[must_use]
    pub fn thorough() -> Self {
        Self {
            rounds: 500,
            rate: 0.04,
            features: 0.5,
            ..Self::default()
        }
    }

    /// Trains, and also gives the margin of each row as the trainer itself computed it, by bins.
    pub(crate) fn run(
        &self,
        data: &Dataset,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<(Forest, Vec<f64>), TrainError> {
        let (frauds, rows) = (data.frauds(), data.len());
        if frauds == 0 || frauds == rows {
            return Err(TrainError::OneSided { frauds, rows });
        }
        let settings = Self {
            depth: self.depth.clamp(1, DEPTH),
            ..*self
        };
        let binned = Binned::new(data, settings.bins.clamp(2, 1 << 16), settings.threads);
        let odds = frauds as f64 / (rows - frauds) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a base margin needs no more than 24 bits"
        )]
        let base = odds.ln() as f32;
        let mut margins = vec![f64::from(base); rows];
        let mut trees = Vec::with_capacity(settings.rounds);
        for round in 0..settings.rounds {
            let slopes: Vec<[f32; 2]> = margins
                .iter()
                .zip(data.labels())
                .map(|(margin, label)| slope(*margin, *label))
                .collect();
            let grower = Grower {
                binned: &binned,
                settings: &settings,
                slopes: &slopes,
            };
            let tree = grower.grow(
                settings.sampled_rows(rows, round),
                &settings.sampled_features(&binned, round),
            );
            advance(&tree, &binned, &mut margins);
            trees.push(tree);
            watch(trees.len(), settings.rounds);
        }
        Ok((Forest { base, trees }, margins))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a dataset has fewer than 2^32 rows"
    )]
    fn sampled_rows(&self, rows: usize, round: usize) -> Vec<u32> {
        let seed = self.seed.wrapping_mul(1_000_003) + round as u64;
        (0..rows as u32)
            .filter(|row| self.rows >= 1.0 || drawn(seed, u64::from(*row), self.rows))
            .collect()
    }

    fn sampled_features(&self, binned: &Binned, round: usize) -> Vec<usize> {
        let seed = self.seed.wrapping_mul(7_000_003) + round as u64;
        let telling = |feature: &usize| !binned.edges[*feature].is_empty();
        let all: Vec<usize> = (0..binned.edges.len()).filter(telling).collect();
        let some: Vec<usize> = all
            .iter()
            .copied()
            .filter(|feature| self.features >= 1.0 || drawn(seed, *feature as u64, self.features))
            .collect();
        if some.is_empty() { all } else { some }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "slopes are summed in doubles, each needs 24 bits"
)]
fn slope(margin: f64, label: bool) -> [f32; 2] {
    let chance = 1.0 / (1.0 + (-margin).exp());
    let first = chance - f64::from(u8::from(label));
    [first as f32, (chance * (1.0 - chance)).max(1e-16) as f32]
}

/// Adds a tree's leaves to the margins, walking by bins as the tree was grown.
fn advance(tree: &Tree, binned: &Binned, margins: &mut [f64]) {
    let bin_of = |split: &super::forest::Split| {
        let edges = &binned.edges[split.feature as usize];
        edges.partition_point(|edge| *edge < split.threshold)
    };
    let bins: Vec<usize> = tree.splits.iter().map(bin_of).collect();
    for (row, margin) in margins.iter_mut().enumerate() {
        let mut node = 0;
        for _ in 0..DEPTH {
            let column = &binned.columns[tree.splits[node].feature as usize];
            node = 2 * node + 1 + usize::from(usize::from(column[row]) > bins[node]);
        }
        *margin += f64::from(tree.leaves[node + 1 - LEAVES]);
    }
}
