//! The views: an area of the database that only the projector writes.
//!
//! Their commits need not be durable: a power cut may lose the end, and that only rewinds the
//! watermark, which is written in the same transaction as the rows it speaks of. Readers have
//! connections of their own and read the watermark in the transaction in which they read the rows
//! ([`Views::read`]).
//!
//! Beside the view's tables there are those of the house: `watermark` (up to which row of the
//! journal the tables stand), `snapshot_parts` (the whole state at a checkpoint of the
//! journal, which recovery starts from) and the [`packed`] histories, among them the *once* index.

use sha2::{Digest as _, Sha256};

use crate::engine::Digest;
use crate::machine::Sequence;
use crate::shell::chain::{Head, hex};
use crate::shell::journal::{ReadJournal, SHARD};
use crate::shell::once_filter::OnceFilters;
use crate::shell::packed::{self, Packs};
use crate::shell::row_tree::{Edge, ROW_TREE, TreeError};
use crate::shell::sql::{Area, Connection, Database, Pool, Query, Row, Session, Transaction};
use crate::shell::table::{Column, Growth, Rows, Table};

const AREA: &str = "views";
/// On SQLite, where an area is a file.
pub(crate) const FILE: &str = "views.db";

/// What the definitions of tables do not say: how bytes in them are written. Views of another format
/// are made anew.
const FORMAT: [u8; 1] = [6];
/// Readers at a time; more wait for each other.
const READERS_MAX: u32 = 8;
/// A table has at most eleven statements, for 1, 2, 4 … 1,024 rows.
const STATEMENTS_MAX: usize = 512;
/// A block of a packed history takes a few of SQLite's pages of this size.
const PAGE_BYTES: u32 = 8_192;
/// Pages kept in memory by SQLite's writer, in KiB (negative is KiB in its own words).
const CACHE_KIB: &str = "-32768";
/// Snapshots kept: the newest, and one to fall back on.
const SNAPSHOTS_KEPT: i64 = 2;
/// A snapshot is cut into parts of this size: on its way into a database a value is copied several times.
const PART_BYTES: usize = 4 << 20;

/// Where the views are.
pub(crate) fn area(database: &Database) -> Area {
    database.area(AREA)
}

/// Drops the views. The next start makes them anew from the journal; nothing is lost by it but
/// time.
pub(crate) async fn delete(database: &Database) -> Result<(), ViewsError> {
    Ok(area(database).delete().await?)
}

static WATERMARK: Table = Table {
    name: "watermark",
    columns: &[
        Column::integer("shard"),
        Column::integer("seq"),
        Column::blob("hash"),
        Column::text("schema"),
    ],
    key: 1,
    growth: Growth::Replace,
    indexes: &[],
};

