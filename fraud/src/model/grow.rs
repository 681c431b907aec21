//! Growing one tree of a boosted forest from histograms.
//!
//! Level by level: each feature sums gradients by bin for every open node, the best edge over all
//! features splits the node, and of two children only the smaller is summed again; the other is the
//! difference. Features are shared out among threads; a feature is always summed by one thread in
//! the order of rows, so the tree does not depend on how many threads there are.

use super::bins::Binned;
use super::boost::Boosting;
use super::forest::{DEPTH, LEAVES, SPLITS, Split, Tree};

/// First and second derivative of the loss.
pub(super) type Slope = [f64; 2];

/// A node that may still be split: its rows and what they sum up to.
#[derive(Clone, Debug)]
struct Open {
    /// Its place in the flat tree.
    place: usize,
    rows: Vec<u32>,
    total: Slope,
    /// Where its histogram comes from.
    source: Source,
}

/// How a node's histogram is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// By summing its rows.
    Rows,
    /// From the parent's (by place in the level above) less the sibling's (by place in this level).
    Rest { parent: usize, sibling: usize },
}

#[derive(Clone, Copy, Debug)]
struct Best {
    gain: f64,
    feature: usize,
    /// The highest bin that goes to the lower side.
    bin: usize,
    lower: Slope,
}

/// One feature's histograms for all nodes of a level.
#[derive(Clone, Debug, Default)]
struct Sums {
    feature: usize,
    nodes: Vec<Vec<Slope>>,
}

/// Grows trees over one dataset.
pub(super) struct Grower<'a> {
    pub(super) binned: &'a Binned,
    pub(super) settings: &'a Boosting,
    pub(super) slopes: &'a [[f32; 2]],
}

