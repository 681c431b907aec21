//! Paying an order from a wallet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::decision::PendingShown;
use super::order::OrderShown;
use super::wire::{Amount, SequenceToken};
use crate::app::{Done, Origin, Payer};
use crate::auth::Caller;
use crate::pay::{Coupon, CouponId, OrderId, Outcome, Using};
use crate::problem::Problem;

const DEVICE_CHARS_MAX: usize = 128;
const PLACE_CHARS_MAX: usize = 64;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewPayment, example = json!({"device": "phone-5f3a", "place": "wtw3s"}))]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentAsked {
    /// Your name for the payer's phone or browser, always the same for the same one. It helps to tell a stolen wallet from
    /// its owner.
    #[schema(min_length = 1, max_length = 128)]
    pub device: Option<String>,
    /// Where the payer is, as roughly as you like to say it, such as a geohash of five letters; always the same for the
    /// same place.
    #[schema(min_length = 1, max_length = 64)]
    pub place: Option<String>,
}

/// A payment that was made, or that waits for its payer or for an analyst. The order says which: it is `paid`, `open` or
/// `in_review`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Paid {
    order: OrderShown,
    /// What is left in the wallet, in the order's currency; absent while the payment waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet_balance: Option<Amount>,
    /// What the payment waits for; absent when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingShown>,
    sequence: SequenceToken,
}

/// How an order is paid.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewOrderPayment, example = json!({"device": "phone-5f3a", "place": "wtw3s", "points": 500}))]
#[serde(deny_unknown_fields)]
pub(super) struct OrderPaymentAsked {
    /// Your name for the payer's phone or browser, always the same for the same one. It helps to tell a stolen wallet from
    /// its owner.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    /// Where the payer is, as roughly as you like to say it, such as a geohash of five letters; always the same for the
    /// same place.
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
    /// Coupons that take something off, each named once.
    #[serde(default)]
    #[schema(max_items = 4)]
    coupons: Vec<CouponId>,
    /// Points that pay a part.
    #[schema(minimum = 1)]
    points: Option<i64>,
}

pub(super) async fn pay(ask: Ask<OrderId, (), Option<Json<OrderPaymentAsked>>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    let using = using(asked.coupons, asked.points, &origin)?;
    let payer = Payer {
        wallet: caller.wallet()?,
        origin,
    };
    let done = ask.app.pay(ask.id, payer, using, once).await?;
    paid(&caller, done)
}

/// What an order is paid with beside money, if that can be, and if the origin can be too.
pub(super) fn using(
    coupons: Vec<CouponId>,
    points: Option<i64>,
    origin: &Origin<'_>,
) -> Result<Using, Problem> {
    let mut check = Check::default();
    check_origin(&mut check, origin);
    check.that("/coupons", coupons.len() <= Coupon::STACKED_MAX, || {
        format!("names at most {} coupons", Coupon::STACKED_MAX)
    });
    check.that("/points", points.is_none_or(|points| points > 0), || {
        "is a whole number above zero".to_owned()
    });
    check.done()?;
    Ok(Using { coupons, points })
}

impl PaymentAsked {
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            device: self.device.as_deref(),
            place: self.place.as_deref(),
        }
    }
}

/// Whence a payer asks, if they say so.
pub(super) fn whence(body: Option<Json<PaymentAsked>>) -> Result<PaymentAsked, Problem> {
    let asked = body.map(|Json(asked)| asked).unwrap_or_default();
    let mut check = Check::default();
    check_origin(&mut check, &asked.origin());
    check.done()?;
    Ok(asked)
}

/// The names of a payer's phone or browser and of the place, where they are said.
pub(super) fn check_origin(check: &mut Check, origin: &Origin<'_>) {
    if let Some(device) = origin.device {
        check.text("/device", device, DEVICE_CHARS_MAX);
    }
    if let Some(place) = origin.place {
        check.text("/place", place, PLACE_CHARS_MAX);
    }
}

/// What is told of a payment, made or pending.
pub(super) fn paid(caller: &Caller, done: Done) -> Replied<Paid> {
    let (order, balance, pending) = match &done.outcome {
        Outcome::Paid {
            order,
            wallet_balance,
            ..
        } => (order, Some(*wallet_balance), None),
        Outcome::Pending { order, decision } => (order, None, PendingShown::of(decision)),
        _ => return done.unexpected(),
    };
    let paid = Paid {
        order: OrderShown::to(caller.owner, order),
        wallet_balance: balance.map(|balance| Amount::new(balance, order.amount.currency)),
        pending,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply {
        waits: paid.pending.is_some(),
        ..Reply::done(&done, Json(paid))
    })
}
