//! A journal in memory, for tests and simulations. Clones share the rows, so a clone kept aside is
//! what survives when the writer "crashes".

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::{Journal, JournalError, ReadJournal};

#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Vec<Row>>>);

impl MemoryJournal {
    /// All rows, to look at or to spoil.
    pub fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadJournal for MemoryJournal {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        let mut bytes = 0;
        let rows = self.rows();
        let later = rows.iter().filter(|row| row.sequence > after);
        Ok(later
            .take_while(|row| {
                let more = bytes < bytes_max;
                bytes += row.payload.len();
                more
            })
            .cloned()
            .collect())
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        let rows = self.rows();
        Ok(rows.iter().find(|row| row.sequence == sequence).cloned())
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        Ok(self.rows().last().map_or(Sequence(0), |row| row.sequence))
    }
}

impl Journal for MemoryJournal {
    type Reader = Self;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        let mut rows = self.rows();
        if rows.iter().any(|other| other.sequence == row.sequence) {
            return Err(JournalError::Taken(row.sequence.0));
        }
        rows.push(row.clone());
        Ok(())
    }

    async fn close(self) -> Result<(), JournalError> {
        Ok(())
    }

    async fn reader(&self) -> Result<Self, JournalError> {
        Ok(self.clone())
    }
}
