//! Exploration of the book's data.
mod data;
mod protocol;

use std::path::PathBuf;
use std::time::Instant;

use data::{Walk, read, slots};
use fraud::{Boosting, Dataset, Registry, Trainer};
use protocol::{Fold, Quality, span};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let directory = PathBuf::from(args.next().unwrap_or_default());
    let opts: std::collections::HashMap<String, String> = args
        .filter_map(|a| {
            a.split_once('=')
                .map(|(k, v)| (k.to_string(), v.to_string()))
        })
        .collect();
    let get = |k: &str, d: f64| opts.get(k).map_or(d, |v| v.parse().unwrap());
    let drop: Vec<String> = opts
        .get("drop")
        .map(|d| d.split(',').map(str::to_string).collect())
        .unwrap_or_default();
    let transactions = read(&directory)?;
    let registry = Registry::new();
    let mut slots = slots(&registry);
    slots.retain(|s| {
        !drop
            .iter()
            .any(|d| registry.features()[*s].name.contains(d.as_str()))
    });
    println!(
        "{} transactions, {} features",
        transactions.len(),
        slots.len()
    );
    let begun = Instant::now();
    let mut walk = Walk::new(&transactions, &registry, &slots);
    let first = span(&transactions, 0..59).end;
    let mut rows = Vec::new();
    while let Some((place, row)) = walk.step(157) {
        if place >= first {
            rows.push(row);
        }
    }
    println!("walk {:?}", begun.elapsed());
    let window = get("days", 7.0) as u32;
    let trainer = Boosting {
        rounds: get("rounds", 200.0) as usize,
        rate: get("rate", 0.05),
        depth: get("depth", 4.0) as usize,
        lambda: get("lambda", 1.0),
        least_weight: get("weight", 1.0),
        rows: get("rows", 1.0),
        features: get("features", 1.0),
        bins: get("bins", 1024.0) as usize,
        ..Boosting::default()
    };
    let mut all = vec![];
    let seeds = get("seeds", 1.0) as u64;
    for fold in Fold::all() {
        let begun = Instant::now();
        let mut data = Dataset::new(slots.len());
        for place in span(&transactions, fold.trained() - window..fold.trained()) {
            data.push_narrow(&rows[place - first], transactions[place].fraud);
        }
        let places = fold.test_places(&transactions);
        let mut scores = vec![0.0; places.len()];
        for seed in 0..seeds {
            let forest = Boosting {
                seed: seed + 1,
                ..trainer
            }
            .train(&data)?;
            for (s, place) in scores.iter_mut().zip(&places) {
                *s += forest.margin(&rows[*place - first]);
            }
        }
        let frauds = places.iter().filter(|p| transactions[**p].fraud).count();
        let quality = Quality::of(&transactions, &places, &scores);
        println!(
            "train {} / {} test {} / {} : {:.4} {:.4} {:.4}  {:?}",
            data.len(),
            data.frauds(),
            places.len(),
            frauds,
            quality.auc,
            quality.ap,
            quality.cp100,
            begun.elapsed()
        );
        all.push(quality);
    }
    let m = Quality::mean(&all);
    println!("MEAN auc {:.4} ap {:.4} cp100 {:.4}", m.auc, m.ap, m.cp100);
    Ok(())
}
