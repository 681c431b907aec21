//! What the shell's tests share: commands in short, small limits, and a fold of the journal that
//! owes nothing to the shell's own recovery.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use ledger::shell::journal::{DatabaseReader, ReadJournal};
use ledger::shell::sql::{Database, Query, Session};
use ledger::shell::{ManualClock, Settings, codec};
use ledger::{
    Engine, Fingerprint, Machine, OnceKey, Record, Remember, Sequence, Submission, Timestamp,
    Unique,
};

use crate::shell_tasks::{Ask, Tasks};

/// A site for the store of a test. A story takes one, and knows nothing of what it is.
#[derive(Debug)]
pub(crate) enum Site {
    Sqlite(tempfile::TempDir),
    Postgres(Database),
}

impl Site {
    pub(crate) fn sqlite() -> Result<Self> {
        Ok(Self::Sqlite(tempfile::tempdir()?))
    }

    pub(crate) async fn postgres() -> Result<Self> {
        let server = crate::postgres::server();
        let url = server.url(&server.database().await);
        Ok(Self::Postgres(url.parse()?))
    }

    /// A new site of the same kind.
    pub(crate) async fn another(&self) -> Result<Self> {
        match self {
            Self::Sqlite(_) => Self::sqlite(),
            Self::Postgres(_) => Self::postgres().await,
        }
    }

    pub(crate) fn database(&self) -> Database {
        match self {
            Self::Sqlite(directory) => Database::from(directory.path()),
            Self::Postgres(database) => database.clone(),
        }
    }

    /// Changes something behind the store's back, and tells how many rows that were.
    pub(crate) async fn spoil(&self, area: &'static str, query: Query) -> Result<u64> {
        let mut session = Session::new(self.database().area(area));
        let changed = session.connection().await?.run(query).await?;
        session.close().await?;
        Ok(changed)
    }

    /// Folds the journal.
    pub(crate) async fn fold(&self) -> Result<Engine<Tasks>> {
        let mut reader = DatabaseReader::open(&self.database()).await?;
        let engine = fold(&mut reader).await?;
        reader.close().await?;
        Ok(engine)
    }
}

/// Makes of each story a test on either database.
macro_rules! on_both {
    ($($story:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $story() -> anyhow::Result<()> {
                    super::$story(crate::shell_fixture::Site::sqlite()?).await
                }
            )*
        }

        mod on_postgres {
            $(
                #[tokio::test]
                async fn $story() -> anyhow::Result<()> {
                    super::$story(crate::shell_fixture::Site::postgres().await?).await
                }
            )*
        }
    };
}

/// Longer than anything here takes, and short enough to see that something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The amount of every task.
pub(crate) const AMOUNT: i64 = 10;

pub(crate) fn open(task: u64) -> Submission<Tasks> {
    Submission::new(Ask::Open {
        task,
        amount: AMOUNT,
        due_in: None,
    })
}

pub(crate) fn ask(ask: Ask) -> Submission<Tasks> {
    Submission::new(ask)
}

/// A key of no time, so that it may always be in the part that has left memory.
pub(crate) fn key(number: u64) -> Unique {
    Unique {
        key: OnceKey::of_text(1, &format!("key {number}")),
        fingerprint: Fingerprint::of(&number.to_be_bytes()),
        remember: Remember::Always,
    }
}

/// Everything in small: things leave memory at once, and every few events there is a checkpoint.
pub(crate) fn tight() -> Settings {
    Settings {
        evict_events: 5,
        checkpoint_events: 20,
        batch_events_max: 8,
        chunk_pause: Duration::ZERO,
        ..Settings::default()
    }
}

/// Nothing leaves memory, and only starts and ends have a checkpoint.
pub(crate) fn roomy(clock: &ManualClock) -> Settings {
    Settings {
        evict_events: u64::MAX,
        checkpoint_events: u64::MAX,
        clock: Arc::new(clock.clone()),
        ..Settings::default()
    }
}

/// Folds a journal from its first row, and holds it to every digest that the writer left in it.
pub(crate) async fn fold<M: Machine>(journal: &mut impl ReadJournal) -> Result<Engine<M>> {
    let mut engine = Engine::default();
    let rows = journal.read(Sequence(0), usize::MAX).await?;
    for (number, row) in (1..).zip(rows) {
        ensure!(row.sequence == Sequence(number), "row {number} is there");
        for record in codec::decode::<M>(&row.payload)? {
            if let Record::Checkpoint { digest, .. } = record {
                ensure!(
                    engine.digest()? == digest,
                    "the replay is the live state in row {number}"
                );
            }
            engine.apply(row.sequence, &record, |_, _, _| {});
        }
    }
    Ok(engine)
}
