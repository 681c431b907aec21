//! Test mode's payers, for whoever builds a shop and has no wallet to pay from.

use serde::Deserialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied};
use super::order::must_see;
use super::payment::{Paid, paid};
use crate::app::Manner;
use crate::pay::{Lookup, OrderId};
use crate::problem::Problem;

/// Who pays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSimulatedPayment, example = json!({"payer": "ready"}))]
#[serde(deny_unknown_fields)]
pub(super) struct SimulationAsked {
    #[schema(inline)]
    payer: PayerAsked,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PayerAsked {
    /// Has the money, and pays.
    Ready,
    /// Has no money: `insufficient_funds`.
    Insufficient,
    /// Is asked to confirm (202), and never does; after five minutes the order can be paid again.
    Challenged,
    /// Pays, but the answer takes ten seconds.
    Slow,
}

impl From<PayerAsked> for Manner {
    fn from(asked: PayerAsked) -> Self {
        match asked {
            PayerAsked::Ready => Self::Ready,
            PayerAsked::Insufficient => Self::Insufficient,
            PayerAsked::Challenged => Self::Challenged,
            PayerAsked::Slow => Self::Slow,
        }
    }
}

pub(super) async fn pay(ask: Ask<OrderId, (), Json<SimulationAsked>>) -> Replied<Paid> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let (order, _) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&caller, &order)?;
    let manner = ask.body.0.payer.into();
    paid(&caller, ask.app.pay_simulated(&order, manner, once).await?)
}
