//! Transfers: money from one person to another.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Json, Parameters, Replied, Reply as Answer, Schemas, named};
use super::check::Check;
use super::decision::PendingShown;
use super::page::{page, slice};
use super::payment::check_origin;
use super::wallet::must_be;
use super::wire::{Amount, AskedAmount, Page, SequenceToken, Time};
use crate::app::{App, Done, Origin, new_id, views_problem};
use crate::auth::Caller;
use crate::pay::{
    BillId, Command, DecisionId, Mode, NewTransfer, Outcome, Owner, Refusal, Reply, Transfer,
    TransferId, WalletId, WalletNo,
};
use crate::problem::Problem;
use crate::store;
use crate::store::page::List;
use crate::store::sending::Side;

/// Money from one person to another, as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub(super) struct TransferShown {
    id: TransferId,
    from: WalletId,
    to: WalletId,
    amount: Amount,
    note: String,
    #[schema(inline)]
    mode: ModeShown,
    /// The bill of which it pays a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    bill: Option<BillId>,
    /// `awaiting_confirmation` (the sender must confirm), `in_review` (an analyst must look), `offered` (it waits to be
    /// accepted), `completed`, `declined` or `expired` (the money is back), or `cancelled` (it never left).
    #[schema(example = "completed")]
    state: &'static str,
    created_at: Time,
    /// The last moment it can be accepted, once it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    /// What was decided when it was sent.
    decision: DecisionId,
}

impl From<&Transfer> for TransferShown {
    fn from(transfer: &Transfer) -> Self {
        Self {
            id: transfer.id,
            from: transfer.from,
            to: transfer.to,
            amount: transfer.amount.into(),
            note: transfer.note.clone(),
            mode: transfer.mode.into(),
            bill: transfer.bill,
            state: transfer.state.name(),
            created_at: Time(transfer.created_at),
            expires_at: transfer.expires_at.map(Time),
            ended_at: transfer.ended_at.map(Time),
            decision: transfer.decision,
        }
    }
}

/// Whether the money is the other's at once, as it is when nothing is said, or waits to be accepted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TransferMode)]
pub(super) enum ModeShown {
    #[default]
    Instant,
    ToAccept,
}

impl From<Mode> for ModeShown {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Instant => Self::Instant,
            Mode::ToAccept => Self::ToAccept,
        }
    }
}

