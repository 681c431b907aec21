//! A forest laid out to be walked while money waits: margin and reasons in one pass.
//!
//! Numbers are compared as integers of the same order, features have numbers of eight bits, and a
//! tree's questions lie in 80 bytes, so that two hundred trees fit into the nearest cache. What each
//! leaf credits to which features is laid out beforehand beside the leaf's value, sixteen bytes in all, in
//! whole parts of the largest credit, so that their sum does not depend on the order in which it is made.

use super::attribution::{Credits, credits, expected};
use super::forest::{DEPTH, Forest, LEAVES, SPLITS, Tree};

/// The most features a walk can ask about.
pub(crate) const MOST_FEATURES: usize = 256;
/// Trees walked side by side.
const ABREAST: usize = 8;
/// In how many parts the largest credit of a forest is counted.
const PARTS: f32 = 32_767.0;

/// A row as the walk compares it.
pub(crate) type Row = [i32; MOST_FEATURES];
/// What each feature added to the margin, in parts.
pub(crate) type Shares = [i32; MOST_FEATURES];

/// A forest ready to be walked.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    base: f32,
    trees: Vec<Abreast<Asked>>,
    leaves: Vec<Abreast<[Leaf; LEAVES]>>,
    /// What one part of a credit adds to the margin.
    part: f64,
}

/// Trees that are walked side by side; the last are filled up with trees that add nothing.
type Abreast<T> = [T; ABREAST];

/// The questions of a tree, level by level; the last place is not used.
#[derive(Clone, Copy, Debug)]
struct Asked {
    features: [u8; SPLITS + 1],
    thresholds: [i32; SPLITS + 1],
}

/// What a leaf adds to the margin, and what of it is credited to the features on the way to it.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    value: f32,
    features: [u8; DEPTH],
    parts: [i16; DEPTH],
}

impl Walk {
    /// Lays out a forest; nothing if it asks about too many features.
    pub(crate) fn new(forest: &Forest) -> Option<Self> {
        let credits = forest
            .trees
            .iter()
            .map(|tree| credits(tree, &expected(tree)));
        let credits: Vec<[Credits; LEAVES]> = credits.collect();
        let all = credits.iter().flatten().flatten();
        let largest = all.fold(f32::MIN_POSITIVE, |most, (_, share)| most.max(share.abs()));
        let leaves = forest.trees.iter().zip(&credits).map(|(tree, credits)| {
            let mut leaves = [Leaf::NONE; LEAVES];
            for ((leaf, steps), value) in leaves.iter_mut().zip(credits).zip(tree.leaves) {
                leaf.value = value;
                for (place, (feature, share)) in steps.iter().enumerate() {
                    leaf.features[place] = u8::try_from(*feature).ok()?;
                    leaf.parts[place] = parts(*share / largest);
                }
            }
            Some(leaves)
        });
        let asked = forest.trees.iter().map(Asked::new);
        Some(Self {
            base: forest.base,
            trees: abreast(&asked.collect::<Option<Vec<_>>>()?, Asked::NONE),
            leaves: abreast(&leaves.collect::<Option<Vec<_>>>()?, [Leaf::NONE; LEAVES]),
            part: f64::from(largest) / f64::from(PARTS),
        })
    }

    /// The margin of a row, the same to the bit as the forest's; adds what each feature added to it, in parts.
    pub(crate) fn explain(&self, row: &Row, shares: &mut Shares) -> f64 {
        let mut sum = f64::from(self.base);
        for (trees, leaves) in self.trees.iter().zip(&self.leaves) {
            let mut nodes = [0_usize; ABREAST];
            for _ in 0..DEPTH {
                for (node, tree) in nodes.iter_mut().zip(trees) {
                    *node = tree.step(*node, row);
                }
            }
            for (node, leaves) in nodes.iter().zip(leaves) {
                let leaf = &leaves[node.wrapping_sub(SPLITS) % LEAVES];
                sum += f64::from(leaf.value);
                for (feature, part) in leaf.features.iter().zip(leaf.parts) {
                    let share = &mut shares[usize::from(*feature)];
                    *share = share.wrapping_add(i32::from(part));
                }
            }
        }
        sum
    }

    /// A share of the margin in parts.
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
    pub(crate) fn parts(&self, share: f64) -> i32 {
        (share / self.part) as i32
    }

    /// Parts as a share of the margin.
    pub(crate) fn share(&self, parts: i32) -> f64 {
        f64::from(parts) * self.part
    }
}

fn abreast<T: Copy>(all: &[T], nothing: T) -> Vec<Abreast<T>> {
    let group =
        |some: &[T]| std::array::from_fn(|place| some.get(place).copied().unwrap_or(nothing));
    all.chunks(ABREAST).map(group).collect()
}

impl Asked {
    const NONE: Self = Self {
        features: [0; SPLITS + 1],
        thresholds: [i32::MAX; SPLITS + 1],
    };

    fn new(tree: &Tree) -> Option<Self> {
        let mut asked = Self::NONE;
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

impl Leaf {
    const NONE: Self = Self {
        value: 0.0,
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

/// A share of the largest credit, in parts.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of the largest is at most one, and a cast saturates"
)]
fn parts(share: f32) -> i16 {
    (share * PARTS).round() as i16
}
