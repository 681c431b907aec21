//! Coupons: what a merchant or the house takes off an order's amount.
//!
//! A coupon is open to everybody whom its conditions fit, and is used by naming it with a payment. Its stock and its limit
//! for one person count uses. A use counts from the moment at which a payment is made or waits with it, and counts no more
//! when that payment comes to nothing, is refunded in full or is taken back. What waits keeps the coupon that it has.
//!
//! Several coupons on one payment must all be such that stack. However they are named, they are applied in one order:
//! percentages before fixed amounts, among those the merchant's before the house's, then by id. A percentage is of what is
//! left at its turn; conditions look at the order's whole amount. At least one minor unit always stays to be paid.
//!
//! Coupons lie in memory, also when they have ended, so that whoever names one is told why it does not hold. Who has used
//! one is forgotten when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fx::{Currency, Money, Rounding};
use ledger::Timestamp;
use serde::{Deserialize, Serialize};

use super::breakdown::{Breakdown, Discount};
use super::decision::{Decision, Standing};
use super::id::{CouponId, MerchantId, WalletId};
use super::message::{Event, Outcome};
use super::open::{not_held, terms};
use super::order::{Order, OrderState};
use super::party::Fee;
use super::refusal::Refusal;
use super::state::Payments;

type Decided = Result<Outcome, Refusal>;

/// Who pays for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Funder {
    /// The merchant, whose proceeds are smaller.
    Merchant,
    /// The house, which pays the merchant.
    House,
}

impl Funder {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::House => "house",
        }
    }
}

/// What it takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Off {
    /// In hundredths of a percent, rounded down, and at most so many minor units.
    Percent {
        basis_points: u16,
        most: Option<i64>,
    },
    /// Minor units.
    Fixed(i64),
}

impl Off {
    /// What it takes off at its turn, of which one minor unit is left.
    fn of(self, left: Money) -> i64 {
        let off = match self {
            Self::Fixed(amount) => amount,
            Self::Percent { basis_points, most } => {
                let whole = u64::from(Fee::BASIS_POINTS_MAX);
                let part = left.proportion(basis_points.into(), whole, Rounding::Down);
                let part = part.map_or(0, |part| part.amount);
                part.min(most.unwrap_or(i64::MAX))
            }
        };
        off.min(left.amount - 1).max(0)
    }

