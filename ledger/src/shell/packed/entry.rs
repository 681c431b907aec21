//! What packed runs hold, and how blocks of it are written.

use crate::shell::packed::varint::{Numbers, put, put_signed, put_wide};

/// One entry of an index, which is sorted by key and within a key by place.
pub(crate) trait Entry: Copy + Send + Sync + 'static {
    /// What the index is called in the tables.
    const INDEX: &'static str;
    /// Whether each run has a filter, for an index that is mostly asked for what it does not have.
    const FILTERED: bool;
    /// What an entry is looked up by.
    fn key(&self) -> u64;
    /// Where it stands in the order of all that happened.
    fn place(&self) -> u64;
    /// Writes a block of sorted entries.
    fn encode(block: &[Self], out: &mut Vec<u8>);
    /// Reads a block back; `None` when it is none.
    fn decode(block: &[u8], entries: &mut Vec<Self>) -> Option<()>;
}

/// One side of a posting: a line in the statement of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    pub account_no: u32,
    pub transaction_no: u64,
    /// Which posting of the transaction, from 0.
    pub posting: u32,
    pub other_account_no: u32,
    /// By how much it raised the account's balance on its normal side; what lowered it is below
    /// zero.
    pub raised: i64,
    /// That balance after it.
    pub balance: i128,
}

impl Line {
    /// What was debited and what was credited, on an account of such a side.
    pub fn sides(&self, is_debit_normal: bool) -> (u64, u64) {
        let amount = self.raised.unsigned_abs();
        if (self.raised > 0) == is_debit_normal {
            (amount, 0)
        } else {
            (0, amount)
        }
    }

    /// The balance before it.
    fn before(&self) -> i128 {
        self.balance - i128::from(self.raised)
    }
}

/// The lines of an account stand together: its number, how many, the balance before the first, and
/// then for each line how far on its transaction is, what it raised, the other account with a flag,
/// and, where the flag says so, which posting of the transaction it is. All balances follow.
impl Entry for Line {
    const INDEX: &'static str = "postings";
    const FILTERED: bool = false;

    fn key(&self) -> u64 {
        self.account_no.into()
    }

    fn place(&self) -> u64 {
        self.transaction_no
    }

    fn encode(block: &[Self], out: &mut Vec<u8>) {
        // A balance that does not follow from the line before begins a group of its own.
        let together = |one: &Self, next: &Self| {
            one.account_no == next.account_no && one.balance == next.before()
        };
        let mut account = 0;
        for group in block.chunk_by(together) {
            put(out, u64::from(group[0].account_no) - account);
            put(out, group.len() as u64);
            put_wide(out, group[0].before());
            account = group[0].account_no.into();
            let mut transaction = 0;
            for line in group {
                put(out, line.transaction_no - transaction);
                put_signed(out, line.raised);
                put(
                    out,
                    (u64::from(line.other_account_no) << 1) | u64::from(line.posting > 0),
                );
                if line.posting > 0 {
                    put(out, line.posting.into());
                }
                transaction = line.transaction_no;
            }
        }
    }

    fn decode(block: &[u8], entries: &mut Vec<Self>) -> Option<()> {
        let mut numbers = Numbers(block);
        let mut account = 0_u64;
        while !numbers.0.is_empty() {
            account = account.checked_add(numbers.next()?)?;
            let account_no = u32::try_from(account).ok()?;
            let lines = numbers.next()?;
            let mut balance = numbers.next_wide()?;
            let mut transaction_no = 0_u64;
            for _ in 0..lines {
                transaction_no = transaction_no.checked_add(numbers.next()?)?;
                let raised = numbers.next_signed()?;
                let other = numbers.next()?;
                let posting = if other & 1 == 1 { numbers.next()? } else { 0 };
                balance = balance.checked_add(raised.into())?;
                entries.push(Self {
                    account_no,
                    transaction_no,
                    posting: u32::try_from(posting).ok()?,
                    other_account_no: u32::try_from(other >> 1).ok()?,
                    raised,
                    balance,
                });
            }
        }
        Some(())
    }
}

/// Where something stands that is looked up by a long key: a digest of the key and the place. Who
/// looks up reads what stands there and sees whether it is meant, so two keys may share a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pointer {
    pub(crate) digest: u64,
    pub(crate) place: u64,
}