impl From<ModeShown> for Mode {
    fn from(mode: ModeShown) -> Self {
        match mode {
            ModeShown::Instant => Self::Instant,
            ModeShown::ToAccept => Self::ToAccept,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewTransfer, example = json!({
    "to": "wal_0197a3e5c4b17f20a1b2c3d4e5f60718",
    "amount": {"amount": 5000, "currency": "CNY"},
    "note": "For the tickets",
    "mode": "to_accept"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct TransferAsked {
    /// Whose it shall be.
    to: WalletId,
    amount: AskedAmount,
    /// What the other reads beside it.
    #[schema(max_length = 60)]
    #[serde(default)]
    note: String,
    #[serde(default)]
    #[schema(inline)]
    mode: ModeShown,
    /// Your name for the sender's phone or browser, always the same for the same one.
    #[schema(min_length = 1, max_length = 128)]
    device: Option<String>,
    /// Where the sender is, as roughly as you like to say it; always the same for the same place.
    #[schema(min_length = 1, max_length = 64)]
    place: Option<String>,
}

/// A transfer that was sent, or that waits for its sender or for an analyst, or that was answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TransferDone {
    transfer: TransferShown,
    /// What the wallet has now, in the transfer's currency; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet_balance: Option<Amount>,
    /// What it waits for before it leaves the sender; absent when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingShown>,
    sequence: SequenceToken,
}

impl TransferDone {
    pub(super) fn answer(done: Done) -> Replied<Self> {
        let Outcome::Transfer {
            transfer,
            balance,
            decision,
        } = &done.outcome
        else {
            return done.unexpected();
        };
        let pending = decision.as_deref().and_then(PendingShown::of);
        let waits = pending.is_some();
        let told = Self {
            transfer: TransferShown::from(&**transfer),
            wallet_balance: balance.map(|balance| Amount::new(balance, transfer.amount.currency)),
            pending,
            sequence: SequenceToken(done.sequence),
        };
        Ok(Answer {
            waits,
            ..Answer::done(&done, Json(told))
        })
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<TransferAsked>>) -> Replied<TransferDone> {
    let from = ask.caller()?.wallet()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a route with an effect has no key"))?;
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.optional_text("/note", &asked.note, Transfer::NOTE_CHARS_MAX);
    let origin = Origin {
        device: asked.device.as_deref(),
        place: asked.place.as_deref(),
    };
    check_origin(&mut check, &origin);
    check.done()?;
    let new = NewTransfer {
        id: TransferId(new_id()),
        from,
        to: asked.to,
        amount: ask.app.money(&asked.amount, "/amount").await?,
        note: asked.note,
        mode: asked.mode.into(),
        bill: None,
        transaction: ledger::TransactionId(new_id()),
        scored: None,
    };
    TransferDone::answer(ask.app.transfer(new, origin, once).await?)
}

pub(super) async fn find(ask: Ask<TransferId>) -> Replied<TransferDone> {
    let caller = ask.caller()?;
    let done = ask.app.ask(Command::FindTransfer(ask.id)).await?;
    let Outcome::Transfer { transfer, .. } = &done.outcome else {
        return done.unexpected();
    };
    if !may_see(&caller, transfer) {
        return Err(super::refused::refused(&Refusal::TransferNotFound));
    }
    let found = TransferDone::answer(done)?;
    Ok(Answer {
        waits: false,
        ..found
    })
}

fn may_see(caller: &Caller, transfer: &Transfer) -> bool {
    match caller.owner {
        Owner::Wallet(wallet) => {
            wallet == transfer.from || (wallet == transfer.to && transfer.has_left())
        }
        _ => caller.sees_risk(),
    }
}

pub(super) async fn accept(ask: Ask<TransferId>) -> Replied<TransferDone> {
    reply(ask, Reply::Accept).await
}

pub(super) async fn decline(ask: Ask<TransferId>) -> Replied<TransferDone> {
    reply(ask, Reply::Decline).await
}

async fn reply(ask: Ask<TransferId>, reply: Reply) -> Replied<TransferDone> {
    let command = Command::Reply {
        transfer: ask.id,
        wallet: ask.caller()?.wallet()?,
        reply,
    };
    TransferDone::answer(ask.app.command(command, ask.once).await?)
}

/// Which of a wallet's are wanted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Side)]
pub(super) enum SideAsked {
    Sent,
    Received,
}

impl From<SideAsked> for Side {
    fn from(side: SideAsked) -> Self {
        match side {
            SideAsked::Sent => Self::Sent,
            SideAsked::Received => Self::Received,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct TransfersAsked {
    /// Only those sent, or only those received.
    #[param(inline)]
    side: Option<SideAsked>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for TransfersAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn list(ask: Ask<WalletId, TransfersAsked>) -> Replied<Page<TransferShown>> {
    must_be(&ask.caller()?, ask.id)?;
    let asked = ask.query;
    let wallet = wallet_no(&ask.app, ask.id).await?;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Transfers)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let side = asked.side.map(Side::from);
    let read = store::sending::transfers(&mut reading, wallet, side, slice).await;
    let (transfers, next) = read.map_err(|error| views_problem(&error))?;
    let shown = transfers.iter().map(TransferShown::from);
    Ok(page(shown.collect(), next, reading.watermark()))
}

/// A wallet's place in the order of opening, by which the views name it.
pub(super) async fn wallet_no(app: &App, wallet: WalletId) -> Result<WalletNo, Problem> {
    let done = app.ask(Command::FindWallet(wallet)).await?;
    match &done.outcome {
        Outcome::Wallet { wallet, .. } => Ok(wallet.no),
        _ => done.unexpected(),
    }
}
