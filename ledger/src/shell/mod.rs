//! The part that touches the world: the journal on disk, the one writer, the views, recovery.
//!
//! It is generic over the [`Machine`](crate::machine::Machine) it runs: a ledger alone, or payments
//! around a ledger. It knows neither. In reading order:
//!
//! 1. [`codec`], [`merkle`] and [`chain`]: the bytes of a row and what binds rows together.
//! 2. [`journal`]: where rows become durable; the only commit point of the house.
//! 3. [`clock`] and [`sequencer`]: the one writer, with its queue, its batches and its answers.
//! 4. [`sql`]: one way to speak to SQLite and to `PostgreSQL`.
//! 5. [`table`], [`view`], [`views`], `projector`, `cold` and `past`: SQL tables that follow
//!    the journal, and what is read from both for those who ask again.
//!    [`packed`] is how histories are kept: in sorted runs instead of one row each.
//! 6. `recovery`: the state at a start.
//! 7. [`store`]: all of it, opened in one call. [`archiving`] and [`backup`]: what is done about its files while it runs.
//! 8. [`row_tree`] and [`checkpoint`]: what the journal is, in a statement that can be published.
//! 9. [`verify`]: everything on disk, checked against the journal.
//! 10. [`ledger_view`] and [`ledger_event`]: the tables of a ledger; [`ledger_read`]: what is read from them.

pub mod archiving;
pub mod backup;
pub mod chain;
pub mod checkpoint;
pub mod clock;
pub mod codec;
mod cold;
pub mod journal;
mod ledger_cold;
mod ledger_detail;
pub mod ledger_event;
pub mod ledger_read;
pub mod ledger_view;
pub mod merkle;
mod once_filter;
pub mod packed;
mod past;
mod projector;
mod recovery;
pub mod row_tree;
pub mod sequencer;
pub mod sql;
pub mod store;
pub mod table;
pub mod verify;
pub mod view;
pub mod views;

pub use archiving::{ArchiveError, Archived, archive};
pub use backup::{BackupError, backup};
pub use chain::{Head, Proof, Row};
pub use checkpoint::{CheckpointError, Inclusion, Statement};
pub use clock::{Clock, ManualClock, SystemClock};
pub use ledger_event::LedgerEvents;
pub use ledger_view::LedgerView;
pub use recovery::RecoveryError;
pub use sequencer::{Committed, Handle, Settings, Status, StopReason, SubmitError};
pub use store::{OpenError, Store, rebuild_views};
pub use table::{Column, Growth, Kind, Rows, Table, Value};
pub use verify::{
    Audit, Difference, LedgerAudit, Place, Progress, Report, VerifyError, Wanted, verify,
};
pub use view::{Seen, View};
pub use views::{Reading, Views, ViewsError};
