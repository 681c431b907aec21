//! Paying an order from a wallet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::order::OrderShown;
use super::wire::{Amount, SequenceToken};
use crate::pay::{OrderId, Outcome};
use crate::problem::Problem;

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPayment, example = json!({}))]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentAsked {
    /// The payer was asked once more, because an attempt was answered with `risk_challenge`, and said yes.
    #[serde(default)]
    confirmed: bool,
}

/// A payment that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Paid {
    order: OrderShown,
    /// What is left in the wallet, in the order's currency.
    wallet_balance: Amount,
    sequence: SequenceToken,
}

pub(super) async fn pay(ask: Ask<OrderId, (), Option<Json<PaymentAsked>>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let wallet = caller.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let confirmed = ask.body.is_some_and(|Json(asked)| asked.confirmed);
    let done = ask.app.pay(ask.id, wallet, confirmed, once).await?;
    let Outcome::Paid {
        order,
        wallet_balance,
        ..
    } = &done.outcome
    else {
        return done.unexpected();
    };
    let paid = Paid {
        order: OrderShown::to(caller.owner, order),
        wallet_balance: Amount::new(*wallet_balance, order.amount.currency),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(paid)))
}
