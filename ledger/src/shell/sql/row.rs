//! What is read: rows of values, whatever database they come from.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use crate::shell::table::Value;

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[Box<str>]>,
    values: Vec<Value>,
}

/// What a value can be read as. A value that is something else is a defect of the views, which can
/// be made anew, and never a panic.
pub trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

/// A whole row, read by position.
pub trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error>;
}

impl Row {
    /// A column by its name.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, sqlx::Error> {
        let position = self.columns.iter().position(|name| **name == *column);
        let position = position.ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_owned()))?;
        self.at(position)
    }

    /// A column by its position.
    pub fn at<T: FromValue>(&self, position: usize) -> Result<T, sqlx::Error> {
        let value = self
            .values
            .get(position)
            .ok_or(sqlx::Error::ColumnIndexOutOfBounds {
                index: position,
                len: self.values.len(),
            })?;
        T::from_value(value).ok_or_else(|| sqlx::Error::ColumnDecode {
            index: self.columns[position].to_string(),
            source: "the value is not one that was written there".into(),
        })
    }

    /// All columns, by position.
    pub fn to<T: FromRow>(&self) -> Result<T, sqlx::Error> {
        T::from_row(self)
    }

    /// All columns, with their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns.iter().map(|name| &**name).zip(&self.values)
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }
}

pub(super) fn from_sqlite(rows: &[SqliteRow]) -> Result<Vec<Row>, sqlx::Error> {
    let columns = columns(rows.first());
    let row = |row: &SqliteRow| {
        let values = (0..columns.len()).map(|position| sqlite_value(row, position));
        Ok(Row {
            columns: columns.clone(),
            values: values.collect::<Result<_, sqlx::Error>>()?,
        })
    };
    rows.iter().map(row).collect()
}

fn sqlite_value(row: &SqliteRow, position: usize) -> Result<Value, sqlx::Error> {
    let value = row.try_get_raw(position)?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    let kind = value.type_info().into_owned();
    let read = match kind.name() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(value).map(Value::Integer),
        "TEXT" => <&str as Decode<Sqlite>>::decode(value).map(Value::from),
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(value).map(Value::from),
        other => Err(format!("a value of the type {other} is never written").into()),
    };
    read.map_err(sqlx::Error::Decode)
}

pub(super) fn from_postgres(rows: &[PgRow]) -> Result<Vec<Row>, sqlx::Error> {
    let columns = columns(rows.first());
    let row = |row: &PgRow| {
        let values = (0..columns.len()).map(|position| {
            let value = row.try_get_raw(position)?;
            super::postgres::value(&value).map_err(sqlx::Error::Decode)
        });
        Ok(Row {
            columns: columns.clone(),
            values: values.collect::<Result<_, sqlx::Error>>()?,
        })
    };
    rows.iter().map(row).collect()
}

fn columns<R: sqlx::Row>(first: Option<&R>) -> Arc<[Box<str>]> {
    let names = first.map(|row| row.columns().iter().map(|column| column.name().into()));
    names.map_or_else(|| Arc::from([]), Iterator::collect)
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

macro_rules! narrower {
    ($($kind:ty)*) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                i64::from_value(value)?.try_into().ok()
            }
        }
    )*};
}

narrower!(i32 u8 u16 u32 u64 usize);

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

/// A sum, which is text where it does not fit 64 bits.
impl FromValue for i128 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some((*number).into()),
            Value::Text(digits) => digits.parse().ok(),
            Value::Null | Value::Blob(_) => None,
        }
    }
}

/// An id, as its 16 bytes.
impl FromValue for u128 {
    fn from_value(value: &Value) -> Option<Self> {
        <[u8; 16]>::from_value(value).map(Self::from_be_bytes)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes[..].try_into().ok(),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! tuple {
    ($($kind:ident $position:literal),*) => {
        impl<$($kind: FromValue),*> FromRow for ($($kind,)*) {
            fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
                Ok(($(row.at::<$kind>($position)?,)*))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
