//! Paying an order from a wallet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::decision::PendingShown;
use super::order::OrderShown;
use super::wire::{Amount, SequenceToken};
use crate::app::{Done, Payer};
use crate::auth::Caller;
use crate::pay::{OrderId, Outcome};
use crate::problem::Problem;

const DEVICE_CHARS_MAX: usize = 128;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewPayment, example = json!({"device": "phone-5f3a"}))]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentAsked {
    /// Your name for the payer's phone or browser, always the same for the same one. It helps to tell a stolen wallet from
    /// its owner.
    #[schema(min_length = 1, max_length = 128)]
    pub device: Option<String>,
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

pub(super) async fn pay(ask: Ask<OrderId, (), Option<Json<PaymentAsked>>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let device = device_of(ask.body)?;
    let payer = Payer {
        wallet: caller.wallet()?,
        device: device.as_deref(),
    };
    let done = ask.app.pay(ask.id, payer, once).await?;
    paid(&caller, done)
}

/// By which phone or browser a payer asks, if they say so.
pub(super) fn device_of(body: Option<Json<PaymentAsked>>) -> Result<Option<String>, Problem> {
    let Some(Json(asked)) = body else {
        return Ok(None);
    };
    let mut check = Check::default();
    check_device(&mut check, asked.device.as_deref());
    check.done()?;
    Ok(asked.device)
}

/// The name of a payer's phone or browser, where it is said.
pub(super) fn check_device(check: &mut Check, device: Option<&str>) {
    if let Some(device) = device {
        check.text("/device", device, DEVICE_CHARS_MAX);
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
