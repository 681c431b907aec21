//! Connections to either database.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection,
    SqlitePool,
};

use super::row::{self, FromRow, Row};
use super::{Area, AreaPlace, Query, postgres, sqlite};
use crate::shell::table::{Table, Value};

/// How long a reader waits for a connection.
const READER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Everything a transaction reads is as it stood at one moment.
const BEGIN_READING: &str = "begin isolation level repeatable read read only";

/// A connection on loan, inside a transaction or not.
pub enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Connection::Sqlite",
            Self::Postgres(_) => "Connection::Postgres",
        })
    }
}

impl Connection<'_> {
    /// All rows of an answer.
    pub async fn all(&mut self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let (sql, arguments) = query.for_sqlite()?;
                let rows = sqlx::query_with(sql, arguments).fetch_all(&mut **connection);
                row::from_sqlite(&rows.await?)
            }
            Self::Postgres(connection) => {
                let (sql, arguments) = query.for_postgres()?;
                let rows = sqlx::query_with(sql, arguments).fetch_all(&mut **connection);
                row::from_postgres(&rows.await?)
            }
        }
    }

    /// All rows, each as a tuple.
    pub async fn all_as<T: FromRow>(&mut self, query: Query) -> Result<Vec<T>, sqlx::Error> {
        self.all(query).await?.iter().map(Row::to).collect()
    }

    /// The first row, if there is one.
    pub async fn first(&mut self, query: Query) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// The first row as a tuple, if there is one.
    pub async fn first_as<T: FromRow>(&mut self, query: Query) -> Result<Option<T>, sqlx::Error> {
        self.first(query).await?.as_ref().map(Row::to).transpose()
    }

    /// The one row that there must be, as a tuple.
    pub async fn one_as<T: FromRow>(&mut self, query: Query) -> Result<T, sqlx::Error> {
        let found = self.first_as(query).await?;
        found.ok_or(sqlx::Error::RowNotFound)
    }

    /// Does what a statement says, and tells how many rows it concerned.
    pub async fn run(&mut self, query: Query) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let (sql, arguments) = query.for_sqlite()?;
                let done = sqlx::query_with(sql, arguments).execute(&mut **connection);
                done.await?.rows_affected()
            }
            Self::Postgres(connection) => {
                let (sql, arguments) = query.for_postgres()?;
                let done = sqlx::query_with(sql, arguments).execute(&mut **connection);
                done.await?.rows_affected()
            }
        })
    }

    /// Does what a declaration says: nothing of it is kept prepared.
    pub(crate) async fn declare(&mut self, sql: String) -> Result<(), sqlx::Error> {
        let query = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => query.execute(&mut **connection).await.map(drop),
            Self::Postgres(connection) => query.execute(&mut **connection).await.map(drop),
        }
    }

    /// Writes rows into a table, in bulk; a row takes the place of one with the same key.
    pub(crate) async fn write(
        &mut self,
        table: &Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlite::write(connection, table, rows).await,
            Self::Postgres(connection) => postgres::write(connection, table, rows).await,
        }
    }

    /// The names of all tables in the area.
    pub(crate) async fn tables(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let query = Query::new(match self {
            Self::Sqlite(_) => sqlite::TABLES,
            Self::Postgres(_) => postgres::TABLES,
        });
        let names: Vec<(String,)> = self.all_as(query).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }
}

/// A transaction. Dropping it undoes it.
#[derive(Debug)]
pub enum Transaction<'c> {
    Sqlite(sqlx::Transaction<'c, Sqlite>),
    Postgres(sqlx::Transaction<'c, Postgres>),
}

impl Transaction<'_> {
    pub fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }

    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

#[derive(Debug)]
enum Open {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// One writer's own connection to an area. It is made when it is needed, by the runtime that needs
/// it, and made anew after [`forget`](Self::forget): a connection that has failed is not trusted.
#[derive(Debug)]
pub struct Session {
    area: Area,
    open: Option<Open>,
}

impl Session {
    pub const fn new(area: Area) -> Self {
        Self { area, open: None }
    }

    async fn open(&mut self) -> Result<&mut Open, sqlx::Error> {
        // Not `get_or_insert_with`, which cannot wait.
        if self.open.is_none() {
            self.open = Some(self.area.connect().await?);
        }
        Ok(self.open.as_mut().expect("it was opened just now"))
    }

    pub async fn connection(&mut self) -> Result<Connection<'_>, sqlx::Error> {
        Ok(match self.open().await? {
            Open::Sqlite(connection) => Connection::Sqlite(connection),
            Open::Postgres(connection) => Connection::Postgres(connection),
        })
    }

    /// Makes the tables that are not there.
    pub async fn make(&mut self, tables: &[&Table]) -> Result<(), sqlx::Error> {
        let definitions = tables.iter().map(|table| self.area.definition(table));
        let definitions: Vec<String> = definitions.flatten().collect();
        let mut connection = self.connection().await?;
        for statement in definitions {
            connection.declare(statement).await?;
        }
        Ok(())
    }

    /// Begins to write.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        Ok(match self.open().await? {
            Open::Sqlite(connection) => {
                Transaction::Sqlite(connection.begin_with("begin immediate").await?)
            }
            Open::Postgres(connection) => Transaction::Postgres(connection.begin().await?),
        })
    }

    /// Lets go of the connection; the next use makes another.
    pub fn forget(&mut self) {
        self.open = None;
    }

    /// Ends in good order. On SQLite, the file alone is then everything.
    pub async fn close(&mut self) -> Result<(), sqlx::Error> {
        match self.open.take() {
            None => Ok(()),
            Some(Open::Postgres(connection)) => connection.close().await,
            Some(Open::Sqlite(mut connection)) => {
                sqlx::query(sqlite::TRUNCATE)
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            }
        }
    }
}

impl Area {
    async fn connect(&self) -> Result<Open, sqlx::Error> {
        match &self.place {
            AreaPlace::Sqlite(options) => Ok(Open::Sqlite(
                (**options)
                    .clone()
                    // Only a writer says so: it is written into the file, and a copy may be one that is only read.
                    .journal_mode(SqliteJournalMode::Wal)
                    .disable_statement_logging()
                    .connect()
                    .await?,
            )),
            AreaPlace::Postgres(options) => {
                let mut connection = postgres::connect(options).await?;
                postgres::make_schema(&mut connection, self.name).await?;
                Ok(Open::Postgres(connection))
            }
        }
    }

    /// Connections that only read, made when they are needed.
    pub fn readers(&self, connections_max: u32) -> Pool {
        match &self.place {
            AreaPlace::Sqlite(options) => {
                let options = (**options)
                    .clone()
                    .create_if_missing(false)
                    .read_only(true)
                    .disable_statement_logging();
                let pool = SqlitePoolOptions::new()
                    .max_connections(connections_max)
                    .acquire_timeout(READER_WAIT_MAX)
                    .connect_lazy_with(options);
                Pool::Sqlite(pool)
            }
            AreaPlace::Postgres(options) => {
                let pool = PgPoolOptions::new()
                    .max_connections(connections_max)
                    .acquire_timeout(READER_WAIT_MAX)
                    .connect_lazy_with((**options).clone());
                Pool::Postgres(pool)
            }
        }
    }
}

/// Connections that only read. Clones share them.
#[derive(Clone, Debug)]
pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Begins to read: everything read is as it stood at one moment.
    pub async fn begin(&self) -> Result<Transaction<'static>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin_with(BEGIN_READING).await?),
        })
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
