//! Models against the trainer, against brute force, and against damage.

use super::attribution::Paths;
use super::boost::{Boosting, TrainError, Trainer};
use super::calibration::{Calibration, logistic};
use super::dataset::{Dataset, drawn};
use super::forest::{Forest, SPLITS, Tree};
use super::{MOST_FEATURES, Model, ModelError, Walk, ordered};
use crate::attempt::mix;
use crate::metrics;

const WIDTH: usize = 7;

/// Rows whose fraud depends on four of seven features; every fifth value is missing.
fn sample(rows: u64, seed: u64) -> Dataset {
    let mut data = Dataset::new(WIDTH);
    for row in 0..rows {
        let number = |column: u64| (mix(mix(seed + row) ^ column) % 10_000) as f64 / 100.0;
        let value = |column: u64| {
            if drawn(seed + row, column, 0.2) {
                f64::NAN
            } else {
                number(column)
            }
        };
        let values: Vec<f64> = (0..WIDTH as u64).map(value).collect();
        let suspicious =
            values[0] > 80.0 || (values[1] > 60.0 && values[2] < 30.0) || values[3].is_nan();
        data.push(
            &values,
            drawn(seed + 1_000_000, row, if suspicious { 0.3 } else { 0.01 }),
        );
    }
    data
}

fn small() -> Boosting {
    Boosting {
        rounds: 30,
        rate: 0.1,
        lambda: 1.0,
        rows: 1.0,
        features: 1.0,
        threads: 2,
        ..Boosting::default()
    }
}

#[test]
fn the_forest_agrees_with_the_trainer() {
    let data = sample(10_000, 1);
    let (forest, margins) = small()
        .run(&data, &mut |_, _| {})
        .expect("both kinds are there");
    for (row, margin) in margins.iter().enumerate() {
        let ours = forest.margin(data.row(row));
        assert!(
            (ours - margin).abs() < 1e-6,
            "row {row}: forest {ours}, trainer {margin}"
        );
    }
}

#[test]
fn it_learns_what_can_be_learned_and_nothing_from_noise() {
    let (train, test) = (sample(20_000, 2), sample(10_000, 3));
    let forest = small().train(&train).expect("both kinds are there");
    let score = |data: &Dataset| -> Vec<(f64, bool)> {
        (0..data.len())
            .map(|row| (forest.margin(data.row(row)), data.labels()[row]))
            .collect()
    };
    let auc = metrics::auc(&score(&test)).expect("both kinds are there");
    assert!(auc > 0.8, "AUC on unseen rows is {auc}");

    let mut shuffled = Dataset::new(WIDTH);
    (0..test.len()).for_each(|row| shuffled.push_narrow(test.row(row), drawn(9, row as u64, 0.1)));
    let auc = metrics::auc(&score(&shuffled)).expect("both kinds are there");
    assert!((auc - 0.5).abs() < 0.05, "AUC on random labels is {auc}");
}

#[test]
fn the_forest_does_not_depend_on_threads_but_on_the_seed() {
    let data = sample(8_000, 4);
    let train = |threads, seed| {
        let trainer = Boosting {
            threads,
            seed,
            rows: 0.7,
            features: 0.6,
            ..small()
        };
        trainer.train(&data).expect("both kinds are there")
    };
    assert_eq!(train(1, 5), train(3, 5));
    assert_ne!(train(1, 5), train(1, 6));
}

#[test]
fn one_kind_of_label_is_refused() {
    let mut data = Dataset::new(1);
    (0..10).for_each(|row| data.push(&[f64::from(row)], false));
    assert_eq!(
        small().train(&data),
        Err(TrainError::OneSided {
            frauds: 0,
            rows: 10
        })
    );
}

