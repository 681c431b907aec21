//! Refunds of an order, whole or in part.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::coupon::BreakdownShown;
use super::once;
use super::order::{OrderShown, must_see, not_found};
use super::page::{PageAsked, page};
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{new_id, views_problem};
use crate::pay::{
    Command, Lookup, NewRefund, Order, OrderId, OrderNumber, Outcome, Owner, Refund, RefundId,
    TransactionName,
};
use crate::store;

const REASON_CHARS_MAX: usize = 127;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundShown {
    pub id: RefundId,
    pub order: OrderId,
    /// The merchant's own number for it.
    pub number: String,
    pub amount: Amount,
    /// The part of the fee that went back with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_returned: Option<Amount>,
    pub reason: String,
    pub at: Time,
    /// What moved; absent where nothing did, as all of it fell on a coupon of the merchant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionName>,
    /// How it falls on the parts of the payment; absent where money was all there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<BreakdownShown>,
}

impl RefundShown {
    /// The refund as this owner sees it: the payer sees no fee.
    pub fn to(viewer: Owner, order: &Order, refund: &Refund) -> Self {
        let sees_fees = matches!(viewer, Owner::Operator | Owner::Merchant(_));
        Self {
            id: refund.id,
            order: refund.order,
            number: refund.number.to_string(),
            amount: refund.amount.into(),
            fee_returned: sees_fees.then(|| refund.fee_returned.into()),
            reason: refund.reason.clone(),
            at: Time(refund.at),
            transaction: refund.moved().then(|| refund.transaction.into()),
            breakdown: BreakdownShown::of_refund(order, refund),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRefund, example = json!({
    "number": "R-2026-000017-1",
    "amount": {"amount": 625, "currency": "CNY"},
    "reason": "One basket was cold"
}))]
#[serde(deny_unknown_fields)]
pub struct RefundAsked {
    /// The merchant's own number for the refund, used once: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    amount: AskedAmount,
    /// What the payer is told.
    #[schema(min_length = 1, max_length = 127)]
    reason: String,
}

/// A refund that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refunded {
    refund: RefundShown,
    order: OrderShown,
    /// What is left with the merchant, in the order's currency.
    merchant_balance: Amount,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<OrderId, (), Json<RefundAsked>>) -> Replied<Refunded> {
    let caller = ask.caller()?;
    let merchant = caller.merchant()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    check.text("/reason", &asked.reason, REASON_CHARS_MAX);
    let number = check.done_with(number)?;
    let amount = ask.app.money(&asked.amount, "/amount").await?;
    let content = format!("{}/{amount}/{}", ask.id, asked.reason);
    let number_once = once::of_refund_number(merchant, &number, &content);
    let new = NewRefund {
        id: RefundId(new_id()),
        order: Lookup::Id(ask.id),
        merchant,
        number,
        amount,
        reason: asked.reason,
        transaction: ledger::TransactionId(new_id()),
    };
    let keys = ask.once.into_iter().chain([number_once]);
    let done = ask.app.command(Command::Refund(new), keys).await?;
    let Outcome::Refunded {
        order,
        refund,
        merchant_balance,
        ..
    } = &done.outcome
    else {
        return done.unexpected();
    };
    if !done.again {
        ask.app.metrics.refunded();
    }
    let refunded = Refunded {
        refund: RefundShown::to(caller.owner, order, refund),
        order: OrderShown::to(caller.owner, order),
        merchant_balance: Amount::new(*merchant_balance, order.amount.currency),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(refunded)))
}

/// An order has at most as many refunds as fit on a page.
pub(super) async fn list(ask: Ask<OrderId, PageAsked>) -> Replied<Page<RefundShown>> {
    let caller = ask.caller()?;
    let (order, _) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    must_see(&caller, &order)?;
    let payer = order.payment.as_ref().map(|payment| payment.wallet);
    if let Owner::Wallet(wallet) = caller.owner
        && payer != Some(wallet)
    {
        return Err(not_found());
    }
    let mut reading = ask
        .app
        .read_views(ask.query.at_least.map(|token| token.0))
        .await?;
    let refunds = store::order::refunds(&mut reading, &order)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = refunds
        .iter()
        .map(|refund| RefundShown::to(caller.owner, &order, refund));
    Ok(page(shown.collect(), None, reading.watermark()))
}
