//! How well the fraud models rank, on public data and in a published protocol.
//!
//! The data are the simulated transactions of the Fraud-Detection-Handbook (Le Borgne, Siblini, Lebichot,
//! Bontempi: "Reproducible Machine Learning for Credit Card Fraud Detection"); `handbook_csv.py` beside
//! this folder makes the CSV. Every feature comes from the registry, in a stream, with labels a week
//! late; every model from our own trainer.
//!
//!     cargo run --release -p fraud --example handbook -- DIR [--json] [--seeds NUMBER]
//!
//! A forest depends on the seed of its samples. `--seeds 5` trains the longest window and the one with feedback with five
//! seeds each, and says on standard error how far apart they end.

mod data;
mod feedback;
mod leak;
mod protocol;

use std::path::PathBuf;

use anyhow::Context;
use fraud::{Boosting, Registry, TrainError};

use data::{Rows, Walk};
use protocol::{Fold, Quality};

/// Windows of training, in days.
const WINDOWS: [u32; 3] = [7, 28, 63];

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    arguments.retain(|argument| argument != "--json");
    let usage = "usage: handbook DIR [--json] [--seeds NUMBER]";
    let mut seeds = 1;
    if let Some(place) = arguments.iter().position(|argument| argument == "--seeds") {
        seeds = arguments
            .get(place + 1)
            .context(usage)?
            .parse()
            .context(usage)?;
        arguments.drain(place..place + 2);
    }
    let directory = arguments.first().context(usage)?;

    let transactions = data::read(&PathBuf::from(directory))?;
    let registry = Registry::new();
    let slots = data::slots(&registry);
    eprintln!(
        "{} transactions, {} features",
        transactions.len(),
        slots.len()
    );

    let mut walk = Walk::new(&transactions, &registry, &slots);
    let mut rows = Rows::new(slots.len());
    walk.record(protocol::LAST_DAY, &mut rows);
    leak::none(&transactions, &registry, &slots, &rows)?;
    eprintln!("no feature depends on a label that is not known yet");

    let mut by_window = Vec::new();
    for days in WINDOWS {
        let folds: Vec<Quality> = Fold::all()
            .map(|fold| fold.run(&transactions, &rows, days, &Boosting::default()))
            .collect::<Result<_, _>>()?;
        eprintln!("trained on {days} days: {}", Quality::mean(&folds));
        by_window.push((days, folds));
    }
    spread("63 days", seeds, |trainer| {
        Fold::all()
            .map(|fold| fold.run(&transactions, &rows, 63, trainer))
            .collect()
    })?;
    drop(rows);
    spread(
        "with the top 100 cards looked at each day",
        seeds,
        |trainer| feedback::run(&transactions, &registry, &slots, trainer),
    )?;
    let feedback = feedback::run(&transactions, &registry, &slots, &Boosting::default())?;
    eprintln!(
        "with the top 100 cards looked at each day: {}",
        Quality::mean(&feedback)
    );

    if json {
        print_json(&by_window, &feedback);
    } else {
        print_table(&by_window, &feedback);
    }
    Ok(())
}

/// Says how far apart forests of the first so many seeds end.
fn spread(
    name: &str,
    seeds: u64,
    run: impl Fn(&Boosting) -> Result<Vec<Quality>, TrainError>,
) -> anyhow::Result<()> {
    for seed in 1..=seeds {
        if seeds > 1 {
            let folds = run(&Boosting {
                seed,
                ..Boosting::default()
            })?;
            eprintln!("{name}, seed {seed}: {}", Quality::mean(&folds));
        }
    }
    Ok(())
}

fn print_json(by_window: &[(u32, Vec<Quality>)], feedback: &[Quality]) {
    let number = |quality: &Quality| {
        serde_json::json!({
            "auc": quality.auc, "ap": quality.ap, "cp100": quality.cp100, "recall_at_0.1%": quality.recall,
        })
    };
    let windows: serde_json::Map<String, serde_json::Value> = by_window
        .iter()
        .map(|(days, folds)| (format!("{days}_days"), number(&Quality::mean(folds))))
        .collect();
    let (single, folds) = (&by_window[0].1[0], &by_window[0].1);
    let mut report = number(single);
    report["folds"] = number(&Quality::mean(folds));
    report["folds"]["each"] = folds.iter().map(number).collect();
    report["windows"] = windows.into();
    report["feedback"] = number(&Quality::mean(feedback));
    report["ap_feedback"] = Quality::mean(feedback).ap.into();
    println!("{report:#}");
}

fn print_table(by_window: &[(u32, Vec<Quality>)], feedback: &[Quality]) {
    println!(
        "{:40} {:>6} {:>6} {:>6} {:>16}",
        "", "AUC", "AP", "CP@100", "recall at 0.1%"
    );
    let row = |name: &str, quality: &Quality| {
        let Quality {
            auc,
            ap,
            cp100,
            recall,
        } = quality;
        println!("{name:40} {auc:6.3} {ap:6.3} {cp100:6.3} {recall:16.3}");
    };
    println!(
        "{:40} {:6.3} {:6.3} {:6.3}",
        "published best, four folds", 0.872, 0.694, 0.304
    );
    for (days, folds) in by_window {
        row(&format!("{days} days of training, single split"), &folds[0]);
        row(
            &format!("{days} days of training, four folds"),
            &Quality::mean(folds),
        );
    }
    row(
        "63 days, 100 cards looked at a day, folds",
        &Quality::mean(feedback),
    );
}
