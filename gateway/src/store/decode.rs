//! Reading columns back into the words of the rules. What does not fit is an error of the database, never a panic: the
//! views can be dropped and rebuilt.

use fx::{Currency, Money};
use ledger::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, ValueRef, error::BoxDynError};

use crate::pay::{OrderNumber, OrderState, Verdict};

pub(super) fn wrong(column: &str) -> sqlx::Error {
    let source: BoxDynError = "the value is not one that was written there".into();
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source,
    }
}

pub(super) fn id(row: &SqliteRow, column: &str) -> Result<u128, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| wrong(column))?;
    Ok(u128::from_be_bytes(bytes))
}

pub(super) fn id_or_none(row: &SqliteRow, column: &str) -> Result<Option<u128>, sqlx::Error> {
    if row.try_get_raw(column)?.is_null() {
        return Ok(None);
    }
    id(row, column).map(Some)
}

/// A whole number of any smaller kind.
pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| wrong(column))
}

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    number(row, column).map(Timestamp)
}

pub(super) fn text(row: &SqliteRow, column: &str) -> Result<String, sqlx::Error> {
    row.try_get(column)
}

pub(super) fn currency(row: &SqliteRow) -> Result<Currency, sqlx::Error> {
    let code: &str = row.try_get("currency")?;
    let decimals = number(row, "decimals")?;
    Currency::historic(code)
        .or_else(|_| Currency::own(code, decimals))
        .map_err(|_| wrong("currency"))
}

pub(super) fn money(
    row: &SqliteRow,
    column: &str,
    currency: Currency,
) -> Result<Money, sqlx::Error> {
    number(row, column).map(|amount| Money::new(amount, currency))
}

pub(super) fn order_number(row: &SqliteRow) -> Result<OrderNumber, sqlx::Error> {
    OrderNumber::new(row.try_get("number")?).map_err(|_| wrong("number"))
}

pub(super) fn state(row: &SqliteRow) -> Result<OrderState, sqlx::Error> {
    let name: &str = row.try_get("state")?;
    let found = OrderState::ALL
        .into_iter()
        .find(|state| state.name() == name);
    found.ok_or_else(|| wrong("state"))
}

pub(super) fn verdict(row: &SqliteRow) -> Result<Verdict, sqlx::Error> {
    let name: &str = row.try_get("risk_verdict")?;
    let found = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.name() == name);
    found.ok_or_else(|| wrong("risk_verdict"))
}
