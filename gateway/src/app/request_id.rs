//! Ids of requests: what a caller tells us, and what we look for in the log.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::secrets::{SecretsError, random};

/// Counts requests behind a number that is new with every start, so that an id never comes twice.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Result<Self, SecretsError> {
        Ok(Self {
            start: u64::from_be_bytes(random()?),
            count: AtomicU64::new(0),
        })
    }

    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(36);
        // Writing to a string cannot fail.
        let _ = write!(id, "req_{:016x}{count:016x}", self.start);
        id
    }
}
