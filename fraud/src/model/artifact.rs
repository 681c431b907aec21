//! A trained model as a file: JSON that names its features.
//!
//! The file says which features it reads, by name, so a model outlives changes to the registry, and a
//! model that reads a feature this build does not have is refused when it is loaded, not when money
//! waits. It also carries a picture of its training scores, against which drift is measured.

use serde::{Deserialize, Serialize};

use super::boost::{TrainError, Trainer};
use super::calibration::Calibration;
use super::dataset::Dataset;
use super::forest::{Forest, LEAVES, SPLITS, Split, Tree};
use crate::metrics::Picture;

/// The version of the file's layout.
const FORMAT: u32 = 1;
/// The newest share of rows that calibration is fitted to.
const HELD_OUT: f64 = 0.15;
/// With fewer frauds held out than this the margin is taken at its word.
const FRAUDS_TO_CALIBRATE: usize = 20;
/// Margins kept as a picture of the rows of training.
const REFERENCE: usize = 2_000;
/// Rows that a picture of a feature is made of.
const PICTURED: usize = 5_000;

/// A trained model with all that is needed to use and judge it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Set by whoever publishes it; 0 means the built-in scorecard, so it starts at 1.
    pub version: u32,
    /// The features it reads, in the order of its rows.
    pub features: Vec<String>,
    /// The trees.
    pub forest: Forest,
    /// From margin to probability.
    pub calibration: Calibration,
    /// Rows and frauds it was trained on.
    pub trained_on: (usize, usize),
    /// Margins of a sample of rows, for drift: the newest of training by a forest that had not seen them, where they have
    /// frauds enough to hold them out, else of all rows of training.
    pub reference: Vec<f32>,
    /// What each feature was like in the newer half of training, for drift; empty in files that do not say.
    pub pictures: Vec<Picture>,
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It is not JSON of the expected shape.
    #[error("the model file cannot be read: {0}; export it again with the version that trained it")]
    Shape(#[from] serde_json::Error),
    /// It was written by a newer build.
    #[error("the model file has format {found}, this build reads {FORMAT}; use a newer build")]
    Format {
        /// What the file says.
        found: u32,
    },
    /// A tree points outside.
    #[error("the model file is damaged: {0}; export it again")]
    Damaged(&'static str),
    /// It reads something this build does not compute.
    #[error("the model reads the feature `{0}`, which this build does not have; train it again")]
    UnknownFeature(String),
    /// It reads more than can be read while money waits.
    #[error("the model reads {0} features, at most 256 can be read in time; train it on fewer")]
    TooWide(usize),
}

impl Model {
    /// Trains on all rows, which are in order of time. How many trees are useful, and what a margin
    /// means, is first found out with a forest that has not seen the newest rows.
    pub fn train(
        trainer: &impl Trainer,
        data: &Dataset,
        features: Vec<String>,
        version: u32,
    ) -> Result<Self, TrainError> {
        Self::train_watched(trainer, data, features, version, &mut |_, _| {})
    }

    /// Trains the same, and tells `watch` how many of how many trees there are so far.
    pub fn train_watched(
        trainer: &impl Trainer,
        data: &Dataset,
        features: Vec<String>,
        version: u32,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, TrainError> {
        let held_out = hold_out(trainer, data, &mut |trees, of| watch(trees, 2 * of));
        let most = held_out.as_ref().map_or(usize::MAX, |found| found.trees);
        let forest = trainer
            .up_to(most)
            .train_watched(data, &mut |trees, of| watch(of + trees, 2 * of))?;
        let (calibration, margins) = match held_out {
            Some(found) => (found.calibration, found.margins),
            None => (Calibration::plain(), margins(&forest, data)),
        };
        let stride = margins.len().div_ceil(REFERENCE).max(1);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a picture of scores needs no more"
        )]
        let reference = margins.iter().step_by(stride).map(|margin| *margin as f32);
        Ok(Self {
            version,
            features,
            forest,
            calibration,
            trained_on: (data.len(), data.frauds()),
            reference: reference.collect(),
            pictures: pictures(data),
        })
    }

    /// The probability of fraud of a row in the model's order.
    pub fn chance(&self, row: &[f32]) -> f64 {
        self.calibration.chance(self.forest.margin(row))
    }

    /// The model as a file.
    pub fn to_json(&self) -> String {
        let file = File {
            format: FORMAT,
            version: self.version,
            features: self.features.clone(),
            base: self.forest.base,
            trees: self.forest.trees.iter().map(FileTree::new).collect(),
            calibration: self.calibration.clone(),
            trained_on: self.trained_on,
            reference: self.reference.clone(),
            pictures: self.pictures.clone(),
        };
        serde_json::to_string(&file).unwrap_or_default()
    }

    /// Reads a file and checks all that walking the trees relies on.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let Format { format } = serde_json::from_str(text)?;
        if format != FORMAT {
            return Err(ModelError::Format { found: format });
        }
        let file: File = serde_json::from_str(text)?;
        let trees: Option<Vec<Tree>> = file
            .trees
            .into_iter()
            .map(|tree| tree.read(file.features.len()))
            .collect();
        let trees = trees.ok_or(ModelError::Damaged("a tree is not of the stated shape"))?;
        if !file.calibration.is_sound() {
            return Err(ModelError::Damaged("the calibration does not rise"));
        }
        let pictured = file.pictures.is_empty() || file.pictures.len() == file.features.len();
        if !pictured || !file.pictures.iter().all(Picture::is_sound) {
            return Err(ModelError::Damaged("a picture of a feature is not one"));
        }
        Ok(Self {
            version: file.version,
            features: file.features,
            forest: Forest {
                base: file.base,
                trees,
            },
            calibration: file.calibration,
            trained_on: file.trained_on,
            reference: file.reference,
            pictures: file.pictures,
        })
    }
}

