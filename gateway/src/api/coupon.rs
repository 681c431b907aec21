//! Coupons: made by a merchant or by the house, listed, withdrawn; and how a payment fell into parts.

use ledger::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::check::Check;
use super::page::{page, slice};
use super::wire::{Amount, Page, SequenceToken, Time};
use crate::app::{Done, new_id};
use crate::auth::Caller;
use crate::pay::{
    Breakdown, Command, Coupon, CouponId, CouponState, CouponsOf, MerchantId, Off, Order, Outcome,
    Owner, Parts, Payment, Refund, Refusal, Uses,
};
use crate::problem::{Code, Problem};
use crate::store::Cursor;
use crate::store::page::List;

/// What takes something off orders, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Coupon)]
pub(super) struct CouponShown {
    id: CouponId,
    /// Whose it is; absent where it is the house's.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    /// Who pays for it: `merchant` or `house`.
    #[schema(example = "merchant")]
    funder: &'static str,
    name: String,
    #[schema(inline)]
    off: OffShown,
    #[schema(example = "CNY")]
    currency: String,
    /// Only for orders of this many minor units or more.
    minimum: i64,
    /// With which merchants the house's coupon can be used; all, if empty.
    merchants: Vec<MerchantId>,
    /// How often it can be used in all.
    stock: u32,
    /// How often it has been used, payments that wait included.
    used: u32,
    /// How often one person can use it.
    per_person: u32,
    /// Whether it can be used beside others.
    stacks: bool,
    /// The first and the last moment at which it can be used.
    from: Time,
    until: Time,
    /// `running`, `ended` or `withdrawn`.
    #[schema(example = "running")]
    state: &'static str,
}

/// What it takes off: a fixed amount, or a share in hundredths of a percent, at most so much.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CouponOff)]
pub(super) struct OffShown {
    /// Minor units of the coupon's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    amount: Option<i64>,
    /// 1000 is 10 percent, rounded down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    basis_points: Option<u16>,
    /// The most that a share comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    most: Option<i64>,
}

impl OffShown {
    fn read(self) -> Option<Off> {
        match (self.amount, self.basis_points, self.most) {
            (Some(amount), None, None) => Some(Off::Fixed(amount)),
            (None, Some(basis_points), most) => Some(Off::Percent { basis_points, most }),
            _ => None,
        }
    }
}

impl From<Off> for OffShown {
    fn from(off: Off) -> Self {
        match off {
            Off::Fixed(amount) => Self {
                amount: Some(amount),
                basis_points: None,
                most: None,
            },
            Off::Percent { basis_points, most } => Self {
                amount: None,
                basis_points: Some(basis_points),
                most,
            },
        }
    }
}

