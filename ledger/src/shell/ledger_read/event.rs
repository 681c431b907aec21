//! The events of a book, from any place on.

use super::column::{decoded, number, sql};
use crate::core::{Book, Event};
use crate::machine::Sequence;
use crate::shell::ledger_event::{EventPlace, Standings};
use crate::shell::sql::{Query, Row};
use crate::shell::views::Reading;
use crate::time::Timestamp;

/// An event with the balances that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub place: EventPlace,
    pub at: Timestamp,
    pub event: Event,
    pub standings: Standings,
}

/// The events of a book after a place, in order, at most so many.
pub async fn after(
    reading: &mut Reading,
    book: Book,
    place: EventPlace,
    limit: u32,
) -> Result<Vec<EventRow>, sqlx::Error> {
    let rows = reading
        .connection()
        .all(
            Query::new(
                "select seq, position, at, event, standings from ledger_events
        where book = $1 and (seq > $2 or (seq = $2 and position > $3))
        order by seq, position limit $4",
            )
            .bind(i64::from(book.0))
            .bind(sql(place.sequence.0))
            .bind(i64::from(place.position))
            .bind(i64::from(limit)),
        )
        .await?;
    let event = |row: &Row| {
        Ok(EventRow {
            place: EventPlace {
                sequence: Sequence(number(row, "seq")?),
                position: number(row, "position")?,
            },
            at: Timestamp(number(row, "at")?),
            event: decoded(row, "event")?,
            standings: decoded(row, "standings")?,
        })
    };
    rows.iter().map(event).collect()
}
