//! The packed histories on disk, compared with what the journal's replay puts into them.
//!
//! How entries lie in runs and blocks depends on how fast the projector went, so it is what they
//! say that is compared: sums of keyed hashes of all entries, one sum for each few transactions or
//! row of the journal. The key is drawn for each run of this, so no other set of entries can be
//! prepared that has the same sums. How they lie is checked by itself.

use std::hash::{BuildHasher as _, Hash};

use hashbrown::DefaultHashBuilder;

use crate::machine::Sequence;
use crate::once::Place;
use crate::shell::packed::{
    Collected, Entry, Filter, IdAt, Line, OnceAt, RunRow, block_no, decode_block,
};
use crate::shell::sql::{Connection, Query};
use crate::shell::verify::compare::{count, failed, place};
use crate::shell::verify::{Halt, differ};

const TRANSACTIONS: &str = "transactions";
/// Numbers of transactions that share a sum: few enough to be named as where something differs.
const TRANSACTIONS_SHIFT: u32 = 6;
/// Places of one row of the journal share a sum.
const ROW_SHIFT: u32 = 24;

/// Sums of hashes, by place.
struct Sums {
    name: &'static str,
    shift: u32,
    buckets: Vec<u64>,
}

impl Sums {
    const fn new(name: &'static str, shift: u32) -> Self {
        Self {
            name,
            shift,
            buckets: Vec::new(),
        }
    }

    fn add(&mut self, place: u64, hash: u64) {
        let bucket = usize::try_from(place >> self.shift).unwrap_or(usize::MAX);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        let sum = &mut self.buckets[bucket];
        *sum = sum.wrapping_add(hash);
    }

    /// Adds something of which only this is known, that its place is none beyond this one.
    fn add_within(&mut self, last: u64, place: u64, hash: u64) -> Result<(), Halt> {
        if place > last {
            return Err(self.differs(place >> self.shift));
        }
        self.add(place, hash);
        Ok(())
    }

    fn differs(&self, bucket: u64) -> Halt {
        let first = bucket << self.shift;
        let key = if self.shift == ROW_SHIFT {
            format!("row {bucket} of the journal")
        } else {
            format!(
                "transactions {first} to {}",
                first | ((1 << self.shift) - 1)
            )
        };
        let place = place(self.name, &key, None);
        differ(place, "what the journal says", "something else")
    }

    /// Compares with the sums that were expected.
    fn check(&self, expected: &Self) -> Result<(), Halt> {
        let count = self.buckets.len().max(expected.buckets.len());
        let sum = |of: &Self, bucket| of.buckets.get(bucket).copied().unwrap_or_default();
        let differing = (0..count).find(|bucket| sum(self, *bucket) != sum(expected, *bucket));
        differing.map_or(Ok(()), |bucket| Err(self.differs(bucket as u64)))
    }
}

/// The sums of all histories.
struct AllSums {
    transactions: Sums,
    lines: Sums,
    ids: Sums,
    once: Sums,
}

impl AllSums {
    const fn new() -> Self {
        Self {
            transactions: Sums::new(TRANSACTIONS, TRANSACTIONS_SHIFT),
            lines: Sums::new(Line::INDEX, TRANSACTIONS_SHIFT),
            ids: Sums::new(IdAt::INDEX, TRANSACTIONS_SHIFT),
            once: Sums::new(OnceAt::INDEX, ROW_SHIFT),
        }
    }

    fn each(&self) -> [&Sums; 4] {
        [&self.transactions, &self.lines, &self.ids, &self.once]
    }
}

/// What the journal puts into the histories.
pub(super) struct Expected {
    key: DefaultHashBuilder,
    sums: AllSums,
}

impl Expected {
    pub(super) fn new() -> Self {
        Self {
            key: DefaultHashBuilder::default(),
            sums: AllSums::new(),
        }
    }

    /// The histories on disk, to be read under the same key.
    pub(super) fn found(&self) -> Found {
        Found {
            key: self.key.clone(),
            sums: AllSums::new(),
            transactions: 0,
        }
    }

    /// Takes what a stretch of the journal adds.
    pub(super) fn take(&mut self, collected: &mut Collected) {
        let Self { key, sums } = self;
        for body in collected.bodies.each() {
            sums.transactions.add(body.0, key.hash_one(body));
        }
        add_all(key, &mut sums.lines, &collected.lines);
        add_all(key, &mut sums.ids, &collected.ids);
        add_all(key, &mut sums.once, &collected.once);
        collected.clear();
    }

    /// Compares with what was found on disk.
    pub(super) fn check(&self, found: &Found) -> Result<(), Halt> {
        let sums = found.sums.each().into_iter().zip(self.sums.each());
        sums.into_iter()
            .try_for_each(|(found, expected)| found.check(expected))
    }
}

/// What the histories on disk hold.
pub(super) struct Found {
    key: DefaultHashBuilder,
    sums: AllSums,
    /// How many transactions there are.
    transactions: u64,
}

