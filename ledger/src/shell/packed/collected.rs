//! What a chunk of events adds to the packed histories.

use crate::core::{Book, TransactionId, TransactionNo};
use crate::once::{OnceKey, Place};
use crate::shell::packed::entry::Pointer;
use crate::shell::packed::{Bodies, IdAt, Line, OnceAt, digest};

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
            place: place.number(),
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
