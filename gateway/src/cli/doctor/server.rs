//! The look at a database server, as a writer would find it.

use gateway::config::Config;
use ledger::shell::journal::{Examined, JournalError, examine};
use ledger::shell::sql::Database;

use super::Finding;

const WHAT: &str = "database";

/// What there is in a database.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) journal: bool,
    /// Whether a gateway writes it.
    pub(super) running: bool,
}

/// Looks at the server, if there is one. The second is what was found, if it could be asked.
pub(super) async fn look(config: &Config) -> Option<(Finding, Option<Found>)> {
    let Database::Postgres(options) = &config.database else {
        return None;
    };
    let examined = examine(options).await;
    let finding = finding(&config.database, &examined);
    let found = examined.ok().map(|examined| Found {
        journal: examined.has_journal,
        running: examined.holder.is_some(),
    });
    Some((finding, found))
}

fn finding(database: &Database, examined: &Result<Examined, JournalError>) -> Finding {
    match examined {
        Ok(seen) if !seen.has_journal && !seen.may_create => Finding::bad(
            WHAT,
            format!("{database} has no journal, and this user may not make one"),
            "let it make schemas there: grant create on database NAME to USER",
        ),
        Ok(seen) => {
            let version = &seen.version;
            let held = match &seen.holder {
                Some(holder) => format!("is held by {holder}"),
                None => "is held by nobody".to_owned(),
            };
            let seen =
                format!("{database}, PostgreSQL {version}, keeps what it commits, and {held}");
            Finding::well(WHAT, seen)
        }
        Err(
            error @ JournalError::NotDurable {
                setting, wanted, ..
            },
        ) => Finding::bad(
            WHAT,
            format!("{database}: {error}"),
            format!(
                "set {setting} = {wanted} for the server, the database and the user, and reload it"
            ),
        ),
        Err(error) => Finding::bad(
            WHAT,
            format!("{database} cannot be asked: {error}"),
            "see that the server runs, and that address, user, password and name are right",
        ),
    }
}
