//! Writing runs, and merging them.

use std::sync::Arc;

use crate::shell::packed::bodies::Tail;
use crate::shell::packed::{BLOCKS, Collected, Entry, Filter, IdAt, Line, OnceAt, RUNS};
use crate::shell::sql::{Connection, Query, Row};
use crate::shell::table::Value;

/// Entries in a block: a look-up reads a few of them, and a block is one row of 20 KB or so.
const BLOCK_ENTRIES: usize = 2_048;
/// Blocks that are written by one statement.
const BLOCKS_AT_ONCE: usize = 64;
/// So many runs of a size become one of the next.
const FAN_OUT: usize = 8;
/// From this size on a run stays as it is, so that no merge takes longer than a second or so.
const FINAL_ENTRIES: u64 = 2 << 20;
/// Blocks of a run have numbers of their own up to this many.
const BLOCKS_PER_RUN: i64 = 1 << 20;

const READ_BLOCK: &str = "select body from blocks where block = $1";
const DROP_RUN: &str = "delete from runs where run = $1";
const DROP_BLOCKS: &str = "delete from blocks where block >= $1 and block < $2";
const LIST: &str = "select run, name, entries, first_place, last_place, fences, filter from runs
    order by run";

/// The number of a block of a run.
pub(crate) const fn block_no(run: i64, block: i64) -> i64 {
    run * BLOCKS_PER_RUN + block
}

/// A run as the table has it.
#[derive(Clone, Debug)]
pub(crate) struct RunRow {
    pub(crate) run: i64,
    pub(crate) name: String,
    pub(crate) entries: u64,
    pub(crate) first_place: u64,
    pub(crate) last_place: u64,
    /// The first key of each block.
    pub(crate) fences: Vec<u64>,
    pub(crate) filter: Vec<u8>,
}

impl RunRow {
    /// All runs there are; a row that is none is an error.
    pub(crate) async fn list(connection: &mut Connection<'_>) -> Result<Vec<Self>, sqlx::Error> {
        let rows = connection.all(Query::new(LIST)).await?;
        rows.iter().map(Self::of).collect()
    }

    fn of(row: &Row) -> Result<Self, sqlx::Error> {
        let number = |column| row.get::<i64>(column).map(i64::cast_unsigned);
        let fences: Vec<u8> = row.get("fences")?;
        let (fences, []) = fences.as_chunks::<8>() else {
            return Err(sqlx::Error::Decode("a row of runs is not readable".into()));
        };
        Ok(Self {
            run: row.get("run")?,
            name: row.get("name")?,
            entries: number("entries")?,
            first_place: number("first_place")?,
            last_place: number("last_place")?,
            fences: fences.iter().copied().map(u64::from_le_bytes).collect(),
            filter: row.get("filter")?,
        })
    }
}

/// A run as its writer knows it.
#[derive(Clone, Debug)]
struct Run {
    number: i64,
    entries: u64,
    blocks: i64,
    filter: Option<Arc<Filter>>,
}

impl Run {
    /// How many entries there are, as far as its blocks can hold them.
    fn entries_at_most(&self) -> usize {
        let blocks = usize::try_from(self.blocks).unwrap_or_default();
        let entries = usize::try_from(self.entries).unwrap_or(usize::MAX);
        entries.min(blocks.saturating_mul(BLOCK_ENTRIES))
    }

    /// Sizes that differ by less than the fan-out count as the same.
    fn class(&self) -> u32 {
        self.entries.max(1).ilog2() / FAN_OUT.ilog2()
    }
}

/// The runs of one index, the oldest first.
#[derive(Debug, Default)]
struct Index {
    runs: Vec<Run>,
}

impl Index {
    /// How many runs at the end are to be merged: none, or at least the fan-out.
    fn to_merge(&self) -> usize {
        let Some(last) = self.runs.last() else {
            return 0;
        };
        let class = last.class();
        let alike = self.runs.iter().rev();
        let alike = alike.take_while(|run| run.class() <= class && run.entries < FINAL_ENTRIES);
        let count = alike.count();
        if count >= FAN_OUT { count } else { 0 }
    }
}

