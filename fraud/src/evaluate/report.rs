//! What an evaluation found, in numbers.

use super::table::Table;
use super::{EvaluateError, Evaluation, Weighed};
use crate::metrics::{self, Drift};
use crate::model::{Dataset, Model, Paths};

/// Rows of the training set looked at for drift.
const SAMPLE: usize = 5_000;
/// Features named in the report.
const NAMED: usize = 8;

pub(super) fn of(
    table: &Table,
    model: &Model,
    data: &Dataset,
    scored: &[metrics::Scored],
    sample: &[Vec<f32>],
) -> Result<Evaluation, EvaluateError> {
    let frauds = scored.iter().filter(|(_, fraud)| *fraud).count();
    let (Some(auc), Some(ap)) = (metrics::auc(scored), metrics::average_precision(scored)) else {
        return Err(EvaluateError::OneSidedTest {
            frauds,
            rows: scored.len(),
        });
    };
    let chance = |(margin, fraud): &metrics::Scored| (model.calibration.chance(*margin), *fraud);
    let chances: Vec<metrics::Scored> = scored.iter().map(chance).collect();
    let margins = model.reference.iter().map(|margin| f64::from(*margin));
    let mut drift = Drift::new(&margins.collect::<Vec<f64>>());
    for (margin, _) in scored {
        drift.add(*margin);
    }
    Ok(Evaluation {
        rows: table.seconds.len(),
        skipped: table.skipped,
        train_rows: data.len(),
        train_frauds: data.frauds(),
        test_rows: scored.len(),
        test_frauds: frauds,
        features: data.width(),
        trees: model.forest.trees(),
        auc,
        ap,
        recall_at_0_1_percent: metrics::recall_at(scored, 0.001).unwrap_or(0.0),
        recall_at_0_5_percent: metrics::recall_at(scored, 0.005).unwrap_or(0.0),
        calibration_error: metrics::calibration_error(&chances),
        brier: metrics::brier(&chances),
        mean_score: chances.iter().map(|(chance, _)| chance).sum::<f64>() / scored.len() as f64,
        fraud_rate: frauds as f64 / scored.len() as f64,
        psi: drift.index(),
        top_features: weights(model, sample),
        drifted: drifted(model, data, sample),
    })
}

/// How far each feature moved the margin, in the mean over a sample; the largest first.
fn weights(model: &Model, sample: &[Vec<f32>]) -> Vec<Weighed> {
    let paths = Paths::new(&model.forest);
    let mut sums = vec![0.0; model.features.len()];
    for row in sample {
        let mut shares = vec![0.0; row.len()];
        paths.explain(&model.forest, row, &mut shares);
        sums.iter_mut()
            .zip(shares)
            .for_each(|(sum, share)| *sum += f64::from(share.abs()));
    }
    largest(
        model,
        sums.into_iter().map(|sum| sum / sample.len().max(1) as f64),
    )
}

fn drifted(model: &Model, data: &Dataset, sample: &[Vec<f32>]) -> Vec<Weighed> {
    let stride = data.len().div_ceil(SAMPLE).max(1);
    let index = |feature: usize| {
        let before: Vec<f64> = (0..data.len())
            .step_by(stride)
            .map(|row| f64::from(data.row(row)[feature]))
            .collect();
        let mut drift = Drift::new(&before);
        for row in sample {
            drift.add(f64::from(row[feature]));
        }
        drift.index()
    };
    largest(model, (0..data.width()).map(index))
}

fn largest(model: &Model, values: impl Iterator<Item = f64>) -> Vec<Weighed> {
    let named = model.features.iter().cloned().zip(values);
    let mut named: Vec<Weighed> = named
        .map(|(feature, value)| Weighed { feature, value })
        .collect();
    named.sort_by(|left, right| right.value.total_cmp(&left.value));
    named.truncate(NAMED);
    named
}
