//! The book's protocol: train seven days, wait seven, test seven; cards already known to be
//! defrauded are left out of the test.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use fraud::metrics::{CardDay, auc, average_precision, card_precision, recall_at};
use fraud::{Dataset, TrainError, Trainer};

use crate::data::{DELAY, Rows, Transaction};

/// 2018-07-25, counted from 2018-04-01.
const FIRST_TRAINING_DAY: u32 = 115;
const TRAIN: u32 = 7;
const TEST: u32 = 7;
const FOLDS: u32 = 4;
/// The day after the last test.
pub(crate) const LAST_DAY: u32 = FIRST_TRAINING_DAY + FOLDS * TEST + TRAIN + DELAY;

/// One training week and the week it is tested on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    start: u32,
}

impl Fold {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..FOLDS).map(|week| Self {
            start: FIRST_TRAINING_DAY + week * TEST,
        })
    }

    /// Trains on some days up to the end of the training week and judges the test.
    pub(crate) fn run(
        self,
        transactions: &[Transaction],
        rows: &Rows,
        days: u32,
        trainer: &impl Trainer,
    ) -> Result<Quality, TrainError> {
        let mut data = Dataset::new(rows.width());
        for place in span(transactions, self.trained() - days..self.trained()) {
            data.push_narrow(rows.row(place), transactions[place].fraud);
        }
        let forest = trainer.train(&data)?;
        let places = self.test_places(transactions);
        let scores: Vec<f64> = places
            .iter()
            .map(|place| forest.margin(rows.row(*place)))
            .collect();
        Ok(Quality::of(transactions, &places, &scores))
    }

    /// The last day of training, exclusive.
    const fn trained(self) -> u32 {
        self.start + TRAIN
    }

    const fn test(self) -> Range<u32> {
        let first = self.start + TRAIN + DELAY;
        first..first + TEST
    }

    /// Places of the transactions of the test.
    fn test_places(self, transactions: &[Transaction]) -> Vec<usize> {
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

/// The three numbers the book reports, and recall at 0.1% of genuine transactions touched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quality {
    pub(crate) auc: f64,
    pub(crate) ap: f64,
    pub(crate) cp100: f64,
    pub(crate) recall: f64,
}

impl Quality {
    fn of(transactions: &[Transaction], places: &[usize], scores: &[f64]) -> Self {
        let ranked: Vec<(f64, bool)> = places
            .iter()
            .zip(scores)
            .map(|(place, score)| (*score, transactions[*place].fraud))
            .collect();
        let cards = places
            .iter()
            .zip(scores)
            .map(|(place, score)| card(&transactions[*place], *score));
        Self {
            auc: auc(&ranked).unwrap_or(0.0),
            ap: average_precision(&ranked).unwrap_or(0.0),
            cp100: card_precision(&cards.collect::<Vec<_>>(), 100),
            recall: recall_at(&ranked, 0.001).unwrap_or(0.0),
        }
    }

    pub(crate) fn mean(all: &[Self]) -> Self {
        let many = f64::from(FOLDS);
        let mean = |part: fn(&Self) -> f64| all.iter().map(part).sum::<f64>() / many;
        Self {
            auc: mean(|it| it.auc),
            ap: mean(|it| it.ap),
            cp100: mean(|it| it.cp100),
            recall: mean(|it| it.recall),
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            auc,
            ap,
            cp100,
            recall,
        } = self;
        write!(
            out,
            "AUC {auc:.4}, AP {ap:.4}, CP@100 {cp100:.4}, recall at 0.1% {recall:.4}"
        )
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
