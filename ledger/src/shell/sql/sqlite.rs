//! What SQLite does in its own way.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::shell::table::{Kind, Table, Value};

/// One statement writes at most this many rows: as fast as it gets, measured.
const STATEMENT_ROWS_MAX: usize = 1_024;
/// SQLite's own limit of parameters in a statement.
const STATEMENT_VALUES_MAX: usize = 32_766;
/// Folds the write-ahead log into the file, so that the file alone is everything.
pub(crate) const TRUNCATE: &str = "pragma wal_checkpoint(truncate)";
/// The names of all tables but SQLite's own.
pub(super) const TABLES: &str = "select name from sqlite_schema
    where type = 'table' and name not like 'sqlite\\_%' escape '\\'";

/// Deletes a database with what SQLite keeps beside it.
pub(super) fn delete(file: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

pub(super) fn bind(arguments: &mut SqliteArguments, value: Value) -> Result<(), sqlx::Error> {
    use sqlx::Arguments as _;
    match value {
        Value::Null => arguments.add(None::<i64>),
        Value::Integer(number) => arguments.add(number),
        Value::Text(text) => arguments.add(Arc::<str>::from(text)),
        Value::Blob(bytes) => arguments.add(bytes),
    }
    .map_err(sqlx::Error::Encode)
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: Vec<Vec<Value>>,
) -> Result<(), sqlx::Error> {
    let sizes = pieces(table, rows.len());
    let mut values = rows.into_iter();
    for size in sizes {
        let mut arguments = SqliteArguments::default();
        for value in values.by_ref().take(size).flatten() {
            bind(&mut arguments, value)?;
        }
        sqlx::query_with(insert(table, size), arguments)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// How to write `rows` rows: in powers of two, so that there are few different statements and each
/// is compiled once.
fn pieces(table: &Table, rows: usize) -> impl Iterator<Item = usize> + use<> {
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
        "insert into {} ({}) values {} {}",
        table.name,
        names.join(","),
        vec![one.as_str(); rows].join(","),
        table.on_conflict()
    ))
}

/// The statements that make a table.
pub(super) fn definition(table: &Table) -> Vec<String> {
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
    // A single number as the key is SQLite's own row number; other keys cluster the rows.
    let by_number = table.key == 1 && table.columns[0].kind == Kind::Integer;
    let clustered = if by_number { "" } else { ", without rowid" };
    let create = format!(
        "create table if not exists {} ({}, primary key ({})) strict{clustered}",
        table.name,
        columns.join(", "),
        table.key_names().join(", ")
    );
    std::iter::once(create)
        .chain(table.index_definitions())
        .collect()
}
