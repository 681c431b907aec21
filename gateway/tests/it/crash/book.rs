//! What was acknowledged, and the money that it must have moved: a second computation that knows nothing of the first.

use std::collections::BTreeMap;

pub(super) const FEE_BASIS_POINTS: i64 = 60;

/// What one driver was told.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) orders: BTreeMap<String, Order>,
    /// By wallet.
    pub(super) top_ups: BTreeMap<String, i64>,
    pub(super) acknowledged: usize,
    /// Requests that were acknowledged only after having been asked again.
    pub(super) retried: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) amount: i64,
    pub(super) closed: bool,
    /// The wallet that paid it.
    pub(super) payer: Option<String>,
    pub(super) refunded: i64,
}

impl Order {
    pub(super) fn state(&self) -> &'static str {
        match (&self.payer, self.closed) {
            (None, false) => "open",
            (None, true) => "closed",
            (Some(_), _) if self.refunded == 0 => "paid",
            (Some(_), _) if self.refunded == self.amount => "refunded",
            (Some(_), _) => "partly_refunded",
        }
    }

    /// Half to even, of the amount times the basis points.
    fn fee(&self) -> i64 {
        let (whole, rest) = (
            self.amount * FEE_BASIS_POINTS / 10_000,
            self.amount * FEE_BASIS_POINTS % 10_000,
        );
        whole + i64::from(rest > 5_000 || (rest == 5_000 && whole % 2 == 1))
    }

    /// What the shop has of it: the amount less the fee, less what it gave back itself.
    fn kept(&self) -> i64 {
        let fee_returned = self.fee() * self.refunded / self.amount;
        self.amount - self.fee() - (self.refunded - fee_returned)
    }
}

/// What everybody must have.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) merchants: BTreeMap<String, i64>,
    pub(super) wallets: BTreeMap<String, i64>,
    pub(super) payments: usize,
}

impl Totals {
    pub(super) fn add_order(&mut self, merchant: &str, order: &Order) {
        let Some(payer) = &order.payer else {
            return;
        };
        self.payments += 1;
        *self.merchants.entry(merchant.to_owned()).or_default() += order.kept();
        *self.wallets.entry(payer.clone()).or_default() -= order.amount - order.refunded;
    }

    pub(super) fn add_top_ups(&mut self, top_ups: &BTreeMap<String, i64>) {
        for (wallet, amount) in top_ups {
            *self.wallets.entry(wallet.clone()).or_default() += amount;
        }
    }
}
