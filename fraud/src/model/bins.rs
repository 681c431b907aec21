//! Feature values as small integers.
//!
//! A trainer looks for thresholds among the edges of bins. Fraud is rare and sits in the tails, so
//! bins are filled equally by *weight*, where all frauds together weigh as much as all genuine rows:
//! half of the resolution is spent where fraud is. A missing value has a bin of its own, the lowest.

use super::dataset::Dataset;

/// The columns of a dataset by bins, and the edges between bins.
#[derive(Clone, Debug)]
pub(super) struct Binned {
    /// For each feature the lowest value of each bin but the first.
    pub(super) edges: Vec<Vec<f32>>,
    /// For each feature the bin of each row.
    pub(super) columns: Vec<Vec<u16>>,
}

impl Binned {
    pub(super) fn new(data: &Dataset, most: usize, threads: usize) -> Self {
        let features: Vec<usize> = (0..data.width()).collect();
        let share = features.len().div_ceil(threads.max(1)).max(1);
        let parts: Vec<Vec<(Vec<f32>, Vec<u16>)>> = std::thread::scope(|scope| {
            let start = |part: &'_ [usize]| {
                let part = part.to_vec();
                scope.spawn(move || {
                    part.into_iter()
                        .map(|feature| column(data, feature, most))
                        .collect()
                })
            };
            let running: Vec<_> = features.chunks(share).map(start).collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default())
                .collect()
        });
        let (edges, columns) = parts.into_iter().flatten().unzip();
        Self { edges, columns }
    }
}

fn column(data: &Dataset, feature: usize, most: usize) -> (Vec<f32>, Vec<u16>) {
    let edges = edges(data, feature, most);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are at most 65,536 bins"
    )]
    let bins = data
        .column(feature)
        .map(|value| edges.partition_point(|edge| *edge <= value) as u16);
    let bins = bins.collect();
    (edges, bins)
}

/// Edges so that no bin holds much more than its share of weight, each halfway between two values.
fn edges(data: &Dataset, feature: usize, most: usize) -> Vec<f32> {
    let mut values: Vec<(f32, bool)> = data
        .column(feature)
        .zip(data.labels().iter().copied())
        .collect();
    values.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let frauds = data.frauds().max(1) as f64;
    let genuine = (data.len() - data.frauds()).max(1) as f64;
    let share = 2.0 / most.max(2) as f64;
    let (mut edges, mut filled) = (Vec::new(), 0.0);
    for pair in values.windows(2) {
        filled += if pair[0].1 {
            frauds.recip()
        } else {
            genuine.recip()
        };
        let (low, high) = (pair[0].0, pair[1].0);
        let full = filled >= share || low == f32::NEG_INFINITY;
        if low < high && full && edges.len() + 1 < most {
            edges.push(halfway(low, high));
            filled = 0.0;
        }
    }
    edges
}

/// A number above `low` and at most `high`.
fn halfway(low: f32, high: f32) -> f32 {
    let middle = low / 2.0 + high / 2.0;
    if middle > low { middle } else { high }
}
