//! Prepay ids: a shop's server fetches one for its order, its app or Mini Program hands it to the payer's wallet, and the
//! wallet pays by it once the payer has confirmed.
//!
//! A prepay id is sealed under the house's master key: nobody makes one or changes what it says, and it says nothing to
//! whoever reads it on the way. It lives for minutes and is in no table; that an order is paid once is the order's own rule.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::order::must_see;
use super::payment::{Paid, paid, using};
use super::wire::{Amount, SequenceToken, Time};
use crate::app::{App, Origin, Payer};
use crate::pay::{Command, CouponId, Lookup, MerchantId, OrderId, Refusal, SealedSecret};
use crate::problem::Problem;
use crate::secret::Secret;

/// From the shop's server through its app to the payer's thumb.
const LIFE_SECS: u64 = 5 * 60;
const PREFIX: &str = "pre_";
/// Whom prepay ids are sealed for; nothing else is.
const OWNER: &str = "prepay";
const CHARS_MAX: usize = 256;

/// What a shop's app hands to the payer's wallet, as it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Prepay)]
pub(super) struct PrepayMade {
    #[schema(example = "pre_AXk2b0N4bGdRb2ZzWmJ0dUlrTHd4bWVyM0Fx")]
    prepay_id: String,
    /// The last moment at which it can be paid by.
    expires_at: Time,
    order: OrderId,
    merchant: MerchantId,
    amount: Amount,
    sequence: SequenceToken,
}

pub(super) async fn make(ask: Ask<OrderId>) -> Replied<PrepayMade> {
    let (order, sequence) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&ask.caller()?, &order)?;
    let until = now().plus_secs(LIFE_SECS).min(order.expires_at);
    let made = PrepayMade {
        prepay_id: sealed(&ask.app, order.id, until)?,
        expires_at: Time(until),
        order: order.id,
        merchant: order.merchant,
        amount: order.amount.into(),
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(made)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PrepayPayment, example = json!({"prepay_id": "pre_AXk2b0N4bGdRb2ZzWmJ0dUlrTHd4bWVyM0Fx"}))]
#[serde(deny_unknown_fields)]
pub(super) struct PrepayAsked {
    #[schema(min_length = 1, max_length = 256)]
    prepay_id: String,
    /// As in a payment of an order.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
    /// As in a payment of an order.
    #[serde(default)]
    #[schema(max_items = 4)]
    coupons: Vec<CouponId>,
    #[schema(minimum = 1)]
    points: Option<i64>,
}

pub(super) async fn pay(ask: Ask<(), (), Json<PrepayAsked>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let asked = ask.body.0;
    let mut check = Check::default();
    check.text("/prepay_id", &asked.prepay_id, CHARS_MAX);
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    check.done()?;
    let using = using(asked.coupons, asked.points, &origin)?;
    let payer = Payer {
        wallet: caller.wallet()?,
        origin,
    };
    let done = match opened(&ask.app, &asked.prepay_id) {
        Ok(order) => ask.app.pay_confirmed(order, payer, using, once).await?,
        // Under the request's key, as a retry has its first answer also when the id has run out meanwhile.
        Err(refusal) => ask.app.command(Command::Refuse(refusal), [once]).await?,
    };
    paid(&caller, done)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX))
}

fn sealed(app: &App, order: OrderId, until: Timestamp) -> Result<String, Problem> {
    let mut said = order.0.to_be_bytes().to_vec();
    said.extend(until.0.to_be_bytes());
    let sealed = app.secrets.seal(&Secret::new(said), OWNER);
    let SealedSecret(bytes) = sealed.map_err(|error| Problem::internal(&error))?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The order that a prepay id is of.
fn opened(app: &App, id: &str) -> Result<OrderId, Refusal> {
    let bytes = id.strip_prefix(PREFIX);
    let bytes = bytes.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let sealed = SealedSecret(bytes.ok_or(Refusal::PrepayInvalid)?);
    let said = app.secrets.open(&sealed, OWNER);
    let said = said.map_err(|_| Refusal::PrepayInvalid)?;
    let (order, until) = said
        .expose()
        .split_at_checked(16)
        .ok_or(Refusal::PrepayInvalid)?;
    let (Ok(order), Ok(until)) = (order.try_into(), until.try_into()) else {
        return Err(Refusal::PrepayInvalid);
    };
    if now() > Timestamp(u64::from_be_bytes(until)) {
        return Err(Refusal::PrepayExpired);
    }
    Ok(OrderId(u128::from_be_bytes(order)))
}
