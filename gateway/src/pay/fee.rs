//! What the house takes of payments, by a schedule for each merchant.
//!
//! A schedule is a few lines. Of those that fit a payment the one that fits best gives the terms: a line for its method goes
//! before one for all, then the one with the highest threshold. Where none fits, the merchant's plain percentage holds.
//!
//! The terms stay with the payment. A schedule that changes tomorrow changes nothing about what was paid today: neither
//! what a refund gives back nor how the fee is explained.

use std::collections::BTreeSet;

use fx::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

use super::direct::Scan;
use super::id::MerchantId;
use super::message::{Event, Outcome};
use super::open::terms;
use super::party::{Fee, Merchant};
use super::refusal::Refusal;
use super::state::Payments;

/// How a payment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Method {
    /// The payer opened an order that the merchant had made.
    Order,
    /// The till scanned the payer's code.
    PaymentCode,
    /// The payer scanned a printed code.
    PrintedCode,
    /// The merchant debited the payer by a mandate.
    Mandate,
    /// The payer paid a biller by a reference.
    Biller,
}

impl From<Scan> for Method {
    fn from(scan: Scan) -> Self {
        match scan {
            Scan::PaymentCode => Self::PaymentCode,
            Scan::PrintedCode(_) => Self::PrintedCode,
            Scan::Mandate(_) => Self::Mandate,
            Scan::Biller(_) => Self::Biller,
        }
    }
}

/// What is taken of one payment: a percentage and a fixed amount, within bounds, and never more than the payment. Amounts
/// are minor units of the payment's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub basis_points: u16,
    pub fixed: i64,
    pub least: i64,
    pub most: Option<i64>,
    /// Whether the house keeps its fee when the payment is refunded; else it goes back in proportion.
    pub kept: bool,
}

impl From<Fee> for Terms {
    fn from(fee: Fee) -> Self {
        Self {
            basis_points: fee.basis_points,
            ..Self::default()
        }
    }
}

impl Terms {
    pub fn fee_of(&self, amount: Money) -> Result<Money, MoneyError> {
        let percentage = Fee {
            basis_points: self.basis_points,
        };
        let fee = percentage.of(amount)?.amount.saturating_add(self.fixed);
        let fee = fee.max(self.least).min(self.most.unwrap_or(i64::MAX));
        Ok(Money::new(fee.min(amount.amount), amount.currency))
    }

    fn are_possible(&self) -> bool {
        let amounts = [self.fixed, self.least, self.most.unwrap_or_default()];
        let bounds = self.most.is_none_or(|most| self.least <= most);
        self.basis_points <= Fee::BASIS_POINTS_MAX && bounds && amounts.iter().all(|one| *one >= 0)
    }
}

/// One line of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeLine {
    /// All methods, if none is named.
    pub method: Option<Method>,
    pub currency: Currency,
    /// Payments of this many minor units or more.
    pub from: i64,
    pub terms: Terms,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule(pub Vec<FeeLine>);

impl FeeSchedule {
    /// Some tiers of each method in each of a few currencies.
    pub const LINES_MAX: usize = 64;

    fn best(&self, method: Method, amount: Money) -> Option<Terms> {
        let fits = |line: &&FeeLine| {
            line.currency == amount.currency
                && line.from <= amount.amount
                && line.method.is_none_or(|named| named == method)
        };
        let fitting = self.0.iter().filter(fits);
        let best = fitting.max_by_key(|line| (line.method.is_some(), line.from));
        best.map(|line| line.terms)
    }

    fn check(&self, merchant: &Merchant) -> Result<(), Refusal> {
        if self.0.len() > Self::LINES_MAX {
            return Err(terms("a schedule has at most 64 lines"));
        }
        let mut seen = BTreeSet::new();
        for line in &self.0 {
            if !merchant.currencies.contains(&line.currency) {
                return Err(super::open::not_held(line.currency));
            }
            if line.from < 0 || !line.terms.are_possible() {
                return Err(terms(
                    "a fee is at most the whole amount, nothing in it is below zero, and its least is not above its most",
                ));
            }
            if !seen.insert((line.method, line.currency.code().to_owned(), line.from)) {
                return Err(terms(
                    "two lines are for the same method, currency and threshold",
                ));
            }
        }
        Ok(())
    }
}

impl Payments {
    /// The terms of a payment to a merchant.
    pub(super) fn terms_for(&self, merchant: &Merchant, method: Method, amount: Money) -> Terms {
        let schedule = self.fee_schedules.get(&merchant.id);
        let best = schedule.and_then(|schedule| schedule.best(method, amount));
        best.unwrap_or_else(|| merchant.fee.into())
    }

    /// Takes a schedule in place of the one before. The same one again is no event.
    pub(super) fn set_fees(
        &self,
        merchant: MerchantId,
        schedule: &FeeSchedule,
        events: &mut Vec<Event>,
    ) -> Result<Outcome, Refusal> {
        schedule.check(self.must_have_merchant(merchant)?)?;
        if self.fee_schedules.get(&merchant) != Some(schedule) {
            events.push(Event::FeesChanged {
                merchant,
                schedule: schedule.clone(),
            });
        }
        Ok(Outcome::Fees(schedule.clone()))
    }

    pub(super) fn find_fees(&self, merchant: MerchantId) -> Result<Outcome, Refusal> {
        self.must_have_merchant(merchant)?;
        let schedule = self.fee_schedules.get(&merchant);
        Ok(Outcome::Fees(schedule.cloned().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cny(amount: i64) -> Money {
        Money::new(amount, Currency::CNY)
    }

    #[test]
    fn a_fee_is_a_share_and_a_fixed_amount_within_bounds() {
        let terms = |basis_points, fixed, least, most| Terms {
            basis_points,
            fixed,
            least,
            most,
            kept: false,
        };
        for (terms, amount, expected) in [
            (terms(60, 0, 0, None), 1_250, 8),
            (terms(60, 30, 0, None), 1_250, 38),
            (terms(60, 0, 10, None), 1_250, 10),
            (terms(60, 0, 10, Some(2_500)), 1_000_000, 2_500),
            // Nobody pays more than the payment.
            (terms(0, 30, 0, None), 20, 20),
            (terms(0, 0, 10, None), 1, 1),
            (terms(10_000, 0, 0, None), 77, 77),
            (terms(0, 0, 0, None), i64::MAX, 0),
            (terms(10_000, i64::MAX, 0, None), i64::MAX, i64::MAX),
        ] {
            assert_eq!(terms.fee_of(cny(amount)), Ok(cny(expected)), "{terms:?}");
        }
    }

    #[test]
    fn the_line_that_fits_best_gives_the_terms() {
        let line = |method, from, basis_points| FeeLine {
            method,
            currency: Currency::CNY,
            from,
            terms: Fee { basis_points }.into(),
        };
        let schedule = FeeSchedule(vec![
            line(None, 0, 1),
            line(Some(Method::PaymentCode), 0, 2),
            line(None, 1_000, 3),
            line(Some(Method::PaymentCode), 500, 4),
        ]);
        for (method, amount, expected) in [
            (Method::Order, 1, Some(1)),
            (Method::Order, 999, Some(1)),
            (Method::PrintedCode, 1_000, Some(3)),
            (Method::PaymentCode, 499, Some(2)),
            // A line for the method goes before one with a higher threshold.
            (Method::PaymentCode, 5_000, Some(4)),
        ] {
            let best = schedule.best(method, cny(amount));
            assert_eq!(best.map(|terms| terms.basis_points), expected);
        }
        let yen = Money::new(1_000, Currency::JPY);
        assert_eq!(schedule.best(Method::Order, yen), None);
    }
}
