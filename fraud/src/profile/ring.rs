//! A ring of equal time buckets, and windows over it.
//!
//! Bucket `b` holds what happened in `[b * WIDTH, (b + 1) * WIDTH)` seconds. The ring keeps the `N` newest
//! buckets; anything older is forgotten. A window of `k` widths ending now is the running bucket,
//! the `k - 1` full ones before it, and of the one before those the part that is still inside, as if
//! its content were spread evenly: the error is at most that one bucket's content.
//!
//! An event far in the future moves the ring there for good. From events alone that cannot be told from a long silence,
//! after which they may come late and in any order; so whoever brings the time bounds it.

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use super::saved::{Saved, sparse};

/// The newest `N` buckets of `T`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "T: Saved")]
#[repr(C)]
pub(crate) struct Ring<T: Saved, const N: usize, const WIDTH: u32> {
    newest: u32,
    /// One bit for each slot that may hold something, so that reading a quiet month touches little memory.
    filled: u64,
    #[serde(with = "sparse")]
    slots: [T; N],
}

impl<T: Saved, const N: usize, const WIDTH: u32> Ring<T, N, WIDTH> {
    pub(crate) fn new() -> Self {
        Self {
            newest: 0,
            filled: 0,
            slots: [T::default(); N],
        }
    }

    /// The bucket of a moment, moving the ring forward if needed; `None` if it is already forgotten.
    pub(crate) fn slot(&mut self, at: u32) -> Option<&mut T> {
        let bucket = at / WIDTH;
        if bucket > self.newest {
            let skipped = (bucket - self.newest).min(Self::LENGTH);
            for step in 0..skipped {
                let place = Self::place(bucket - step);
                self.slots[place] = T::default();
                self.filled &= !(1 << place);
            }
            self.newest = bucket;
        }
        if self.newest - bucket >= Self::LENGTH {
            return None;
        }
        let place = Self::place(bucket);
        self.filled |= 1 << place;
        Some(&mut self.slots[place])
    }

    /// Asks for the memory of the bucket of a moment, and of how the ring stands.
    pub(crate) fn prefetch(&self, at: u32) {
        prefetch_index(std::slice::from_ref(&self.filled), 0);
        prefetch_index(self.slots.as_slice(), Self::place(at / WIDTH));
    }

    /// Gives each bucket of the `length` widths before `now` to `visit`, with the share of it that lies
    /// inside.
    pub(crate) fn window(&self, now: u32, length: u32, mut visit: impl FnMut(&T, f64)) {
        let passed = f64::from(now % WIDTH) / f64::from(WIDTH);
        self.visit(now, |back, slot| {
            if back <= length {
                visit(slot, if back == length { 1.0 - passed } else { 1.0 });
            }
        });
    }

    /// Gives every bucket up to `now` that may hold something to `visit`, with how many buckets ago it
    /// began; in the order of slots, which does not depend on the order of events.
    #[inline]
    pub(crate) fn visit(&self, now: u32, mut visit: impl FnMut(u32, &T)) {
        let current = now / WIDTH;
        let newest_place = self.newest % Self::LENGTH;
        let mut left = self.filled;
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left - 1;
            let Some(slot) = self.slots.get(place as usize) else {
                return;
            };
            let behind = (newest_place + Self::LENGTH - place) % Self::LENGTH;
            let bucket = self.newest.saturating_sub(behind);
            if let Some(back) = current.checked_sub(bucket) {
                visit(back, slot);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a ring has at most 64 buckets, one for each bit of `filled`"
    )]
    const LENGTH: u32 = {
        assert!(N <= 64, "a ring has one bit for each bucket");
        N as u32
    };

    const fn place(bucket: u32) -> usize {
        (bucket % Self::LENGTH) as usize
    }
}
