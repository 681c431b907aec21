//! The views in SQLite: a file of its own, which only the projector writes.
//!
//! `synchronous=NORMAL`: a power cut may lose the end, and that only rewinds the watermark, which
//! is written in the same transaction as the rows it speaks of. Readers have connections of their
//! own and read the watermark in the transaction in which they read the rows ([`Views::read`]).
//!
//! Beside the view's tables there are those of the house: `watermark` (up to which row of the
//! journal the tables stand), `snapshot` (the whole state at a checkpoint of the journal, which
//! recovery starts from) and the [`packed`] histories, among them the *once* index.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction,
};

use crate::engine::Digest;
use crate::machine::Sequence;
use crate::once::OnceKey;
use crate::shell::chain::{Head, hex};
use crate::shell::journal::{SHARD, TRUNCATE};
use crate::shell::packed::{self, Filter, Packs};
use crate::shell::table::{Kind, Rows, Table, Value};

pub(crate) const FILE: &str = "views.db";

/// Readers at a time; more wait for each other.
const READERS_MAX: u32 = 8;
const READER_WAIT_MAX: Duration = Duration::from_secs(10);
/// One statement writes at most this many rows: as fast as it gets, measured.
const STATEMENT_ROWS_MAX: usize = 1_024;
/// SQLite's own limit of parameters in a statement.
const STATEMENT_VALUES_MAX: usize = 32_766;
/// A table has at most eleven statements, for 1, 2, 4 … 1,024 rows.
const STATEMENTS_MAX: usize = 512;
/// A block of a packed history takes a few pages of this size.
const PAGE_BYTES: u32 = 8_192;
/// Pages kept in memory by the writer, in KiB (negative is KiB in SQLite's own words).
const CACHE_KIB: &str = "-32768";
/// Snapshots kept: the newest, and one to fall back on.
const SNAPSHOTS_KEPT: i64 = 2;

