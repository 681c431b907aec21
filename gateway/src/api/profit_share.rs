//! Profit sharing: parts of an order that its merchant passes on, and that come back.

use fx::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::once;
use super::order::{DESCRIPTION_CHARS_MAX, not_found};
use super::page::{PageAsked, page, slice};
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{new_id, views_problem};
use crate::auth::Caller;
use crate::pay::{
    Command, Lookup, MerchantId, NewShare, NewSharing, Order, OrderId, OrderNumber, Outcome, Owner,
    ProfitShare, Receiver, ReturnShare, ShareId, TransactionName, WalletId,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;

/// A part of an order that was passed on, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfitShare)]
pub(super) struct ShareShown {
    id: ShareId,
    order: OrderId,
    /// Whose order it was.
    merchant: MerchantId,
    /// The merchant's own number for the sharing.
    number: String,
    /// Who received it: a merchant or a wallet.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_merchant: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_wallet: Option<WalletId>,
    amount: Amount,
    /// What has come back of it.
    returned: Amount,
    description: String,
    at: Time,
    transaction: TransactionName,
}

impl ShareShown {
    fn of(share: &ProfitShare, order: OrderId, merchant: MerchantId, currency: Currency) -> Self {
        let amount = |minor: i64| Amount::new(minor.into(), currency);
        let (to_merchant, to_wallet) = match share.receiver {
            Receiver::Merchant(id) => (Some(id), None),
            Receiver::Wallet(id) => (None, Some(id)),
        };
        Self {
            id: share.id,
            order,
            merchant,
            number: share.number.to_string(),
            to_merchant,
            to_wallet,
            amount: amount(share.amount),
            returned: amount(share.returned),
            description: share.description.clone(),
            at: Time(share.at),
            transaction: share.transaction.into(),
        }
    }

    fn of_order(order: &Order, share: &ProfitShare) -> Self {
        Self::of(share, order.id, order.merchant, order.amount.currency)
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewProfitSharing, example = json!({
    "number": "S-2026-000017",
    "currency": "CNY",
    "shares": [{"to_merchant": "mer_0197a3e5c4b17f20a1b2c3d4e5f60718", "amount": 200, "description": "Delivery"}]
}))]
#[serde(deny_unknown_fields)]
pub(super) struct SharingAsked {
    /// The merchant's own number for the sharing, used once: 1 to 64 of `0-9 A-Z a-z _ - | *`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_|*-]+$")]
    number: String,
    /// The order's currency.
    #[schema(example = "CNY")]
    currency: String,
    #[schema(min_items = 1, max_items = 50)]
    shares: Vec<ShareAsked>,
}

/// A share for one receiver: a merchant or a wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewProfitShare)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareAsked {
    to_merchant: Option<MerchantId>,
    to_wallet: Option<WalletId>,
    /// Minor units.
    #[schema(minimum = 1)]
    amount: i64,
    /// What for, as the receiver reads it.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
}

impl ShareAsked {
    fn read(self, at: &str, check: &mut Check) -> Option<NewShare> {
        let pointer = format!("{at}/description");
        check.text(&pointer, &self.description, DESCRIPTION_CHARS_MAX);
        let receiver = match (self.to_merchant, self.to_wallet) {
            (Some(id), None) => Some(Receiver::Merchant(id)),
            (None, Some(id)) => Some(Receiver::Wallet(id)),
            _ => None,
        };
        check.that(at, receiver.is_some(), || {
            "is for a merchant or for a wallet".to_owned()
        });
        Some(NewShare {
            id: ShareId(new_id()),
            receiver: receiver?,
            amount: self.amount,
            description: self.description,
            transaction: ledger::TransactionId(new_id()),
        })
    }
}

