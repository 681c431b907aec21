//! The views as they are stored, compared with a fresh projection.
//!
//! Both are read side by side in the order of their keys, a page at a time, so that it does not
//! matter in which databases they are.

use std::cmp::Ordering;
use std::panic::resume_unwind;

use tokio::task::JoinHandle;

use crate::engine::{Digest, digest_of};
use crate::machine::Sequence;
use crate::shell::chain::{Head, hex};
use crate::shell::packed;
use crate::shell::sql::{Connection, Database, Query, Transaction};
use crate::shell::table::{Table, Value};
use crate::shell::verify::packed::{Expected, Found};
use crate::shell::verify::{Halt, Place, VerifyError, differ};
use crate::shell::views::{self, Snapshot, ViewsError};

/// Rows of a table that are read at a time.
const PAGE_ROWS: usize = 4_096;

/// The views of a database in one read transaction. Their histories are read while the journal is replayed, on another
/// core if there is one: what they should hold is only a matter of sums.
pub(super) struct Stored {
    reading: JoinHandle<Result<(Transaction<'static>, Found), Halt>>,
    /// Up to where they say they stand.
    pub(super) watermark: Head,
    snapshots: Vec<Snapshot>,
}

impl Stored {
    /// Opens the views, if there are any, and checks what stands apart from the tables.
    pub(super) async fn open(
        database: &Database,
        schema: &str,
        mut histories: Found,
    ) -> Result<Option<Self>, Halt> {
        let area = views::area(database);
        if !area.exists().await.map_err(failed)? {
            return Ok(None);
        }
        let mut transaction = area.readers(1).begin().await.map_err(failed)?;
        let mut connection = transaction.connection();
        let found = views::schema_found(&mut connection).await.map_err(failed)?;
        if found.as_deref() != Some(schema) {
            let place = place("watermark", "shard = 0", Some("schema"));
            let found = found.unwrap_or_else(|| "no watermark".to_owned());
            return Err(differ(place, schema, found));
        }
        let watermark = views::watermark(&mut connection).await.map_err(|error| {
            let place = place("watermark", "shard = 0", None);
            differ(place, "a row's number and hash", error.to_string())
        })?;
        let found = views::snapshots(&mut connection).await.map_err(failed)?;
        let watermarks = count(&mut connection, "watermark").await?;
        if watermarks != 1 {
            let place = place("watermark", "all rows", None);
            return Err(differ(place, "1 row", watermarks.to_string()));
        }
        let stored = count(&mut connection, "snapshot_parts").await?;
        let readable: u64 = found.iter().map(|found| found.parts).sum();
        if stored != readable {
            let place = place("snapshot_parts", "all rows", None);
            let expected = format!("{stored} readable");
            return Err(differ(place, expected, readable.to_string()));
        }
        let snapshots = found.into_iter().map(|found| found.snapshot).collect();
        let reading = tokio::spawn(async move {
            let mut connection = transaction.connection();
            histories.read(&mut connection, watermark.sequence).await?;
            Ok((transaction, histories))
        });
        Ok(Some(Self {
            reading,
            watermark,
            snapshots,
        }))
    }

    /// Checks what the views say of a row of the journal: the watermark's hash and the snapshots. The row may have a
    /// checkpoint.
    pub(super) fn check_row(&mut self, row: Head, checkpoint: Option<Digest>) -> Result<(), Halt> {
        if row.sequence == self.watermark.sequence && row.hash != self.watermark.hash {
            let place = place("watermark", "shard = 0", Some("hash"));
            return Err(differ(place, hex(&row.hash), hex(&self.watermark.hash)));
        }
        let here = |snapshot: &mut Snapshot| snapshot.head.sequence == row.sequence;
        for snapshot in self.snapshots.extract_if(.., here) {
            let key = format!("seq = {}", row.sequence.0);
            let place = |column| place("snapshot_parts", &key, Some(column));
            if snapshot.head.hash != row.hash {
                let found = hex(&snapshot.head.hash);
                return Err(differ(place("row_hash"), hex(&row.hash), found));
            }
            if checkpoint != Some(snapshot.digest) {
                let expected = checkpoint.map_or("no snapshot".to_owned(), |digest| hex(&digest));
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
                Err(beyond("snapshot_parts", &format!("seq = {}", row.0), row))
            }
            None => Ok(()),
        }
    }

