//! A journal that fails when told to, for the tests of everything above it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::{Journal, JournalError, ReadJournal};

/// What goes wrong with an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and the writer is told so.
    Refused,
    /// The row is written, but the writer hears of an error.
    AnswerLost,
    /// Nothing is written, and the next reads fail as well.
    Unreadable { reads: u32 },
    /// The row is written, the writer hears of an error, and the next reads fail as well.
    WrittenUnreadable { reads: u32 },
    /// Half of the payload is written, as no database would.
    Torn,
}

#[derive(Debug, Default)]
struct Plan {
    faults: BTreeMap<u64, Fault>,
    appends: u64,
    reads_to_fail: u32,
}

/// What is to go wrong, and when. Clones share the plan.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the append number `nth`, counted from 1 over the life of this plan, go wrong.
    pub fn at(&self, nth: u64, fault: Fault) {
        self.plan().faults.insert(nth, fault);
    }

    /// How many appends have been tried.
    pub fn appends(&self) -> u64 {
        self.plan().appends
    }

    /// How many of the faults have not happened yet.
    pub fn left(&self) -> usize {
        self.plan().faults.len()
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan();
        plan.appends += 1;
        let appends = plan.appends;
        let fault = plan.faults.remove(&appends);
        if let Some(Fault::Unreadable { reads } | Fault::WrittenUnreadable { reads }) = fault {
            plan.reads_to_fail = reads;
        }
        fault
    }

    fn read(&self) -> Result<(), JournalError> {
        let mut plan = self.plan();
        match plan.reads_to_fail.checked_sub(1) {
            None => Ok(()),
            Some(left) => {
                plan.reads_to_fail = left;
                Err(JournalError::Injected("the read failed"))
            }
        }
    }
}

#[derive(Debug)]
pub struct FaultyJournal<J> {
    inner: J,
    faults: Faults,
}

impl<J> FaultyJournal<J> {
    pub fn new(inner: J, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<J: ReadJournal> ReadJournal for FaultyJournal<J> {
    async fn read(&mut self, after: Sequence, bytes_max: usize) -> Result<Vec<Row>, JournalError> {
        self.faults.read()?;
        self.inner.read(after, bytes_max).await
    }

    async fn row(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.faults.read()?;
        self.inner.row(sequence).await
    }

    async fn last(&mut self) -> Result<Sequence, JournalError> {
        self.faults.read()?;
        self.inner.last().await
    }
}

impl<J: Journal + Sync> Journal for FaultyJournal<J> {
    type Reader = J::Reader;

    async fn append(&mut self, row: &Row) -> Result<(), JournalError> {
        match self.faults.next() {
            None => return self.inner.append(row).await,
            Some(Fault::Refused | Fault::Unreadable { .. }) => {}
            Some(Fault::AnswerLost | Fault::WrittenUnreadable { .. }) => {
                self.inner.append(row).await?;
            }
            Some(Fault::Torn) => {
                let mut torn = row.clone();
                torn.payload.truncate(row.payload.len() / 2);
                self.inner.append(&torn).await?;
            }
        }
        Err(JournalError::Injected("the append failed"))
    }

    async fn close(self) -> Result<(), JournalError> {
        self.inner.close().await
    }

    async fn reader(&self) -> Result<J::Reader, JournalError> {
        self.inner.reader().await
    }
}
