//! Combined orders: orders of several merchants that are paid together, all or none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::decision::PendingShown;
use super::page::{PageAsked, page, slice};
use super::payment::check_origin;
use super::transfer::wallet_no;
use super::wallet::must_be;
use super::wire::{Amount, Page, SequenceToken, Time};
use crate::app::{Done, Origin, Payer, views_problem};
use crate::pay::{
    Combined, CombinedId, Command, MerchantId, OrderId, Outcome, Owner, Part, Refusal,
    TransactionName, WalletId,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;

/// Orders that are paid together, as that stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CombinedOrder)]
pub(super) struct CombinedShown {
    id: CombinedId,
    wallet: WalletId,
    /// The sum of all.
    amount: Amount,
    orders: Vec<PartShown>,
    /// `awaiting_confirmation` (the payer must confirm), `in_review` (an analyst must look, and the money is on hold),
    /// `paid`, or `cancelled` (nothing moved).
    #[schema(example = "paid")]
    state: &'static str,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
}

/// One order of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CombinedPart)]
pub(super) struct PartShown {
    order: OrderId,
    merchant: MerchantId,
    /// The merchant's own number for it.
    number: String,
    amount: Amount,
    /// The transaction that pays it.
    transaction: TransactionName,
}

impl From<&Combined> for CombinedShown {
    fn from(combined: &Combined) -> Self {
        let part = |part: &Part| PartShown {
            order: part.order,
            merchant: part.merchant,
            number: part.number.to_string(),
            amount: part.amount.into(),
            transaction: part.transaction.into(),
        };
        Self {
            id: combined.id,
            wallet: combined.wallet,
            amount: combined.amount.into(),
            orders: combined.parts.iter().map(part).collect(),
            state: combined.state.name(),
            created_at: Time(combined.created_at),
            ended_at: combined.ended_at.map(Time),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewCombinedOrder, example = json!({
    "orders": ["ord_0197a3e5c4b17f20a1b2c3d4e5f60718", "ord_0197a3e5c4b17f20a1b2c3d4e5f60719"]
}))]
#[serde(deny_unknown_fields)]
pub(super) struct CombinedAsked {
    /// Open orders in one currency, each named once.
    #[schema(min_items = 2, max_items = 50)]
    orders: Vec<OrderId>,
    /// As in a payment of an order.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
}

/// Orders that are paid together, or wait to be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CombinedDone {
    combined: CombinedShown,
    /// What is left in the wallet, in their currency; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet_balance: Option<Amount>,
    /// What it waits for; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingShown>,
    sequence: SequenceToken,
}

impl CombinedDone {
    fn answer(done: Done) -> Replied<Self> {
        let Outcome::Combined {
            combined,
            balance,
            decision,
        } = &done.outcome
        else {
            return done.unexpected();
        };
        let pending = decision.as_deref().and_then(PendingShown::of);
        let waits = pending.is_some();
        let told = Self {
            combined: CombinedShown::from(&**combined),
            wallet_balance: balance.map(|balance| Amount::new(balance, combined.amount.currency)),
            pending,
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply {
            waits,
            ..Reply::done(&done, Json(told))
        })
    }
}

pub(super) async fn pay(ask: Ask<(), (), Json<CombinedAsked>>) -> Replied<CombinedDone> {
    let wallet = ask.caller()?.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    let mut check = Check::default();
    check_origin(&mut check, &origin);
    check.that(
        "/orders",
        (2..=Combined::ORDERS_MAX).contains(&asked.orders.len()),
        || format!("are 2 to {}", Combined::ORDERS_MAX),
    );
    check.done()?;
    let payer = Payer { wallet, origin };
    let done = ask.app.pay_combined(&asked.orders, payer, once);
    CombinedDone::answer(done.await?)
}

pub(super) async fn find(ask: Ask<CombinedId>) -> Replied<CombinedDone> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindCombined(ask.id)).await?;
    let Outcome::Combined { combined, .. } = &done.outcome else {
        return done.unexpected();
    };
    let may_see = match caller.owner {
        Owner::Wallet(wallet) => wallet == combined.wallet,
        _ => caller.sees_risk(),
    };
    if !may_see {
        return Err(super::refused::refused(&Refusal::CombinedNotFound));
    }
    let found = CombinedDone::answer(done)?;
    Ok(Reply {
        waits: false,
        ..found
    })
}

pub(super) async fn list(ask: Ask<WalletId, PageAsked>) -> Replied<Page<CombinedShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let asked = ask.query;
    let wallet = wallet_no(&ask.app, ask.id).await?;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Combined)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let read = store::combined::list(&mut reading, wallet, slice).await;
    let (found, next) = read.map_err(|error| views_problem(&error))?;
    let shown = found.iter().map(CombinedShown::from);
    Ok(page(shown.collect(), next, reading.watermark()))
}
