//! A ring of equal time buckets, and windows over it.
//!
//! Bucket `b` holds what happened in `[b * WIDTH, (b + 1) * WIDTH)` seconds. The ring keeps the `N` newest
//! buckets; anything older is forgotten. A window of `k` widths ending now is the running bucket,
//! the `k - 1` full ones before it, and of the one before those the part that is still inside, as if
//! its content were spread evenly: the error is at most that one bucket's content.

use serde::{Deserialize, Serialize};

use super::saved::{Saved, sparse};

/// The newest `N` buckets of `T`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "T: Saved")]
pub(crate) struct Ring<T: Saved, const N: usize, const WIDTH: u32> {
    newest: u32,
    #[serde(with = "sparse")]
    slots: [T; N],
}

impl<T: Saved, const N: usize, const WIDTH: u32> Ring<T, N, WIDTH> {
    pub(crate) fn new() -> Self {
        Self {
            newest: 0,
            slots: [T::default(); N],
        }
    }

    /// The bucket of a moment, moving the ring forward if needed; `None` if it is already forgotten.
    pub(crate) fn slot(&mut self, at: u32) -> Option<&mut T> {
        let bucket = at / WIDTH;
        if bucket > self.newest {
            let skipped = (bucket - self.newest).min(Self::LENGTH);
            for step in 0..skipped {
                self.slots[Self::place(bucket - step)] = T::default();
            }
            self.newest = bucket;
        }
        (self.newest - bucket < Self::LENGTH).then(|| &mut self.slots[Self::place(bucket)])
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

    /// Gives every bucket up to `now` to `visit`, the newest first, with how many buckets ago it began.
    #[inline]
    pub(crate) fn visit(&self, now: u32, mut visit: impl FnMut(u32, &T)) {
        let current = now / WIDTH;
        let oldest = self.newest.saturating_sub(Self::LENGTH - 1);
        let newest = self.newest.min(current);
        let mut place = Self::place(newest);
        for bucket in (oldest..=newest).rev() {
            visit(current - bucket, &self.slots[place]);
            place = place.checked_sub(1).unwrap_or(N - 1);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "rings have at most some hundred buckets"
    )]
    const LENGTH: u32 = N as u32;

    const fn place(bucket: u32) -> usize {
        (bucket % Self::LENGTH) as usize
    }
}
