//! What a machine's views are.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;

use crate::engine::Record;
use crate::machine::{Machine, Moment};
use crate::once::Place;
use crate::shell::sql::Connection;
use crate::shell::table::{Rows, Table};

/// Where and when an event stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub moment: Moment,
    /// Which event of its row of the journal it is, over all records of the row, from 0. Views that
    /// need an order within a row take it from here and do not count themselves: a chunk that could
    /// not be written is folded again, and must make the same rows.
    pub position: u32,
}

/// Turns events into rows of SQL tables. Everything comes from the journal: the projector folds a
/// state of its own and shows each event with the machine as it stands after it, so that all views
/// can be dropped and rebuilt. One view is composed of others by calling their `fold` with the same
/// [`Rows`].
pub trait View<M: Machine>: Debug + Send + 'static {
    /// All tables of the view. When what is declared changes, the views are rebuilt.
    fn tables(&self) -> Vec<&'static Table>;

    /// Puts the rows that an event makes.
    fn fold(&mut self, seen: Seen, event: &M::Event, machine: &M, rows: &mut Rows);

    /// Puts the rows that a record makes as a whole, after those of its events: who asked for it, for
    /// instance.
    fn record(&mut self, place: Place, record: &Record<M>, machine: &M, rows: &mut Rows) {
        let _ = (place, record, machine, rows);
    }

    /// Called at the end of each chunk: the place for rows that show how touched things stand now,
    /// however often they were touched.
    fn finish(&mut self, machine: &M, rows: &mut Rows) {
        let _ = (machine, rows);
    }

    /// Reads what has left memory: for each key the row, or that there is none. The connection is
    /// inside one read transaction.
    fn cold(
        connection: &mut Connection<'_>,
        keys: &[M::Key],
    ) -> impl Future<Output = Result<BTreeMap<M::Key, Option<M::Row>>, sqlx::Error>> + Send;
}
