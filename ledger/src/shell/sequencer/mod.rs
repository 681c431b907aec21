//! The one writer.
//!
//! Three threads, each with one job:
//!
//! ```text
//! Handle ──► inbox ──► writer ──► committer ──► projector
//!  (any number)        decides    hashes,       folds and writes
//!                      in memory, appends,      the views
//!                      encodes    answers
//! ```
//!
//! The **writer** takes everything that waits, lets happen what is due, decides each command and
//! builds a batch. Whenever the committer is free the batch goes there; so while one batch becomes
//! durable the next one is being decided, and exactly one append is in flight. The **committer**
//! turns a batch into a row and appends it. Answers travel with their batch and are given when it is
//! durable, and since batches become durable in order, so is everything their state had seen.
//!
//! When an append fails and reading its row does not show that it happened, everyone whose answer
//! depended on it hears `outcome_unknown`, the state is dropped, and the committer recovers it from
//! the journal. Each life of the state begins with a row that seals the log under a new epoch, and
//! nothing is decided until that row is durable.

mod committer;
mod handle;
mod inbox;
mod lag;
mod settings;
mod shared;
mod writer;

pub use handle::{Committed, Handle, StopReason, SubmitError};
pub use settings::Settings;
pub use shared::Status;

pub(crate) use committer::{Committer, Feed};
pub(crate) use handle::Lacking;
pub(crate) use inbox::Inbox;
pub(crate) use shared::Shared;
pub(crate) use writer::Writer;