    fn is_possible(self) -> bool {
        match self {
            Self::Fixed(amount) => amount > 0,
            Self::Percent { basis_points, most } => {
                (1..=Fee::BASIS_POINTS_MAX).contains(&basis_points)
                    && most.is_none_or(|most| most > 0)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    pub id: CouponId,
    /// Whose it is; the house's own, if nobody is named.
    pub owner: Option<MerchantId>,
    /// As payers read it.
    pub name: String,
    pub off: Off,
    pub currency: Currency,
    /// Only orders of this many minor units or more.
    pub minimum: i64,
    /// With whom the house's coupon can be used; with everybody, if nobody is named.
    pub merchants: Vec<MerchantId>,
    /// How often it can be used in all, and by one person.
    pub stock: u32,
    pub per_person: u32,
    /// Whether it can be used beside others.
    pub stacks: bool,
    /// The first and the last moment at which it can be used.
    pub from: Timestamp,
    pub until: Timestamp,
    pub state: CouponState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CouponState {
    /// It can be used, or will be.
    Running,
    /// Its last moment is over.
    Ended,
    /// Whoever pays for it took it back.
    Withdrawn,
}

impl CouponState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Coupon {
    /// Coupons that one merchant may ever have made, or the house. They lie in memory, at some 300 bytes.
    pub const PER_OWNER_MAX: usize = 1_000;
    /// Who has used one lies in memory while it runs, at some 40 bytes for each person.
    pub const STOCK_MAX: u32 = 1_000_000;
    pub const MERCHANTS_MAX: usize = 50;
    /// How many can be used with one payment.
    pub const STACKED_MAX: usize = 4;
    pub const LIFE_SECS_MAX: u64 = 366 * 24 * 3600;
    pub const NAME_CHARS_MAX: usize = 60;

    pub const fn funder(&self) -> Funder {
        match self.owner {
            Some(_) => Funder::Merchant,
            None => Funder::House,
        }
    }

    /// In which order several are applied.
    fn turn(&self) -> (bool, Funder, CouponId) {
        (matches!(self.off, Off::Fixed(_)), self.funder(), self.id)
    }

    fn is_for(&self, merchant: MerchantId) -> bool {
        match self.owner {
            Some(owner) => owner == merchant,
            None => self.merchants.is_empty() || self.merchants.contains(&merchant),
        }
    }
}

/// A coupon and how often it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    pub coupon: Coupon,
    pub used: u32,
    by: BTreeMap<WalletId, u32>,
}

impl Uses {
    pub fn by(&self, wallet: WalletId) -> u32 {
        self.by.get(&wallet).copied().unwrap_or_default()
    }

    /// What is told of it: not by whom, who may be very many.
    fn told(&self) -> Self {
        Self {
            coupon: self.coupon.clone(),
            used: self.used,
            by: BTreeMap::new(),
        }
    }

    /// Whether it can be used with an order, by somebody, at a moment.
    fn must_fit(
        &self,
        at: Timestamp,
        merchant: MerchantId,
        amount: Money,
        wallet: WalletId,
    ) -> Result<(), Refusal> {
        let coupon = &self.coupon;
        if !coupon.is_for(merchant) || coupon.currency != amount.currency {
            return Err(Refusal::CouponNotForOrder);
        }
        let holds = (coupon.from..=coupon.until).contains(&at);
        if coupon.state != CouponState::Running || !holds {
            return Err(Refusal::CouponNotValid);
        }
        if amount.amount < coupon.minimum {
            return Err(Refusal::CouponMinimum {
                minimum: coupon.minimum,
            });
        }
        if self.used >= coupon.stock {
            return Err(Refusal::CouponUsedUp);
        }
        if self.by(wallet) >= coupon.per_person {
            return Err(Refusal::CouponLimitReached);
        }
        Ok(())
    }
}

/// All coupons.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coupons {
    all: BTreeMap<CouponId, Uses>,
    of_owner: BTreeMap<Option<MerchantId>, BTreeSet<CouponId>>,
    due: BTreeSet<(Timestamp, CouponId)>,
}

impl Coupons {
    pub fn get(&self, id: CouponId) -> Option<&Uses> {
        self.all.get(&id)
    }

    fn count(&self, owner: Option<MerchantId>) -> usize {
        self.of_owner.get(&owner).map_or(0, BTreeSet::len)
    }

    pub(super) fn keep(&mut self, coupon: &Coupon) {
        let id = coupon.id;
        let before = self.all.remove(&id);
        if let Some(before) = &before {
            self.due.remove(&(before.coupon.until, id));
        }
        let is_running = coupon.state == CouponState::Running;
        if is_running {
            self.due.insert((coupon.until, id));
        }
        let (used, by) = before.map_or_else(Default::default, |before| (before.used, before.by));
        let uses = Uses {
            coupon: coupon.clone(),
            used,
            by: if is_running { by } else { BTreeMap::new() },
        };
        self.all.insert(id, uses);
        self.of_owner.entry(coupon.owner).or_default().insert(id);
    }

    /// Somebody uses coupons.
    pub(super) fn take(&mut self, wallet: WalletId, breakdown: &Breakdown) {
        self.change(wallet, breakdown, |uses| uses.saturating_add(1));
    }

    /// The payment that used them came to nothing, or all of it went back.
    pub(super) fn give_back(&mut self, wallet: WalletId, breakdown: &Breakdown) {
        self.change(wallet, breakdown, |uses| uses.saturating_sub(1));
    }

    fn change(&mut self, wallet: WalletId, breakdown: &Breakdown, change: fn(u32) -> u32) {
        for discount in &breakdown.discounts {
            let uses = self.all.get_mut(&discount.coupon);
            let Some(uses) = uses.filter(|one| one.coupon.state == CouponState::Running) else {
                continue;
            };
            uses.used = change(uses.used);
            let by = change(uses.by(wallet));
            if by == 0 {
                uses.by.remove(&wallet);
            } else {
                uses.by.insert(wallet, by);
            }
        }
    }

    /// Right after the last moment of the one that ends next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| due.plus_nanos(1))
    }
}

/// Which coupons are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponsOf {
    Owner(Option<MerchantId>),
    /// Those that can be used with this merchant at this moment, by this wallet.
    Usable(MerchantId, WalletId),
}

