//! How far the views are behind, in events.

use std::collections::VecDeque;

use crate::machine::Sequence;

/// Counts events by row, from the writer's start on.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// Rows that are not projected, with the number of events up to and with each.
    rows: VecDeque<(Sequence, u64)>,
    committed: u64,
    projected: u64,
    seen: Sequence,
}

impl Lag {
    pub(super) fn commit(&mut self, sequence: Sequence, events: usize) {
        self.committed += events as u64;
        self.rows.push_back((sequence, self.committed));
    }

    pub(super) fn project(&mut self, through: Sequence) {
        while let Some((_, events)) = self.rows.pop_front_if(|(row, _)| *row <= through) {
            self.projected = events;
        }
        self.seen = through;
    }

    /// The last row known to be projected.
    pub(super) fn seen(&self) -> Sequence {
        self.seen
    }

    /// Events that have been projected.
    pub(super) fn projected(&self) -> u64 {
        self.projected
    }

    /// Events that have not.
    pub(super) fn behind(&self) -> u64 {
        self.committed - self.projected
    }
}
