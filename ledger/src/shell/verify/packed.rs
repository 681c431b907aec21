//! The packed histories on disk, compared with what the journal's replay puts into them.
//!
//! How entries lie in runs and blocks depends on how fast the projector went, so it is what they
//! say that is compared: sums of keyed hashes of all entries, one sum for each few transactions or
//! row of the journal. The key is drawn for each run of this, so no other set of entries can be
//! prepared that has the same sums. How they lie is checked by itself.

use std::hash::{BuildHasher as _, Hash};

use hashbrown::DefaultHashBuilder;

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

    /// Adds, or with the last argument takes away. A place far beyond all others is not believed.
    fn count(&mut self, place: u64, hash: u64, add: bool) -> Result<(), Halt> {
        let bucket = usize::try_from(place >> self.shift).unwrap_or(usize::MAX);
        if add && self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        let Some(sum) = self.buckets.get_mut(bucket) else {
            return Err(self.differs(place >> self.shift));
        };
        *sum = if add {
            sum.wrapping_add(hash)
        } else {
            sum.wrapping_sub(hash)
        };
        Ok(())
    }

    fn differs(&self, bucket: u64) -> Halt {
        let (first, next) = (bucket << self.shift, (bucket + 1) << self.shift);
        let key = if self.shift == ROW_SHIFT {
            format!("row {bucket} of the journal")
        } else {
            format!("transactions {first} to {}", next - 1)
        };
        let place = place(self.name, &key, None);
        differ(place, "what the journal says", "something else")
    }

    fn check(&self) -> Result<(), Halt> {
        let first = self.buckets.iter().position(|sum| *sum != 0);
        first.map_or(Ok(()), |bucket| Err(self.differs(bucket as u64)))
    }
}

/// What the journal puts into the histories.
pub(super) struct Expected {
    key: DefaultHashBuilder,
    transactions: Sums,
    lines: Sums,
    ids: Sums,
    once: Sums,
}

impl Expected {
    pub(super) fn new() -> Self {
        Self {
            key: DefaultHashBuilder::default(),
            transactions: Sums::new(TRANSACTIONS, TRANSACTIONS_SHIFT),
            lines: Sums::new(Line::INDEX, TRANSACTIONS_SHIFT),
            ids: Sums::new(IdAt::INDEX, TRANSACTIONS_SHIFT),
            once: Sums::new(OnceAt::INDEX, ROW_SHIFT),
        }
    }

    /// Takes what a stretch of the journal adds.
    pub(super) fn take(&mut self, collected: &mut Collected) -> Result<(), Halt> {
        let Self {
            key,
            transactions,
            lines,
            ids,
            once,
        } = self;
        for body in collected.bodies.each() {
            transactions.count(body.0, key.hash_one(body), true)?;
        }
        count_all(key, lines, &collected.lines, true)?;
        count_all(key, ids, &collected.ids, true)?;
        count_all(key, once, &collected.once, true)?;
        collected.clear();
        Ok(())
    }

    /// Compares with what is on disk.
    pub(super) async fn compare(mut self, connection: &mut Connection<'_>) -> Result<(), Halt> {
        self.compare_transactions(connection).await?;
        let runs = RunRow::list(connection).await.map_err(failed)?;
        let mut blocks = 0;
        for run in &runs {
            blocks += run.fences.len() as u64;
            let key = &self.key;
            match run.name.as_str() {
                Line::INDEX => read_run::<Line>(connection, run, key, &mut self.lines).await?,
                IdAt::INDEX => read_run::<IdAt>(connection, run, key, &mut self.ids).await?,
                OnceAt::INDEX => read_run::<OnceAt>(connection, run, key, &mut self.once).await?,
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
        for sums in [&self.transactions, &self.lines, &self.ids, &self.once] {
            sums.check()?;
        }
        Ok(())
    }

    async fn compare_transactions(&mut self, connection: &mut Connection<'_>) -> Result<(), Halt> {
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
            let all = decode_block(first.cast_unsigned(), at.cast_unsigned(), &body);
            let all = all.ok_or_else(|| wrong("body"))?;
            if all.last().map(|(no, _, _)| *no) != Some(last.cast_unsigned()) {
                return Err(wrong("last_no"));
            }
            if all.first().map(|(_, first, _)| *first) != Some(at.cast_unsigned()) {
                return Err(wrong("first_at"));
            }
            for entry in all {
                let hash = self.key.hash_one(entry);
                self.transactions.count(entry.0, hash, false)?;
            }
            after = first;
        }
    }
}

fn count_all<E: Entry + Hash>(
    key: &DefaultHashBuilder,
    sums: &mut Sums,
    entries: &[E],
    add: bool,
) -> Result<(), Halt> {
    for entry in entries {
        sums.count(entry.place(), key.hash_one(entry), add)?;
    }
    Ok(())
}

fn wrong_run(run: &RunRow, column: &str) -> Halt {
    let place = place("runs", &format!("run = {}", run.run), Some(column));
    differ(place, "what its blocks say", "something else")
}

/// Reads a run through and checks all that is said of it.
async fn read_run<E: Entry + Hash + PartialEq>(
    connection: &mut Connection<'_>,
    run: &RunRow,
    key: &DefaultHashBuilder,
    sums: &mut Sums,
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
        count_all(key, sums, &entries, false)?;
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
