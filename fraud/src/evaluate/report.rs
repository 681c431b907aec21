//! What an evaluation found, in numbers.

use super::history::LEARNED;
use super::table::Table;
use super::{EvaluateError, Evaluation, FRAUDS_MIN, Weighed};
use crate::metrics::{self, Drift};
use crate::model::{Dataset, Model, Paths};

/// Rows of the training set looked at for drift.
const SAMPLE: usize = 5_000;
/// Features named in the report.
const NAMED: usize = 8;
/// Who finds more than this has mostly been told the answer.
const AUC_MAX: f64 = 0.995;
const DAY: u32 = 86_400;
/// Features that grow for as long as there is a history.
const GROWING: [&str; 7] = [
    "age",
    "settled",
    "count",
    "cycle",
    "genuine_since_fraud",
    "first_fraud_days",
    "last_fraud_days",
];

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
    let mut found = Evaluation {
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
        drifted: drifted(table, model, data, sample),
        left_out: table.left_out.clone(),
        warnings: table.remarks.clone(),
    };
    let doubts = doubts(table, &found);
    found.warnings.extend(doubts);
    Ok(found)
}

/// Why not to believe the figures.
fn doubts(table: &Table, found: &Evaluation) -> Vec<String> {
    let mut doubts = Vec::new();
    if table.seconds.first() == table.seconds.last() {
        doubts.push(format!(
            "all {} rows are at the same time, so that none has a past; name the column of times with --time",
            found.rows
        ));
    }
    if found.train_frauds.min(found.test_frauds) < FRAUDS_MIN {
        doubts.push(format!(
            "{} frauds were trained on and {} tested on: with fewer than {FRAUDS_MIN} the figures depend on chance; use a \
             longer file",
            found.train_frauds, found.test_frauds
        ));
    }
    if found.auc > AUC_MAX {
        let weightiest = found.top_features.first();
        let weightiest = weightiest.map_or("", |it| it.feature.as_str());
        doubts.push(format!(
            "an AUC above {AUC_MAX} is rare: something in the file may already know the outcome; if the weightiest feature, \
             `{weightiest}`, is not known before the money moves, leave its column out with --ignore"
        ));
    }
    doubts
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
    let means = sums.into_iter().map(|sum| sum / sample.len().max(1) as f64);
    largest(model.features.iter().cloned().zip(means))
}

/// How far features moved since the newer half of training, in which profiles know whom they are about.
fn drifted(table: &Table, model: &Model, data: &Dataset, sample: &[Vec<f32>]) -> Vec<Weighed> {
    let newer = data.len() / 2..data.len();
    let stride = newer.len().div_ceil(SAMPLE).max(1);
    let history = (table.seconds[newer.start] - table.seconds[0]) / DAY;
    let index = |feature: usize| {
        let before: Vec<f64> = newer
            .clone()
            .step_by(stride)
            .map(|row| f64::from(data.row(row)[feature]))
            .collect();
        let mut drift = Drift::new(&before);
        for row in sample {
            drift.add(f64::from(row[feature]));
        }
        drift.index()
    };
    let features = model.features.iter().enumerate();
    let steady = features.filter(|(_, name)| !grows(name, history));
    largest(steady.map(|(feature, name)| (name.clone(), index(feature))))
}

/// Whether a feature still grows after so many days of history: it counts from the beginning, or over more days than that,
/// or is what words have taught.
fn grows(name: &str, history: u32) -> bool {
    if LEARNED.iter().any(|what| name.ends_with(*what)) {
        return true;
    }
    let Some((_, own)) = name.rsplit_once('.') else {
        return false;
    };
    let window = own.rsplit_once('_').and_then(|(_, window)| {
        let days = window.strip_suffix('d')?;
        days.parse::<u32>().ok()
    });
    GROWING.contains(&own) || window.is_some_and(|days| days > history)
}

fn largest(named: impl Iterator<Item = (String, f64)>) -> Vec<Weighed> {
    let mut named: Vec<Weighed> = named
        .map(|(feature, value)| Weighed { feature, value })
        .collect();
    named.sort_by(|left, right| right.value.total_cmp(&left.value));
    named.truncate(NAMED);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_with_the_history_is_told_from_what_drifts() {
        for (name, grows_at_34, grows_at_6) in [
            ("payer.age", true, true),
            ("pair.count", true, true),
            ("Card No.settled", true, true),
            ("payee.count_30d", false, true),
            ("payee.fraud_rate_35d", true, true),
            ("payee.count_7d", false, true),
            ("payee.count_1h", false, false),
            ("payee.idle", false, false),
            ("city (share)", true, true),
            ("amount", false, false),
            ("age", false, false),
        ] {
            let found = (grows(name, 34), grows(name, 6));
            assert_eq!(found, (grows_at_34, grows_at_6), "{name}");
        }
    }
}
