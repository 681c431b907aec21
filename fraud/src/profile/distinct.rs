//! How many different counterparties, in 64 bytes a generation.
//!
//! A `HyperLogLog` of 64 registers has a standard error of 13%; below some 160 it falls back to counting
//! empty registers, which is closer. Two generations of fifteen days each take turns, so the answer
//! covers the last fifteen to thirty days.

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use super::saved::sparse;

const REGISTERS: usize = 64;
const GENERATION: u32 = 15 * 86_400;
/// The bias correction for 64 registers, from the `HyperLogLog` paper.
const ALPHA: f64 = 0.709;

/// A sketch of a set over the last fifteen to thirty days.
///
/// The estimates are made when something is learned, so that reading them touches no register.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Registers", from = "Registers")]
#[repr(C)]
pub(crate) struct Distinct {
    era: u32,
    /// Of both generations together, and of the current alone.
    both: f32,
    alone: f32,
    /// What those are made of, so that learning one counterparty touches one register.
    of_both: Summed,
    of_alone: Summed,
    current: [u8; REGISTERS],
    previous: [u8; REGISTERS],
}

/// What of it must be saved; the estimates follow.
#[derive(Serialize, Deserialize)]
struct Registers {
    era: u32,
    #[serde(with = "sparse")]
    current: [u8; REGISTERS],
    #[serde(with = "sparse")]
    previous: [u8; REGISTERS],
}

impl Distinct {
    pub(crate) const fn new() -> Self {
        Self {
            era: 0,
            both: 0.0,
            alone: 0.0,
            of_both: Summed::NOTHING,
            of_alone: Summed::NOTHING,
            current: [0; REGISTERS],
            previous: [0; REGISTERS],
        }
    }

    /// Asks for its memory.
    pub(crate) fn prefetch(&self) {
        prefetch_index(std::slice::from_ref(&self.era), 0);
        prefetch_index(self.current.as_slice(), 0);
        prefetch_index(self.previous.as_slice(), 0);
    }

    /// Adds one counterparty by well-mixed bits.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a rank is below 33, a register below 64"
    )]
    pub(crate) fn insert(&mut self, at: u32, bits: u32) {
        let era = at / GENERATION;
        if era > self.era {
            self.previous = if era == self.era + 1 {
                self.current
            } else {
                [0; REGISTERS]
            };
            self.current = [0; REGISTERS];
            self.era = era;
            self.sum_anew();
        }
        let rank = ((bits >> 6) | (1 << 26)).trailing_zeros() as u8 + 1;
        let place = (bits % 64) as usize;
        let (before, previous) = (self.current[place], self.previous[place]);
        if rank > before {
            self.current[place] = rank;
            self.of_alone.raise(before, rank);
            self.of_both.raise(before.max(previous), rank.max(previous));
            self.estimate_anew();
        }
    }

    fn sum_anew(&mut self) {
        self.of_both = Summed::of(&self.current, &self.previous);
        self.of_alone = Summed::of(&self.current, &self.current);
        self.estimate_anew();
    }

    fn estimate_anew(&mut self) {
        self.both = self.of_both.estimate();
        self.alone = self.of_alone.estimate();
    }

    /// The estimate as of a moment.
    pub(crate) fn estimate(&self, now: u32) -> f64 {
        match (now / GENERATION).saturating_sub(self.era) {
            0 => f64::from(self.both),
            1 => f64::from(self.alone),
            _ => 0.0,
        }
    }
}

/// What an estimate is made of: how many registers are empty, and the sum of two to the power of less each rank, in parts of
/// 2^32, which whole numbers hold exactly.
#[derive(Clone, Copy, Debug)]
struct Summed {
    empty: u32,
    inverse: u64,
}

impl Summed {
    const NOTHING: Self = Self {
        empty: 64,
        inverse: 64 << 32,
    };

    /// The union of two generations.
    fn of(left: &[u8; REGISTERS], right: &[u8; REGISTERS]) -> Self {
        let mut summed = Self::NOTHING;
        for (left, right) in left.iter().zip(right) {
            summed.raise(0, *left.max(right));
        }
        summed
    }

    fn raise(&mut self, from: u8, to: u8) {
        // No register of ours is above 27; a saved one is not trusted to be.
        let part = |rank: u8| 1_u64 << (32 - u32::from(rank.min(32)));
        self.empty -= u32::from(from == 0 && to > 0);
        self.inverse -= part(from) - part(to);
    }

    fn estimate(self) -> f32 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "at most 2^38, exact in a double"
        )]
        let raw = ALPHA * 64.0 * 64.0 * f64::from(1_u32 << 16) * f64::from(1_u32 << 16)
            / self.inverse as f64;
        let estimate = if self.empty > 0 && raw < 2.5 * 64.0 {
            LINEAR[self.empty as usize]
        } else {
            raw
        };
        narrow(estimate)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an estimate with an error of a tenth needs no more than 24 bits"
)]
fn narrow(estimate: f64) -> f32 {
    estimate as f32
}

impl From<Distinct> for Registers {
    fn from(sketch: Distinct) -> Self {
        let Distinct {
            era,
            current,
            previous,
            ..
        } = sketch;
        Self {
            era,
            current,
            previous,
        }
    }
}

impl From<Registers> for Distinct {
    fn from(saved: Registers) -> Self {
        let mut sketch = Self {
            era: saved.era,
            current: saved.current,
            previous: saved.previous,
            ..Self::new()
        };
        sketch.sum_anew();
        sketch
    }
}

/// `64 ln(64 / empty)`: written out, so that no machine's logarithm can differ in the last bit.
const LINEAR: [f64; 65] = [
    266.1685, 266.1685, 221.8071, 195.8573, 177.4457, 163.1645, 151.4959, 141.6303, 133.0843,
    125.5461, 118.8031, 112.7032, 107.1345, 102.0118, 97.2688, 92.8533, 88.7228, 84.8429, 81.1847,
    77.7244, 74.4417, 71.3191, 68.3418, 65.4969, 62.7731, 60.1605, 57.6503, 55.2350, 52.9074,
    50.6616, 48.4919, 46.3933, 44.3614, 42.3920, 40.4814, 38.6262, 36.8233, 35.0698, 33.3630,
    31.7006, 30.0802, 28.4999, 26.9577, 25.4517, 23.9804, 22.5421, 21.1355, 19.7591, 18.4117,
    17.0920, 15.7990, 14.5317, 13.2889, 12.0698, 10.8735, 9.6992, 8.5460, 7.4132, 6.3002, 5.2061,
    4.1305, 3.0726, 2.0319, 1.0079, 0.0000,
];
