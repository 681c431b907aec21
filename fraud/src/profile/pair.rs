//! What is remembered of one payer with one payee.

use serde::{Deserialize, Serialize};

use super::table::Worth;

/// Settled payments from one payer to one payee.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) first_at: u32,
    pub(crate) last_at: u32,
    pub(crate) count: u32,
    pub(crate) amount: i64,
}

impl Pair {
    pub(crate) const fn new(at: u32) -> Self {
        Self {
            first_at: at,
            last_at: at,
            count: 0,
            amount: 0,
        }
    }

    pub(crate) fn settle(&mut self, at: u32, amount: i64) {
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        self.count = self.count.saturating_add(1);
        self.amount = self.amount.saturating_add(amount);
    }
}

impl Worth for Pair {
    fn last_at(&self) -> u32 {
        self.last_at
    }

    fn events(&self) -> u32 {
        self.count
    }
}
