//! What `gateway fraud` prints for people.

use std::fmt::{self, Write as _};
use std::path::Path;

use fraud::Model;
use fraud::evaluate::{Evaluation, FRAUDS_MIN, Weighed};
use serde::Serialize;

/// A model that was written.
#[derive(Debug, Serialize)]
pub(super) struct Trained {
    model: String,
    version: u32,
    rows: usize,
    frauds: usize,
    features: usize,
    trees: usize,
    seconds: f64,
    /// What to know before using it, in whole clauses.
    warnings: Vec<String>,
}

impl Trained {
    pub(super) fn of(model: &Model, path: &Path, seconds: f64) -> Self {
        let (rows, frauds) = model.trained_on;
        let warning = || {
            format!(
                "{frauds} frauds were learned from: with fewer than {FRAUDS_MIN} a model depends on chance; use a \
                 longer period"
            )
        };
        Self {
            model: path.display().to_string(),
            version: model.version,
            rows,
            frauds,
            features: model.features.len(),
            trees: model.forest.trees(),
            seconds,
            warnings: (frauds < FRAUDS_MIN).then(warning).into_iter().collect(),
        }
    }
}

impl fmt::Display for Trained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{}: version {}, {} trees over {} features, trained on {} rows with {} frauds in {:.1} s",
            self.model,
            self.version,
            self.trees,
            self.features,
            self.rows,
            self.frauds,
            self.seconds
        )?;
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(out, "warning: {warning}"))
    }
}

pub(super) fn evaluation(it: &Evaluation) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:34} {value}");
    };
    line(
        "rows",
        format!("{} ({} without time or label)", it.rows, it.skipped),
    );
    line(
        "trained on",
        format!("{} rows, {} frauds", it.train_rows, it.train_frauds),
    );
    line(
        "tested on",
        format!("{} later rows, {} frauds", it.test_rows, it.test_frauds),
    );
    line(
        "model",
        format!("{} trees over {} features", it.trees, it.features),
    );
    line("AUC", format!("{:.4}", it.auc));
    line("average precision", format!("{:.4}", it.ap));
    line(
        "recall at 0.1% of genuine rows",
        format!("{:.4}", it.recall_at_0_1_percent),
    );
    line(
        "recall at 0.5% of genuine rows",
        format!("{:.4}", it.recall_at_0_5_percent),
    );
    line(
        "calibration error",
        format!(
            "{:.5} (predicted {:.5} in the mean, found {:.5})",
            it.calibration_error, it.mean_score, it.fraud_rate
        ),
    );
    line("Brier score", format!("{:.5}", it.brier));
    line("stability index of scores (PSI)", format!("{:.4}", it.psi));
    line("weightiest features", named(&it.top_features));
    line("most drifted features (PSI)", named(&it.drifted));
    if !it.left_out.is_empty() {
        let columns = it.left_out.join(", ");
        line(
            "left out",
            format!("{columns}: they tell what was decided and what became of it"),
        );
    }
    for warning in &it.warnings {
        line("warning", warning.clone());
    }
    text
}

fn named(features: &[Weighed]) -> String {
    let one = |it: &Weighed| format!("{} {:.3}", it.feature, it.value);
    features.iter().map(one).collect::<Vec<_>>().join(", ")
}
