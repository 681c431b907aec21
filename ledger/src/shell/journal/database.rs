//! The journal of either database.

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::{
    Journal, JournalError, PostgresJournal, PostgresReader, ReadJournal, SqliteJournal,
    SqliteReader,
};
use crate::shell::sql::Database;

/// Looks at a journal, beside whoever writes it.
#[derive(Debug)]
pub enum DatabaseReader {
    Sqlite(SqliteReader),
    Postgres(Box<PostgresReader>),
}

impl DatabaseReader {
    /// Opens the journal of a database. It must be there.
    pub async fn open(database: &Database) -> Result<Self, JournalError> {
        Ok(match database {
            Database::Sqlite(directory) => Self::Sqlite(SqliteReader::open(directory).await?),
            Database::Postgres(options) => {
                Self::Postgres(Box::new(PostgresReader::open(options).await?))
            }
        })
    }

    pub async fn close(self) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(reader) => reader.close().await,
            Self::Postgres(reader) => reader.close().await,
        }
    }

    /// How many rows there are that no reader ever asks for. There should be none.
    pub(crate) async fn outside(&mut self) -> Result<u64, JournalError> {
        match self {
            Self::Sqlite(reader) => reader.outside().await,
            Self::Postgres(reader) => reader.outside().await,
        }
    }
}

/// Writes a journal.
#[derive(Debug)]
pub enum DatabaseJournal {
    Sqlite(SqliteJournal),
    Postgres(Box<PostgresJournal>),
}

impl DatabaseJournal {
    /// Opens the journal of a database, which is made when it is not there, for this process alone.
    pub async fn open(database: Database) -> Result<Self, JournalError> {
        Ok(match database {
            Database::Sqlite(directory) => Self::Sqlite(SqliteJournal::open(&directory).await?),
            Database::Postgres(options) => {
                Self::Postgres(Box::new(PostgresJournal::open(&options).await?))
            }
        })
    }
}

/// Both read alike.
macro_rules! read_either {
    ($of:ident) => {
        impl ReadJournal for $of {
            async fn read(
                &mut self,
                after: Sequence,
                bytes_max: usize,
            ) -> Result<Vec<Row>, JournalError> {
                match self {
                    Self::Sqlite(journal) => journal.read(after, bytes_max).await,
                    Self::Postgres(journal) => journal.read(after, bytes_max).await,
                }
            }

            async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
                match self {
                    Self::Sqlite(journal) => journal.row(sequence).await,
                    Self::Postgres(journal) => journal.row(sequence).await,
                }
            }

            async fn last(&mut self) -> Result<Sequence, JournalError> {
                match self {
                    Self::Sqlite(journal) => journal.last().await,
                    Self::Postgres(journal) => journal.last().await,
                }
            }
        }
    };
}

read_either!(DatabaseReader);
read_either!(DatabaseJournal);

impl Journal for DatabaseJournal {
    type Reader = DatabaseReader;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(journal) => journal.append(row).await,
            Self::Postgres(journal) => journal.append(row).await,
        }
    }

    async fn close(self) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(journal) => journal.close().await,
            Self::Postgres(journal) => journal.close().await,
        }
    }

    async fn reader(&self) -> Result<DatabaseReader, JournalError> {
        Ok(match self {
            Self::Sqlite(journal) => DatabaseReader::Sqlite(journal.reader().await?),
            Self::Postgres(journal) => DatabaseReader::Postgres(Box::new(journal.reader().await?)),
        })
    }
}
