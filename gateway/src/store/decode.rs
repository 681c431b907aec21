//! Reading columns back into the words of the rules. What does not fit is an error of the database, never a panic: the
//! views can be dropped and rebuilt.

use fx::{Currency, Money};
use ledger::Timestamp;
use ledger::shell::sql::{FromValue, Row};
use sqlx::error::BoxDynError;

use crate::pay::{OrderNumber, OrderState, Verdict};

pub(super) fn wrong(column: &str) -> sqlx::Error {
    let source: BoxDynError = "the value is not one that was written there".into();
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source,
    }
}

pub(super) fn id(row: &Row, column: &str) -> Result<u128, sqlx::Error> {
    row.get(column)
}

pub(super) fn id_or_none(row: &Row, column: &str) -> Result<Option<u128>, sqlx::Error> {
    row.get(column)
}

/// A whole number of any smaller kind.
pub(super) fn number<T: FromValue>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    row.get(column)
}

pub(super) fn time(row: &Row, column: &str) -> Result<Timestamp, sqlx::Error> {
    number(row, column).map(Timestamp)
}

pub(super) fn time_or_none(row: &Row, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    let time: Option<u64> = row.get(column)?;
    Ok(time.map(Timestamp))
}

pub(super) fn text(row: &Row, column: &str) -> Result<String, sqlx::Error> {
    row.get(column)
}

pub(super) fn currency(row: &Row) -> Result<Currency, sqlx::Error> {
    let code = text(row, "currency")?;
    let decimals = number(row, "decimals")?;
    Currency::historic(&code)
        .or_else(|_| Currency::own(&code, decimals))
        .map_err(|_| wrong("currency"))
}

pub(super) fn money(row: &Row, column: &str, currency: Currency) -> Result<Money, sqlx::Error> {
    number(row, column).map(|amount| Money::new(amount, currency))
}

pub(super) fn order_number(row: &Row) -> Result<OrderNumber, sqlx::Error> {
    OrderNumber::new(&text(row, "number")?).map_err(|_| wrong("number"))
}

pub(super) fn state(row: &Row) -> Result<OrderState, sqlx::Error> {
    let name = text(row, "state")?;
    let found = OrderState::ALL
        .into_iter()
        .find(|state| state.name() == name);
    found.ok_or_else(|| wrong("state"))
}

pub(super) fn verdict(row: &Row) -> Result<Verdict, sqlx::Error> {
    let name = text(row, "risk_verdict")?;
    let found = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.name() == name);
    found.ok_or_else(|| wrong("risk_verdict"))
}

/// A value in the journal's own encoding, if there is one.
pub(super) fn encoded<T: serde::de::DeserializeOwned>(
    row: &Row,
    column: &'static str,
) -> Result<Option<T>, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    let read = bytes.map(|bytes| postcard::from_bytes(&bytes));
    read.transpose().map_err(|_| wrong(column))
}
