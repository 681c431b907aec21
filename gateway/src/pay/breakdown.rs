//! What an order was paid with beside the payer's money: coupons and points; and how a refund goes back to each.
//!
//! The amount of an order falls into parts: what the payer paid, what each coupon took off, and what points were worth.
//! Coupons of the merchant's own make its proceeds smaller and move nothing; everything else is *settled* with the
//! merchant, by the payer and by the house. The house's fee is of what is settled.
//!
//! Once `R` of an amount `A` has been refunded, of the discounts `D` in sum `floor(D * R / A)` are back with those who gave
//! them, and the rest of `R` with the payer. Among the discounts the first has its share by the same rule, the second
//! has its share of what is then left, and so on. So it makes no difference whether something is refunded at once or bit by
//! bit, no part ever goes back further than it went, none goes the other way, and a full refund gives every part back
//! exactly. Points that were spent go back in proportion to their worth; of points that the payment earned, the payer keeps
//! what the part that was not refunded would have earned.

use fx::Money;
use serde::{Deserialize, Serialize};

use super::coupon::Funder;
use super::id::CouponId;
use super::points::Earning;

/// What a coupon took off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub coupon: CouponId,
    /// As payers read it.
    pub name: String,
    pub funder: Funder,
    pub amount: i64,
}

/// Points that were spent, and what they were worth in the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub points: Money,
    pub worth: i64,
}

/// Points that a payment earned, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earned {
    pub points: Money,
    pub by: Earning,
}

/// The parts of a payment that are not the payer's money, in the order in which they were taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    pub discounts: Vec<Discount>,
    pub spent: Option<Spent>,
    pub earned: Option<Earned>,
}

/// How much of each part is concerned: of the whole payment, or of what has gone back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The payer's money.
    pub paid: i64,
    /// What the house gave, or has back: its coupons and the worth of points.
    pub house: i64,
    /// One for each discount.
    pub discounts: Vec<i64>,
    /// What points were worth.
    pub worth: i64,
    /// Points that were spent, or are given back.
    pub spent: i64,
    /// Points that were earned, or are to be taken back.
    pub earned: i64,
}

impl Parts {
    /// What is between the merchant on the one side, and the payer and the house on the other.
    pub const fn settled(&self) -> i64 {
        self.paid + self.house
    }

    /// What these are more than others, part by part.
    pub(super) fn less(&self, before: &Self) -> Self {
        let discounts = self.discounts.iter().zip(&before.discounts);
        Self {
            paid: self.paid - before.paid,
            house: self.house - before.house,
            discounts: discounts.map(|(now, before)| now - before).collect(),
            worth: self.worth - before.worth,
            spent: self.spent - before.spent,
            earned: self.earned - before.earned,
        }
    }
}

impl Breakdown {
    pub const fn is_plain(&self) -> bool {
        self.discounts.is_empty() && self.spent.is_none() && self.earned.is_none()
    }

    /// All that others than the payer give.
    pub fn off(&self) -> i64 {
        let discounts: i64 = self.discounts.iter().map(|one| one.amount).sum();
        discounts + self.spent.as_ref().map_or(0, |spent| spent.worth)
    }

    /// What the house gives: its coupons and the worth of points.
    pub fn house(&self) -> i64 {
        let own = self
            .discounts
            .iter()
            .filter(|one| one.funder == Funder::House);
        let coupons: i64 = own.map(|one| one.amount).sum();
        coupons + self.spent.as_ref().map_or(0, |spent| spent.worth)
    }

    /// The parts that have gone back once this much of the amount is refunded.
    pub fn returned(&self, amount: i64, refunded: i64) -> Parts {
        let off = self.off();
        let back = share(off, refunded, amount);
        let (mut left, mut of) = (back, off);
        let mut discounts = Vec::with_capacity(self.discounts.len());
        let mut house = 0;
        for discount in &self.discounts {
            let part = share(discount.amount, left, of);
            discounts.push(part);
            if discount.funder == Funder::House {
                house += part;
            }
            left -= part;
            of -= discount.amount;
        }
        let paid = refunded - back;
        let spent = self
            .spent
            .as_ref()
            .map_or(0, |spent| share(spent.points.amount, left, spent.worth));
        let earned = self.earned.as_ref().map_or(0, |earned| {
            let still_paid = amount - off - paid;
            earned.points.amount - earned.by.of(still_paid)
        });
        Parts {
            paid,
            house: house + left,
            discounts,
            worth: left,
            spent,
            earned,
        }
    }
}

/// `floor(part * numerator / denominator)` of amounts that are not below zero; nothing of nothing.
fn share(part: i64, numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let share = i128::from(part) * i128::from(numerator) / i128::from(denominator);
    // The numerator is never above the denominator here, so the share is not above the part.
    i64::try_from(share).unwrap_or(part)
}
