//! What `PostgreSQL` does in its own way.
//!
//! Rows are written by `copy` in the binary form, which is as fast as the server takes them. Where
//! a row may take the place of an earlier one, they are copied into a temporary table first.
//! Blobs are stored `external`: ours are ids, or packed or encrypted, so trying to compress them
//! is time lost.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgConnectOptions, PgValueFormat, PgValueRef};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, TypeInfo as _, ValueRef as _};

use crate::shell::table::{Column, Growth, Kind, Table, Value};

/// How long a server may take to let us in.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// The names of all tables of the schema.
pub(super) const TABLES: &str =
    "select tablename from pg_tables where schemaname = current_schema()";
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_END: [u8; 2] = (-1_i16).to_be_bytes();
/// Bytes of a copy that are sent at a time.
const COPY_BYTES: usize = 1 << 20;

/// Options with which the server does not tell what nobody needs to hear.
pub(crate) fn quiet(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([("client_min_messages", "warning")])
        .disable_statement_logging()
}

pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    match tokio::time::timeout(CONNECT_WAIT_MAX, options.connect()).await {
        Ok(connected) => connected,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the server does not let us in in time",
        ))),
    }
}

/// Makes a schema that is not there.
pub(crate) async fn make_schema(
    connection: &mut PgConnection,
    name: &str,
) -> Result<(), sqlx::Error> {
    let make = format!("create schema if not exists {name}");
    let made = sqlx::raw_sql(AssertSqlSafe(make)).execute(connection);
    made.await.map(drop)
}

pub(super) async fn has_schema(
    connection: &mut PgConnection,
    name: &str,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)");
    query.bind(name).fetch_one(connection).await
}

pub(super) async fn drop_schema(
    connection: &mut PgConnection,
    name: &str,
) -> Result<(), sqlx::Error> {
    let drop_all = format!("drop schema if exists {name} cascade");
    let dropped = sqlx::raw_sql(AssertSqlSafe(drop_all)).execute(connection);
    dropped.await.map(drop)
}

/// Rows of views may take anybody's words, and `PostgreSQL`'s texts hold every character but one.
/// The journal has it; a view shows the character that stands for it.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The statements that make a table.
pub(super) fn definition(table: &Table) -> Vec<String> {
    let name = table.name;
    let columns: Vec<String> = table.columns.iter().map(column_definition).collect();
    let create = format!(
        "create table if not exists {name} ({}, primary key ({}))",
        columns.join(", "),
        table.key_names().join(", ")
    );
    let blobs = table.columns.iter().filter(|c| c.kind == Kind::Blob);
    let external = blobs.map(|column| {
        format!(
            "alter table {name} alter {} set storage external",
            column.name
        )
    });
    std::iter::once(create)
        .chain(external)
        .chain(table.index_definitions())
        .collect()
}

fn column_definition(column: &Column) -> String {
    let kind = match column.kind {
        Kind::Integer => "bigint",
        // In the order of the bytes, as SQLite has it, whatever the server's language.
        Kind::Text => "text collate \"C\"",
        Kind::Blob => "bytea",
        Kind::Wide => "numeric",
    };
    let null = if column.nullable { "" } else { " not null" };
    format!("{} {kind}{null}", column.name)
}

pub(super) async fn write(
    connection: &mut PgConnection,
    table: &Table,
    rows: Vec<Vec<Value>>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    match table.growth {
        Growth::Append => copy(connection, table.name, table, &rows).await,
        Growth::Replace => {
            let arrivals = format!("new_{}", table.name);
            let columns: Vec<String> = table.columns.iter().map(column_definition).collect();
            let make = format!(
                "create temp table if not exists {arrivals} ({}) on commit delete rows",
                columns.join(", ")
            );
            let make = sqlx::raw_sql(AssertSqlSafe(make));
            make.execute(&mut *connection).await?;
            copy(connection, &arrivals, table, &rows).await?;
            let merge = sqlx::query(AssertSqlSafe(merge(table, &arrivals)));
            merge.execute(connection).await.map(drop)
        }
    }
}

/// The statement that takes arrivals into a table.
fn merge(table: &Table, arrivals: &str) -> String {
    format!(
        "insert into {} select * from {arrivals} {}",
        table.name,
        table.on_conflict()
    )
}

