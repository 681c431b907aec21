//! Time as the ledger knows it: nanoseconds since the Unix epoch, given by the one writer.
//!
//! The pure part never asks a clock; it is told. Each journalled record has a timestamp of its own
//! and timestamps are strictly increasing, so a timestamp is also an order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z. Good until the year 2554.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub const ZERO: Self = Self(0);

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The moment `nanos` later; the far future is as late as it gets.
    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    #[must_use]
    pub const fn plus_secs(self, secs: u64) -> Self {
        self.plus_nanos(secs.saturating_mul(1_000_000_000))
    }

    /// How many nanoseconds this is after `earlier`; zero when it is not after.
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}
