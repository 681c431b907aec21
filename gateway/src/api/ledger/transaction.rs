//! Transactions: posted, reversed.

use ledger::core::{Done, Step, Transacted};
use ledger::{Book, Command, Outcome, Remember, TransactionId, TransactionNo, Unique};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, LargeJson, Replied, Reply};
use super::super::once;
use super::super::wire::SequenceToken;
use super::asked::{FollowUpAsked, Read, TransactionAsked};
use super::command::{Order, Place, WriteAsked};
use super::shown::{BalanceShown, balances};
use crate::app::{App, LedgerDone};
use crate::pay::TransactionName;
use crate::problem::{Code, Problem};

/// What was posted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerPosted {
    id: TransactionName,
    /// Minor units that each posting moved, in the order asked for.
    amounts: Vec<i64>,
    /// How the accounts stood right after it, in order of first touch.
    balances: Vec<BalanceShown>,
    sequence: SequenceToken,
}

pub(super) async fn post(
    ask: Ask<(), WriteAsked, LargeJson<TransactionAsked>>,
) -> Replied<LedgerPosted> {
    let caller = ask.caller()?;
    let (book, asked) = (caller.book()?, &ask.body.0);
    let name = Naming::new(book, ask.once, asked.id.map(Into::into), asked)?;
    let corrects = match asked.corrects {
        Some(id) => Some(earlier(&ask.app, book, id).await?),
        None => None,
    };
    let Read { step, accounts } = asked.read(&ask.app, name.id, corrects, "").await?;
    let order = Order {
        keys: name.keys,
        accounts,
        place: Place::Postings,
        ..Order::new(&caller, None, one(book, step))?
    };
    let done = order.give(&ask.app, &ask.query).await?;
    posted(&ask.app, book, name.id, done).await
}

pub(super) async fn reverse(
    ask: Ask<TransactionName, WriteAsked, Option<Json<FollowUpAsked>>>,
) -> Replied<LedgerPosted> {
    let caller = ask.caller()?;
    let book = caller.book()?;
    let asked = ask.body.map(|Json(asked)| asked).unwrap_or_default();
    let content = (&ask.id, &asked);
    let name = Naming::new(book, ask.once, asked.id.map(Into::into), &content)?;
    let step = Step::Reverse {
        memo: asked.memo(name.id),
        transaction: earlier(&ask.app, book, ask.id).await?,
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

/// A command of one step.
pub(super) fn one(book: Book, step: Step) -> Command {
    let steps = vec![step];
    Command::Transact { book, steps }
}

/// The id of what a request makes, and the keys under which it is made once.
#[derive(Debug)]
pub(super) struct Naming {
    pub id: TransactionId,
    pub keys: Vec<Unique>,
}

impl Naming {
    /// The caller's own id is a key too, bound to all that was asked for; an id of ours follows from the request's key.
    pub(super) fn new(
        book: Book,
        once: Option<Unique>,
        id: Option<TransactionId>,
        asked: &impl Serialize,
    ) -> Result<Self, Problem> {
        let request = once.ok_or_else(|| Problem::internal(&"a write without a key"))?;
        let Some(id) = id else {
            return Ok(Self {
                id: TransactionId(once::made_id(request, 0)),
                keys: vec![request],
            });
        };
        let content = serde_json::to_vec(asked).map_err(|error| Problem::internal(&error))?;
        let named = once::of_ledger_id(book, id, &content, Remember::Always);
        Ok(Self {
            id,
            keys: vec![request, named],
        })
    }
}

/// The number of a transaction that a caller names.
pub(super) async fn earlier(
    app: &App,
    book: Book,
    id: TransactionName,
) -> Result<TransactionNo, Problem> {
    let found = app.transaction_no(book, id.into()).await?;
    found.ok_or_else(|| {
        Problem::new(
            Code::TransactionNotFound,
            "There is no such transaction, or it is not yours.",
        )
    })
}

/// The answer to a command of one step that posts.
pub(super) async fn posted(
    app: &App,
    book: Book,
    id: TransactionId,
    done: LedgerDone,
) -> Replied<LedgerPosted> {
    let (step, transacted) = match &done.outcome {
        Outcome::Transacted(transacted) => match transacted.done.as_slice() {
            [step] => (step.clone(), transacted.clone()),
            _ => return done.unexpected(),
        },
        _ => return done.unexpected(),
    };
    let Done { amounts, .. } = step;
    let Transacted { standings, .. } = transacted;
    let posted = LedgerPosted {
        id: id.into(),
        amounts,
        balances: balances(app, book, &standings).await?,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::ledger(&done, Json(posted)))
}
