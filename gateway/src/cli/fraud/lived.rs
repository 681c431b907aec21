//! Training on what a gateway itself lived through, with the features that its scorer saw.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use fraud::evaluate;
use fraud::{Boosting, Dataset, Limits, Model, Registry, narrow};
use gateway::app::Past;
use gateway::pay::{Decision, DecisionId, Label};
use gateway::store::decision;
use ledger::Timestamp;
use ledger::shell::Views;
use ledger::shell::sql::Database;

use super::super::report::VIEWS;
use super::file::Progress;

/// Numbers in a training set: it takes six bytes for each. Of more attempts than fit, genuine ones are thinned out evenly.
const NUMBERS_MAX: u64 = 150_000_000;
/// Who takes no part in a gateway's attempts yet.
const ABSENT: [&str; 1] = ["link."];

pub(super) async fn train(
    database: &Database,
    version: u32,
    progress: &mut Progress,
) -> Result<Model> {
    if let Database::Sqlite(directory) = database {
        ensure!(
            directory.join(VIEWS).is_file(),
            "no gateway has run there; name the data directory of one that has, or a file of attempts"
        );
    }
    let views = Views::open(database);
    let unreadable = || format!("the views in {database} cannot be read");
    let mut reading = views.read().await.with_context(unreadable)?;
    let all = (Timestamp::ZERO, Timestamp(i64::MAX.cast_unsigned()));
    let of = decision::count(&mut reading).await?;
    let labels = decision::labels(&mut reading, all).await?;
    drop(reading);
    let labels: BTreeMap<DecisionId, Label> = labels.into_iter().collect();
    let frauds = labels.values().filter(|label| **label == Label::Fraud);
    let frauds = frauds.count() as u64;

    let registry = Registry::new();
    let features = registry.features().iter().enumerate();
    let (slots, names): (Vec<usize>, Vec<String>) = features
        .filter(|(_, feature)| !ABSENT.iter().any(|role| feature.name.starts_with(role)))
        .map(|(slot, feature)| (slot, feature.name.clone()))
        .unzip();
    let room = (NUMBERS_MAX / slots.len() as u64).saturating_sub(frauds);
    let mut thin = Thin::new(of.saturating_sub(frauds), room);
    let mut data = Dataset::new(slots.len());
    let mut past = Past::new(Limits::default());
    let mut rows = 0_usize;
    let mut more = true;
    while more {
        let mut reading = views.read().await.with_context(unreadable)?;
        let see = |decision: &Decision, vector: &[f64]| {
            rows += 1;
            let fraud = labels.get(&decision.id) == Some(&Label::Fraud);
            if fraud || thin.keeps_next() {
                let values: Vec<f32> = slots.iter().map(|slot| narrow(vector[*slot])).collect();
                data.push_narrow(&values, fraud);
            }
        };
        more = past.live_on(&mut reading, see).await?;
        let of = usize::try_from(of).unwrap_or(usize::MAX);
        progress.tell(evaluate::Progress::Walked { rows, of });
    }
    let mut watch = |trees, of| progress.tell(evaluate::Progress::Trained { trees, of });
    let mut model = Model::train_watched(&Boosting::default(), &data, names, version, &mut watch)?;
    model.calibration = model.calibration.with_odds(thin.share());
    Ok(model)
}

/// Keeps so many of so many, evenly.
struct Thin {
    all: u64,
    room: u64,
    seen: u64,
}

impl Thin {
    fn new(all: u64, room: u64) -> Self {
        let all = all.max(1);
        Self {
            all,
            room: room.min(all),
            seen: 0,
        }
    }

    fn keeps_next(&mut self) -> bool {
        let kept = |seen: u64| u128::from(seen) * u128::from(self.room) / u128::from(self.all);
        let before = kept(self.seen);
        let keeps = kept(self.seen + 1) > before;
        self.seen += 1;
        keeps
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of rows, not of money")]
    fn share(&self) -> f64 {
        self.room as f64 / self.all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genuine_attempts_are_thinned_out_evenly() {
        for (all, room, kept) in [(10, 20, 10), (10, 10, 10), (10, 4, 4), (7, 0, 0), (0, 5, 0)] {
            let mut thin = Thin::new(all, room);
            let count = (0..all).filter(|_| thin.keeps_next()).count();
            assert_eq!(count, kept, "{room} of {all}");
        }
        let mut thin = Thin::new(4, 2);
        let kept: Vec<bool> = (0..4).map(|_| thin.keeps_next()).collect();
        assert_eq!(kept, [false, true, false, true]);
        assert!((thin.share() - 0.5).abs() < f64::EPSILON);
    }
}
