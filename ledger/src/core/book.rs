//! Books: their settings, and up to when they are closed.
//!
//! A book need not be made; it is there as soon as it is spoken of, in UTC and without a name.
//! Closing a period is for good: what was reported does not change afterwards.

use serde::{Deserialize, Serialize};

use crate::core::calendar::Day;
use crate::core::{Book, Event, Ledger, Reason, Rejection};
use crate::time::Timestamp;

pub const BOOK_NAME_BYTES_MAX: usize = 120;
/// From the westernmost to the easternmost clock on Earth.
const OFFSET_MINUTES: std::ops::RangeInclusive<i16> = -12 * 60..=14 * 60;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookSettings {
    pub name: Box<str>,
    /// How far the book's clock is ahead of UTC: 480 in Shanghai. Its days, months and years begin
    /// accordingly.
    pub offset_minutes: i16,
}

/// What the ledger knows of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookTerms {
    pub settings: BookSettings,
    /// Nothing can be posted any more with an effective date before this.
    pub closed_before: Timestamp,
}

impl Ledger {
    /// What is known of a book; nothing for one that nobody has set up, which is no error.
    pub fn book(&self, book: Book) -> Option<&BookTerms> {
        self.books.get(&book)
    }

    pub(super) fn day(&self, book: Book, at: Timestamp) -> Day {
        let offset = self
            .book(book)
            .map_or(0, |terms| terms.settings.offset_minutes);
        Day::of(at, offset)
    }

    pub(super) fn closed_before(&self, book: Book) -> Timestamp {
        self.book(book)
            .map_or(Timestamp::ZERO, |terms| terms.closed_before)
    }

    pub fn set_book(
        &self,
        book: Book,
        settings: &BookSettings,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        let fits = settings.name.len() <= BOOK_NAME_BYTES_MAX
            && OFFSET_MINUTES.contains(&settings.offset_minutes);
        if !fits {
            return Err(Rejection::new(Reason::SettingsInvalid));
        }
        if self.book(book).map(|terms| &terms.settings) != Some(settings) {
            let settings = settings.clone();
            events.push(Event::BookSet { book, settings });
        }
        Ok(())
    }

    /// Closes everything before a moment that has passed. What is closed stays closed.
    pub fn close_period(
        &self,
        at: Timestamp,
        book: Book,
        before: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        let closed = self.closed_before(book);
        if before < closed || before > at {
            return Err(Rejection::new(Reason::PeriodInvalid));
        }
        if before > closed {
            events.push(Event::PeriodClosed { book, before });
        }
        Ok(())
    }

    /// Whether something may take effect at this time in the past.
    pub(super) fn effective_fault(
        &self,
        book: Book,
        at: Timestamp,
        effective: Timestamp,
    ) -> Option<Reason> {
        if effective > at {
            Some(Reason::EffectiveInFuture)
        } else if effective < self.closed_before(book) {
            Some(Reason::PeriodClosed)
        } else {
            None
        }
    }
}
