//! Checks everything that is on disk against the journal, and the journal against itself.
//!
//! The journal is replayed from its first row: each row must follow the one before it by number and
//! by hash and be what its own hash says; each record must be readable and later than the one
//! before; a new epoch must begin with a seal; each checkpoint must carry the digest of the state
//! that the replay has there; and the machine's own rules must hold after each event ([`Audit`]).
//! Meanwhile the view is projected anew into a scratch database, and at the end every table is
//! compared with what is on disk, row by row and column by column.
//!
//! Nothing is written to the data directory, and nothing on disk makes this panic. The first
//! difference is named and ends the work, because what follows it cannot be trusted. An end that
//! was cut off cleanly is not seen from inside: for that a [`Statement`] of an earlier time is wanted.

mod ahead;
mod audit;
mod compare;
mod packed;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::{Digest, Engine, Record};
use crate::machine::{Machine, Sequence};
use crate::once;
use crate::shell::chain::{Head, hex};
use crate::shell::checkpoint::{Statement, digest_of_sums, sums_of};
use crate::shell::journal::{DatabaseReader, JournalError, ReadJournal};
use crate::shell::projector::put_once;
use crate::shell::row_tree::Edge;
use crate::shell::sql::Database;
use crate::shell::table::Rows;
use crate::shell::view::{Seen, View};
use crate::shell::views::{self, ViewsError, ViewsWriter};
use crate::time::Timestamp;

use ahead::{Ahead, Piece};
pub use audit::{Audit, Broken, LedgerAudit};
use compare::Stored;
use packed::Expected;

/// Rows of the fresh projection that are collected before they are written.
const CHUNK_ROWS: usize = 200_000;

/// Records that are foreseen at a time.
const FORESEEN: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] JournalError),
    #[error("the views cannot be read: {0}")]
    Views(#[from] ViewsError),
    #[error("no scratch space for the fresh projection: {0}")]
    Scratch(#[from] std::io::Error),
}

/// Where something differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row of the journal, and in it a record, counted from 0.
    Journal {
        sequence: Sequence,
        record: Option<usize>,
    },
    /// A row of a view, by its key, and the column.
    View {
        table: String,
        key: String,
        column: Option<String>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal { sequence, record } => {
                write!(f, "journal, row {}", sequence.0)?;
                record.map_or(Ok(()), |record| write!(f, ", record {record}"))
            }
            Self::View { table, key, column } => {
                write!(f, "view {table}, {key}")?;
                match column {
                    Some(column) => write!(f, ", column {column}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The first thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub place: Place,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            expected,
            found,
        } = self;
        write!(f, "{place}: expected {expected}, found {found}")
    }
}

/// What was checked, and the first difference if there is one.
#[derive(Clone, Debug)]
pub struct Report {
    pub rows: u64,
    pub records: u64,
    pub events: u64,
    pub checkpoints: u64,
    /// The last row that is good. Kept aside, it shows later that the end was not cut off.
    pub head: Head,
    pub epoch: u64,
    /// The time of the last record.
    pub at: Timestamp,
    /// Up to which row the views stand; `None` when there are none.
    pub views_at: Option<Sequence>,
    pub difference: Option<Difference>,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.difference.is_none()
    }
}

/// Why the replay ends early: a difference, or an error that says nothing about the data.
enum Halt {
    Difference(Box<Difference>),
    Error(VerifyError),
}

impl<E: Into<VerifyError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

fn in_journal(sequence: Sequence, record: Option<usize>) -> Place {
    Place::Journal { sequence, record }
}

fn differ(place: Place, expected: impl Into<String>, found: impl Into<String>) -> Halt {
    Halt::Difference(Box::new(Difference {
        place,
        expected: expected.into(),
        found: found.into(),
    }))
}

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub row: Sequence,
    /// The last row there is to verify.
    pub last: Sequence,
    pub events: u64,
}

/// What is wanted of a verification besides.
pub struct Wanted {
    /// What was published of the journal: it must still be so.
    pub statements: Vec<Statement>,
    /// Hears now and then how far it has come.
    pub progress: Box<dyn FnMut(Progress) + Send>,
}