impl Found {
    /// Reads them all, of views that say they stand at this row.
    pub(super) async fn read(
        &mut self,
        connection: &mut Connection<'_>,
        watermark: Sequence,
    ) -> Result<(), Halt> {
        self.read_transactions(connection).await?;
        let runs = RunRow::list(connection).await.map_err(failed)?;
        let last = self.transactions;
        let last_once = Place::last_of(watermark).number();
        let mut blocks = 0;
        for run in &runs {
            blocks += run.fences.len() as u64;
            let (key, sums) = (&self.key, &mut self.sums);
            match run.name.as_str() {
                Line::INDEX => {
                    read_run::<Line>(connection, run, key, &mut sums.lines, last).await?;
                }
                IdAt::INDEX => read_run::<IdAt>(connection, run, key, &mut sums.ids, last).await?,
                OnceAt::INDEX => {
                    read_run::<OnceAt>(connection, run, key, &mut sums.once, last_once).await?;
                }
                _ => return Err(wrong_run(run, "name")),
            }
        }
        let stored = count(connection, "blocks").await?;
        if stored != blocks {
            let place = place("blocks", "all rows", None);
            return Err(differ(
                place,
                format!("{blocks} blocks of runs"),
                stored.to_string(),
            ));
        }
        Ok(())
    }

    /// Reads the transactions, which are numbered from 1 without a gap; so how many there are bounds all places.
    async fn read_transactions(&mut self, connection: &mut Connection<'_>) -> Result<(), Halt> {
        let mut after = -1_i64;
        loop {
            let query = Query::new(
                "select first_no, last_no, first_at, body from transactions
                 where first_no > $1 order by first_no limit 1",
            );
            let block = connection.first_as(query.bind(after)).await;
            let block: Option<(i64, i64, i64, Vec<u8>)> = block.map_err(failed)?;
            let Some((first, last, at, body)) = block else {
                return Ok(());
            };
            let wrong = |column| {
                let place = place(TRANSACTIONS, &format!("first_no = {first}"), Some(column));
                differ(place, "a block of transactions", "something else")
            };
            if first.cast_unsigned() != self.transactions + 1 {
                return Err(wrong("first_no"));
            }
            let all = decode_block(first.cast_unsigned(), at.cast_unsigned(), &body);
            let all = all.ok_or_else(|| wrong("body"))?;
            if all.last().map(|(no, _, _)| *no) != Some(last.cast_unsigned()) {
                return Err(wrong("last_no"));
            }
            if all.first().map(|(_, first, _)| *first) != Some(at.cast_unsigned()) {
                return Err(wrong("first_at"));
            }
            self.transactions += all.len() as u64;
            for entry in all {
                self.sums
                    .transactions
                    .add(entry.0, self.key.hash_one(entry));
            }
            after = first;
        }
    }
}

fn add_all<E: Entry + Hash>(key: &DefaultHashBuilder, sums: &mut Sums, entries: &[E]) {
    for entry in entries {
        sums.add(entry.place(), key.hash_one(entry));
    }
}

fn wrong_run(run: &RunRow, column: &str) -> Halt {
    let place = place("runs", &format!("run = {}", run.run), Some(column));
    differ(place, "what its blocks say", "something else")
}

/// Reads a run through and checks all that is said of it. No place in it is beyond the last one.
async fn read_run<E: Entry + Hash + PartialEq>(
    connection: &mut Connection<'_>,
    run: &RunRow,
    key: &DefaultHashBuilder,
    sums: &mut Sums,
    last_place: u64,
) -> Result<(), Halt> {
    let (mut keys, mut places) = (Vec::new(), (u64::MAX, 0));
    let mut last = (0, 0);
    let mut entries = Vec::new();
    for (number, fence) in (0..).zip(&run.fences) {
        let block = block_no(run.run, number);
        let wrong = || {
            let place = place("blocks", &format!("block = {block}"), Some("body"));
            differ(place, "sorted entries of its run", "something else")
        };
        let query = Query::new("select body from blocks where block = $1").bind(block);
        let body: Option<(Vec<u8>,)> = connection.first_as(query).await.map_err(failed)?;
        let (body,) = body.ok_or_else(wrong)?;
        entries.clear();
        E::decode(&body, &mut entries).ok_or_else(wrong)?;
        let mut again = Vec::with_capacity(body.len());
        E::encode(&entries, &mut again);
        if again != body {
            return Err(wrong());
        }
        if entries.first().map(E::key) != Some(*fence) {
            return Err(wrong_run(run, "fences"));
        }
        for entry in &entries {
            let at = (entry.key(), entry.place());
            if at < last {
                return Err(wrong());
            }
            last = at;
            keys.push(at.0);
            places = (places.0.min(at.1), places.1.max(at.1));
        }
        for entry in &entries {
            sums.add_within(last_place, entry.place(), key.hash_one(entry))?;
        }
    }
    let filter = E::FILTERED.then(|| Filter::of(keys.iter().copied()).bytes());
    let checks = [
        ("entries", run.entries == keys.len() as u64),
        ("first_place", run.first_place == places.0),
        ("last_place", run.last_place == places.1),
        ("filter", run.filter == filter.unwrap_or_default()),
    ];
    let wrong = checks.iter().find(|(_, holds)| !holds);
    wrong.map_or(Ok(()), |(column, _)| Err(wrong_run(run, column)))
}