static SNAPSHOT_PARTS: Table = Table {
    name: "snapshot_parts",
    columns: &[
        Column::integer("seq"),
        Column::integer("part"),
        Column::blob("row_hash"),
        Column::blob("digest"),
        Column::blob("state"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    #[error("the views' database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the views' database holds a watermark that is none")]
    Watermark,
}

/// A state as it was at a checkpoint record of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// The row that holds the checkpoint.
    pub(crate) head: Head,
    pub(crate) digest: Digest,
    pub(crate) state: Vec<u8>,
}

/// A snapshot as it was found, in so many parts.
#[derive(Clone, Debug)]
pub(crate) struct FoundSnapshot {
    pub(crate) snapshot: Snapshot,
    pub(crate) parts: u64,
}

/// The one who writes.
#[derive(Debug)]
pub(crate) struct ViewsWriter {
    area: Area,
    session: Session,
    tables: Vec<&'static Table>,
    schema: String,
    /// What is known of the packed histories; nothing after a failure.
    packs: Option<Packs>,
    filters: OnceFilters,
}

impl ViewsWriter {
    /// Opens the views, and makes them anew when they were made for other tables.
    pub(crate) async fn open(
        database: &Database,
        tables: Vec<&'static Table>,
    ) -> Result<Self, ViewsError> {
        let area = area(database).tuned(|options| {
            options
                .page_size(PAGE_BYTES)
                .statement_cache_capacity(STATEMENTS_MAX)
                .pragma("cache_size", CACHE_KIB)
                // A statement that changes many pages keeps copies of them until it is done: not in a file.
                .pragma("temp_store", "memory")
        });
        let tables = all(tables);
        let schema = schema(&area, &tables);
        let mut views = Self {
            session: Session::new(area.clone()),
            area,
            tables,
            schema,
            packs: None,
            filters: OnceFilters::default(),
        };
        views.session.make(&[&WATERMARK, &SNAPSHOT_PARTS]).await?;
        let mut connection = views.session.connection().await?;
        if schema_found(&mut connection).await?.as_ref() != Some(&views.schema) {
            views.reset().await?;
        }
        views.load().await?;
        Ok(views)
    }

    /// Learns what the packed histories have, and tells readers.
    async fn load(&mut self) -> Result<(), ViewsError> {
        let packs = match Packs::load(&mut self.session.connection().await?).await {
            Err(sqlx::Error::Decode(error)) => {
                tracing::warn!(%error, "the views are damaged and are made anew");
                self.reset().await?;
                Packs::default()
            }
            loaded => loaded?,
        };
        let at = watermark(&mut self.session.connection().await?).await?;
        self.filters.set(at.sequence, packs.once_filters());
        self.packs = Some(packs);
        Ok(())
    }

    /// The filters over the *once* index, as they stand after each write.
    pub(crate) fn filters(&self) -> OnceFilters {
        self.filters.clone()
    }

    pub(crate) fn tables(&self) -> &[&'static Table] {
        &self.tables
    }

    pub(crate) fn rows(&self) -> Rows {
        Rows::new(&self.tables)
    }

    /// Up to where the tables stand.
    pub(crate) async fn watermark(&mut self) -> Result<Head, ViewsError> {
        if self.packs.is_none() {
            self.load().await?;
        }
        watermark(&mut self.session.connection().await?).await
    }

    /// Drops all tables and makes them anew, empty. Snapshots stay: they answer for themselves.
    pub(crate) async fn reset(&mut self) -> Result<(), ViewsError> {
        let mut transaction = self.session.begin().await?;
        let mut connection = transaction.connection();
        let kept = [WATERMARK.name, SNAPSHOT_PARTS.name];
        let mut names = connection.tables().await?;
        names.retain(|name| !kept.contains(&name.as_str()));
        let drops = names.iter().map(|name| format!("drop table \"{name}\""));
        let tables = self.tables.iter();
        let creates = tables.flat_map(|table| self.area.definition(table));
        for statement in drops.chain(creates) {
            connection.declare(statement).await?;
        }
        set_watermark(&mut connection, Head::GENESIS, &self.schema).await?;
        transaction.commit().await?;
        self.packs = None;
        self.filters.set(Sequence(0), Vec::new());
        Ok(())
    }

    /// Drops the further indexes, which whoever reads in the order of keys has no use for.
    pub(crate) async fn drop_indexes(&mut self) -> Result<(), ViewsError> {
        let mut connection = self.session.connection().await?;
        for name in self.tables.iter().flat_map(|table| table.index_names()) {
            connection.declare(format!("drop index {name}")).await?;
        }
        Ok(())
    }

    /// Writes what was collected, the watermark and the snapshots, all or nothing.
    pub(crate) async fn write(
        &mut self,
        rows: &mut Rows,
        head: Head,
        snapshots: Vec<Snapshot>,
    ) -> Result<(), ViewsError> {
        // Taken, so that after a failure it is learnt anew.
        let mut packs = match self.packs.take() {
            Some(packs) => packs,
            None => Packs::load(&mut self.session.connection().await?).await?,
        };
        let mut transaction = self.session.begin().await?;
        let mut connection = transaction.connection();
        packs.write(&mut connection, rows.packed()).await?;
        for collected in rows.tables() {
            let rows = collected.take();
            connection.write(collected.table, rows).await?;
        }
        set_watermark(&mut connection, head, &self.schema).await?;
        for snapshot in snapshots {
            put_snapshot(&mut connection, &snapshot).await?;
        }
        transaction.commit().await?;
        self.filters.set(head.sequence, packs.once_filters());
        self.packs = Some(packs);
        Ok(())
    }

    /// Where the next row attaches to the tree over the rows, after those up to the watermark.
    pub(crate) async fn edge(
        &mut self,
        head: Head,
        journal: &mut impl ReadJournal,
    ) -> Result<Edge, TreeError> {
        let mut connection = self.session.connection().await?;
        Edge::load(head.sequence.0, &mut connection, journal).await
    }

    /// The snapshots there are, newest first.
    pub(crate) async fn snapshots(&mut self) -> Result<Vec<Snapshot>, ViewsError> {
        Ok(alone(
            snapshots(&mut self.session.connection().await?).await?,
        ))
    }

    /// After a failure: lets go of the connection, and the next use makes another.
    pub(crate) fn forget_connection(&mut self) {
        self.session.forget();
    }

    /// Ends in good order.
    pub(crate) async fn close(mut self) -> Result<(), ViewsError> {
        Ok(self.session.close().await?)
    }
}

/// A view's tables, and the house's that are made from the journal as well.
fn all(mut tables: Vec<&'static Table>) -> Vec<&'static Table> {
    tables.extend(packed::TABLES);
    tables.push(&ROW_TREE);
    tables
}

/// Names the definitions that views of these tables have in a database.
pub(crate) fn schema_in(database: &Database, tables: Vec<&'static Table>) -> String {
    schema(&area(database), &all(tables))
}

/// Names the tables' definitions: when it changes, the views are made anew.
fn schema(area: &Area, tables: &[&'static Table]) -> String {
    let mut hash = Sha256::new();
    hash.update(FORMAT);
    for statement in tables.iter().flat_map(|table| area.definition(table)) {
        hash.update(statement);
        hash.update([0]);
    }
    hex(&hash.finalize())
}

/// The definitions that the tables were made by, if there are any.
pub(crate) async fn schema_found(
    connection: &mut Connection<'_>,
) -> Result<Option<String>, sqlx::Error> {
    let query = Query::new("select schema from watermark where shard = $1").bind(SHARD);
    let found: Option<(String,)> = connection.first_as(query).await?;
    Ok(found.map(|(schema,)| schema))
}

pub(crate) async fn watermark(connection: &mut Connection<'_>) -> Result<Head, ViewsError> {
    let query = Query::new("select seq, hash from watermark where shard = $1").bind(SHARD);
    match connection.one_as(query).await {
        Ok((sequence, hash)) => Ok(Head {
            sequence: Sequence(sequence),
            hash,
        }),
        Err(sqlx::Error::ColumnDecode { .. }) => Err(ViewsError::Watermark),
        Err(error) => Err(error.into()),
    }
}

async fn set_watermark(
    connection: &mut Connection<'_>,
    head: Head,
    schema: &str,
) -> Result<(), ViewsError> {
    let query = Query::new(
        "insert into watermark (shard, seq, hash, schema) values ($1, $2, $3, $4)
         on conflict (shard) do update
         set seq = excluded.seq, hash = excluded.hash, schema = excluded.schema",
    )
    .bind(SHARD)
    .bind(head.sequence.0)
    .bind(head.hash.as_slice())
    .bind(schema);
    connection.run(query).await?;
    Ok(())
}

async fn put_snapshot(
    connection: &mut Connection<'_>,
    snapshot: &Snapshot,
) -> Result<(), ViewsError> {
    let sequence = snapshot.head.sequence.0;
    let query = Query::new("delete from snapshot_parts where seq = $1").bind(sequence);
    connection.run(query).await?;
    for (part, state) in (0_u64..).zip(snapshot.state.chunks(PART_BYTES)) {
        let query = Query::new(
            "insert into snapshot_parts (seq, part, row_hash, digest, state)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(sequence)
        .bind(part)
        .bind(snapshot.head.hash.as_slice())
        .bind(snapshot.digest.as_slice())
        .bind(state);
        connection.run(query).await?;
    }
    let query = Query::new(
        "delete from snapshot_parts where seq not in
         (select distinct seq from snapshot_parts order by seq desc limit $1)",
    )
    .bind(SNAPSHOTS_KEPT);
    connection.run(query).await?;
    Ok(())
}

/// The snapshots that are readable at all, newest first; the others are as good as none.
pub(crate) async fn snapshots(
    connection: &mut Connection<'_>,
) -> Result<Vec<FoundSnapshot>, sqlx::Error> {
    let query = Query::new(
        "select seq, part, row_hash, digest, state from snapshot_parts order by seq desc, part",
    );
    let rows = connection.all(query).await?;
    let part = |row: &Row| {
        let (sequence, part, hash, digest, state) = row.to().ok()?;
        let head = Head {
            sequence: Sequence(sequence),
            hash,
        };
        Some((
            part,
            Snapshot {
                head,
                digest,
                state,
            },
        ))
    };
    let mut found: Vec<FoundSnapshot> = Vec::new();
    for (part, next) in rows.iter().filter_map(part) {
        match found.last_mut() {
            Some(FoundSnapshot { snapshot, parts })
                if (snapshot.head, snapshot.digest, *parts) == (next.head, next.digest, part) =>
            {
                snapshot.state.extend(next.state);
                *parts += 1;
            }
            // A part without those before it is none.
            _ if part > 0 => {}
            _ => found.push(FoundSnapshot {
                snapshot: next,
                parts: 1,
            }),
        }
    }
    Ok(found)
}

fn alone(found: Vec<FoundSnapshot>) -> Vec<Snapshot> {
    found.into_iter().map(|found| found.snapshot).collect()
}

/// Where the snapshots are, for the writer's recovery: beside the projector, which writes them.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotSource {
    area: Area,
}

impl SnapshotSource {
    pub(crate) fn new(database: &Database) -> Self {
        Self {
            area: area(database),
        }
    }

    /// The snapshots, newest first. None at all is no error: the journal has everything.
    pub(crate) async fn read(&self) -> Vec<Snapshot> {
        match self.try_read().await {
            Ok(snapshots) => snapshots,
            Err(error) => {
                tracing::warn!(%error, "no snapshots to recover from; the journal is read from its start");
                Vec::new()
            }
        }
    }

    async fn try_read(&self) -> Result<Vec<Snapshot>, ViewsError> {
        let pool = self.area.readers(1);
        let mut transaction = pool.begin().await?;
        let found = snapshots(&mut transaction.connection()).await?;
        drop(transaction);
        pool.close().await;
        Ok(alone(found))
    }
}

/// Reads views, beside the projector. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Views {
    pool: Pool,
}

impl Views {
    /// The views of a database, for reading alone. A connection is made with the first reading, and
    /// whoever writes may be running.
    pub fn open(database: impl Into<Database>) -> Self {
        Self {
            pool: area(&database.into()).readers(READERS_MAX),
        }
    }

    /// Begins to read: everything read is as it stood at one watermark.
    pub async fn read(&self) -> Result<Reading, ViewsError> {
        let mut transaction = self.pool.begin().await?;
        let watermark = watermark(&mut transaction.connection()).await?;
        Ok(Reading {
            transaction,
            watermark,
        })
    }

    /// The row of the oldest snapshot that a start may use.
    pub(crate) async fn oldest_snapshot(&self) -> Result<Option<Sequence>, ViewsError> {
        let mut transaction = self.pool.begin().await?;
        let snapshots = snapshots(&mut transaction.connection()).await?;
        let oldest = snapshots.last();
        Ok(oldest.map(|found| found.snapshot.head.sequence))
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// One read transaction on the views.
#[derive(Debug)]
pub struct Reading {
    transaction: Transaction<'static>,
    watermark: Head,
}

impl Reading {
    /// The row of the journal up to which everything read here stands.
    pub fn watermark(&self) -> Sequence {
        self.watermark.sequence
    }

    /// That row, with its hash.
    pub fn head(&self) -> Head {
        self.watermark
    }

    pub fn connection(&mut self) -> Connection<'_> {
        self.transaction.connection()
    }
}
