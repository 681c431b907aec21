//! Reading columns back. What does not fit is an error of the database, never a panic: the views can be rebuilt.

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteRow;

pub(super) fn wrong(column: &str) -> sqlx::Error {
    let source: BoxDynError = "the value is not one that was written there".into();
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source,
    }
}

/// A whole number of any smaller kind.
pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| wrong(column))
}

pub(super) fn number_or_none<T: TryFrom<i64>>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    let number: Option<i64> = row.try_get(column)?;
    let number = number.map(|number| T::try_from(number).map_err(|_| wrong(column)));
    number.transpose()
}

pub(super) fn id(row: &SqliteRow, column: &str) -> Result<u128, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| wrong(column))?;
    Ok(u128::from_be_bytes(bytes))
}

/// A sum, which is text where it does not fit 64 bits.
pub(super) fn wide(row: &SqliteRow, column: &str) -> Result<i128, sqlx::Error> {
    if let Ok(number) = row.try_get::<i64, _>(column) {
        return Ok(number.into());
    }
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| wrong(column))
}

/// A value in the journal's encoding.
pub(super) fn decoded<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<T, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    postcard::from_bytes(bytes).map_err(|_| wrong(column))
}

/// A JSON object of texts.
pub(super) fn json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|_| wrong(column))
}

/// Times and numbers as SQL's signed integers, which hold those of this age.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