/// The expected leaf when only some features are known, by the definition of path-dependent SHAP.
fn expectation(tree: &Tree, node: usize, row: &[f32], known: u32) -> (f64, f64) {
    if node >= SPLITS {
        return (
            f64::from(tree.covers[node - SPLITS]),
            f64::from(tree.leaves[node - SPLITS]),
        );
    }
    let split = tree.splits[node];
    let sides = [
        expectation(tree, 2 * node + 1, row, known),
        expectation(tree, 2 * node + 2, row, known),
    ];
    let cover = sides[0].0 + sides[1].0;
    if known >> split.feature & 1 == 1 {
        return (
            cover,
            sides[usize::from(row[split.feature as usize] >= split.threshold)].1,
        );
    }
    let weighed = |side: (f64, f64)| {
        if side.0 > 0.0 {
            side.0 * side.1 / cover
        } else {
            0.0
        }
    };
    (cover, weighed(sides[0]) + weighed(sides[1]))
}

fn brute_force(forest: &Forest, row: &[f32], feature: u32) -> f64 {
    let factorial = |number: u32| (1..=number).map(f64::from).product::<f64>();
    let value = |known: u32| {
        forest
            .trees
            .iter()
            .map(|tree| expectation(tree, 0, row, known).1)
            .sum::<f64>()
    };
    let width = 7;
    let without = (0..1_u32 << width).filter(|known| known >> feature & 1 == 0);
    let parts = without.map(|known| {
        let size = known.count_ones();
        let weight = factorial(size) * factorial(width - size - 1) / factorial(width);
        weight * (value(known | 1 << feature) - value(known))
    });
    parts.sum()
}

#[test]
fn shapley_values_equal_brute_force_and_add_up() {
    let data = sample(4_000, 6);
    let forest = Boosting {
        rounds: 6,
        depth: 5,
        rate: 0.3,
        ..small()
    }
    .train(&data)
    .expect("both kinds are there");
    let paths = Paths::new(&forest);
    let expected = |row: &[f32]| {
        forest
            .trees
            .iter()
            .map(|tree| expectation(tree, 0, row, 0).1)
            .sum::<f64>()
    };
    for row in (0..40).map(|row| data.row(row)) {
        let mut shares = vec![0.0; WIDTH];
        paths.shapley(row, &mut shares);
        for (feature, share) in (0..).zip(&shares) {
            let truth = brute_force(&forest, row, feature);
            assert!(
                (share - truth).abs() < 1e-9,
                "feature {feature}: {share}, by brute force {truth}"
            );
        }
        let sum = shares.iter().sum::<f64>() + f64::from(forest.base) + expected(row);
        assert!((sum - forest.margin(row)).abs() < 1e-9);
    }
}

#[test]
fn path_attribution_scores_alike_and_adds_up() {
    let data = sample(4_000, 7);
    let forest = small().train(&data).expect("both kinds are there");
    let paths = Paths::new(&forest);
    let mut offsets: Vec<f64> = Vec::new();
    for row in (0..200).map(|row| data.row(row)) {
        let mut shares = vec![0.0; WIDTH];
        let margin = paths.explain(&forest, row, &mut shares);
        assert!((margin - forest.margin(row)).abs() < 1e-9);
        offsets.push(margin - shares.iter().map(|share| f64::from(*share)).sum::<f64>());
    }
    let spread = offsets.iter().fold(0.0_f64, |spread, offset| {
        spread.max((offset - offsets[0]).abs())
    });
    assert!(
        spread < 1e-4,
        "margin less shares is the same for all rows, but differs by {spread}"
    );
}