/// Nothing besides.
impl Default for Wanted {
    fn default() -> Self {
        Self {
            statements: Vec::new(),
            progress: Box::new(|_| {}),
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted")
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

/// Verifies a database: its journal, and its views if there are any.
pub async fn verify<M: Machine, V: View<M>, A: Audit<M>>(
    database: impl Into<Database>,
    view: V,
    audit: A,
    wanted: Wanted,
) -> Result<Report, VerifyError> {
    let database = database.into();
    let mut journal = DatabaseReader::open(&database).await?;
    let scratch = tempfile::tempdir()?;
    let beside = Database::from(scratch.path());
    let mut fresh = ViewsWriter::open(&beside, view.tables()).await?;
    fresh.drop_indexes().await?;
    let schema = views::schema_in(&database, view.tables());
    let mut verifier = Verifier {
        engine: Engine::<M>::default(),
        head: Head::GENESIS,
        edge: Edge::default(),
        wanted,
        rows: fresh.rows(),
        histories: Expected::new(),
        view,
        audit,
        fresh,
        report: Report {
            rows: 0,
            records: 0,
            events: 0,
            checkpoints: 0,
            head: Head::GENESIS,
            epoch: 0,
            at: Timestamp::ZERO,
            views_at: None,
            difference: None,
        },
        row_events: 0,
        row_checkpoint: None,
    };
    let stored = Stored::open(&database, &schema, verifier.histories.found()).await;
    let last = journal.last().await?;
    let outside = journal.outside().await?;
    let mut ahead = Ahead::start(journal, last);
    let ran = match stored {
        Ok(stored) => verifier.run(&mut ahead, stored, &beside).await,
        Err(halt) => Err(halt),
    };
    let ran = ran.and_then(|()| none_outside(last, outside));
    ahead.end().await.close().await?;
    verifier.fresh.close().await?;
    let difference = match ran {
        Ok(()) => None,
        Err(Halt::Difference(difference)) => Some(*difference),
        Err(Halt::Error(error)) => return Err(error),
    };
    Ok(Report {
        head: verifier.head,
        epoch: verifier.engine.epoch(),
        at: verifier.engine.clock(),
        difference,
        ..verifier.report
    })
}

/// Rows that no reader ever asks for: there should be none.
fn none_outside(last: Sequence, outside: u64) -> Result<(), Halt> {
    if outside == 0 {
        return Ok(());
    }
    let found = format!("{outside} rows outside it");
    let expected = "one shard, numbered from 1";
    Err(differ(in_journal(last, None), expected, found))
}

struct Verifier<M: Machine, V, A> {
    engine: Engine<M>,
    head: Head,
    /// Of the tree over the rows.
    edge: Edge,
    wanted: Wanted,
    rows: Rows,
    histories: Expected,
    view: V,
    audit: A,
    fresh: ViewsWriter,
    report: Report,
    /// Of the row in hand: how many of its events the view has been shown, and its first checkpoint.
    row_events: u32,
    row_checkpoint: Option<Digest>,
}

impl<M: Machine, V: View<M>, A: Audit<M>> Verifier<M, V, A> {
    async fn run(
        &mut self,
        rows: &mut Ahead<M, DatabaseReader>,
        stored: Option<Stored>,
        fresh: &Database,
    ) -> Result<(), Halt> {
        let Some(mut stored) = stored else {
            return self.replay(rows, None).await;
        };
        self.report.views_at = Some(stored.watermark.sequence);
        self.replay(rows, Some(&mut stored)).await?;
        stored.check_end(self.head.sequence)?;
        let tables = self.fresh.tables();
        stored.compare(fresh, tables, &self.histories).await
    }

    async fn replay(
        &mut self,
        rows: &mut Ahead<M, DatabaseReader>,
        mut stored: Option<&mut Stored>,
    ) -> Result<(), Halt> {
        while let Some(opened) = rows.next().await {
            let piece = opened?;
            self.fold_piece(&piece)?;
            if !piece.is_last {
                continue;
            }
            let checkpoint = self.end_row(&piece)?;
            if let Some(stored) = &mut stored {
                stored.check_row(piece.head, checkpoint)?;
            }
            let views_end = self.report.views_at == Some(piece.head.sequence);
            if views_end {
                // Not after each chunk: balances as they stand at the end are all that counts.
                self.view.finish(self.engine.machine(), &mut self.rows);
            }
            if views_end || self.rows.len() > CHUNK_ROWS {
                self.flush().await?;
            }
            (self.wanted.progress)(Progress {
                row: self.head.sequence,
                last: rows.last(),
                events: self.report.events,
            });
        }
        let place = in_journal(self.head.sequence, None);
        self.check_beyond(self.head.sequence)?;
        let audited = self.audit.state(self.engine.machine());
        audited.map_err(|(expected, found)| differ(place, expected, found))
    }

    /// Whether the views on disk have come as far as this row.
    fn is_viewed(&self, row: Head) -> bool {
        let views_at = self.report.views_at;
        views_at.is_some_and(|views_at| row.sequence <= views_at)
    }

    /// Folds a piece of the row after the last one and checks what it says.
    fn fold_piece(&mut self, piece: &Piece<M>) -> Result<(), Halt> {
        let sequence = piece.head.sequence;
        let viewed = self.is_viewed(piece.head);
        for (position, record) in (piece.first..).zip(&piece.records) {
            if position.is_multiple_of(FORESEEN) {
                let next = piece.records[position - piece.first..].iter();
                self.engine.foresee_records(next.take(FORESEEN));
            }
            let number = once::Place {
                sequence,
                record: u32::try_from(position).unwrap_or(u32::MAX),
            };
            self.check_record(piece.epoch, position, record)
                .and_then(|()| self.fold(number, record, viewed))
                .map_err(|(expected, found)| {
                    differ(in_journal(sequence, Some(position)), expected, found)
                })?;
        }
        self.report.records += piece.records.len() as u64;
        Ok(())
    }

    /// Checks a row that has been folded, whose last piece this is. Returns the digest of its first checkpoint, if it has
    /// one.
    fn end_row(&mut self, piece: &Piece<M>) -> Result<Option<Digest>, Halt> {
        let epoch = self.engine.epoch();
        if piece.epoch != epoch {
            let place = in_journal(piece.head.sequence, None);
            let found = format!("epoch {}", piece.epoch);
            return Err(differ(place, format!("epoch {epoch}"), found));
        }
        self.head = piece.head;
        let rows = self.is_viewed(piece.head).then_some(&mut self.rows);
        self.edge.push(&piece.head.hash, rows);
        self.check_statements()?;
        self.report.rows += 1;
        self.row_events = 0;
        Ok(self.row_checkpoint.take())
    }

    /// Checks what was published of the journal up to this row.
    fn check_statements(&self) -> Result<(), Halt> {
        let sequence = self.head.sequence;
        let here = |statement: &&Statement| statement.head.sequence == sequence;
        for statement in self.wanted.statements.iter().filter(here) {
            let sums = sums_of(self.audit.trial_balance(self.engine.machine()));
            let found = Statement {
                head: self.head,
                root: self.edge.root(),
                sums: digest_of_sums(&sums),
            };
            let parts = [
                ("row", statement.head.hash, found.head.hash),
                ("tree over the rows", statement.root, found.root),
                ("trial balance", statement.sums, found.sums),
            ];
            for (what, expected, found) in parts {
                if expected != found {
                    let expected = format!("the {what} {} as published", hex(&expected));
                    return Err(differ(in_journal(sequence, None), expected, hex(&found)));
                }
            }
        }
        Ok(())
    }

    /// Checks that nothing was published of rows after the last.
    fn check_beyond(&self, last: Sequence) -> Result<(), Halt> {
        let published = self.wanted.statements.iter();
        match published.map(|of| of.head.sequence).max() {
            Some(published) if published > last => {
                let expected = format!("rows up to {}, as published", published.0);
                let found = format!("an end after row {}", last.0);
                Err(differ(in_journal(last.next(), None), expected, found))
            }
            _ => Ok(()),
        }
    }

    /// What must be true of a record before it is folded.
    fn check_record(
        &mut self,
        row_epoch: u64,
        position: usize,
        record: &Record<M>,
    ) -> Result<(), Broken> {
        let (at, clock) = (record.at(), self.engine.clock());
        if at <= clock {
            return Err((format!("a time after {clock}"), at.to_string()));
        }
        match record {
            Record::Seal { epoch, .. } => {
                let next = self.engine.epoch() + 1;
                if position > 0 || *epoch != next || row_epoch != next {
                    let found = format!("a seal of epoch {epoch} as record {position}");
                    return Err((format!("epoch {next} sealed by its first record"), found));
                }
            }
            Record::Checkpoint { digest, .. } => {
                self.report.checkpoints += 1;
                self.row_checkpoint.get_or_insert(*digest);
                let found = self.engine.digest().map_err(|error| {
                    let expected = "a state that can be encoded".to_owned();
                    (expected, error.to_string())
                })?;
                if found != *digest {
                    let expected = format!("the digest {} of the replayed state", hex(&found));
                    return Err((expected, hex(digest)));
                }
                self.audit.state(self.engine.machine())?;
            }
            Record::Evict { through, .. } => {
                let row = self.head.sequence;
                if *through > row {
                    let expected = format!("what was evicted to be at most row {}", row.0);
                    return Err((expected, through.0.to_string()));
                }
            }
            Record::Command { .. } | Record::Due { .. } => {}
        }
        Ok(())
    }

    /// Folds a record into the state and, if the views on disk have come this far, into the fresh
    /// projection.
    fn fold(&mut self, place: once::Place, record: &Record<M>, viewed: bool) -> Result<(), Broken> {
        let Self {
            engine,
            rows,
            view,
            audit,
            row_events,
            ..
        } = self;
        let mut audited = Ok(());
        let folded = catch_unwind(AssertUnwindSafe(|| {
            engine.apply(place.sequence, record, |moment, event, machine| {
                if viewed {
                    let position = *row_events;
                    view.fold(Seen { moment, position }, event, machine, rows);
                    *row_events += 1;
                }
                if audited.is_ok() {
                    audited = audit.event(moment, event, machine);
                }
            });
            if viewed {
                view.record(place, record, engine.machine(), rows);
            }
        }));
        if folded.is_err() {
            let expected = "events that fit the state before them".to_owned();
            return Err((expected, "events that do not".to_owned()));
        }
        audited?;
        self.report.events += record.events().len() as u64;
        if viewed {
            put_once(place, record, &mut self.rows);
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Halt> {
        self.histories.take(self.rows.packed());
        self.fresh
            .write(&mut self.rows, self.head, Vec::new())
            .await?;
        Ok(())
    }
}