/// Spreads keys evenly over 64 bits. Part of the tables' format.
pub(crate) const fn digest(scope: u64, key: u128) -> u64 {
    const fn mix(number: u64) -> u64 {
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of the key, one after the other"
    )]
    let (low, high) = (key as u64, (key >> 64) as u64);
    mix(mix(mix(low) ^ high) ^ scope.wrapping_add(0x9e37_79b9_7f4a_7c15))
}

fn encode_pointers(block: &[Pointer], out: &mut Vec<u8>) {
    let least = block.iter().map(|pointer| pointer.place).min();
    let least = least.unwrap_or_default();
    put(out, least);
    let mut digest = 0;
    for pointer in block {
        put(out, pointer.digest - digest);
        put(out, pointer.place - least);
        digest = pointer.digest;
    }
}

fn decode_pointers(block: &[u8], mut each: impl FnMut(Pointer)) -> Option<()> {
    let mut numbers = Numbers(block);
    let least = numbers.next()?;
    let mut digest = 0_u64;
    while !numbers.0.is_empty() {
        digest = digest.checked_add(numbers.next()?)?;
        let place = least.checked_add(numbers.next()?)?;
        each(Pointer { digest, place });
    }
    Some(())
}

/// Indexes of pointers: what they are called, and whether they are filtered.
macro_rules! pointers {
    ($($(#[$about:meta])* $name:ident $index:literal $filtered:literal;)+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub(crate) struct $name(pub(crate) Pointer);

            impl Entry for $name {
                const INDEX: &'static str = $index;
                const FILTERED: bool = $filtered;

                fn key(&self) -> u64 {
                    self.0.digest
                }

                fn place(&self) -> u64 {
                    self.0.place
                }

                fn encode(block: &[Self], out: &mut Vec<u8>) {
                    let pointers: Vec<Pointer> = block.iter().map(|entry| entry.0).collect();
                    encode_pointers(&pointers, out);
                }

                fn decode(block: &[u8], entries: &mut Vec<Self>) -> Option<()> {
                    decode_pointers(block, |pointer| entries.push(Self(pointer)))
                }
            }
        )+
    };
}

pointers! {
    /// A key of the *once* index; its place is a record of the journal.
    OnceAt "once" true;
    /// The caller's id of a transaction; its place is the transaction's number.
    IdAt "transaction_ids" false;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line() -> impl Strategy<Value = Line> {
        (
            0..4_u32,
            any::<u32>(),
            0..3_u32,
            any::<u32>(),
            any::<i64>(),
            any::<i64>(),
        )
            .prop_map(
                |(account_no, transaction_no, posting, other_account_no, raised, balance)| Line {
                    account_no,
                    transaction_no: transaction_no.into(),
                    posting,
                    other_account_no,
                    raised,
                    balance: balance.into(),
                },
            )
    }

    proptest! {
        #[test]
        fn lines_come_back_whether_their_balances_follow_or_not(
            mut lines in proptest::collection::vec(line(), 0..50),
            following: bool,
        ) {
            lines.sort_by_key(|line| (line.account_no, line.transaction_no, line.posting));
            if following {
                for at in 1..lines.len() {
                    lines[at].balance = lines[at - 1].balance + i128::from(lines[at].raised);
                }
            }
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            Line::encode(&lines, &mut bytes);
            prop_assert_eq!(Line::decode(&bytes, &mut back), Some(()));
            prop_assert_eq!(back, lines);
        }

        #[test]
        fn pointers_come_back(mut pointers: Vec<(u64, u64)>) {
            pointers.sort_unstable();
            let pointers: Vec<OnceAt> = pointers
                .into_iter()
                .map(|(digest, place)| OnceAt(Pointer { digest, place }))
                .collect();
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            OnceAt::encode(&pointers, &mut bytes);
            prop_assert_eq!(OnceAt::decode(&bytes, &mut back), Some(()));
            prop_assert_eq!(back, pointers);
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes: Vec<u8>) {
            let (mut lines, mut pointers) = (Vec::new(), Vec::new());
            let _ = Line::decode(&bytes, &mut lines);
            let _ = IdAt::decode(&bytes, &mut pointers);
            // A group that promises more lines than there are bytes ends where the bytes end.
            prop_assert!(lines.len() <= bytes.len() && pointers.len() <= bytes.len());
        }
    }
}
