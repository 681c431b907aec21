//! The simulated transactions, and their walk through our profiles.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use fraud::{
    Attempt, Channel, CurrencyCode, Key, Kind, Label, Limits, Outcome, Profiles, Registry,
};

pub(crate) const DAY: u32 = 86_400;
/// Labels are known a week after the fact.
pub(crate) const DELAY: u32 = 7;
const NANOS: u64 = 1_000_000_000;
/// The first second of 2018-04-01, where the book's time starts.
const EPOCH: u64 = 1_522_540_800;

/// One line of the book's data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transaction {
    pub(crate) second: u32,
    pub(crate) customer: u32,
    pub(crate) terminal: u32,
    pub(crate) cents: i64,
    pub(crate) fraud: bool,
}

impl Transaction {
    pub(crate) const fn day(&self) -> u32 {
        self.second / DAY
    }

    /// The transaction as our scorer would be asked about it.
    pub(crate) fn attempt(&self, id: usize) -> Attempt {
        Attempt {
            id: id as u128,
            at: (EPOCH + u64::from(self.second)) * NANOS,
            kind: Kind::Payment,
            channel: Channel::MerchantCode,
            payer: Key(u64::from(self.customer)),
            payee: Some(Key(u64::from(self.terminal))),
            device: None,
            link: None,
            place: None,
            amount: self.cents,
            currency: CurrencyCode::new("EUR"),
        }
    }

    const fn label(&self) -> Label {
        if self.fraud {
            Label::Fraud
        } else {
            Label::Genuine
        }
    }
}

/// Reads `transactions.csv`, as `handbook_csv.py` writes it.
pub(crate) fn read(directory: &Path) -> anyhow::Result<Vec<Transaction>> {
    let path = directory.join("transactions.csv");
    let hint = || {
        format!(
            "no {}: make it with fraud/examples/handbook_csv.py",
            path.display()
        )
    };
    let lines = BufReader::new(File::open(&path).with_context(hint)?)
        .lines()
        .skip(1);
    lines
        .enumerate()
        .map(|(number, line)| {
            parse(&line?).with_context(|| format!("{}: line {}", path.display(), number + 2))
        })
        .collect()
}

fn parse(line: &str) -> anyhow::Result<Transaction> {
    let mut columns = line.split(',');
    let mut next = |name: &str| {
        columns
            .next()
            .with_context(|| format!("column {name} is missing"))
    };
    Ok(Transaction {
        second: next("second")?.parse()?,
        customer: next("customer")?.parse()?,
        terminal: next("terminal")?.parse()?,
        cents: next("cents")?.parse()?,
        fraud: next("fraud")? == "1",
    })
}

/// The features this data can have: there are no devices, links or places in it.
pub(crate) fn slots(registry: &Registry) -> Vec<usize> {
    let has = |name: &str| {
        !["device.", "link.", "place."]
            .iter()
            .any(|role| name.starts_with(role))
    };
    let features = registry.features().iter().enumerate();
    features
        .filter(|(_, feature)| has(&feature.name))
        .map(|(slot, _)| slot)
        .collect()
}

/// Walks through time: features first, then the payment, and labels when they become known.
pub(crate) struct Walk<'a> {
    transactions: &'a [Transaction],
    registry: &'a Registry,
    slots: &'a [usize],
    profiles: Profiles,
    next: usize,
    /// The first transaction whose label is not yet known by its age.
    unknown: usize,
    /// Labels that are known before their time.
    early: Vec<bool>,
    released: VecDeque<(u32, usize)>,
    vector: Vec<f64>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        transactions: &'a [Transaction],
        registry: &'a Registry,
        slots: &'a [usize],
    ) -> Self {
        Self {
            transactions,
            registry,
            slots,
            profiles: Profiles::new(Limits::default()),
            next: 0,
            unknown: 0,
            early: vec![false; transactions.len()],
            released: VecDeque::new(),
            vector: Vec::new(),
        }
    }

    /// Walks up to a day and records the features of every transaction on the way.
    pub(crate) fn record(&mut self, end: u32, rows: &mut Rows) {
        while let Some(transaction) = self
            .transactions
            .get(self.next)
            .filter(|transaction| transaction.day() < end)
        {
            self.learn_labels(transaction.second);
            let attempt = transaction.attempt(self.next);
            self.registry
                .fill(&self.profiles, &attempt, &mut self.vector);
            rows.values.extend(
                self.slots
                    .iter()
                    .map(|slot| fraud::narrow(self.vector[*slot])),
            );
            self.profiles.observe(&attempt, Outcome::Settled);
            self.next += 1;
        }
    }

    /// Makes the labels of some past transactions known at a moment, before their time.
    pub(crate) fn release(&mut self, places: impl Iterator<Item = usize>, at: u32) {
        self.released.extend(places.map(|place| (at, place)));
    }

    /// Whether the label of a transaction is known by a moment.
    fn known(&self, place: usize, at: u32) -> bool {
        self.early[place] || self.transactions[place].second + DELAY * DAY <= at
    }

    fn learn_labels(&mut self, now: u32) {
        while let Some((_, place)) = self.released.pop_front_if(|(at, _)| *at <= now) {
            if !self.known(place, now) {
                self.early[place] = true;
                self.learn(place);
            }
        }
        while self.transactions[self.unknown].second + DELAY * DAY <= now {
            if !self.early[self.unknown] {
                self.learn(self.unknown);
            }
            self.unknown += 1;
        }
    }

    fn learn(&mut self, place: usize) {
        let transaction = &self.transactions[place];
        self.profiles.observe(
            &transaction.attempt(place),
            Outcome::Labelled {
                was: None,
                now: transaction.label(),
            },
        );
    }
}

/// The features of transactions, by place.
pub(crate) struct Rows {
    width: usize,
    values: Vec<f32>,
}

impl Rows {
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            width,
            values: Vec::new(),
        }
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn row(&self, place: usize) -> &[f32] {
        &self.values[place * self.width..(place + 1) * self.width]
    }
}
