//! A model bound to the registry: it reads its features from their slots and says why it thinks so.

use std::sync::Arc;

use crate::decision::Reason;
use crate::feature::Registry;
use crate::model::{Forest, Model, ModelError, Paths, narrow};
use crate::scorecard::milli;

/// How many features a decision names.
pub(crate) const NAMED: usize = 4;
/// A feature that moved the margin by less is not worth naming.
const WORTH_NAMING: f64 = 0.05;

/// A model ready to score vectors of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Expert {
    model: Arc<Model>,
    /// The model's trees over only the features they ask about.
    forest: Arc<Forest>,
    paths: Arc<Paths>,
    /// For each of those features its slot, name and sentence.
    features: Arc<[Bound]>,
    /// The last row it scored, and how much each feature moved it along the paths.
    row: Vec<f32>,
    shares: Vec<f32>,
    margin: f64,
}

#[derive(Debug)]
struct Bound {
    slot: usize,
    code: Arc<str>,
    sentence: Arc<str>,
}

impl Expert {
    pub(crate) fn new(model: Arc<Model>, registry: &Registry) -> Result<Self, ModelError> {
        let bind = |name: &String| {
            let slot = registry
                .slot(name)
                .ok_or_else(|| ModelError::UnknownFeature(name.clone()))?;
            let sentence = registry.features()[slot].sentence.as_str().into();
            Ok(Bound {
                slot,
                code: name.as_str().into(),
                sentence,
            })
        };
        let (forest, used) = model.forest.compact();
        let names = used
            .into_iter()
            .filter_map(|feature| model.features.get(feature));
        let features: Arc<[Bound]> = names.map(bind).collect::<Result<_, ModelError>>()?;
        let width = features.len();
        let paths = Arc::new(Paths::new(&forest));
        let (row, shares) = (vec![0.0; width], vec![0.0; width]);
        Ok(Self {
            model,
            forest: Arc::new(forest),
            paths,
            features,
            row,
            shares,
            margin: 0.0,
        })
    }

    pub(crate) fn version(&self) -> u32 {
        self.model.version
    }

    /// The margin of the last row.
    pub(crate) const fn margin(&self) -> f64 {
        self.margin
    }

    /// The probability of fraud in parts per million.
    pub(crate) fn score(&mut self, vector: &[f64]) -> u32 {
        for (value, feature) in self.row.iter_mut().zip(self.features.iter()) {
            *value = narrow(vector[feature.slot]);
        }
        self.shares.fill(0.0);
        self.margin = self
            .paths
            .explain(&self.forest, &self.row, &mut self.shares);
        self.model.calibration.ppm(self.margin)
    }

    /// Names the features that raised the last score most.
    pub(crate) fn explain(
        &self,
        vector: &[f64],
        score_ppm: u32,
        exactly: bool,
        reasons: &mut Vec<Reason>,
    ) {
        if exactly {
            let mut shares = vec![0.0; self.shares.len()];
            self.paths.shapley(&self.row, &mut shares);
            self.name(vector, score_ppm, shares.into_iter(), reasons);
        } else {
            self.name(
                vector,
                score_ppm,
                self.shares.iter().map(|share| f64::from(*share)),
                reasons,
            );
        }
    }

    /// Turns the largest shares into reasons.
    fn name(
        &self,
        vector: &[f64],
        score_ppm: u32,
        shares: impl Iterator<Item = f64>,
        reasons: &mut Vec<Reason>,
    ) {
        let (mut top, mut raised) = ([(WORTH_NAMING, usize::MAX); NAMED], 0.0);
        for (place, share) in shares.enumerate() {
            raised += share.max(0.0);
            if share > top[NAMED - 1].0 {
                let rank = top.partition_point(|held| held.0 >= share);
                top[rank..].rotate_right(1);
                top[rank] = (share, place);
            }
        }
        for (share, place) in top {
            let Some(feature) = self.features.get(place) else {
                continue;
            };
            reasons.push(Reason {
                code: Arc::clone(&feature.code),
                sentence: Arc::clone(&feature.sentence),
                value_milli: milli(vector[feature.slot]),
                weight_ppm: weight(f64::from(score_ppm) * share / raised),
            });
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a part of a million")]
fn weight(ppm: f64) -> i32 {
    ppm.round() as i32
}
