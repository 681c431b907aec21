//! The views on disk, compared with a fresh projection.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Row as _, SqliteConnection};

use crate::engine::{Record, digest_of};
use crate::machine::{Machine, Sequence};
use crate::shell::chain::{Head, Row, hex};
use crate::shell::packed;
use crate::shell::table::Table;
use crate::shell::verify::packed::Expected;
use crate::shell::verify::{Halt, Place, VerifyError, differ};
use crate::shell::views::{self, Snapshot, ViewsError};

/// The views of a data directory in one read transaction, with the fresh projection beside them.
pub(super) struct Stored {
    connection: SqliteConnection,
    /// Up to where they say they stand.
    pub(super) watermark: Head,
    snapshots: Vec<Snapshot>,
}

impl Stored {
    /// Opens the views, if there are any.
    pub(super) async fn open(
        directory: &Path,
        scratch: &Path,
    ) -> Result<Option<Self>, VerifyError> {
        let file = directory.join(views::FILE);
        if !file.try_exists()? {
            return Ok(None);
        }
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let mut connection = options.connect().await.map_err(ViewsError::from)?;
        let fresh = scratch.join(views::FILE).to_string_lossy().into_owned();
        let attach = sqlx::query("attach database ? as fresh").bind(fresh);
        attach
            .execute(&mut connection)
            .await
            .map_err(ViewsError::from)?;
        Ok(Some(Self {
            connection,
            watermark: Head::GENESIS,
            snapshots: Vec::new(),
        }))
    }

    /// Begins the transaction, and checks what stands apart from the tables.
    pub(super) async fn begin(&mut self, schema: &str) -> Result<(), Halt> {
        let connection = &mut self.connection;
        let begin = sqlx::query("begin").execute(&mut *connection);
        begin.await.map_err(failed)?;
        let found = views::schema_found(connection).await.map_err(failed)?;
        if found.as_deref() != Some(schema) {
            let place = place("watermark", "shard = 0", Some("schema"));
            let found = found.unwrap_or_else(|| "no watermark".to_owned());
            return Err(differ(place, schema, found));
        }
        self.watermark = views::watermark(connection).await.map_err(|error| {
            let place = place("watermark", "shard = 0", None);
            differ(place, "a row's number and hash", error.to_string())
        })?;
        self.snapshots = views::snapshots(connection).await?;
        let watermarks = count(connection, "watermark").await?;
        if watermarks != 1 {
            let place = place("watermark", "all rows", None);
            return Err(differ(place, "1 row", watermarks.to_string()));
        }
        let (stored, readable) = (count(connection, "snapshot").await?, self.snapshots.len());
        if stored != readable as u64 {
            let place = place("snapshot", "all rows", None);
            return Err(differ(
                place,
                format!("{stored} readable"),
                readable.to_string(),
            ));
        }
        Ok(())
    }

    pub(super) async fn close(self) -> Result<(), VerifyError> {
        let closed = self.connection.close().await;
        Ok(closed.map_err(ViewsError::from)?)
    }

    /// Checks what the views say of a row of the journal: the watermark's hash and the snapshots.
    pub(super) fn check_row<M: Machine>(
        &mut self,
        row: &Row,
        records: &[Record<M>],
    ) -> Result<(), Halt> {
        if row.sequence == self.watermark.sequence && row.hash != self.watermark.hash {
            let place = place("watermark", "shard = 0", Some("hash"));
            return Err(differ(place, hex(&row.hash), hex(&self.watermark.hash)));
        }
        let here = |snapshot: &mut Snapshot| snapshot.head.sequence == row.sequence;
        for snapshot in self.snapshots.extract_if(.., here) {
            let key = format!("seq = {}", row.sequence.0);
            let place = |column| place("snapshot", &key, Some(column));
            if snapshot.head.hash != row.hash {
                let found = hex(&snapshot.head.hash);
                return Err(differ(place("row_hash"), hex(&row.hash), found));
            }
            let digest = records.iter().find_map(|record| match record {
                Record::Checkpoint { digest, .. } => Some(*digest),
                _ => None,
            });
            if digest != Some(snapshot.digest) {
                let expected = digest.map_or("no snapshot".to_owned(), |digest| hex(&digest));
                return Err(differ(place("digest"), expected, hex(&snapshot.digest)));
            }
            let found = digest_of(&snapshot.state);
            if found != snapshot.digest {
                let expected = format!("a state of the digest {}", hex(&snapshot.digest));
                return Err(differ(place("state"), expected, hex(&found)));
            }
        }
        Ok(())
    }

