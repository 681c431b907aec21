//! The transfers of a load: the same for the same numbers, in any order of asking.

use fx::Currency;

use crate::core::{
    AccountId, AccountKind, Book, Command, Ledger, Limits, NewAccount, NewPosting, NewTransaction,
    TransactionId,
};
use crate::engine::Submission;
use crate::load::Load;
use crate::once::{Fingerprint, OnceKey, Remember, Unique};

pub(super) const BOOK: Book = Book(1);
/// Accounts are opened in commands of this many.
pub(super) const ACCOUNTS_PER_COMMAND: u64 = 4_096;
/// The scope of the transfers' keys.
const SCOPE: u64 = 1;

/// A mixing of bits that spreads neighbouring numbers far apart (`SplitMix64`'s last step).
const fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Account ids as callers have them: all over 128 bits.
pub(super) const fn account_id(number: u64) -> AccountId {
    AccountId(((spread(number) as u128) << 64) | spread(!number) as u128)
}

pub(super) fn account(number: u64) -> NewAccount {
    NewAccount {
        book: BOOK,
        id: account_id(number),
        currency: Currency::CNY,
        kind: AccountKind::Liability,
        limits: Limits {
            minimum: Some(i64::MIN),
            maximum: Some(i64::MAX),
        },
    }
}

/// One transfer of a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    pub(super) id: u128,
    pub(super) debit: u64,
    pub(super) credit: u64,
    pub(super) amount: i64,
}

impl Transfer {
    /// Transfer `number` of a load, asked for at a time in milliseconds.
    pub(super) fn of(load: &Load, number: u64, millis: u64) -> Self {
        let dice = spread(number);
        let debit = if load.hot { 0 } else { dice % load.accounts };
        let other = (dice >> 32) % (load.accounts - 1);
        Self {
            id: id(load.random_ids, number, millis),
            debit,
            credit: (debit + 1 + other) % load.accounts,
            amount: 1 + i64::try_from((dice >> 16) % 10_000).unwrap_or(0),
        }
    }

    pub(super) fn submission(self) -> Submission<Ledger> {
        let posting = NewPosting {
            debit: account_id(self.debit),
            credit: account_id(self.credit),
            amount: self.amount,
        };
        let mut content = [0; 40];
        content[..16].copy_from_slice(&posting.debit.0.to_le_bytes());
        content[16..32].copy_from_slice(&posting.credit.0.to_le_bytes());
        content[32..].copy_from_slice(&posting.amount.to_le_bytes());
        let command = Command::Post {
            book: BOOK,
            transactions: [NewTransaction {
                id: TransactionId(self.id),
                kind: 1,
                reference: None,
                postings: [posting].into(),
            }]
            .into(),
        };
        Submission::new(command).once(Unique {
            key: OnceKey {
                scope: SCOPE,
                key: self.id,
            },
            fingerprint: Fingerprint::of(&content),
            remember: Remember::Always,
        })
    }
}

/// A UUID of version 7 or 4: 122 bits of which the first 48 are a time, or none are.
fn id(random: bool, number: u64, millis: u64) -> u128 {
    const VARIANT: u128 = 0b10 << 62;
    let (high, low) = (spread(number ^ 0x5555), spread(!number));
    let (first, version) = if random { (high >> 16, 4) } else { (millis, 7) };
    (u128::from(first) << 80)
        | (version << 76)
        | (u128::from(high & 0xfff) << 64)
        | VARIANT
        | u128::from(low >> 2)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn ids_differ_and_say_whether_they_have_a_time() {
        for random_ids in [false, true] {
            let load = Load {
                random_ids,
                ..Load::default()
            };
            let millis = 1_800_000_000_000;
            let ids: HashSet<u128> = (0..10_000)
                .map(|number| Transfer::of(&load, number, millis).id)
                .collect();
            assert_eq!(ids.len(), 10_000);
            for key in ids {
                let time = OnceKey { scope: 1, key }.uuid_v7_time();
                assert_eq!(
                    time.map(Timestamp::as_millis),
                    (!random_ids).then_some(millis)
                );
            }
        }
    }

    #[test]
    fn the_two_sides_always_differ() {
        for hot in [false, true] {
            let load = Load {
                hot,
                accounts: 2,
                ..Load::default()
            };
            for number in 0..100 {
                let Transfer { debit, credit, .. } = Transfer::of(&load, number, 0);
                assert_ne!(debit, credit);
                assert!(!hot || debit == 0);
            }
        }
    }
}
