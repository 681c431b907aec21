//! What falls due: holds whose time is over.

use crate::core::draft::Draft;
use crate::core::{Event, Ledger};
use crate::time::Timestamp;

impl Ledger {
    /// Lets the holds expire that are due, at most `limit` of them, in order of (due, book, id).
    pub(super) fn expire(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let mut draft = Draft::new(self, None);
        for hold in self.holds.due(at).take(limit) {
            draft.uncount(hold);
            events.push(Event::Expired {
                book: hold.book,
                hold: hold.id,
                amounts: hold.remaining(),
            });
        }
        events.extend(draft.counters());
    }
}