impl From<&Uses> for CouponShown {
    fn from(uses: &Uses) -> Self {
        let coupon = &uses.coupon;
        Self {
            id: coupon.id,
            merchant: coupon.owner,
            funder: coupon.funder().name(),
            name: coupon.name.clone(),
            off: coupon.off.into(),
            currency: coupon.currency.code().to_owned(),
            minimum: coupon.minimum,
            merchants: coupon.merchants.clone(),
            stock: coupon.stock,
            used: uses.used,
            per_person: coupon.per_person,
            stacks: coupon.stacks,
            from: Time(coupon.from),
            until: Time(coupon.until),
            state: coupon.state.name(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewCoupon, example = json!({
    "name": "Ten off a hundred",
    "off": {"amount": 1_000},
    "currency": "CNY",
    "minimum": 10_000,
    "stock": 500,
    "per_person": 1,
    "stacks": true,
    "until": "2026-12-31T16:00:00Z"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct CouponAsked {
    /// As payers read it.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(inline)]
    off: OffShown,
    #[schema(example = "CNY")]
    currency: String,
    /// Only for orders of this many minor units or more.
    #[serde(default)]
    #[schema(minimum = 0)]
    minimum: i64,
    /// With which merchants the house's coupon can be used; all, if left out.
    #[serde(default)]
    #[schema(max_items = 50)]
    merchants: Vec<MerchantId>,
    /// How often it can be used in all.
    #[schema(minimum = 1, maximum = 1_000_000)]
    stock: u32,
    /// How often one person can use it; once, if left out.
    #[serde(default = "once")]
    #[schema(minimum = 1)]
    per_person: u32,
    /// Whether it can be used beside others that stack too.
    #[serde(default)]
    stacks: bool,
    /// From when; at once, if left out.
    from: Option<Time>,
    /// The last moment, at most a year from now.
    until: Time,
}

const fn once() -> u32 {
    1
}

/// A coupon as it was found or made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CouponFound {
    coupon: CouponShown,
    sequence: SequenceToken,
}

fn answer(done: &Done) -> Result<Json<CouponFound>, Problem> {
    match &done.outcome {
        Outcome::Coupons(found) if let [uses] = found.as_slice() => Ok(Json(CouponFound {
            coupon: uses.into(),
            sequence: SequenceToken(done.sequence),
        })),
        _ => done.clone().unexpected(),
    }
}

/// Whose coupons a caller makes and withdraws: a merchant's own, or the house's.
fn owner(caller: &Caller) -> Result<Option<MerchantId>, Problem> {
    match caller.owner {
        Owner::Operator => Ok(None),
        _ => caller.merchant().map(Some),
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<CouponAsked>>) -> Replied<CouponFound> {
    let owner = owner(&ask.caller()?)?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/name", &asked.name, Coupon::NAME_CHARS_MAX);
    let off = asked.off.read();
    check.that("/off", off.is_some(), || {
        "has an amount, or basis_points and perhaps most".to_owned()
    });
    let off = check.done_with(off)?;
    let new = Coupon {
        id: CouponId(new_id()),
        owner,
        name: asked.name,
        off,
        currency: ask.app.currency(&asked.currency, "/currency").await?,
        minimum: asked.minimum,
        merchants: asked.merchants,
        stock: asked.stock,
        per_person: asked.per_person,
        stacks: asked.stacks,
        from: asked.from.map_or(Timestamp::ZERO, |from| from.0),
        until: asked.until.0,
        state: CouponState::Running,
    };
    let command = Command::MakeCoupon(Box::new(new));
    let done = ask.app.command(command, ask.once).await?;
    Ok(Reply::done(&done, answer(&done)?))
}

pub(super) async fn find(ask: Ask<CouponId>) -> Replied<CouponFound> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindCoupon(ask.id)).await?;
    let found = answer(&done)?;
    match caller.owner {
        Owner::Merchant(merchant) if found.0.coupon.merchant.is_some_and(|its| its != merchant) => {
            Err(super::refused::refused(&Refusal::CouponNotFound))
        }
        _ => Ok(Reply::as_of(done.sequence, found)),
    }
}

pub(super) async fn withdraw(ask: Ask<CouponId>) -> Replied<CouponFound> {
    let command = Command::WithdrawCoupon {
        id: ask.id,
        owner: owner(&ask.caller()?)?,
    };
    let done = ask.app.command(command, ask.once).await?;
    Ok(Reply::done(&done, answer(&done)?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CouponsAsked {
    /// With whom a wallet wants to use them; it must say so. An operator sees this merchant's coupons instead of the house's.
    merchant: Option<MerchantId>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Parameters for CouponsAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<MerchantId>(schemas);
    }
}

pub(super) async fn list(ask: Ask<(), CouponsAsked>) -> Replied<Page<CouponShown>> {
    let caller = ask.caller()?;
    let of = match (caller.owner, ask.query.merchant) {
        (Owner::Merchant(own), None) => CouponsOf::Owner(Some(own)),
        (Owner::Merchant(own), Some(named)) if own == named => CouponsOf::Owner(Some(own)),
        (Owner::Wallet(wallet), Some(merchant)) => CouponsOf::Usable(merchant, wallet),
        (Owner::Operator, merchant) => CouponsOf::Owner(merchant),
        _ => {
            let detail = "A wallet says with which merchant; a merchant sees its own coupons only.";
            return Err(Problem::new(Code::ParameterInvalid, detail));
        }
    };
    let slice = slice(ask.query.limit, ask.query.cursor.as_deref(), List::Coupons)?;
    let question = Command::Coupons {
        of,
        after: slice.after.map(|after| CouponId(after.second)),
        limit: usize::try_from(slice.limit()).unwrap_or_default(),
    };
    let done = ask.app.ask(question).await?;
    let sequence = done.sequence;
    let Outcome::Coupons(coupons) = done.outcome else {
        return done.unexpected();
    };
    let (coupons, next) = slice.cut(coupons, |last| Cursor {
        list: List::Coupons,
        first: 0,
        second: last.coupon.id.0,
    });
    let shown = coupons.iter().map(CouponShown::from);
    Ok(page(shown.collect(), next, sequence))
}

/// What paid an order, or what went back of it, part by part. The parts come to the whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breakdown)]
pub struct BreakdownShown {
    /// The payer's money.
    paid: Amount,
    /// What each coupon took off, in the order in which they were applied.
    discounts: Vec<DiscountShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    points_spent: Option<PointsShown>,
    /// Points that the payment earned; in a refund, those that were taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    points_earned: Option<Amount>,
}

/// What one coupon took off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Discount)]
pub(super) struct DiscountShown {
    coupon: CouponId,
    name: String,
    /// Who pays for it: `merchant` or `house`.
    #[schema(example = "merchant")]
    funder: &'static str,
    amount: Amount,
}

/// Points, and what they were worth in the order's currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PointsSpent)]
pub(super) struct PointsShown {
    points: Amount,
    worth: Amount,
}

impl BreakdownShown {
    pub(super) fn of_payment(order: &Order, payment: &Payment) -> Option<Self> {
        let breakdown = payment.breakdown.as_deref()?;
        let amount = order.amount.amount;
        let parts = breakdown.returned(amount, amount);
        Some(Self::of(order, breakdown, &parts))
    }

    pub(super) fn of_refund(order: &Order, refund: &Refund) -> Option<Self> {
        let breakdown = order.payment.as_ref()?.breakdown.as_deref()?;
        Some(Self::of(order, breakdown, refund.parts.as_deref()?))
    }

    fn of(order: &Order, breakdown: &Breakdown, parts: &Parts) -> Self {
        let amount = |minor: i64| Amount::new(minor.into(), order.amount.currency);
        let discounts = breakdown.discounts.iter().zip(&parts.discounts);
        let discounts = discounts.map(|(discount, part)| DiscountShown {
            coupon: discount.coupon,
            name: discount.name.clone(),
            funder: discount.funder.name(),
            amount: amount(*part),
        });
        let spent = breakdown.spent.as_ref();
        let earned = breakdown.earned.as_ref();
        Self {
            paid: amount(parts.paid),
            discounts: discounts.collect(),
            points_spent: spent.map(|spent| PointsShown {
                points: Amount::new(parts.spent.into(), spent.points.currency),
                worth: amount(parts.worth),
            }),
            points_earned: earned
                .map(|earned| Amount::new(parts.earned.into(), earned.points.currency)),
        }
    }
}
