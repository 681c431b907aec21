//! How prices come in: one trait, whatever the wire.
//!
//! What: a [`Feed`] turns text that somebody else fetched into [`Tick`]s. It does no I/O and asks
//! no clock, so that a file, a socket and a test are the same to it.
//!
//! Why all or nothing: a file that is broken anywhere was cut off or altered on its way, and half
//! of a day's fixings would leave pairs on two different days. A feed refuses it and names the
//! line. Columns of currencies it does not know are another matter: they are listed in
//! [`Reading::ignored`], since a bank adding a currency must not stop all others.

use serde::{Deserialize, Serialize};

use crate::{Currency, Rate, RateError, Timestamp};

/// A market's price of one base unit: somebody buys at the bid and sells at the ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub base: Currency,
    pub quote: Currency,
    pub bid: Rate,
    pub ask: Rate,
    pub time: Timestamp,
}

/// What a feed made of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Oldest first.
    pub ticks: Vec<Tick>,
    /// Codes that are no known currency, each once.
    pub ignored: Vec<String>,
}

/// A way to read prices.
pub trait Feed {
    /// The name under which a [`RateBook`](crate::RateBook) knows this source.
    fn source(&self) -> &str;

    /// The ticks in the next piece of text.
    fn read(&mut self, text: &str) -> Result<Reading, FeedError>;
}

/// Why a text was refused; nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    #[error("the text has {bytes} bytes, more than the {bytes_max} that this feed reads")]
    TooLong { bytes: usize, bytes_max: usize },
    #[error("line {line}: {problem}; fetch it again, or tell its publisher")]
    Line { line: usize, problem: LineProblem },
    #[error("the text holds no rates at all; fetch it again, and check its address")]
    Empty,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    #[error("{0}")]
    Text(String),
    #[error("{currency}: {source}")]
    Rate {
        currency: Currency,
        source: RateError,
    },
}

impl LineProblem {
    pub(crate) fn text(problem: &str) -> Self {
        Self::Text(problem.to_owned())
    }

    pub(crate) fn at(self, line: usize) -> FeedError {
        FeedError::Line {
            line,
            problem: self,
        }
    }
}

/// Refuses a text beyond the limit before any of it is looked at.
pub(crate) fn limit(text: &str, bytes_max: usize) -> Result<(), FeedError> {
    let bytes = text.len();
    if bytes > bytes_max {
        Err(FeedError::TooLong { bytes, bytes_max })
    } else {
        Ok(())
    }
}
