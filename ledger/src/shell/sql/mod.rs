//! One way to speak SQL to both databases.
//!
//! What is stored is the same on SQLite and on `PostgreSQL`: whole numbers, texts, bytes, and sums
//! that may be wider than 64 bits ([`Value`](crate::shell::table::Value)). So a statement is a text
//! with its values ([`Query`]), an answer is rows of values ([`Row`]), and everything above is
//! written once. Only what the databases do differently has two forms, in [`sqlite`] and
//! [`postgres`]: definitions of tables, and writing in bulk.
//!
//! A statement says `$1`, `$2` … where its values go, which both databases understand. It keeps to
//! the SQL that both have: `insert … on conflict`, comparisons of row values, `group by` with every
//! key of what is selected.
//!
//! A store has three areas: `journal`, `views` and `deliveries`. Each is a file on SQLite and a
//! schema on `PostgreSQL` ([`Database::area`]).

mod connection;
pub(crate) mod postgres;
mod query;
mod row;
pub(crate) mod sqlite;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

pub use connection::{Connection, Pool, Session, Transaction};
pub use query::Query;
pub use row::{FromRow, FromValue, Row};

/// How the gateway is called where `PostgreSQL` lists its sessions.
const APPLICATION: &str = "jiaozi";

/// Where a store keeps what it keeps.
#[derive(Clone)]
pub enum Database {
    /// Files in a directory of this machine.
    Sqlite(PathBuf),
    /// Schemas of a database on a server.
    Postgres(Box<PgConnectOptions>),
}

impl Database {
    /// A part of the database, by name: a file or a schema. It need not be durable to the last
    /// commit, as the journal is: what it loses is made again from the journal.
    pub fn area(&self, name: &'static str) -> Area {
        let place = match self {
            Self::Sqlite(directory) => AreaPlace::Sqlite(Box::new(
                SqliteConnectOptions::new()
                    .filename(directory.join(format!("{name}.db")))
                    .create_if_missing(true)
                    .synchronous(SqliteSynchronous::Normal)
                    .foreign_keys(false),
            )),
            Self::Postgres(options) => AreaPlace::Postgres(Box::new(
                postgres::quiet(options)
                    .options([("search_path", name), ("synchronous_commit", "off")]),
            )),
        };
        Area { name, place }
    }

    /// Whether it is a server, which does not go away with this machine.
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl From<&Path> for Database {
    fn from(directory: &Path) -> Self {
        Self::Sqlite(directory.to_owned())
    }
}

impl From<&Database> for Database {
    fn from(database: &Database) -> Self {
        database.clone()
    }
}

/// Why a text does not name a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write it as in postgres://user:password@host:5432/database")]
pub struct DatabaseUrlError(String);

impl FromStr for Database {
    type Err = DatabaseUrlError;

    fn from_str(url: &str) -> Result<Self, DatabaseUrlError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let what = "the address of a database begins with postgres://";
            return Err(DatabaseUrlError(what.to_owned()));
        }
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error: sqlx::Error| DatabaseUrlError(error.to_string()))?;
        let options = match options.get_application_name() {
            None => options.application_name(APPLICATION),
            Some(_) => options,
        };
        Ok(Self::Postgres(Box::new(options)))
    }
}

/// Says where, and never with which password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "{}", directory.display()),
            Self::Postgres(options) => {
                let database = options
                    .get_database()
                    .unwrap_or_else(|| options.get_username());
                if let Some(socket) = options.get_socket() {
                    write!(f, "postgres:{}/{database}", socket.display())
                } else {
                    let (host, port) = (options.get_host(), options.get_port());
                    write!(f, "postgres://{host}:{port}/{database}")
                }
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// A file on SQLite, a schema on `PostgreSQL`.
#[derive(Clone)]
pub struct Area {
    name: &'static str,
    place: AreaPlace,
}

#[derive(Clone)]
enum AreaPlace {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl fmt::Debug for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Area({})", self.name)
    }
}

impl Area {
    /// The same, with what SQLite alone is to be told.
    #[must_use]
    pub(crate) fn tuned(
        self,
        tune: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
    ) -> Self {
        let place = match self.place {
            AreaPlace::Sqlite(options) => AreaPlace::Sqlite(Box::new(tune(*options))),
            server @ AreaPlace::Postgres(_) => server,
        };
        Self { place, ..self }
    }

    /// Whether there is anything.
    pub(crate) async fn exists(&self) -> Result<bool, sqlx::Error> {
        match &self.place {
            AreaPlace::Sqlite(options) => Ok(options.get_filename().try_exists()?),
            AreaPlace::Postgres(options) => {
                let mut connection = postgres::connect(options).await?;
                postgres::has_schema(&mut connection, self.name).await
            }
        }
    }

    /// Deletes all that there is.
    pub(crate) async fn delete(&self) -> Result<(), sqlx::Error> {
        match &self.place {
            AreaPlace::Sqlite(options) => Ok(sqlite::delete(options.get_filename())?),
            AreaPlace::Postgres(options) => {
                let mut connection = postgres::connect(options).await?;
                postgres::drop_schema(&mut connection, self.name).await
            }
        }
    }

    /// The statements that make a table.
    pub(crate) fn definition(&self, table: &crate::shell::table::Table) -> Vec<String> {
        match self.place {
            AreaPlace::Sqlite(_) => sqlite::definition(table),
            AreaPlace::Postgres(_) => postgres::definition(table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_is_read_and_shown_without_its_password() {
        fn check(url: &str, shown: &str) {
            let read: Result<Database, _> = url.parse();
            let text = match &read {
                Ok(database) => database.to_string(),
                Err(error) => error.to_string(),
            };
            assert!(text.starts_with(shown), "{url}: {text}");
            assert!(!format!("{read:?} {text}").contains("secret"), "{url}");
        }
        check("postgres://me:secret@db:6543/pay", "postgres://db:6543/pay");
        check("postgresql://me:secret@db/pay", "postgres://db:5432/pay");
        check("postgres://me:secret@db", "postgres://db:5432/me");
        check(
            "postgres://me@localhost/pay?host=/run/pg",
            "postgres:/run/pg/pay",
        );
        check("mysql://db/pay", "the address of a database begins with");
        check("", "the address of a database begins with");
    }
}
