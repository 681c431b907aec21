//! What a ledger takes on disk.

use std::path::Path;

use crate::load::LoadError;
use crate::shell::ViewsError;
use crate::shell::sql::{Database, Query, Session};

/// Schemas of a ledger with all that belongs to their tables.
const SCHEMAS: &str = "select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
    where relkind = 'r' and relnamespace = any
        (select oid from pg_namespace where nspname in ($1, $2))";

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) journal: u64,
    pub(super) all: u64,
}

impl Sizes {
    pub(super) async fn of(database: &Database) -> Result<Self, LoadError> {
        match database {
            Database::Sqlite(directory) => of_files(directory),
            Database::Postgres(_) => {
                let mut session = Session::new(database.area("views"));
                let sizes = of_schemas(&mut session).await;
                Ok(sizes.map_err(ViewsError::from)?)
            }
        }
    }
}

async fn of_schemas(session: &mut Session) -> Result<Sizes, sqlx::Error> {
    let mut sizes = Sizes::default();
    for (other, size) in [("journal", &mut sizes.journal), ("views", &mut sizes.all)] {
        let query = Query::new(SCHEMAS).bind("journal").bind(other);
        (*size,) = session.connection().await?.one_as(query).await?;
    }
    session.close().await?;
    Ok(sizes)
}

fn of_files(directory: &Path) -> Result<Sizes, LoadError> {
    let failed = |error| LoadError::File {
        path: directory.to_owned(),
        error,
    };
    let mut sizes = Sizes::default();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let bytes = entry.metadata().map_err(failed)?.len();
        sizes.all += bytes;
        if entry.file_name().to_string_lossy().starts_with("journal") {
            sizes.journal += bytes;
        }
    }
    Ok(sizes)
}
