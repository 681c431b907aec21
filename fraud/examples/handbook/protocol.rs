//! The book's protocol: train seven days, wait seven, test seven; cards already known to be
//! defrauded are left out of the test.

use std::collections::HashSet;
use std::ops::Range;

use fraud::metrics::{CardDay, auc, average_precision, card_precision};

use crate::data::{DELAY, Transaction};

/// 2018-07-25, counted from 2018-04-01.
pub(crate) const FIRST_TRAINING_DAY: u32 = 115;
pub(crate) const TRAIN: u32 = 7;
pub(crate) const TEST: u32 = 7;
pub(crate) const FOLDS: u32 = 4;

/// One training week and the week it is tested on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    pub(crate) start: u32,
}

impl Fold {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..FOLDS).map(|week| Self {
            start: FIRST_TRAINING_DAY + week * TEST,
        })
    }

    /// The last day of training, exclusive.
    pub(crate) const fn trained(self) -> u32 {
        self.start + TRAIN
    }

    pub(crate) const fn test(self) -> Range<u32> {
        let first = self.start + TRAIN + DELAY;
        first..first + TEST
    }

    /// Places of the transactions of the test.
    pub(crate) fn test_places(self, transactions: &[Transaction]) -> Vec<usize> {
        let mut known = defrauded(transactions, self.start..self.trained());
        let mut places = Vec::new();
        for day in self.test() {
            known.extend(defrauded(transactions, day - DELAY - 1..day - DELAY));
            let open = |place: &usize| !known.contains(&transactions[*place].customer);
            places.extend(span(transactions, day..day + 1).filter(open));
        }
        places
    }
}

/// Places of the transactions of some days.
pub(crate) fn span(transactions: &[Transaction], days: Range<u32>) -> Range<usize> {
    let before = |end: u32| transactions.partition_point(|transaction| transaction.day() < end);
    before(days.start)..before(days.end)
}

fn defrauded(transactions: &[Transaction], days: Range<u32>) -> HashSet<u32> {
    let frauds = transactions[span(transactions, days)]
        .iter()
        .filter(|transaction| transaction.fraud);
    frauds.map(|transaction| transaction.customer).collect()
}

/// The three numbers the book reports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quality {
    pub(crate) auc: f64,
    pub(crate) ap: f64,
    pub(crate) cp100: f64,
}

impl Quality {
    pub(crate) fn of(transactions: &[Transaction], places: &[usize], scores: &[f64]) -> Self {
        let scored: Vec<(f64, bool)> = places
            .iter()
            .zip(scores)
            .map(|(place, score)| (*score, transactions[*place].fraud))
            .collect();
        let cards = places
            .iter()
            .zip(scores)
            .map(|(place, score)| card(&transactions[*place], *score));
        Self {
            auc: auc(&scored).unwrap_or(0.0),
            ap: average_precision(&scored).unwrap_or(0.0),
            cp100: card_precision(&cards.collect::<Vec<_>>(), 100),
        }
    }

    pub(crate) fn mean(all: &[Self]) -> Self {
        let many = all.len().max(1) as f64;
        let mean = |part: fn(&Self) -> f64| all.iter().map(part).sum::<f64>() / many;
        Self {
            auc: mean(|it| it.auc),
            ap: mean(|it| it.ap),
            cp100: mean(|it| it.cp100),
        }
    }
}

fn card(transaction: &Transaction, score: f64) -> CardDay {
    CardDay {
        day: transaction.day(),
        card: transaction.customer.into(),
        score,
        fraud: transaction.fraud,
    }
}
