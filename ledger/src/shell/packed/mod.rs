//! Histories, packed: postings by account, transactions by number, ids and keys by digest.
//!
//! One row for each posting, id and key costs random pages and a tree's upkeep; at a hundred
//! thousand transfers a second that is all a disk does. So what only ever grows is kept in sorted
//! runs, cut into blocks, each block one row of a plain table:
//!
//! | table | one row for each |
//! |---|---|
//! | `runs` | sorted run of an index: which index, how many entries, where its blocks begin |
//! | `blocks` | block of a run |
//! | `transactions` | block of transactions, which come in order and need no sorting |
//! | `balances` | block of accounts: what was posted to each, as it stands |
//!
//! Each chunk of the projector adds one run to each index. When eight runs of about the same size
//! stand at an index's end they are merged into one, up to a size at which a run is final; so an
//! entry is written a few times, no merge takes long, and what a look-up reads grows with the
//! logarithm of the history at first and with a small fraction of it later. Entries are in the order
//! in which things happened ([`Entry::place`]), and so are runs: none overlaps another.
//!
//! The tables hold numbers and bytes and nothing else, so they are the same on every database.

mod balances;
mod bodies;
mod collected;
mod entry;
mod filter;
mod index;
mod read;
mod varint;

use crate::shell::table::{Column, Growth, Table};

pub use balances::Balances;
pub(crate) use balances::{BALANCES, block_of, row as balances_row};
pub use bodies::StoredTransaction;
pub(crate) use bodies::{Bodies, decode_block};
pub(crate) use collected::Collected;
pub use entry::Line;
pub(crate) use entry::{Entry, IdAt, OnceAt, digest};
pub(crate) use filter::Filter;
pub(crate) use index::{Packs, RunRow, block_no};
pub(crate) use read::once;
pub use read::{Order, last_through, lines, transaction, transaction_no};

pub(crate) static RUNS: Table = Table {
    name: "runs",
    columns: &[
        Column::integer("run"),
        Column::text("name"),
        Column::integer("entries"),
        Column::integer("first_place"),
        Column::integer("last_place"),
        Column::blob("fences"),
        Column::blob("filter"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(crate) static BLOCKS: Table = Table {
    name: "blocks",
    columns: &[Column::integer("block"), Column::blob("body")],
    key: 1,
    growth: Growth::Append,
    indexes: &[],
};

pub(crate) static TRANSACTIONS: Table = Table {
    name: "transactions",
    columns: &[
        Column::integer("first_no"),
        Column::integer("last_no"),
        Column::integer("first_at"),
        Column::blob("body"),
    ],
    key: 1,
    growth: Growth::Append,
    indexes: &["first_at"],
};

/// The tables of this module.
pub(crate) static TABLES: [&Table; 3] = [&RUNS, &BLOCKS, &TRANSACTIONS];