/// What a forest that has not seen the newest rows says of them.
struct HeldOut {
    /// How many trees have the least loss on them.
    trees: usize,
    /// What its margins mean.
    calibration: Calibration,
    /// The margins, as they will be of rows that nobody has seen yet.
    margins: Vec<f64>,
}

fn hold_out(
    trainer: &impl Trainer,
    data: &Dataset,
    watch: &mut dyn FnMut(usize, usize),
) -> Option<HeldOut> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let held_out = (data.len() as f64 * HELD_OUT) as usize;
    let (older, newer) = data.split_at(data.len() - held_out);
    if newer.frauds() < FRAUDS_TO_CALIBRATE {
        return None;
    }
    let forest = trainer.train_watched(&older, watch).ok()?;
    let trees = forest.most_useful(&newer);
    let margins = margins(&forest.first(trees), &newer);
    Some(HeldOut {
        trees,
        calibration: Calibration::fit(&margins, newer.labels()),
        margins,
    })
}

/// What each feature was like in the newer half, in which profiles know whom they are about.
pub(crate) fn pictures(data: &Dataset) -> Vec<Picture> {
    let newer = data.len() / 2..data.len();
    let stride = newer.len().div_ceil(PICTURED).max(1);
    let picture = |feature: usize| {
        let values = newer.clone().step_by(stride);
        let values: Vec<f64> = values
            .map(|row| f64::from(data.row(row)[feature]))
            .collect();
        Picture::of(&values)
    };
    (0..data.width()).map(picture).collect()
}

fn margins(forest: &Forest, data: &Dataset) -> Vec<f64> {
    (0..data.len())
        .map(|row| forest.margin(data.row(row)))
        .collect()
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    version: u32,
    features: Vec<String>,
    base: f32,
    trees: Vec<FileTree>,
    calibration: Calibration,
    trained_on: (usize, usize),
    reference: Vec<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pictures: Vec<Picture>,
}

/// A tree with its splits level by level; the threshold of a split that was not made is null.
#[derive(Serialize, Deserialize)]
struct FileTree {
    splits: Vec<(u32, Option<f32>)>,
    leaves: Vec<f32>,
    covers: Vec<u32>,
}

impl FileTree {
    fn new(tree: &Tree) -> Self {
        let split = |split: &Split| {
            (
                split.feature,
                split.threshold.is_finite().then_some(split.threshold),
            )
        };
        Self {
            splits: tree.splits.iter().map(split).collect(),
            leaves: tree.leaves.to_vec(),
            covers: tree.covers.to_vec(),
        }
    }

    fn read(self, features: usize) -> Option<Tree> {
        let split = |(feature, threshold): (u32, Option<f32>)| {
            let known = (feature as usize) < features;
            known.then_some(Split {
                feature,
                threshold: threshold.unwrap_or(f32::INFINITY),
            })
        };
        let splits: Vec<Split> = self.splits.into_iter().map(split).collect::<Option<_>>()?;
        let splits: [Split; SPLITS] = splits.try_into().ok()?;
        let leaves: [f32; LEAVES] = self.leaves.try_into().ok()?;
        let finite = leaves.iter().all(|leaf| leaf.is_finite());
        Some(Tree {
            splits,
            leaves,
            covers: self.covers.try_into().ok()?,
        })
        .filter(|_| finite)
    }
}