impl Payments {
    pub fn coupons(&self) -> &Coupons {
        &self.coupons
    }

    pub(super) fn make_coupon(
        &self,
        at: Timestamp,
        new: &Coupon,
        events: &mut Vec<Event>,
    ) -> Decided {
        self.check_coupon(at, new)?;
        if self.coupons.get(new.id).is_some() {
            return Err(Refusal::IdTaken);
        }
        if self.coupons.count(new.owner) >= Coupon::PER_OWNER_MAX {
            return Err(Refusal::CouponsTooMany);
        }
        if new.owner.is_none() {
            self.open_promotions(&[new.currency], events)?;
        }
        events.push(Event::CouponChanged(Box::new(new.clone())));
        Ok(Outcome::Coupons(vec![Uses {
            coupon: new.clone(),
            used: 0,
            by: BTreeMap::new(),
        }]))
    }

    fn check_coupon(&self, at: Timestamp, new: &Coupon) -> Result<(), Refusal> {
        let named = new.owner.iter().chain(&new.merchants);
        for merchant in named {
            let merchant = self.must_have_merchant(*merchant)?;
            if !merchant.currencies.contains(&new.currency) {
                return Err(not_held(new.currency));
            }
        }
        if !new.off.is_possible() || new.minimum < 0 {
            return Err(terms(
                "it takes off an amount above zero, or 1 to 10000 hundredths of a percent",
            ));
        }
        if new.stock == 0 || new.stock > Coupon::STOCK_MAX || new.per_person == 0 {
            return Err(terms(
                "it can be used once or more, and at most a million times",
            ));
        }
        if new.owner.is_some() && !new.merchants.is_empty()
            || new.merchants.len() > Coupon::MERCHANTS_MAX
        {
            return Err(terms(
                "a merchant's coupon is for itself, one of the house's for at most fifty that are named",
            ));
        }
        let latest = at.plus_secs(Coupon::LIFE_SECS_MAX);
        if new.until < at || new.until < new.from || new.until > latest {
            return Err(terms("it ends after it begins, and within a year from now"));
        }
        Ok(())
    }

    /// Withdrawing what has ended, or is withdrawn, is no event.
    pub(super) fn withdraw_coupon(
        &self,
        id: CouponId,
        owner: Option<MerchantId>,
        events: &mut Vec<Event>,
    ) -> Decided {
        let uses = self.must_have_coupon(id)?;
        if uses.coupon.owner != owner {
            return Err(Refusal::CouponNotFound);
        }
        if uses.coupon.state != CouponState::Running {
            return Ok(Outcome::Coupons(vec![uses.told()]));
        }
        let coupon = Coupon {
            state: CouponState::Withdrawn,
            ..uses.coupon.clone()
        };
        events.push(Event::CouponChanged(Box::new(coupon.clone())));
        Ok(Outcome::Coupons(vec![Uses {
            coupon,
            used: uses.used,
            by: BTreeMap::new(),
        }]))
    }

    fn must_have_coupon(&self, id: CouponId) -> Result<&Uses, Refusal> {
        self.coupons.get(id).ok_or(Refusal::CouponNotFound)
    }

    pub(super) fn find_coupon(&self, id: CouponId) -> Decided {
        Ok(Outcome::Coupons(vec![self.must_have_coupon(id)?.told()]))
    }

