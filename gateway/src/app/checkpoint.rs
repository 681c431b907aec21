//! Checkpoints of the running journal: made when somebody asks, not more often than is of use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Sequence;
use ledger::shell::checkpoint::text_of_sums;
use tokio::sync::Mutex;

use super::App;
use crate::checkpoint::{CheckpointKey, Note};
use crate::problem::Problem;

/// How long one is good enough for who does not ask for a later one: making it reads all accounts.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// A checkpoint that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub note: Note,
    /// The trial balance that it vouches for.
    pub sums: String,
    at: Instant,
}

/// The key, and the last checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    pub key: CheckpointKey,
    last: Mutex<Option<Arc<Made>>>,
}

impl Checkpoints {
    pub(super) fn new(key: CheckpointKey) -> Self {
        let last = Mutex::new(None);
        Self { key, last }
    }
}

impl App {
    /// A checkpoint of late, or one that has at least this row.
    pub(crate) async fn checkpoint(
        &self,
        at_least: Option<Sequence>,
    ) -> Result<Arc<Made>, Problem> {
        // Whoever asks meanwhile waits for the same one.
        let mut last = self.checkpoints.last.lock().await;
        let good = last.as_ref().filter(|made| match at_least {
            Some(sequence) => made.note.statement.head.sequence >= sequence,
            None => made.at.elapsed() < GOOD_FOR,
        });
        if let Some(made) = good {
            return Ok(made.clone());
        }
        let mut reading = self.read_views(at_least).await?;
        let stated = self.handle.statement(&mut reading).await;
        let (statement, sums) = stated.map_err(|error| Problem::internal(&error))?;
        let made = Arc::new(Made {
            note: Note::sign(statement, &self.checkpoints.key),
            sums: text_of_sums(&sums),
            at: Instant::now(),
        });
        *last = Some(made.clone());
        Ok(made)
    }
}