async fn copy(
    connection: &mut PgConnection,
    into: &str,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<(), sqlx::Error> {
    let start = format!("copy {into} from stdin (format binary)");
    let mut copy = connection.copy_in_raw(&start).await?;
    let mut bytes = COPY_HEADER.to_vec();
    let width = i16::try_from(table.columns.len()).expect("a table has few columns");
    for row in rows {
        bytes.extend(width.to_be_bytes());
        for (column, value) in table.columns.iter().zip(row) {
            encode(column, value, &mut bytes)?;
        }
        if bytes.len() >= COPY_BYTES {
            copy.send(&bytes[..]).await?;
            bytes.clear();
        }
    }
    bytes.extend(COPY_END);
    copy.send(&bytes[..]).await?;
    copy.finish().await.map(drop)
}

fn encode(column: &Column, value: &Value, out: &mut Vec<u8>) -> Result<(), sqlx::Error> {
    match (column.kind, value) {
        (_, Value::Null) => {
            out.extend((-1_i32).to_be_bytes());
            Ok(())
        }
        (Kind::Integer, Value::Integer(number)) => field(&number.to_be_bytes(), out),
        (Kind::Text, Value::Text(text)) => field(without_nul(text).as_bytes(), out),
        (Kind::Blob, Value::Blob(bytes)) => field(bytes, out),
        (Kind::Wide, Value::Integer(number)) => field(&numeric((*number).into()), out),
        (Kind::Wide, Value::Text(digits)) => {
            let number = digits.parse().map_err(|_| misfit(column, value))?;
            field(&numeric(number), out)
        }
        _ => Err(misfit(column, value)),
    }
}

fn misfit(column: &Column, value: &Value) -> sqlx::Error {
    let what = format!("column {} does not hold {value}", column.name);
    sqlx::Error::Encode(what.into())
}

fn field(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), sqlx::Error> {
    let len = i32::try_from(bytes.len()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    out.extend(len.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

const NUMERIC_BASE: u128 = 10_000;
const NUMERIC_NEGATIVE: u16 = 0x4000;

/// A whole number in the binary form of `numeric`: how many digits, the power of the first, the
/// sign, the decimals, and the digits, each of four decimal ones.
fn numeric(number: i128) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut left = number.unsigned_abs();
    while left > 0 {
        let digit = u16::try_from(left % NUMERIC_BASE).expect("it is below ten thousand");
        digits.push(digit);
        left /= NUMERIC_BASE;
    }
    // 39 decimal digits are at most ten of these.
    let len = u16::try_from(digits.len()).expect("there are few digits");
    let sign = if number < 0 { NUMERIC_NEGATIVE } else { 0 };
    let header = [len, len.saturating_sub(1), sign, 0];
    let all = header.into_iter().chain(digits.into_iter().rev());
    all.flat_map(u16::to_be_bytes).collect()
}

fn numeric_value(bytes: &[u8]) -> Option<i128> {
    let mut words = bytes.chunks_exact(2);
    let mut next = || {
        words
            .next()
            .map(|word| u16::from_be_bytes([word[0], word[1]]))
    };
    let (len, weight, sign, _decimals) = (next()?, next()?.cast_signed(), next()?, next()?);
    let mut number: u128 = 0;
    // Digits at the end that are zero are left out.
    for position in 0..=i32::from(weight) {
        let digit = if position < i32::from(len) {
            next()?
        } else {
            0
        };
        number = number
            .checked_mul(NUMERIC_BASE)?
            .checked_add(digit.into())?;
    }
    let has_fraction = i32::from(len) > i32::from(weight) + 1;
    let number = i128::try_from(number).ok()?;
    match sign {
        0 if !has_fraction => Some(number),
        NUMERIC_NEGATIVE if !has_fraction => Some(-number),
        _ => None,
    }
}

/// A value as it is read.
pub(super) fn value(read: &PgValueRef<'_>) -> Result<Value, BoxDynError> {
    if read.is_null() {
        return Ok(Value::Null);
    }
    if read.format() != PgValueFormat::Binary {
        return Err("values are read in their binary form".into());
    }
    let (bytes, kind) = (read.as_bytes()?, read.type_info());
    let text = || String::from_utf8(bytes.to_vec());
    Ok(match kind.name() {
        "INT8" => Value::Integer(i64::from_be_bytes(bytes.try_into()?)),
        "INT4" => i64::from(i32::from_be_bytes(bytes.try_into()?)).into(),
        "INT2" => i64::from(i16::from_be_bytes(bytes.try_into()?)).into(),
        "BOOL" => (bytes == [1]).into(),
        "BYTEA" => bytes.into(),
        "TEXT" | "VARCHAR" | "NAME" => text()?.into(),
        "NUMERIC" => numeric_value(bytes)
            .ok_or("a number with a fraction is never written")?
            .into(),
        other => return Err(format!("a value of the type {other} is never written").into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_any_size_survive_the_numeric_form() {
        let mut numbers = vec![0, 1, 9_999, 10_000, 10_001, 100_000_000, i64::MAX.into()];
        numbers.extend((0..38).map(|power| 10_i128.pow(power)));
        numbers.extend((0..38).map(|power| 7 * 10_i128.pow(power) / 3));
        numbers.extend([i128::MAX, -i128::MAX]);
        for number in numbers
            .clone()
            .into_iter()
            .chain(numbers.iter().map(|n| -n))
        {
            assert_eq!(numeric_value(&numeric(number)), Some(number), "{number}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_none() {
        let words = |words: &[u16]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        assert_eq!(numeric_value(&words(&[2, 0, 0, 1, 3, 5_000])), None, "3.5");
        assert_eq!(
            numeric_value(&words(&[0, 0, 0xC000, 0])),
            None,
            "not a number"
        );
        assert_eq!(numeric_value(&words(&[2, 1, 0, 0, 3])), None, "cut off");
        assert_eq!(numeric_value(&[]), None, "nothing");
    }
}
