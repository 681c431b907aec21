//! What is usual for an entity: amounts and hours.
//!
//! Amounts are winsorised at three times the median before they enter the mean, so that a thief's
//! purchases do not teach the profile that large is normal. The median is that of the newest 32
//! settled amounts, exactly. The mean forgets slowly: after 256 amounts a new one weighs 1/256.

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

const KEPT_U8: u8 = 32;
const KEPT: usize = KEPT_U8 as usize;
const SLOWEST: u32 = 256;
const CLIP: f64 = 3.0;
const HOURS: usize = 24;
/// How many amounts make a median worth comparing with.
const ENOUGH: u8 = 4;

/// The settled amounts and hours of an entity, summed up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Summary", from = "Summary")]
#[repr(C)]
pub(crate) struct Usual {
    // What is read comes first, what is only learned from last: each is a wait for memory of its own.
    mean: f64,
    variance: f64,
    largest: i64,
    median: i64,
    ninth_decile: i64,
    seen: u32,
    hours_total: u16,
    len: u8,
    next: u8,
    hours: [u8; HOURS],
    /// The places of `newest`, from the smallest amount to the largest.
    order: [u8; KEPT],
    newest: [i64; KEPT],
}

impl Usual {
    pub(crate) const fn new() -> Self {
        Self {
            newest: [0; KEPT],
            order: [0; KEPT],
            len: 0,
            next: 0,
            seen: 0,
            mean: 0.0,
            variance: 0.0,
            largest: 0,
            median: 0,
            ninth_decile: 0,
            hours: [0; HOURS],
            hours_total: 0,
        }
    }

    /// Learns one settled amount; whether it was unusually large.
    pub(crate) fn learn(&mut self, amount: i64, hour: u32) -> bool {
        let unusual = self.is_unusual(amount);
        let clipped = if self.len < ENOUGH {
            amount as f64
        } else {
            (amount as f64).min(CLIP * self.median())
        };
        self.seen = (self.seen + 1).min(SLOWEST);
        let weight = 1.0 / f64::from(self.seen);
        let before = clipped - self.mean;
        self.mean += before * weight;
        self.variance += (before * (clipped - self.mean) - self.variance) * weight;
        if !unusual {
            self.largest = self.largest.max(amount);
        }
        self.keep(amount);
        self.learn_hour(hour);
        unusual
    }

    /// More than three times the median, when there is one worth the name.
    pub(crate) fn is_unusual(&self, amount: i64) -> bool {
        self.len >= ENOUGH && amount as f64 > CLIP * self.median()
    }

    /// Asks for its memory.
    pub(crate) fn prefetch(&self) {
        prefetch_index(std::slice::from_ref(&self.mean), 0);
        prefetch_index(self.order.as_slice(), 0);
        (0..KEPT)
            .step_by(8)
            .for_each(|place| prefetch_index(self.newest.as_slice(), place));
    }

    pub(crate) const fn mean(&self) -> f64 {
        self.mean
    }

    pub(crate) fn deviation(&self) -> f64 {
        self.variance.max(0.0).sqrt()
    }

    /// The largest amount that was not unusual when it came.
    pub(crate) const fn largest(&self) -> f64 {
        self.largest as f64
    }

    /// The middle of the newest 32; 0 without any.
    pub(crate) const fn median(&self) -> f64 {
        self.median as f64
    }

    /// The amount below which nine in ten of the newest 32 lie; 0 without any.
    pub(crate) const fn ninth_decile(&self) -> f64 {
        self.ninth_decile as f64
    }

    fn quantile(&self, part: usize, whole: usize) -> i64 {
        let len = usize::from(self.len);
        let place = (len * part / whole).min(len.saturating_sub(1));
        self.amount(self.order[place])
    }

    fn amount(&self, place: u8) -> i64 {
        self.newest[usize::from(place) % KEPT]
    }

    /// The share of past payments within an hour of this hour of the day; missing without a past.
    pub(crate) fn hour_share(&self, hour: u32) -> f64 {
        if self.hours_total == 0 {
            return f64::NAN;
        }
        let near =
            [hour + 23, hour, hour + 1].map(|hour| u16::from(self.hours[hour as usize % HOURS]));
        f64::from(near.iter().sum::<u16>()) / f64::from(self.hours_total)
    }

    fn keep(&mut self, amount: i64) {
        let mut filled = usize::from(self.len);
        if filled == KEPT {
            let leaving = self.order.iter().position(|place| *place == self.next);
            if let Some(rank) = leaving {
                self.order.copy_within(rank + 1.., rank);
            }
            filled -= 1;
        } else {
            self.len += 1;
        }
        let rank = self.order[..filled].partition_point(|place| self.amount(*place) <= amount);
        self.order.copy_within(rank..filled, rank + 1);
        self.order[rank] = self.next;
        self.newest[usize::from(self.next)] = amount;
        self.next = (self.next + 1) % KEPT_U8;
        self.median = self.quantile(1, 2);
        self.ninth_decile = self.quantile(9, 10);
    }

    fn learn_hour(&mut self, hour: u32) {
        let slot = hour as usize % HOURS;
        if self.hours[slot] == u8::MAX {
            for held in &mut self.hours {
                *held /= 2;
            }
            self.hours_total = self.hours.iter().map(|held| u16::from(*held)).sum();
        }
        self.hours[slot] += 1;
        self.hours_total += 1;
    }
}

/// What of it must be saved; the rest follows.
#[derive(Serialize, Deserialize)]
struct Summary {
    /// The newest amounts, oldest first.
    newest: Vec<i64>,
    seen: u32,
    mean: f64,
    variance: f64,
    largest: i64,
    hours: [u8; HOURS],
}

impl From<Usual> for Summary {
    fn from(usual: Usual) -> Self {
        let len = usize::from(usual.len);
        let mut newest = usual.newest[..len].to_vec();
        newest.rotate_left(if len == KEPT {
            usize::from(usual.next)
        } else {
            0
        });
        let Usual {
            seen,
            mean,
            variance,
            largest,
            hours,
            ..
        } = usual;
        Self {
            newest,
            seen,
            mean,
            variance,
            largest,
            hours,
        }
    }
}

impl From<Summary> for Usual {
    fn from(summary: Summary) -> Self {
        let Summary {
            newest,
            seen,
            mean,
            variance,
            largest,
            hours,
        } = summary;
        let hours_total = hours.iter().map(|count| u16::from(*count)).sum();
        let mut usual = Self {
            mean,
            variance,
            largest,
            seen,
            hours_total,
            hours,
            ..Self::new()
        };
        for amount in newest {
            usual.keep(amount);
        }
        usual
    }
}
