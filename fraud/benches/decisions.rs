//! Decisions a second with a million profiles, beside the obvious way of doing it.
//!
//!     cargo bench -p fraud
//!
//! Times are processor time of one thread, so that other work on the machine counts as little as
//! possible; reading that clock is part of each decision's time (some 0.2 us).
//!
//! The baseline keeps each entity's payments of thirty days in a list and counts the windows anew for
//! every attempt; it computes only counts, sums and distinct parties, and has no rules, model or reasons.

use std::collections::{HashMap, HashSet};

use fraud::speed::{Load, Town, measure};
use fraud::{Attempt, Key};

/// Time, amount and the other side of each payment, by role and key.
type Histories = HashMap<(u8, Key), Vec<(u64, i64, Key)>>;

const WINDOWS: [u64; 6] = [60, 600, 3_600, 86_400, 7 * 86_400, 30 * 86_400];

fn main() -> anyhow::Result<()> {
    let load = Load::default();
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or(0)
    };
    let speed = measure(load, now)?;
    println!("ours: {speed}");
    baseline(load, now);
    Ok(())
}

/// Counts windows from lists of all payments.
fn baseline(load: Load, now: impl Fn() -> u64) {
    let mut town = Town::of(load.profiles);
    let mut histories = Histories::new();
    for _ in 0..2 * town.people {
        remember(&mut histories, &town.pay());
    }
    let mut times = Vec::new();
    let (mut checksum, begun) = (0.0, now());
    for _ in 0..load.decisions / 10 {
        let attempt = town.pay();
        let started = now();
        for history in parts(&attempt)
            .iter()
            .filter_map(|part| histories.get(&(part.0, part.1)))
        {
            checksum += WINDOWS
                .iter()
                .map(|window| count(history, attempt.at, *window))
                .sum::<f64>();
        }
        remember(&mut histories, &attempt);
        times.push(now() - started);
    }
    let spent = now() - begun;
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a second")]
    let micros = |percent: usize| times[times.len() * percent / 100] as f64 / 1e3;
    println!(
        "recounting lists, windows only: {} decisions/s, p50 {:.2} us, p99 {:.2} us (checksum {checksum})",
        times.len() as u64 * 1_000_000_000 / spent,
        micros(50),
        micros(99)
    );
}

fn parts(attempt: &Attempt) -> [(u8, Key, Key); 3] {
    let payee = attempt.payee.unwrap_or(Key(0));
    let device = attempt.device.unwrap_or(Key(0));
    [
        (0, attempt.payer, payee),
        (1, payee, attempt.payer),
        (2, device, attempt.payer),
    ]
}

fn remember(histories: &mut Histories, attempt: &Attempt) {
    for (role, key, other) in parts(attempt) {
        histories
            .entry((role, key))
            .or_default()
            .push((attempt.at, attempt.amount, other));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a checksum")]
fn count(history: &[(u64, i64, Key)], now: u64, window: u64) -> f64 {
    let inside: Vec<_> = history
        .iter()
        .filter(|(at, _, _)| now - at < window * 1_000_000_000)
        .collect();
    let others: HashSet<Key> = inside.iter().map(|(_, _, other)| *other).collect();
    inside
        .iter()
        .map(|(_, amount, _)| *amount as f64)
        .sum::<f64>()
        + (inside.len() + others.len()) as f64
}