/// Deletes the views. The next start makes them anew from the journal; nothing is lost by it but
/// time.
pub(crate) fn delete(directory: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(directory.join(format!("{FILE}{suffix}"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

const WATERMARK: &str = "create table if not exists watermark (
    shard integer primary key,
    seq integer not null,
    hash blob not null,
    schema text not null
) strict";
const SNAPSHOT: &str = "create table if not exists snapshot (
    seq integer primary key,
    row_hash blob not null,
    digest blob not null,
    state blob not null
) strict";

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

/// The connection that writes.
#[derive(Debug)]
pub(crate) struct ViewsWriter {
    connection: SqliteConnection,
    tables: Vec<&'static Table>,
    schema: String,
    /// What is known of the packed histories; nothing after a failure.
    packs: Option<Packs>,
    filters: OnceFilters,
}

impl ViewsWriter {
    /// Opens the views, and makes them anew when they were made for other tables.
    pub(crate) async fn open(
        directory: &Path,
        mut tables: Vec<&'static Table>,
    ) -> Result<Self, ViewsError> {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(false)
            .statement_cache_capacity(STATEMENTS_MAX)
            .pragma("cache_size", CACHE_KIB)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        for create in [WATERMARK, SNAPSHOT] {
            sqlx::query(create).execute(&mut connection).await?;
        }
        tables.extend(packed::TABLES);
        let schema = schema(&tables);
        let mut views = Self {
            connection,
            tables,
            schema,
            packs: None,
            filters: OnceFilters::default(),
        };
        let found = schema_found(&mut views.connection).await?;
        if found.as_ref() != Some(&views.schema) {
            views.reset().await?;
        }
        views.load().await?;
        Ok(views)
    }

    /// Learns what the packed histories have, and tells readers.
    async fn load(&mut self) -> Result<(), ViewsError> {
        let packs = match Packs::load(&mut self.connection).await {
            Err(sqlx::Error::Decode(error)) => {
                tracing::warn!(%error, "the views are damaged and are made anew");
                self.reset().await?;
                Packs::default()
            }
            loaded => loaded?,
        };
        let at = watermark(&mut self.connection).await?;
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

    /// Names the definitions of the tables.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn rows(&self) -> Rows {
        Rows::new(&self.tables)
    }

    /// Up to where the tables stand.
    pub(crate) async fn watermark(&mut self) -> Result<Head, ViewsError> {
        if self.packs.is_none() {
            self.load().await?;
        }
        watermark(&mut self.connection).await
    }

    /// Drops all tables and makes them anew, empty. Snapshots stay: they answer for themselves.
    pub(crate) async fn reset(&mut self) -> Result<(), ViewsError> {
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        let names: Vec<String> = sqlx::query_scalar(
            "select name from sqlite_schema where type = 'table'
             and name not in ('watermark', 'snapshot') and name not like 'sqlite\\_%' escape '\\'",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let drops = names.iter().map(|name| format!("drop table \"{name}\""));
        let creates = self.tables.iter().flat_map(|table| definition(table));
        for statement in drops.chain(creates) {
            sqlx::query(AssertSqlSafe(statement))
                .persistent(false)
                .execute(&mut *transaction)
                .await?;
        }
        set_watermark(&mut transaction, Head::GENESIS, &self.schema).await?;
        transaction.commit().await?;
        self.packs = None;
        self.filters.set(Sequence(0), Vec::new());
        Ok(())
    }

    /// Writes what was collected, the watermark and the snapshots, all or nothing.
    pub(crate) async fn write(
        &mut self,
        rows: &mut Rows,
        head: Head,
        snapshots: &[Snapshot],
    ) -> Result<(), ViewsError> {
        // Taken, so that after a failure it is learnt anew.
        let mut packs = match self.packs.take() {
            Some(packs) => packs,
            None => Packs::load(&mut self.connection).await?,
        };
        let mut transaction = self.connection.begin_with("begin immediate").await?;
        packs.write(&mut transaction, rows.packed()).await?;
        for collected in rows.tables() {
            let mut values = collected.take().into_iter();
            for size in pieces(collected.table, values.len()) {
                let mut arguments = SqliteArguments::default();
                for value in values.by_ref().take(size).flatten() {
                    bind(&mut arguments, value)?;
                }
                sqlx::query_with(insert(collected.table, size), arguments)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        set_watermark(&mut transaction, head, &self.schema).await?;
        for snapshot in snapshots {
            put_snapshot(&mut transaction, snapshot).await?;
        }
        transaction.commit().await?;
        self.filters.set(head.sequence, packs.once_filters());
        self.packs = Some(packs);
        Ok(())
    }

    /// The snapshots there are, newest first.
    pub(crate) async fn snapshots(&mut self) -> Result<Vec<Snapshot>, ViewsError> {
        snapshots(&mut self.connection).await
    }

    /// Folds the write-ahead log into the file, so that the file alone is the views.
    pub(crate) async fn close(mut self) -> Result<(), ViewsError> {
        sqlx::query(TRUNCATE).execute(&mut self.connection).await?;
        Ok(self.connection.close().await?)
    }
}

/// The definitions that the tables were made by, if there are any.
pub(crate) async fn schema_found(
    connection: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("select schema from watermark where shard = ?")
        .bind(SHARD)
        .fetch_optional(connection)
        .await
}

pub(crate) async fn watermark(connection: &mut SqliteConnection) -> Result<Head, ViewsError> {
    let (sequence, hash): (i64, Vec<u8>) =
        sqlx::query_as("select seq, hash from watermark where shard = ?")
            .bind(SHARD)
            .fetch_one(connection)
            .await?;
    Ok(Head {
        sequence: Sequence(u64::try_from(sequence).map_err(|_| ViewsError::Watermark)?),
        hash: hash.try_into().map_err(|_| ViewsError::Watermark)?,
    })
}

async fn set_watermark(
    transaction: &mut Transaction<'_, Sqlite>,
    head: Head,
    schema: &str,
) -> Result<(), ViewsError> {
    sqlx::query("insert or replace into watermark (shard, seq, hash, schema) values (?, ?, ?, ?)")
        .bind(SHARD)
        .bind(i64::try_from(head.sequence.0).map_err(|_| ViewsError::Watermark)?)
        .bind(head.hash.as_slice())
        .bind(schema)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn put_snapshot(
    transaction: &mut Transaction<'_, Sqlite>,
    snapshot: &Snapshot,
) -> Result<(), ViewsError> {
    let Snapshot {
        head,
        digest,
        state,
    } = snapshot;
    sqlx::query(
        "insert or replace into snapshot (seq, row_hash, digest, state) values (?, ?, ?, ?)",
    )
    .bind(i64::try_from(head.sequence.0).map_err(|_| ViewsError::Watermark)?)
    .bind(head.hash.as_slice())
    .bind(digest.as_slice())
    .bind(state.as_slice())
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "delete from snapshot where seq not in (select seq from snapshot order by seq desc limit ?)",
    )
    .bind(SNAPSHOTS_KEPT)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// The snapshots that are readable at all, newest first; the others are as good as none.
pub(crate) async fn snapshots(
    connection: &mut SqliteConnection,
) -> Result<Vec<Snapshot>, ViewsError> {
    type Stored = (i64, Vec<u8>, Vec<u8>, Vec<u8>);
    let rows: Vec<Stored> =
        sqlx::query_as("select seq, row_hash, digest, state from snapshot order by seq desc")
            .fetch_all(connection)
            .await?;
    let snapshot = |(sequence, hash, digest, state): Stored| {
        Some(Snapshot {
            head: Head {
                sequence: Sequence(u64::try_from(sequence).ok()?),
                hash: hash.try_into().ok()?,
            },
            digest: digest.try_into().ok()?,
            state,
        })
    };
    Ok(rows.into_iter().filter_map(snapshot).collect())
}

/// Where the snapshots are, for the writer's recovery: beside the projector, which writes them.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotSource {
    options: SqliteConnectOptions,
}

impl SnapshotSource {
    pub(crate) fn new(directory: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .read_only(true);
        Self { options }
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
        let mut connection = self.options.connect().await?;
        let found = snapshots(&mut connection).await?;
        connection.close().await?;
        Ok(found)
    }
}

/// How to write `rows` rows: in powers of two, so that there are few different statements and each
/// is compiled once.
fn pieces(table: &Table, rows: usize) -> impl Iterator<Item = usize> {
    let fitting = STATEMENT_VALUES_MAX / table.columns.len();
    let largest = 1 << STATEMENT_ROWS_MAX.min(fitting).ilog2();
    let mut left = rows;
    std::iter::from_fn(move || {
        let size = (left > 0).then(|| largest.min(1 << left.ilog2()))?;
        left -= size;
        Some(size)
    })
}

fn insert(table: &Table, rows: usize) -> AssertSqlSafe<String> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let one = format!("({})", vec!["?"; names.len()].join(","));
    AssertSqlSafe(format!(
        "insert or replace into {} ({}) values {}",
        table.name,
        names.join(","),
        vec![one.as_str(); rows].join(",")
    ))
}

fn bind(arguments: &mut SqliteArguments, value: Value) -> Result<(), sqlx::Error> {
    use sqlx::Arguments as _;
    match value {
        Value::Null => arguments.add(None::<i64>),
        Value::Integer(number) => arguments.add(number),
        Value::Text(text) => arguments.add(Arc::<str>::from(text)),
        Value::Blob(bytes) => arguments.add(bytes),
    }
    .map_err(sqlx::Error::Encode)
}

/// The statements that make a table.
fn definition(table: &Table) -> Vec<String> {
    let columns = table.columns.iter().map(|column| {
        let kind = match column.kind {
            Kind::Integer => "integer",
            Kind::Text => "text",
            Kind::Blob => "blob",
            Kind::Wide => "any",
        };
        let null = if column.nullable { "" } else { " not null" };
        format!("{} {kind}{null}", column.name)
    });
    let columns: Vec<String> = columns.collect();
    let key: Vec<&str> = table.columns[..table.key]
        .iter()
        .map(|column| column.name)
        .collect();
    // A single number as the key is SQLite's own row number; other keys cluster the rows.
    let by_number = table.key == 1 && table.columns[0].kind == Kind::Integer;
    let clustered = if by_number { "" } else { ", without rowid" };
    let create = format!(
        "create table {} ({}, primary key ({})) strict{clustered}",
        table.name,
        columns.join(", "),
        key.join(", ")
    );
    let indexes = (1..).zip(table.indexes).map(|(number, columns)| {
        format!(
            "create index {name}_{number} on {name} ({columns})",
            name = table.name
        )
    });
    std::iter::once(create).chain(indexes).collect()
}

/// Names the tables' definitions: when it changes, the views are made anew.
fn schema(tables: &[&'static Table]) -> String {
    let mut hash = Sha256::new();
    for statement in tables.iter().flat_map(|table| definition(table)) {
        hash.update(statement);
        hash.update([0]);
    }
    hex(&hash.finalize())
}

/// Which keys of the *once* index may have left for the views, without a look into them: told by
/// the projector, read by those who submit. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnceFilters(Arc<RwLock<Arc<FiltersAt>>>);

/// The filters as they stood at one row of the journal.
#[derive(Debug, Default)]
pub(crate) struct FiltersAt {
    pub(crate) at: Sequence,
    runs: Vec<(i64, Arc<Filter>)>,
}

impl OnceFilters {
    fn set(&self, at: Sequence, runs: Vec<(i64, Arc<Filter>)>) {
        let filters = Arc::new(FiltersAt { at, runs });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = filters;
    }

    pub(crate) fn now(&self) -> Arc<FiltersAt> {
        let filters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        filters.clone()
    }
}

impl FiltersAt {
    /// Whether no run has this key, for sure.
    pub(crate) fn is_absent(&self, key: OnceKey) -> bool {
        let digest = packed::digest(key.scope, key.key);
        !self.runs.iter().any(|(_, filter)| filter.may_have(digest))
    }

    /// Whether a run may have this key; also one that is not known here may.
    pub(crate) fn may_have(&self, run: i64, key: OnceKey) -> bool {
        let known = self.runs.iter().find(|(known, _)| *known == run);
        known.is_none_or(|(_, filter)| filter.may_have(packed::digest(key.scope, key.key)))
    }
}

/// Reads views, beside the projector. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Views {
    pool: SqlitePool,
}

impl Views {
    /// The views of a data directory, for reading alone. The file is opened with the first reading, and
    /// whoever writes it may be running.
    pub fn open(directory: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .read_only(true)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(READER_WAIT_MAX)
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Begins to read: everything read is as it stood at one watermark.
    pub async fn read(&self) -> Result<Reading, ViewsError> {
        let mut transaction = self.pool.begin().await?;
        let watermark = watermark(&mut transaction).await?;
        Ok(Reading {
            transaction,
            watermark,
        })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// One read transaction on the views.
#[derive(Debug)]
pub struct Reading {
    transaction: Transaction<'static, Sqlite>,
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

    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}
