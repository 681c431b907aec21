//! What a chunk of events adds to the packed histories.

use crate::core::{Book, TransactionId, TransactionNo};
use crate::once::{OnceKey, Place};
use crate::shell::packed::entry::Pointer;
use crate::shell::packed::{Bodies, IdAt, Line, OnceAt, digest};

/// A row of the journal has fewer records than this; a batch is far smaller.
const RECORDS_PER_ROW: u64 = 1 << 24;

/// A place in the journal as one number.
pub(crate) fn once_place(place: Place) -> u64 {
    let record = u64::from(place.record);
    assert!(record < RECORDS_PER_ROW, "a batch is bounded");
    place.sequence.0 * RECORDS_PER_ROW + record
}

/// The place that [`once_place`] made the number of.
pub(super) fn place_of(number: u64) -> Place {
    Place {
        sequence: crate::machine::Sequence(number / RECORDS_PER_ROW),
        record: u32::try_from(number % RECORDS_PER_ROW).unwrap_or_default(),
    }
}

#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) bodies: Bodies,
    pub(crate) lines: Vec<Line>,
    pub(crate) ids: Vec<IdAt>,
    pub(crate) once: Vec<OnceAt>,
}

impl Collected {
    pub(crate) fn put_once(&mut self, key: OnceKey, place: Place) {
        self.once.push(OnceAt(Pointer {
            digest: digest(key.scope, key.key),
            place: once_place(place),
        }));
    }

    pub(crate) fn put_id(&mut self, book: Book, id: TransactionId, no: TransactionNo) {
        self.ids.push(IdAt(Pointer {
            digest: digest(book.0.into(), id.0),
            place: no.0,
        }));
    }

    pub(crate) fn clear(&mut self) {
        self.bodies.clear();
        self.lines.clear();
        self.ids.clear();
        self.once.clear();
    }
}