/// Writes all that is packed.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    tail: Tail,
    lines: Index,
    ids: Index,
    once: Index,
    last_run: i64,
}

impl Packs {
    /// What is there already.
    pub(crate) async fn load(connection: &mut Connection<'_>) -> Result<Self, sqlx::Error> {
        let mut packs = Self::default();
        for row in RunRow::list(connection).await? {
            let filter = Filter::from_bytes(&row.filter).map(Arc::new);
            if row.name == OnceAt::INDEX && filter.is_none() {
                return Err(sqlx::Error::Decode("a filter is not readable".into()));
            }
            let run = Run {
                number: row.run,
                entries: row.entries,
                blocks: i64::try_from(row.fences.len()).unwrap_or_default(),
                filter,
            };
            packs.last_run = packs.last_run.max(row.run);
            for (name, index) in [
                (Line::INDEX, &mut packs.lines),
                (IdAt::INDEX, &mut packs.ids),
                (OnceAt::INDEX, &mut packs.once),
            ] {
                if name == row.name {
                    index.runs.push(run.clone());
                }
            }
        }
        Ok(packs)
    }

    /// Writes what was collected, inside the caller's transaction. After an error this must be
    /// loaded anew.
    pub(crate) async fn write(
        &mut self,
        connection: &mut Connection<'_>,
        collected: &mut Collected,
    ) -> Result<(), sqlx::Error> {
        self.tail.write(connection, &collected.bodies).await?;
        let last = &mut self.last_run;
        add(connection, &mut self.lines, &mut collected.lines, last).await?;
        add(connection, &mut self.ids, &mut collected.ids, last).await?;
        add(connection, &mut self.once, &mut collected.once, last).await?;
        collected.clear();
        Ok(())
    }

    /// The filters over the keys of the *once* index, by run.
    pub(crate) fn once_filters(&self) -> Vec<(i64, Arc<Filter>)> {
        let runs = self.once.runs.iter();
        runs.filter_map(|run| Some((run.number, run.filter.clone()?)))
            .collect()
    }
}

/// Adds a run, and merges while there is something to merge.
async fn add<E: Entry>(
    connection: &mut Connection<'_>,
    index: &mut Index,
    entries: &mut [E],
    last_run: &mut i64,
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    // Stable: within a key they are in order already.
    entries.sort_by_key(E::key);
    *last_run += 1;
    let mut writing = Writing::<E>::new(*last_run, entries.len());
    for block in entries.chunks(BLOCK_ENTRIES) {
        writing.block(connection, block).await?;
    }
    index.runs.push(writing.finish(connection).await?);
    loop {
        let count = index.to_merge();
        if count == 0 {
            return Ok(());
        }
        let merged = index.runs.split_off(index.runs.len() - count);
        *last_run += 1;
        let run = merge::<E>(connection, &merged, *last_run).await?;
        index.runs.push(run);
    }
}

/// Merges neighbouring runs into one, block by block.
async fn merge<E: Entry>(
    connection: &mut Connection<'_>,
    runs: &[Run],
    into: i64,
) -> Result<Run, sqlx::Error> {
    let mut streams = Vec::with_capacity(runs.len());
    for run in runs {
        let mut stream = Stream::<E>::new(run);
        stream.refill(connection).await?;
        streams.push(stream);
    }
    let entries = runs.iter().map(Run::entries_at_most).sum();
    let mut writing = Writing::<E>::new(into, entries);
    let mut block = Vec::with_capacity(BLOCK_ENTRIES);
    while let Some(key) = streams.iter().filter_map(Stream::key).min() {
        // All of a key, from the oldest run on: a key's entries stay in order.
        for stream in &mut streams {
            while stream.key() == Some(key) {
                block.push(stream.entries[stream.at]);
                stream.at += 1;
                if stream.at == stream.entries.len() {
                    stream.refill(connection).await?;
                }
                if block.len() == BLOCK_ENTRIES {
                    writing.block(connection, &block).await?;
                    block.clear();
                }
            }
        }
    }
    if !block.is_empty() {
        writing.block(connection, &block).await?;
    }
    for run in runs {
        let blocks = Query::new(DROP_BLOCKS)
            .bind(block_no(run.number, 0))
            .bind(block_no(run.number + 1, 0));
        connection
            .run(Query::new(DROP_RUN).bind(run.number))
            .await?;
        connection.run(blocks).await?;
    }
    writing.finish(connection).await
}

