//! How often a key may ask.
//!
//! The generic cell rate algorithm: a key has a second's worth of requests in hand, and gets them back evenly. All there is to
//! keep is the moment until which the requests so far are paid for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const SECOND_NS: u64 = 1_000_000_000;

/// A key's pace, kept by this process alone.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    every_ns: u64,
    /// Until when the requests so far last, in nanoseconds since it began.
    paid_until: AtomicU64,
}

impl Pace {
    pub(super) fn new(requests_per_s: u32) -> Self {
        Self {
            begun: Instant::now(),
            every_ns: SECOND_NS / u64::from(requests_per_s.max(1)),
            paid_until: AtomicU64::new(0),
        }
    }

    /// Takes a request's place, unless there is none at this moment. After a second there is one.
    pub(super) fn admit(&self) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.admit_at(now)
    }

    fn admit_at(&self, now: u64) -> bool {
        let next = |paid_until: u64| {
            let next = paid_until.max(now) + self.every_ns;
            (next <= now + SECOND_NS).then_some(next)
        };
        self.paid_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seconds_worth_comes_at_once_and_the_rest_evenly() {
        let pace = Pace::new(4);
        let admitted = |now: u64| (0..10).filter(|_| pace.admit_at(now)).count();
        assert_eq!(admitted(0), 4);
        assert_eq!(admitted(SECOND_NS / 8), 0);
        assert_eq!(admitted(SECOND_NS / 4), 1);
        assert_eq!(admitted(SECOND_NS), 3);
        assert_eq!(admitted(100 * SECOND_NS), 4);
    }

    proptest! {
        /// Against counting them: whatever the moments, no second has more than two seconds' worth, and all that come no
        /// faster than the pace are let in.
        #[test]
        fn no_second_has_more_than_it_may(
            per_s in 1_u32..50,
            steps in prop::collection::vec(0..SECOND_NS / 20, 1..400),
        ) {
            let pace = Pace::new(per_s);
            let mut now = 0;
            let mut admitted = Vec::new();
            for step in steps {
                now += step;
                if pace.admit_at(now) {
                    admitted.push(now);
                }
            }
            for (position, from) in admitted.iter().enumerate() {
                let within = admitted[position..].iter().filter(|at| **at < from + SECOND_NS);
                prop_assert!(within.count() <= 2 * usize::try_from(per_s).unwrap());
            }
            let even = Pace::new(per_s);
            for number in 0..100 {
                prop_assert!(even.admit_at(number * SECOND_NS.div_ceil(u64::from(per_s))));
            }
        }
    }
}
