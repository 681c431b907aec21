//! What it is worth to look at the hundred most suspicious cards of each day.
//!
//! The labels of their transactions are known the next morning, as a challenge would give them; all
//! other labels a week late. The model that picks the cards is trained anew each week on labels known by
//! then, so nothing is picked with knowledge of the future.

use std::collections::BTreeMap;

use fraud::{Boosting, Dataset, Forest, Registry, TrainError, Trainer};

use crate::data::{DAY, DELAY, Rows, Transaction, Walk};
use crate::protocol::{Fold, LAST_DAY, Quality, span};

const CARDS: usize = 100;
/// The first day with enough known labels.
const FIRST_DAY: u32 = 30;
/// Days the model that picks is trained on, and the model that is judged.
const PICKER_WINDOW: u32 = 28;
const JUDGED_WINDOW: u32 = 63;

/// The four folds, trained and tested on features that know the released labels.
pub(crate) fn run(
    transactions: &[Transaction],
    registry: &Registry,
    slots: &[usize],
    trainer: &Boosting,
) -> Result<Vec<Quality>, TrainError> {
    let mut walk = Walk::new(transactions, registry, slots);
    let mut rows = Rows::new(slots.len());
    walk.record(FIRST_DAY, &mut rows);
    let picker = Boosting {
        rounds: trainer.rounds / 2,
        rate: trainer.rate * 2.0,
        ..*trainer
    };
    let mut forest = pick_by(&picker, transactions, &rows, FIRST_DAY)?;
    for day in FIRST_DAY..LAST_DAY {
        if (day - FIRST_DAY).is_multiple_of(7) && day > FIRST_DAY {
            forest = pick_by(&picker, transactions, &rows, day)?;
        }
        walk.record(day + 1, &mut rows);
        let cards = most_suspicious(&forest, transactions, &rows, day);
        let looked_at = span(transactions, day..day + 1);
        walk.release(
            looked_at.filter(|place| cards.contains(&transactions[*place].customer)),
            (day + 1) * DAY,
        );
    }
    Fold::all()
        .map(|fold| fold.run(transactions, &rows, JUDGED_WINDOW, trainer))
        .collect()
}

/// A model of what is known of every transaction on the morning of a day.
fn pick_by(
    picker: &Boosting,
    transactions: &[Transaction],
    rows: &Rows,
    day: u32,
) -> Result<Forest, TrainError> {
    let known = day - DELAY;
    let mut data = Dataset::new(rows.width());
    for place in span(transactions, known.saturating_sub(PICKER_WINDOW)..known) {
        data.push_narrow(rows.row(place), transactions[place].fraud);
    }
    picker.train(&data)
}

fn most_suspicious(
    forest: &Forest,
    transactions: &[Transaction],
    rows: &Rows,
    day: u32,
) -> Vec<u32> {
    let mut cards: BTreeMap<u32, f64> = BTreeMap::new();
    for place in span(transactions, day..day + 1) {
        let score = forest.margin(rows.row(place));
        let highest = cards.entry(transactions[place].customer).or_insert(score);
        *highest = highest.max(score);
    }
    let mut ranked: Vec<(u32, f64)> = cards.into_iter().collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
        .into_iter()
        .take(CARDS)
        .map(|(card, _)| card)
        .collect()
}
