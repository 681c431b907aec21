//! A statement and its values.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr};

use crate::shell::table::Value;

/// `PostgreSQL`'s type of a value that says nothing of its type: where it stands decides.
const UNKNOWN: Oid = Oid(705);

/// Text of ours with values of anybody's: values never become part of the text.
#[derive(Clone, Debug)]
pub struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

impl Query {
    /// A statement that says `$1`, `$2` … where values go.
    pub const fn new(sql: &'static str) -> Self {
        Self {
            sql: Cow::Borrowed(sql),
            values: Vec::new(),
        }
    }

    /// A statement made of declared names.
    pub(crate) fn of_declared(sql: String) -> Self {
        Self {
            sql: Cow::Owned(sql),
            values: Vec::new(),
        }
    }

    /// The next value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Adds the next value, here.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a string cannot fail.
        let _ = write!(self.sql.to_mut(), "${}", self.values.len());
        self
    }

    pub(super) fn for_sqlite(self) -> Result<(SqlStr, SqliteArguments), sqlx::Error> {
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            super::sqlite::bind(&mut arguments, value)?;
        }
        Ok((safe(self.sql), arguments))
    }

    pub(super) fn for_postgres(self) -> Result<(SqlStr, PgArguments), sqlx::Error> {
        let mut arguments = PgArguments::default();
        for value in self.values {
            let added = match value {
                Value::Null => arguments.add(Untyped),
                Value::Integer(number) => arguments.add(number),
                Value::Text(text) => arguments.add(super::postgres::without_nul(&text).as_ref()),
                Value::Blob(bytes) => arguments.add(&bytes[..]),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok((safe(self.sql), arguments))
    }
}

fn safe(sql: Cow<'static, str>) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

/// A null of whatever type is wanted.
struct Untyped;

impl sqlx::Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UNKNOWN)
    }
}

impl sqlx::Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}
