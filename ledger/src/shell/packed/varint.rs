//! Numbers in as few bytes as they need: seven bits a byte, the lowest first. Small numbers below
//! zero are folded between those above it, so that they are short too.

pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

pub(super) fn put_wide(out: &mut Vec<u8>, number: i128) {
    let mut folded = (number << 1).cast_unsigned() ^ (number >> 127).cast_unsigned();
    while folded >= 0x80 {
        out.push(folded.to_le_bytes()[0] | 0x80);
        folded >>= 7;
    }
    out.push(folded.to_le_bytes()[0]);
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(
        out,
        (number << 1).cast_unsigned() ^ (number >> 63).cast_unsigned(),
    );
}

/// Takes numbers off the front of bytes. `None` when there is no number any more.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    pub(super) fn next(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && bits > 1) {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    pub(super) fn next_signed(&mut self) -> Option<i64> {
        let folded = self.next()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(super) fn next_wide(&mut self) -> Option<i128> {
        let (mut folded, mut shift) = (0_u128, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u128::from(byte & 0x7f);
            if shift > 126 || (shift == 126 && bits > 3) {
                return None;
            }
            folded |= bits << shift;
            if byte & 0x80 == 0 {
                return Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed());
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(some: Vec<u64>, signed: Vec<i64>, wide: Vec<i128>) {
            let mut out = Vec::new();
            for number in &some {
                put(&mut out, *number);
            }
            for number in &signed {
                put_signed(&mut out, *number);
            }
            for number in &wide {
                put_wide(&mut out, *number);
            }
            let mut numbers = Numbers(&out);
            for number in some {
                prop_assert_eq!(numbers.next(), Some(number));
            }
            for number in signed {
                prop_assert_eq!(numbers.next_signed(), Some(number));
            }
            for number in wide {
                prop_assert_eq!(numbers.next_wide(), Some(number));
            }
            prop_assert_eq!(numbers.next(), None);
        }
    }

    #[test]
    fn the_ends_of_the_ranges_fit_and_nothing_longer_does() {
        let mut out = Vec::new();
        put(&mut out, u64::MAX);
        put_wide(&mut out, i128::MIN);
        put_wide(&mut out, i128::MAX);
        let mut numbers = Numbers(&out);
        assert_eq!(numbers.next(), Some(u64::MAX));
        assert_eq!(numbers.next_wide(), Some(i128::MIN));
        assert_eq!(numbers.next_wide(), Some(i128::MAX));
        assert_eq!(Numbers(&[0xff; 12]).next(), None);
        assert_eq!(Numbers(&[0xff; 30]).next_wide(), None);
        assert_eq!(Numbers(&[0x80]).next(), None);
    }
}
