//! Streamed prices: one JSON object per line, from a socket or a file.
//!
//! What:
//! `{"base":"USD","quote":"CNY","bid":"7.1201","ask":"7.1209","time":"2026-10-30T13:15:00Z"}`.
//! Rates are strings, since a JSON number is a float to most programs. A treasury desk that knows
//! one price sends the same bid and ask. A line without a time is of the moment at which it was received, if the reader
//! says which that is.
//!
//! Why it keeps state: a piece of a stream ends anywhere, so the beginning of a line waits for its
//! end. A sender of whole messages ends each with a line feed.
//!
//! Limits: [`NdjsonFeed::LINE_BYTES_MAX`] for a line, one mebibyte for a piece. After an error the
//! rest of the piece is dropped; the caller closes the connection or goes on with the next piece.

use serde::Deserialize;

use crate::feed::{Feed, FeedError, LineProblem, Reading, Tick, limit};
use crate::{Currencies, Rate, Timestamp};

/// A piece of a stream, not a whole day.
const PIECE_BYTES_MAX: usize = 1 << 20;

/// Reads a stream of ticks from one source.
#[derive(Debug, Clone)]
pub struct NdjsonFeed {
    source: String,
    currencies: Currencies,
    /// The line whose end has not arrived.
    pending: String,
    /// Lines that have ended so far, to name a broken one.
    lines: usize,
    received_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    base: String,
    quote: String,
    bid: String,
    ask: String,
    time: Option<String>,
}

impl NdjsonFeed {
    /// A tick takes about 120 bytes.
    pub const LINE_BYTES_MAX: usize = 1024;

    /// A feed of this name, which may price the book's own assets too.
    pub fn new(source: &str, currencies: Currencies) -> Self {
        Self {
            source: source.to_owned(),
            currencies,
            pending: String::new(),
            lines: 0,
            received_at: None,
        }
    }

    /// Takes lines without a time as of this moment.
    #[must_use]
    pub fn received_at(self, now: Timestamp) -> Self {
        Self {
            received_at: Some(now),
            ..self
        }
    }

    fn tick(&self, line: &str) -> Result<Tick, LineProblem> {
        let line: Line =
            serde_json::from_str(line).map_err(|error| LineProblem::Text(error.to_string()))?;
        let currency = |code: &str| {
            self.currencies
                .resolve(code)
                .map_err(|error| LineProblem::Text(error.to_string()))
        };
        let (base, quote) = (currency(&line.base)?, currency(&line.quote)?);
        let rate = |text: &str| {
            Rate::parse(text).map_err(|source| LineProblem::Rate {
                currency: quote,
                source,
            })
        };
        let time = match line.time {
            Some(text) => Timestamp::parse(&text),
            None => self.received_at,
        };
        let time = time.ok_or_else(|| LineProblem::text("the time is not RFC 3339 in UTC"))?;
        Ok(Tick {
            base,
            quote,
            bid: rate(&line.bid)?,
            ask: rate(&line.ask)?,
            time,
        })
    }
}

impl Feed for NdjsonFeed {
    fn source(&self) -> &str {
        &self.source
    }

    fn read(&mut self, text: &str) -> Result<Reading, FeedError> {
        limit(text, PIECE_BYTES_MAX)?;
        let mut reading = Reading::default();
        let mut pieces = text.split('\n').peekable();
        while let Some(piece) = pieces.next() {
            if self.pending.len() + piece.len() > Self::LINE_BYTES_MAX {
                self.pending.clear();
                let problem = format!("longer than {} bytes", Self::LINE_BYTES_MAX);
                return Err(LineProblem::Text(problem).at(self.lines + 1));
            }
            self.pending.push_str(piece);
            if pieces.peek().is_none() {
                break;
            }
            self.lines += 1;
            let line = std::mem::take(&mut self.pending);
            if !line.trim().is_empty() {
                let tick = self.tick(&line).map_err(|problem| problem.at(self.lines))?;
                reading.ticks.push(tick);
            }
        }
        Ok(reading)
    }
}
