//! Reading columns back. What does not fit is an error of the database, never a panic: the views can be rebuilt.

use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;

use crate::shell::sql::{FromValue, Row};

pub(super) fn wrong(column: &str) -> sqlx::Error {
    let source: BoxDynError = "the value is not one that was written there".into();
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source,
    }
}

/// A whole number of any smaller kind.
pub(super) fn number<T: FromValue>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    row.get(column)
}

pub(super) fn number_or_none<T: FromValue>(
    row: &Row,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    row.get(column)
}

pub(super) fn id(row: &Row, column: &str) -> Result<u128, sqlx::Error> {
    row.get(column)
}

/// A value in the journal's encoding.
pub(super) fn decoded<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    let bytes: Vec<u8> = row.get(column)?;
    postcard::from_bytes(&bytes).map_err(|_| wrong(column))
}

/// A JSON object of texts.
pub(super) fn json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|_| wrong(column))
}

/// Times and numbers as SQL's signed integers, which hold those of this age.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