/// What was passed on, and what is left with the merchant, in the order's currency.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProfitShared {
    shares: Vec<ShareShown>,
    merchant_balance: Amount,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<OrderId, (), Json<SharingAsked>>) -> Replied<ProfitShared> {
    let merchant = ask.caller()?.merchant()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    let number = check.read("/number", OrderNumber::new(&asked.number));
    let shares = asked.shares.into_iter().enumerate();
    let shares = shares.filter_map(|(at, share)| share.read(&format!("/shares/{at}"), &mut check));
    let shares: Vec<NewShare> = shares.collect();
    let number = check.done_with(number)?;
    let said = |share: &NewShare| {
        format!(
            "{:?} {} {}",
            share.receiver, share.amount, share.description
        )
    };
    let content: Vec<String> = shares.iter().map(said).collect();
    let content = format!("{}/{}/{}", ask.id, asked.currency, content.join("/"));
    let number_once = once::of_sharing_number(merchant, &number, &content);
    let new = NewSharing {
        order: Lookup::Id(ask.id),
        merchant,
        number: number.clone(),
        currency: ask.app.currency(&asked.currency, "/currency").await?,
        shares,
    };
    let keys = ask.once.into_iter().chain([number_once]);
    let done = ask.app.command(Command::Share(new), keys).await?;
    let Outcome::Shared { order, balance } = &done.outcome else {
        return done.unexpected();
    };
    let made = order.shares.iter().filter(|share| share.number == number);
    let shared = ProfitShared {
        shares: made
            .map(|share| ShareShown::of_order(order, share))
            .collect(),
        merchant_balance: Amount::new(*balance, order.amount.currency),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(shared)))
}

/// An order has at most as many shares as fit on a page.
pub(super) async fn list(ask: Ask<OrderId>) -> Replied<Page<ShareShown>> {
    let caller = ask.caller()?;
    let (order, sequence) = ask.app.find_order(Lookup::Id(ask.id)).await?;
    if !caller.may_act_for(order.merchant) {
        return Err(not_found());
    }
    let shares = order.shares.iter();
    let shown = shares.map(|share| ShareShown::of_order(&order, share));
    Ok(page(shown.collect(), None, sequence))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProfitShareReturn, example = json!({
    "share": "shr_0197a3e5c4b17f20a1b2c3d4e5f60718", "amount": {"amount": 200, "currency": "CNY"}
}))]
#[serde(deny_unknown_fields)]
pub(super) struct ReturnAsked {
    share: ShareId,
    amount: AskedAmount,
}

/// A share of which some came back, and what is left with who gave it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProfitShareReturned {
    share: ShareShown,
    /// What the receiver has left, in the order's currency.
    balance: Amount,
    sequence: SequenceToken,
}

/// Whose shares a caller has.
fn receiver(caller: &Caller) -> Result<Receiver, Problem> {
    match caller.owner {
        Owner::Merchant(id) => Ok(Receiver::Merchant(id)),
        _ => caller.wallet().map(Receiver::Wallet),
    }
}

pub(super) async fn give_back(
    ask: Ask<OrderId, (), Json<ReturnAsked>>,
) -> Replied<ProfitShareReturned> {
    let receiver = receiver(&ask.caller()?)?;
    let Json(asked) = ask.body;
    let back = ReturnShare {
        order: ask.id,
        share: asked.share,
        receiver,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        transaction: ledger::TransactionId(new_id()),
    };
    let command = Command::ReturnShare(back);
    let done = ask.app.command(command, ask.once).await?;
    let Outcome::Shared { order, balance } = &done.outcome else {
        return done.unexpected();
    };
    let share = order.shares.iter().find(|share| share.id == asked.share);
    let share = share.ok_or_else(|| Problem::internal(&"a share came back that is not there"))?;
    let returned = ProfitShareReturned {
        share: ShareShown::of_order(order, share),
        balance: Amount::new(*balance, order.amount.currency),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(&done, Json(returned)))
}

pub(super) async fn received(ask: Ask<(), PageAsked>) -> Replied<Page<ShareShown>> {
    let receiver = receiver(&ask.caller()?)?;
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::ProfitShares)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let read = store::profit_share::list(&mut reading, receiver, slice).await;
    let (found, next) = read.map_err(|error| views_problem(&error))?;
    let found = found.iter();
    let shown = found.map(|one| ShareShown::of(&one.share, one.order, one.merchant, one.currency));
    Ok(page(shown.collect(), next, reading.watermark()))
}
