//! A model bound to the registry: it reads its features from their slots and says why it thinks so.

use std::sync::Arc;

use crate::decision::Reason;
use crate::feature::Registry;
use crate::model::{MOST_FEATURES, Model, ModelError, Paths, Row, Shares, Walk, narrow, ordered};
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
    walk: Arc<Walk>,
    paths: Arc<Paths>,
    /// For each of those features its slot, name and sentence.
    features: Arc<[Bound]>,
    /// The last row it scored, and how much each feature moved it along the paths.
    row: Box<Row>,
    shares: Box<Shares>,
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
        let too_wide = || ModelError::TooWide(features.len());
        let walk = Walk::new(&forest).ok_or_else(too_wide)?;
        Ok(Self {
            model,
            walk: Arc::new(walk),
            paths: Arc::new(Paths::new(&forest)),
            features,
            row: Box::new([0; MOST_FEATURES]),
            shares: Box::new([0; MOST_FEATURES]),
            margin: 0.0,
        })
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The features it asks about: slot and name.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (usize, &Arc<str>)> {
        self.features
            .iter()
            .map(|feature| (feature.slot, &feature.code))
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
            *value = ordered(narrow(vector[feature.slot]));
        }
        self.shares.fill(0);
        self.margin = self.walk.explain(&self.row, &mut self.shares);
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
        let (top, raised) = if exactly {
            let narrowed = |feature: &Bound| narrow(vector[feature.slot]);
            let row: Vec<f32> = self.features.iter().map(narrowed).collect();
            let mut shares = vec![0.0; row.len()];
            self.paths.shapley(&row, &mut shares);
            let raised = shares.iter().map(|share: &f64| share.max(0.0)).sum();
            (largest(&shares, WORTH_NAMING), raised)
        } else {
            // In whole parts, which is as exact and faster; only what is named becomes a number.
            let own = &self.shares[..self.features.len()];
            let raised: i32 = own.iter().map(|parts| (*parts).max(0)).sum();
            let top = largest(own, self.walk.parts(WORTH_NAMING));
            let share = |(parts, place)| (self.walk.share(parts), place);
            (top.map(share), self.walk.share(raised))
        };
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

/// The largest shares above some least, and their places; the largest first, and no place where there is none.
fn largest<T: PartialOrd + Copy>(shares: &[T], least: T) -> [(T, usize); NAMED] {
    let mut top = [(least, usize::MAX); NAMED];
    for (place, share) in shares.iter().enumerate() {
        if *share > top[NAMED - 1].0 {
            let rank = top.partition_point(|held| held.0 >= *share);
            top[rank..].rotate_right(1);
            top[rank] = (*share, place);
        }
    }
    top
}

#[expect(clippy::cast_possible_truncation, reason = "a part of a million")]
fn weight(ppm: f64) -> i32 {
    ppm.round() as i32
}