#[test]
fn the_walk_agrees_with_the_forest_to_the_bit() {
    let data = sample(4_000, 12);
    let forest = small().train(&data).expect("both kinds are there");
    let walk = Walk::new(&forest).expect("there are seven features");
    let paths = Paths::new(&forest);
    let mut edges: Vec<Vec<f32>> = (0..200).map(|row| data.row(row).to_vec()).collect();
    // Also rows that lie exactly on thresholds, and zeros of both signs.
    let splits = forest.trees.iter().flat_map(|tree| tree.splits);
    edges.extend(splits.map(|split| vec![split.threshold; WIDTH]));
    edges.extend([
        vec![0.0; WIDTH],
        vec![-0.0; WIDTH],
        vec![f32::NEG_INFINITY; WIDTH],
    ]);
    for values in edges {
        let mut row = [0; MOST_FEATURES];
        for (slot, value) in row.iter_mut().zip(&values) {
            *slot = ordered(*value);
        }
        let (mut parts, mut shares) = ([0; MOST_FEATURES], vec![0.0; WIDTH]);
        let margin = walk.explain(&row, &mut parts);
        assert_eq!(margin.to_bits(), forest.margin(&values).to_bits());
        paths.explain(&forest, &values, &mut shares);
        for (part, expected) in parts.iter().zip(&shares) {
            assert!((walk.share(*part) - f64::from(*expected)).abs() < 1e-4);
        }
    }
}

fn model() -> (Model, Dataset) {
    let data = sample(6_000, 8);
    let names = (0..WIDTH)
        .map(|feature| format!("feature_{feature}"))
        .collect();
    (
        Model::train(&small(), &data, names, 3).expect("both kinds are there"),
        data,
    )
}

#[test]
fn a_model_survives_its_file_to_the_bit() {
    let (model, _) = model();
    assert_eq!(
        Model::from_json(&model.to_json()).expect("it was just written"),
        model
    );
}

#[test]
fn a_damaged_file_is_refused() {
    let text = model().0.to_json();
    let cases = [
        ("\"format\":1", "\"format\":9", "format 9"),
        ("\"base\":", "\"bias\":", "cannot be read"),
        ("\"splits\":[[", "\"splits\":[[0,1.0],[", "damaged"),
        ("\"splits\":[[", "\"splits\":[[7", "damaged"),
        ("\"chances_ppb\":[", "\"chances_ppb\":[9,", "damaged"),
    ];
    for (from, to, expected) in cases {
        let error = Model::from_json(&text.replacen(from, to, 1)).expect_err(to);
        assert!(error.to_string().contains(expected), "{to}: {error}");
    }
    assert!(matches!(Model::from_json("{}"), Err(ModelError::Shape(_))));
}

#[test]
fn calibrated_chances_match_rates_and_keep_the_order() {
    let (model, _) = model();
    let unseen = sample(20_000, 11);
    let margins: Vec<f64> = (0..unseen.len())
        .map(|row| model.forest.margin(unseen.row(row)))
        .collect();
    let chances: Vec<(f64, bool)> = margins
        .iter()
        .map(|margin| model.calibration.chance(*margin))
        .zip(unseen.labels().iter().copied())
        .collect();
    let error = metrics::calibration_error(&chances);
    let plain: Vec<(f64, bool)> = margins
        .iter()
        .map(|margin| logistic(*margin))
        .zip(unseen.labels().iter().copied())
        .collect();
    let unfitted = metrics::calibration_error(&plain);
    assert!(
        error < 0.03 && error < unfitted,
        "chances are off by {error} in the mean, unfitted by {unfitted}"
    );
    let mut order: Vec<usize> = (0..margins.len()).collect();
    order.sort_by(|left, right| margins[*left].total_cmp(&margins[*right]));
    assert!(order.is_sorted_by(|left, right| chances[*left].0 <= chances[*right].0));
}

#[test]
fn a_skewed_margin_is_set_right() {
    let margins: Vec<f64> = (0..20_000)
        .map(|row| f64::from(row % 80) / 10.0 - 4.0)
        .collect();
    let truth = |margin: f64| logistic(2.0 * margin - 1.0);
    let labels: Vec<bool> = (0..)
        .zip(&margins)
        .map(|(row, margin)| drawn(5, row, truth(*margin)))
        .collect();
    let calibration = Calibration::fit(&margins, &labels);
    for margin in [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0] {
        let (found, expected) = (calibration.chance(margin), truth(margin));
        assert!(
            (found - expected).abs() < 0.02,
            "at {margin} the chance is {expected}, but {found} was fitted"
        );
    }
}
