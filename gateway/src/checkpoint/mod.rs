//! Signed checkpoints: the journal in a few lines that can be published.
//!
//! [`note`] is the text and its signature, in the forms of <https://c2sp.org/tlog-checkpoint> and
//! <https://c2sp.org/signed-note>, which other programs check; [`key`] is what signs. What is stated comes from
//! [`ledger::shell::checkpoint`].

pub mod key;
pub mod note;

pub use key::{CheckpointKey, KeyError, PublicKey};
pub use note::{Note, NoteError};

/// The key's file, inside the data directory.
pub const KEY_FILE: &str = "checkpoint.key";