/// A run that is read from its first block to its last.
struct Stream<E> {
    run: i64,
    next: i64,
    blocks: i64,
    entries: Vec<E>,
    at: usize,
}

impl<E: Entry> Stream<E> {
    fn new(run: &Run) -> Self {
        Self {
            run: run.number,
            next: 0,
            blocks: run.blocks,
            entries: Vec::new(),
            at: 0,
        }
    }

    fn key(&self) -> Option<u64> {
        self.entries.get(self.at).map(E::key)
    }

    async fn refill(&mut self, connection: &mut Connection<'_>) -> Result<(), sqlx::Error> {
        self.entries.clear();
        self.at = 0;
        if self.next == self.blocks {
            return Ok(());
        }
        let block = block_no(self.run, self.next);
        self.next += 1;
        let query = Query::new(READ_BLOCK).bind(block);
        let (body,): (Vec<u8>,) = connection.one_as(query).await?;
        E::decode(&body, &mut self.entries)
            .ok_or_else(|| sqlx::Error::Decode(format!("block {block} is not readable").into()))
    }
}

/// A run that is being written.
struct Writing<E> {
    run: i64,
    blocks: i64,
    entries: u64,
    places: (u64, u64),
    fences: Vec<u8>,
    /// Where there is to be one. Merged runs have millions of keys: they are put in as they come and never collected.
    filter: Option<Filter>,
    /// Blocks that are not written yet.
    rows: Vec<Vec<Value>>,
    of: std::marker::PhantomData<E>,
}

impl<E: Entry> Writing<E> {
    /// A run that will have so many entries.
    fn new(run: i64, entries: usize) -> Self {
        Self {
            run,
            blocks: 0,
            entries: 0,
            places: (u64::MAX, 0),
            fences: Vec::new(),
            filter: E::FILTERED.then(|| Filter::with_room(entries)),
            rows: Vec::new(),
            of: std::marker::PhantomData,
        }
    }

    async fn block(
        &mut self,
        connection: &mut Connection<'_>,
        block: &[E],
    ) -> Result<(), sqlx::Error> {
        let mut body = Vec::new();
        E::encode(block, &mut body);
        self.fences.extend(block[0].key().to_le_bytes());
        if let Some(filter) = &mut self.filter {
            for entry in block {
                filter.insert(entry.key());
            }
        }
        for entry in block {
            self.places.0 = self.places.0.min(entry.place());
            self.places.1 = self.places.1.max(entry.place());
        }
        let number = block_no(self.run, self.blocks);
        self.rows.push(vec![number.into(), body.into()]);
        self.blocks += 1;
        self.entries += block.len() as u64;
        if self.rows.len() == BLOCKS_AT_ONCE {
            let rows = std::mem::take(&mut self.rows);
            connection.write(&BLOCKS, rows).await?;
        }
        Ok(())
    }

    async fn finish(self, connection: &mut Connection<'_>) -> Result<Run, sqlx::Error> {
        let filter = self.filter;
        let bytes = filter.as_ref().map(Filter::bytes).unwrap_or_default();
        connection.write(&BLOCKS, self.rows).await?;
        let row = vec![
            self.run.into(),
            E::INDEX.into(),
            self.entries.cast_signed().into(),
            self.places.0.cast_signed().into(),
            self.places.1.cast_signed().into(),
            self.fences.into(),
            bytes.into(),
        ];
        connection.write(&RUNS, vec![row]).await?;
        Ok(Run {
            number: self.run,
            entries: self.entries,
            blocks: self.blocks,
            filter: filter.map(Arc::new),
        })
    }
}