    /// Checks that nothing speaks of rows after the journal's last.
    pub(super) fn check_end(&self, last: Sequence) -> Result<(), Halt> {
        let beyond = |table, key: &str, row: Sequence| {
            let expected = format!("a row of the journal, which ends at {}", last.0);
            differ(place(table, key, Some("seq")), expected, row.0.to_string())
        };
        if self.watermark.sequence > last {
            return Err(beyond("watermark", "shard = 0", self.watermark.sequence));
        }
        match self.snapshots.first() {
            Some(snapshot) => {
                let row = snapshot.head.sequence;
                Err(beyond("snapshot", &format!("seq = {}", row.0), row))
            }
            None => Ok(()),
        }
    }

    /// Compares every table with the fresh projection, and the packed histories with what they
    /// should hold.
    pub(super) async fn compare(
        &mut self,
        tables: &[&'static Table],
        histories: Expected,
    ) -> Result<(), Halt> {
        histories.compare(&mut self.connection).await?;
        let packed = |table: &Table| packed::TABLES.iter().any(|one| one.name == table.name);
        for table in tables.iter().filter(|table| !packed(table)) {
            self.compare_table(table).await?;
        }
        Ok(())
    }

    async fn compare_table(&mut self, table: &Table) -> Result<(), Halt> {
        let name = table.name;
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let (key, rest) = columns.split_at(table.key);
        let same_key: Vec<String> = key.iter().map(|k| format!("f.{k} = m.{k}")).collect();
        let same_key = same_key.join(" and ");
        let order = |alias: &str| {
            let order: Vec<String> = key.iter().map(|k| format!("{alias}.{k}")).collect();
            order.join(", ")
        };
        let quoted = |alias: &str, columns: &[&str]| {
            let quoted: Vec<String> = columns
                .iter()
                .map(|column| format!("quote({alias}.{column})"))
                .collect();
            quoted.join(", ")
        };
        for (one, other, present, absent) in [
            ("fresh", "main", "a row", "none"),
            ("main", "fresh", "no row", "one"),
        ] {
            let alone = format!(
                "select {} from {one}.{name} as f where not exists
                 (select 1 from {other}.{name} as m where {same_key}) order by {} limit 1",
                quoted("f", key),
                order("f"),
            );
            if let Some(row) = self.first(alone).await? {
                let place = place(name, &key_text(key, &row)?, None);
                return Err(differ(place, present, absent));
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        let differing: Vec<String> = rest
            .iter()
            .map(|column| format!("f.{column} is not m.{column}"))
            .collect();
        let differing = format!(
            "select {}, {}, {} from fresh.{name} as f join main.{name} as m on {same_key}
             where {} order by {} limit 1",
            quoted("f", key),
            quoted("f", rest),
            quoted("m", rest),
            differing.join(" or "),
            order("f"),
        );
        let Some(row) = self.first(differing).await? else {
            return Ok(());
        };
        for (position, column) in rest.iter().enumerate() {
            let expected: String = row.try_get(key.len() + position).map_err(failed)?;
            let found: String = row
                .try_get(key.len() + rest.len() + position)
                .map_err(failed)?;
            if expected != found {
                let place = place(name, &key_text(key, &row)?, Some(column));
                return Err(differ(place, expected, found));
            }
        }
        Ok(())
    }

    async fn first(&mut self, query: String) -> Result<Option<SqliteRow>, Halt> {
        let query = sqlx::query(AssertSqlSafe(query)).persistent(false);
        let row = query.fetch_optional(&mut self.connection).await;
        row.map_err(failed)
    }
}

pub(super) async fn count(connection: &mut SqliteConnection, table: &str) -> Result<u64, Halt> {
    let query = AssertSqlSafe(format!("select count(*) from main.{table}"));
    let count: i64 = sqlx::query_scalar(query)
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(count.unsigned_abs())
}

fn key_text(key: &[&str], row: &SqliteRow) -> Result<String, Halt> {
    let parts: Result<Vec<String>, sqlx::Error> = key
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let value: String = row.try_get(position)?;
            Ok(format!("{column} = {value}"))
        })
        .collect();
    Ok(parts.map_err(failed)?.join(", "))
}

pub(super) fn place(table: &str, key: &str, column: Option<&str>) -> Place {
    Place::View {
        table: table.to_owned(),
        key: key.to_owned(),
        column: column.map(str::to_owned),
    }
}

pub(super) fn failed(error: sqlx::Error) -> Halt {
    Halt::Error(VerifyError::Views(ViewsError::Database(error)))
}
