//! A whole book as a file, and back.
//!
//! An export is the book as it stood at one place in the journal: its accounts, everything that was posted or held in
//! the order in which it happened, and at the end how every account stands. As lines of JSON ([`line`]) it can be
//! imported into another book; as a table ([`table`]) and as plain text ([`plain`]) it is for other programs, which can
//! so check our sums with theirs.

mod export;
mod facts;
mod import;
mod line;
mod plain;
mod table;

pub(super) use export::export;
pub(super) use import::import;
