//! Holds: made, captured in full or in part, released.

use ledger::Outcome;
use ledger::core::{Step, Transacted};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, LargeJson, Replied, Reply};
use super::super::wire::SequenceToken;
use super::asked::{FollowUpAsked, HoldAsked, Read};
use super::command::{Order, Place, WriteAsked};
use super::shown::{BalanceShown, balances};
use super::transaction::{LedgerPosted, Naming, one, posted};
use crate::app::{App, LedgerDone};
use crate::pay::HoldName;

/// What was put aside or given back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerHeld {
    id: HoldName,
    /// Minor units of each posting, in the order asked for.
    amounts: Vec<i64>,
    /// How the accounts stood right after it, in order of first touch.
    balances: Vec<BalanceShown>,
    sequence: SequenceToken,
}

pub(super) async fn create(ask: Ask<(), WriteAsked, LargeJson<HoldAsked>>) -> Replied<LedgerHeld> {
    let caller = ask.caller()?;
    let (book, asked) = (caller.book()?, &ask.body.0);
    let name = Naming::new(book, ask.once, asked.id.map(Into::into), asked)?;
    let Read { step, accounts } = asked.read(&ask.app, name.id).await?;
    let order = Order {
        keys: name.keys,
        accounts,
        place: Place::Postings,
        ..Order::new(&caller, None, one(book, step))?
    };
    let done = order.give(&ask.app, &ask.query).await?;
    held(&ask.app, book, name.id.into(), done).await
}

pub(super) async fn capture(
    ask: Ask<HoldName, WriteAsked, Option<Json<FollowUpAsked>>>,
) -> Replied<LedgerPosted> {
    let caller = ask.caller()?;
    let book = caller.book()?;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let content = (&ask.id, &asked);
    let name = Naming::new(book, ask.once, asked.id.map(Into::into), &content)?;
    let step = Step::Capture {
        memo: asked.memo(name.id),
        hold: ask.id.into(),
        amounts: asked.amounts,
        effective: asked.effective_at.map(|time| time.0),
    };
    let order = Order {
        keys: name.keys,
        ..Order::new(&caller, None, one(book, step))?
    };
    let done = order.give(&ask.app, &ask.query).await?;
    posted(&ask.app, book, name.id, done).await
}

pub(super) async fn release(ask: Ask<HoldName, WriteAsked>) -> Replied<LedgerHeld> {
    let caller = ask.caller()?;
    let book = caller.book()?;
    let step = Step::Release {
        hold: ask.id.into(),
    };
    let order = Order::new(&caller, ask.once, one(book, step))?;
    let done = order.give(&ask.app, &ask.query).await?;
    held(&ask.app, book, ask.id, done).await
}

async fn held(
    app: &App,
    book: ledger::Book,
    id: HoldName,
    done: LedgerDone,
) -> Replied<LedgerHeld> {
    let Outcome::Transacted(Transacted {
        done: steps,
        standings,
    }) = &done.outcome
    else {
        return done.unexpected();
    };
    let amounts = steps.first().map(|step| step.amounts.clone());
    let held = LedgerHeld {
        id,
        amounts: amounts.unwrap_or_default(),
        balances: balances(app, book, standings).await?,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::ledger(&done, Json(held)))
}