impl Grower<'_> {
    /// A tree over some features that lowers the loss of some rows.
    pub(super) fn grow(&self, rows: Vec<u32>, features: &[usize]) -> Tree {
        let total = self.total(&rows);
        let mut splits = [Split {
            feature: 0,
            threshold: f32::INFINITY,
        }; SPLITS];
        let (mut leaves, mut covers) = ([0.0; LEAVES], [0; LEAVES]);
        let mut sums: Vec<Sums> = features
            .iter()
            .map(|feature| Sums {
                feature: *feature,
                nodes: Vec::new(),
            })
            .collect();
        let mut level = vec![Open {
            place: 0,
            rows,
            total,
            source: Source::Rows,
        }];
        for depth in 0..DEPTH {
            let best = self.best_splits(&level, &mut sums);
            let mut next = Vec::new();
            for (at, (node, best)) in level.into_iter().zip(best).enumerate() {
                match best {
                    Some(best) if depth < self.settings.depth => {
                        splits[node.place] = self.split(best);
                        self.divide(node, best, at, &mut next);
                    }
                    _ => self.close(&node, depth, &mut leaves, &mut covers),
                }
            }
            level = next;
        }
        for node in &level {
            self.close(node, DEPTH, &mut leaves, &mut covers);
        }
        Tree {
            splits,
            leaves,
            covers,
        }
    }

    fn total(&self, rows: &[u32]) -> Slope {
        rows.iter().fold([0.0; 2], |sum, row| {
            add(sum, self.slopes[*row as usize].map(f64::from))
        })
    }

    fn split(&self, best: Best) -> Split {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a dataset has fewer than 2^32 features"
        )]
        let feature = best.feature as u32;
        Split {
            feature,
            threshold: self.binned.edges[best.feature][best.bin],
        }
    }

    /// A node that is not split passes its value to the leaf at its lower end.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "leaves are kept as f32, rows are fewer than 2^32"
    )]
    fn close(
        &self,
        node: &Open,
        depth: usize,
        leaves: &mut [f32; LEAVES],
        covers: &mut [u32; LEAVES],
    ) {
        let lowest = (depth..DEPTH).fold(node.place, |place, _| 2 * place + 1) - SPLITS;
        let value = -node.total[0] / (node.total[1] + self.settings.lambda);
        leaves[lowest] = (value * self.settings.rate) as f32;
        covers[lowest] = node.rows.len() as u32;
    }

    fn divide(&self, node: Open, best: Best, at: usize, next: &mut Vec<Open>) {
        let column = &self.binned.columns[best.feature];
        let low = |row: &u32| usize::from(column[*row as usize]) <= best.bin;
        let (lower, upper): (Vec<u32>, Vec<u32>) = node.rows.into_iter().partition(low);
        let rest = subtract(node.total, best.lower);
        let place = next.len();
        let lower_smaller = lower.len() <= upper.len();
        let other = |sibling| Source::Rest {
            parent: at,
            sibling,
        };
        let sources = if lower_smaller {
            [Source::Rows, other(place)]
        } else {
            [other(place + 1), Source::Rows]
        };
        let child = 2 * node.place + 1;
        next.push(Open {
            place: child,
            rows: lower,
            total: best.lower,
            source: sources[0],
        });
        next.push(Open {
            place: child + 1,
            rows: upper,
            total: rest,
            source: sources[1],
        });
    }

    /// The best split of each node, after making its histograms.
    fn best_splits(&self, level: &[Open], sums: &mut [Sums]) -> Vec<Option<Best>> {
        let rows: usize = level.iter().map(|node| node.rows.len()).sum();
        let threads = if rows * sums.len() < 200_000 {
            1
        } else {
            self.settings.threads.max(1)
        };
        let share = sums.len().div_ceil(threads).max(1);
        let found: Vec<Vec<Option<Best>>> = std::thread::scope(|scope| {
            let mut parts: Vec<&mut [Sums]> = sums.chunks_mut(share).collect();
            let own = parts.pop();
            let running: Vec<_> = parts
                .into_iter()
                .map(|part| scope.spawn(move || self.search(level, part)))
                .collect();
            let last = own.map(|part| self.search(level, part));
            let first = running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default());
            first.chain(last).collect()
        });
        let best_of = |node: usize| {
            found
                .iter()
                .filter_map(|part| *part.get(node)?)
                .reduce(|held, new| if new.gain > held.gain { new } else { held })
        };
        (0..level.len()).map(best_of).collect()
    }

    fn search(&self, level: &[Open], sums: &mut [Sums]) -> Vec<Option<Best>> {
        let mut best: Vec<Option<Best>> = vec![None; level.len()];
        for feature in sums {
            self.sum(level, feature);
            for (held, (node, histogram)) in best.iter_mut().zip(level.iter().zip(&feature.nodes)) {
                let least = held.map_or(self.settings.least_gain, |held| held.gain);
                *held = self
                    .best_edge(node.total, histogram, feature.feature, least)
                    .or(*held);
            }
        }
        best
    }

    fn sum(&self, level: &[Open], sums: &mut Sums) {
        let column = &self.binned.columns[sums.feature];
        let bins = self.binned.edges[sums.feature].len() + 1;
        let mut parents = std::mem::take(&mut sums.nodes);
        sums.nodes = vec![Vec::new(); level.len()];
        for (at, node) in level.iter().enumerate() {
            if node.source == Source::Rows {
                let mut histogram = vec![[0.0; 2]; bins];
                for row in &node.rows {
                    let bin = &mut histogram[usize::from(column[*row as usize])];
                    *bin = add(*bin, self.slopes[*row as usize].map(f64::from));
                }
                sums.nodes[at] = histogram;
            }
        }
        for (at, node) in level.iter().enumerate() {
            if let Source::Rest { parent, sibling } = node.source {
                let mut histogram = std::mem::take(&mut parents[parent]);
                for (rest, part) in histogram.iter_mut().zip(&sums.nodes[sibling]) {
                    *rest = subtract(*rest, *part);
                }
                sums.nodes[at] = histogram;
            }
        }
    }

    fn best_edge(
        &self,
        total: Slope,
        histogram: &[Slope],
        feature: usize,
        least: f64,
    ) -> Option<Best> {
        let settings = self.settings;
        let worth = |sum: Slope| sum[0] * sum[0] / (sum[1] + settings.lambda);
        let whole = worth(total);
        let (mut best, mut least, mut lower) = (None, least, [0.0; 2]);
        for (bin, part) in histogram[..histogram.len() - 1].iter().enumerate() {
            lower = add(lower, *part);
            let upper = subtract(total, lower);
            if lower[1] < settings.least_weight || upper[1] < settings.least_weight {
                continue;
            }
            let gain = worth(lower) + worth(upper) - whole;
            if gain > least {
                least = gain;
                best = Some(Best {
                    gain,
                    feature,
                    bin,
                    lower,
                });
            }
        }
        best
    }
}

fn add(left: Slope, right: Slope) -> Slope {
    [left[0] + right[0], left[1] + right[1]]
}

fn subtract(left: Slope, right: Slope) -> Slope {
    [left[0] - right[0], left[1] - right[1]]
}