    /// Coupons after one, in the order in which they were made.
    pub(super) fn list_coupons(
        &self,
        at: Timestamp,
        of: CouponsOf,
        after: Option<CouponId>,
        limit: usize,
    ) -> Outcome {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let owned = |owner| {
            let ids = self.coupons.of_owner.get(&owner).into_iter();
            ids.flat_map(move |ids| ids.range((first, Bound::Unbounded)))
        };
        let find = |id: &CouponId| self.coupons.get(*id);
        let listed: Vec<Uses> = match of {
            CouponsOf::Owner(owner) => {
                let found = owned(owner).filter_map(find);
                found.take(limit).map(Uses::told).collect()
            }
            CouponsOf::Usable(merchant, wallet) => {
                let both: BTreeSet<_> = owned(Some(merchant)).chain(owned(None)).collect();
                let found = both.into_iter().filter_map(find);
                let usable = found.filter(|uses| {
                    let whatever = Money::new(i64::MAX, uses.coupon.currency);
                    uses.must_fit(at, merchant, whatever, wallet).is_ok()
                });
                usable.take(limit).map(Uses::told).collect()
            }
        };
        Outcome::Coupons(listed)
    }

    /// What these coupons take off an order's amount, one after the other.
    pub(super) fn discounts(
        &self,
        at: Timestamp,
        merchant: MerchantId,
        amount: Money,
        (wallet, named): (WalletId, &[CouponId]),
    ) -> Result<Vec<Discount>, Refusal> {
        let mut coupons = Vec::with_capacity(named.len());
        for id in named {
            let uses = self.must_have_coupon(*id)?;
            uses.must_fit(at, merchant, amount, wallet)?;
            coupons.push(&uses.coupon);
        }
        coupons.sort_unstable_by_key(|coupon| coupon.turn());
        coupons.dedup_by_key(|coupon| coupon.id);
        let stack = coupons.len() == 1 || coupons.iter().all(|coupon| coupon.stacks);
        if coupons.len() < named.len() || named.len() > Coupon::STACKED_MAX || !stack {
            return Err(Refusal::CouponsDoNotStack);
        }
        let mut left = amount;
        let discounts = coupons.into_iter().map(|coupon| {
            let off = coupon.off.of(left);
            left.amount -= off;
            Discount {
                coupon: coupon.id,
                name: coupon.name.clone(),
                funder: coupon.funder(),
                amount: off,
            }
        });
        Ok(discounts.collect())
    }

    /// A payment is made, or waits: its coupons are used.
    pub(super) fn take_coupons(&mut self, decision: &Decision) {
        let counts = decision.standing == Standing::Settled || decision.standing.is_pending();
        if let Some(breakdown) = decision.breakdown.as_deref().filter(|_| counts) {
            self.coupons.take(decision.wallet, breakdown);
        }
    }

    /// What waited came to nothing: its coupons are free again.
    pub(super) fn free_coupons(&mut self, decision: &Decision) {
        let counts = decision.standing == Standing::Settled || decision.standing.is_pending();
        if let Some(breakdown) = decision.breakdown.as_deref().filter(|_| !counts) {
            self.coupons.give_back(decision.wallet, breakdown);
        }
    }

    /// All of a payment is back: its coupons are free again.
    pub(super) fn return_coupons(&mut self, order: &Order) {
        let is_back = matches!(order.state, OrderState::Refunded | OrderState::Reversed);
        let payment = order.payment.as_ref().filter(|_| is_back);
        if let Some(payment) = payment
            && let Some(breakdown) = &payment.breakdown
        {
            self.coupons.give_back(payment.wallet, breakdown);
        }
    }

    /// Lets coupons end whose last moment is over, at most `limit` of them.
    pub(super) fn end_coupons(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        let due = self.coupons.due.iter().take_while(|(due, _)| *due < at);
        let due = due.filter_map(|(_, id)| self.coupons.get(*id));
        events.extend(due.take(limit).map(|uses| {
            Event::CouponChanged(Box::new(Coupon {
                state: CouponState::Ended,
                ..uses.coupon.clone()
            }))
        }));
    }
}
