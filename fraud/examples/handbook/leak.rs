//! Proof that no label is known before its time.
//!
//! The labels of the last days, none of which can be known yet, are turned round; then the same features must come out, to
//! the bit.

use anyhow::ensure;
use fraud::Registry;

use crate::data::{DELAY, Rows, Transaction, Walk};
use crate::protocol::{LAST_DAY, span};

/// Walks again with other labels and compares with the rows there are.
pub(crate) fn none(
    transactions: &[Transaction],
    registry: &Registry,
    slots: &[usize],
    rows: &Rows,
) -> anyhow::Result<()> {
    let unknown = LAST_DAY - DELAY;
    let turned = |transaction: &Transaction| Transaction {
        fraud: transaction.fraud != (transaction.day() >= unknown),
        ..*transaction
    };
    let other: Vec<Transaction> = transactions.iter().map(turned).collect();
    let mut walk = Walk::new(&other, registry, slots);
    for day in 0..LAST_DAY {
        let mut again = Rows::new(slots.len());
        walk.record(day + 1, &mut again);
        let places = span(transactions, day..day + 1);
        let start = places.start;
        let same = |place: usize| {
            let pairs = rows.row(place).iter().zip(again.row(place - start));
            pairs
                .into_iter()
                .all(|(left, right)| left.to_bits() == right.to_bits())
        };
        ensure!(
            places.into_iter().all(same),
            "a label leaks: features of day {day} depend on labels that are not known yet"
        );
    }
    Ok(())
}