    /// Compares every table with the fresh projection, and the packed histories with what they
    /// should hold.
    pub(super) async fn compare(
        &mut self,
        fresh: &Database,
        tables: &[&'static Table],
        histories: &Expected,
    ) -> Result<(), Halt> {
        let read = (&mut self.reading).await;
        let read = read.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()));
        let (mut transaction, found) = read?;
        histories.check(&found)?;
        let pool = views::area(fresh).readers(1);
        let mut fresh = pool.begin().await.map_err(failed)?;
        let packed = |table: &Table| packed::TABLES.iter().any(|one| one.name == table.name);
        for table in tables.iter().filter(|table| !packed(table)) {
            let expected = Walk::new(table, fresh.connection());
            let found = Walk::new(table, transaction.connection());
            compare_table(table, expected, found).await?;
        }
        Ok(())
    }
}

/// Whoever ends early does not wait for the rest.
impl Drop for Stored {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// A walk through the rows of a table in the order of its key.
struct Walk<'c> {
    connection: Connection<'c>,
    table: &'static Table,
    /// What has been read and not looked at yet, the next row last.
    page: Vec<Vec<Value>>,
    /// The key of the last row that was read.
    last: Option<Vec<Value>>,
    ended: bool,
}

impl<'c> Walk<'c> {
    fn new(table: &'static Table, connection: Connection<'c>) -> Self {
        Self {
            connection,
            table,
            page: Vec::new(),
            last: None,
            ended: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Value>>, Halt> {
        if self.page.is_empty() && !self.ended {
            let rows = self.connection.all(self.query()).await.map_err(failed)?;
            self.page = rows.iter().map(|row| row.values().to_vec()).collect();
            self.ended = self.page.len() < PAGE_ROWS;
            self.last = self.page.last().map(|row| row[..self.table.key].to_vec());
            self.page.reverse();
        }
        Ok(self.page.pop())
    }

    fn query(&self) -> Query {
        let columns: Vec<&str> = self
            .table
            .columns
            .iter()
            .map(|column| column.name)
            .collect();
        let (columns, key) = (columns.join(", "), self.table.key_names().join(", "));
        let table = self.table.name;
        let last = self.last.iter().flatten();
        let places: Vec<String> = (1..=last.clone().count())
            .map(|no| format!("${no}"))
            .collect();
        let after = match &places[..] {
            [] => String::new(),
            places => format!("where ({key}) > ({})", places.join(", ")),
        };
        let sql = format!("select {columns} from {table} {after} order by {key} limit {PAGE_ROWS}");
        last.fold(Query::of_declared(sql), |query, value| {
            query.bind(value.clone())
        })
    }
}

async fn compare_table(
    table: &Table,
    mut expected: Walk<'_>,
    mut found: Walk<'_>,
) -> Result<(), Halt> {
    let here = |row: &[Value], column| place(table.name, &key_text(table, row), column);
    loop {
        let (wanted, seen) = (expected.next().await?, found.next().await?);
        let order = match (&wanted, &seen) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(wanted), Some(seen)) => wanted[..table.key].cmp(&seen[..table.key]),
        };
        let (wanted, seen) = (wanted.unwrap_or_default(), seen.unwrap_or_default());
        match order {
            Ordering::Less => return Err(differ(here(&wanted, None), "a row", "none")),
            Ordering::Greater => return Err(differ(here(&seen, None), "no row", "one")),
            Ordering::Equal => {}
        }
        let columns = table.columns.iter().zip(wanted.iter().zip(&seen));
        for (column, (one, other)) in columns {
            if one != other {
                let place = here(&wanted, Some(column.name));
                return Err(differ(place, one.to_string(), other.to_string()));
            }
        }
    }
}

pub(super) async fn count(connection: &mut Connection<'_>, table: &str) -> Result<u64, Halt> {
    let query = Query::of_declared(format!("select count(*) from {table}"));
    let (count,) = connection.one_as(query).await.map_err(failed)?;
    Ok(count)
}

fn key_text(table: &Table, row: &[Value]) -> String {
    let parts = table.key_names().into_iter().zip(row);
    let parts: Vec<String> = parts
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    parts.join(", ")
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
