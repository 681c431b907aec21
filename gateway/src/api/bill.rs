//! Bills that people share, and requests to be paid.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::check::Check;
use super::page::{page, slice};
use super::payment::{PaymentAsked, whence};
use super::red_packet::SidedPage;
use super::transfer::{TransferDone, wallet_no};
use super::wallet::must_be;
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{Done, new_id, views_problem};
use crate::pay::bill::Item;
use crate::pay::{
    Bill, BillId, Command, Cut, NewBill, Outcome, Owner, Refusal, Share, TransferId, WalletId,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;

/// What is owed to one person by others, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bill)]
pub(super) struct BillShown {
    id: BillId,
    /// Whom it is owed to.
    owner: WalletId,
    amount: Amount,
    title: String,
    shares: Vec<ShareShown>,
    /// What has been paid, the owner's own share included.
    paid: Amount,
    /// `open`, `settled` (every share is paid), `cancelled` or `expired`.
    #[schema(example = "open")]
    state: &'static str,
    created_at: Time,
    /// The last moment at which shares can be paid.
    expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    /// How often its owner has asked again.
    reminders: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reminded_at: Option<Time>,
}

/// What one person owes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BillShare)]
pub(super) struct ShareShown {
    wallet: WalletId,
    amount: Amount,
    /// When it was paid; absent while it is owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Time>,
    /// By which transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferId>,
}

impl From<&Bill> for BillShown {
    fn from(bill: &Bill) -> Self {
        let amount = |minor: i64| Amount::new(minor.into(), bill.amount.currency);
        let share = |share: &Share| ShareShown {
            wallet: share.wallet,
            amount: amount(share.amount),
            paid_at: share.paid.map(|paid| Time(paid.at)),
            transfer: share.paid.and_then(|paid| paid.transfer),
        };
        Self {
            id: bill.id,
            owner: bill.owner,
            amount: bill.amount.into(),
            title: bill.title.clone(),
            shares: bill.shares.iter().map(share).collect(),
            paid: amount(bill.paid()),
            state: bill.state.name(),
            created_at: Time(bill.created_at),
            expires_at: Time(bill.expires_at),
            ended_at: bill.ended_at.map(Time),
            reminders: bill.reminders,
            reminded_at: bill.reminded_at.map(Time),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBill, example = json!({
    "amount": {"amount": 10_000, "currency": "CNY"},
    "title": "Hot pot",
    "among": ["wal_0197a3e5c4b17f20a1b2c3d4e5f60718", "wal_0197a3e5c4b17f20a1b2c3d4e5f60719"]
}))]
#[serde(deny_unknown_fields)]
pub(super) struct BillAsked {
    /// All of it.
    amount: AskedAmount,
    /// What for.
    #[schema(min_length = 1, max_length = 60)]
    title: String,
    /// Who share it; its owner may be among them. One alone is asked for all of it.
    #[schema(min_items = 1, max_items = 100)]
    among: Vec<WalletId>,
    /// In proportion to these, one for each. Where neither weights nor items are given, all pay alike.
    #[schema(max_items = 100)]
    weights: Option<Vec<u64>>,
    /// Or by what each had.
    #[schema(max_items = 200)]
    items: Option<Vec<ItemAsked>>,
}

/// One thing on a bill.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BillItem)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemAsked {
    /// What it cost, in minor units of the bill's currency.
    #[schema(minimum = 1)]
    amount: i64,
    /// Who had it, as places in `among`, from 0. Several share it alike.
    who: Vec<usize>,
}

impl BillAsked {
    fn cut(weights: Option<Vec<u64>>, items: Option<Vec<ItemAsked>>) -> Result<Cut, Problem> {
        match (weights, items) {
            (None, None) => Ok(Cut::Even),
            (Some(weights), None) => Ok(Cut::Weights(weights)),
            (None, Some(items)) => {
                let items = items.into_iter().map(|item| Item {
                    amount: item.amount,
                    who: item.who,
                });
                Ok(Cut::Items(items.collect()))
            }
            (Some(_), Some(_)) => {
                let what = "it is shared by weights or by items, not by both".to_owned();
                Err(super::refused::refused(&Refusal::BillInvalid { what }))
            }
        }
    }
}

/// A bill as it was found or made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BillFound {
    bill: BillShown,
    sequence: SequenceToken,
}

impl BillFound {
    fn answer(done: Done) -> Replied<Self> {
        let Outcome::Bill(bill) = &done.outcome else {
            return done.unexpected();
        };
        let found = Self {
            bill: BillShown::from(&**bill),
            sequence: SequenceToken(done.sequence),
        };
        Ok(Reply::done(&done, Json(found)))
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<BillAsked>>) -> Replied<BillFound> {
    let owner = ask.caller()?.wallet()?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/title", &asked.title, Bill::TITLE_CHARS_MAX);
    check.done()?;
    let new = NewBill {
        id: BillId(new_id()),
        owner,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        title: asked.title,
        among: asked.among,
        cut: BillAsked::cut(asked.weights, asked.items)?,
    };
    BillFound::answer(ask.app.command(Command::OpenBill(new), ask.once).await?)
}

pub(super) async fn find(ask: Ask<BillId>) -> Replied<BillFound> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindBill(ask.id)).await?;
    let Outcome::Bill(bill) = &done.outcome else {
        return done.unexpected();
    };
    let may_see = match caller.owner {
        Owner::Wallet(wallet) => bill.is_party(wallet),
        _ => caller.sees_risk(),
    };
    if may_see {
        BillFound::answer(done)
    } else {
        Err(super::refused::refused(&Refusal::BillNotFound))
    }
}

pub(super) async fn pay(ask: Ask<BillId, (), Option<Json<PaymentAsked>>>) -> Replied<TransferDone> {
    let wallet = ask.caller()?.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let asked = whence(ask.body)?;
    let done = ask.app.pay_bill(ask.id, wallet, asked.origin(), once);
    TransferDone::answer(done.await?)
}

pub(super) async fn remind(ask: Ask<BillId>) -> Replied<BillFound> {
    let command = Command::Remind {
        bill: ask.id,
        wallet: ask.caller()?.wallet()?,
    };
    BillFound::answer(ask.app.command(command, ask.once).await?)
}

pub(super) async fn cancel(ask: Ask<BillId>) -> Replied<BillFound> {
    let command = Command::CancelBill {
        bill: ask.id,
        wallet: ask.caller()?.wallet()?,
    };
    BillFound::answer(ask.app.command(command, ask.once).await?)
}

pub(super) async fn list(ask: Ask<WalletId, SidedPage>) -> Replied<Page<BillShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let asked = ask.query;
    let wallet = wallet_no(&ask.app, ask.id).await?;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Bills)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let read = store::bill::list(&mut reading, wallet, asked.side.into(), slice).await;
    let (bills, next) = read.map_err(|error| views_problem(&error))?;
    let shown = bills.iter().map(BillShown::from);
    Ok(page(shown.collect(), next, reading.watermark()))
}
