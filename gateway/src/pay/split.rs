//! How a red packet is cut into shares.
//!
//! *Fixed*: all shares are equal. *Lucky*: of all ways to cut the amount into so many shares of at least one minor unit,
//! each is as likely as any other. So it does not matter who comes first: whatever place somebody claims in, the
//! expected share is exactly the amount divided by the number of shares, and the spread is the same too.
//!
//! A lucky cut follows from a seed, so anybody who has the seed can repeat it. To cut `amount` into `shares`, choose
//! `shares - 1` different places between its minor units (Floyd's way of choosing: for each `place` from
//! `amount - shares + 1` to `amount - 1` draw a number from 1 to `place`, and take `place` itself if that number is
//! taken already); the shares are the distances between the places, in order. The draws come from SHA-256 of the seed
//! and a counter (eight bytes, big-endian, from 0), of which the first eight bytes are the number; what lies above the
//! largest multiple of the range is drawn anew, so that no number is likelier than another.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// What a lucky cut follows from.
pub type Seed = [u8; 32];

/// All shares equal, if the amount can be cut so.
pub fn fixed(amount: u64, shares: u16) -> Option<Vec<i64>> {
    let count = u64::from(shares);
    if count == 0 || amount == 0 || !amount.is_multiple_of(count) {
        return None;
    }
    let share = i64::try_from(amount / count).ok()?;
    Some(vec![share; usize::from(shares)])
}

/// A lucky cut, if there is at least one minor unit for each share.
pub fn lucky(amount: u64, shares: u16, seed: &Seed) -> Option<Vec<i64>> {
    let count = u64::from(shares);
    if count == 0 || amount < count {
        return None;
    }
    let mut draws = Draws { seed, counter: 0 };
    let mut places = BTreeSet::new();
    for place in amount - count + 1..amount {
        let drawn = draws.up_to(place);
        if !places.insert(drawn) {
            places.insert(place);
        }
    }
    let mut before = 0;
    let ends = places.into_iter().chain([amount]);
    let share = |end: u64| {
        let share = end - before;
        before = end;
        i64::try_from(share).ok()
    };
    ends.map(share).collect()
}

/// What is told of a seed before it is told itself, so that it cannot be another one afterwards.
pub fn commitment(seed: &Seed) -> [u8; 32] {
    Sha256::digest(seed).into()
}

struct Draws<'a> {
    seed: &'a Seed,
    counter: u64,
}

impl Draws<'_> {
    /// A number from 1 to `most`, each as likely as any other.
    fn up_to(&mut self, most: u64) -> u64 {
        // The largest multiple of `most` less one; below 2^64 there are whole rounds of `most` numbers up to here.
        let last = u64::MAX - (u64::MAX % most + 1) % most;
        loop {
            let number = self.next();
            if number <= last {
                return number % most + 1;
            }
        }
    }

    fn next(&mut self) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.counter.to_be_bytes());
        self.counter += 1;
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        u64::from_be_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn seed(number: u64) -> Seed {
        Sha256::digest(number.to_be_bytes()).into()
    }

    #[test]
    fn a_fixed_cut_is_even_or_none() {
        for (amount, shares, expected) in [
            (100, 4, Some(vec![25; 4])),
            (100, 1, Some(vec![100])),
            (100, 3, None),
            (3, 4, None),
            (0, 1, None),
            (100, 0, None),
        ] {
            assert_eq!(fixed(amount, shares), expected, "{amount}/{shares}");
        }
    }

    #[test]
    fn a_seed_cuts_the_same_for_ever() {
        assert_eq!(
            lucky(8_888, 6, &[7; 32]).unwrap(),
            [332, 2_769, 1_872, 2_654, 674, 587],
            "whoever has kept a seed must find the same shares with it"
        );
    }

    #[test]
    fn there_is_one_way_to_cut_what_is_only_just_enough() {
        assert_eq!(lucky(5, 5, &seed(1)), Some(vec![1; 5]));
        assert_eq!(lucky(5, 1, &seed(1)), Some(vec![5]));
        assert_eq!(lucky(4, 5, &seed(1)), None);
        assert_eq!(lucky(4, 0, &seed(1)), None);
    }

    /// 6 into 3 can be cut in ten ways. Of 20,000 cuts each should come 2,000 times; the chance that chi squared with
    /// nine degrees of freedom is above 33.7 is one in ten thousand, and the seeds are always the same. It is the sum
    /// of the squared differences over 2,000, compared here without dividing.
    #[test]
    fn every_way_to_cut_is_as_likely_as_any_other() {
        let mut counts = BTreeMap::<Vec<i64>, i64>::new();
        for number in 0..20_000 {
            *counts
                .entry(lucky(6, 3, &seed(number)).unwrap())
                .or_default() += 1;
        }
        assert_eq!(counts.len(), 10);
        let squares: i64 = counts.values().map(|count| (count - 2_000).pow(2)).sum();
        assert!(
            squares * 10 < 337 * 2_000,
            "chi squared is {squares} / 2,000: {counts:?}"
        );
    }

    /// The mean share is 1,000 in each place and the standard deviation about 904, so the mean of 10,000 lies within 4.5
    /// times a hundredth of that, but for a few in a million.
    #[test]
    fn the_first_and_the_last_expect_the_same() {
        let (amount, shares, cuts) = (10_000, 10, 10_000);
        let mut sums = vec![0_i64; usize::from(shares)];
        for number in 0..cuts {
            let cut = lucky(amount, shares, &seed(number)).unwrap();
            sums.iter_mut()
                .zip(cut)
                .for_each(|(sum, share)| *sum += share);
        }
        for (place, sum) in sums.iter().enumerate() {
            let mean = sum / 10_000;
            assert!(
                (mean - 1_000).abs() <= 41,
                "place {place} gets {mean} on average"
            );
        }
    }

    proptest! {
        #[test]
        fn shares_are_exact_and_none_is_empty(
            amount in prop_oneof![1_u64..1_000, 1_u64..i64::MAX as u64],
            shares in 1_u16..=500,
            number: u64,
        ) {
            match lucky(amount, shares, &seed(number)) {
                Some(cut) => {
                    prop_assert_eq!(cut.len(), usize::from(shares));
                    prop_assert!(cut.iter().all(|share| *share >= 1));
                    let sum: i128 = cut.iter().map(|share| i128::from(*share)).sum();
                    prop_assert_eq!(sum, i128::from(amount));
                }
                None => prop_assert!(amount < u64::from(shares)),
            }
        }
    }
}
