//! Books: opened by an operator, each for a tenant; and what tenants set about their own.

use ledger::Sequence;
use ledger::core::BookSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::ask::{Ask, Json, Replied, Reply};
use super::super::check::Check;
use super::super::wire::{Page, SequenceToken, Time};
use super::account::{AccountChanged, reopened};
use super::command::{Order, WriteAsked};
use super::shown::VelocityLimit;
use crate::app::new_id;
use crate::pay::{BookId, Command, Outcome, Owner, TenantBook};

/// Shown in lists.
const NAME_CHARS_MAX: usize = 30;

/// A book: a ledger of its own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Book)]
pub(super) struct BookShown {
    id: BookId,
    #[schema(example = "Tea House Books")]
    name: String,
    /// How far its clock is ahead of UTC: 480 in Shanghai. Its days begin accordingly.
    offset_minutes: i16,
}

impl From<&TenantBook> for BookShown {
    fn from(book: &TenantBook) -> Self {
        Self {
            id: book.tenant.id,
            name: book.settings.name.to_string(),
            offset_minutes: book.settings.offset_minutes,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewBook, example = json!({"name": "Tea House Books", "offset_minutes": 480}))]
#[serde(deny_unknown_fields)]
pub(super) struct BookAsked {
    #[schema(min_length = 1, max_length = 30)]
    name: String,
    /// From -720 to 840.
    #[serde(default)]
    offset_minutes: i16,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BookFound {
    book: BookShown,
    sequence: SequenceToken,
}

impl BookFound {
    fn new(book: &TenantBook, sequence: Sequence) -> Self {
        Self {
            book: book.into(),
            sequence: SequenceToken(sequence),
        }
    }
}

pub(super) async fn create(ask: Ask<(), (), Json<BookAsked>>) -> Replied<BookFound> {
    let Json(asked) = ask.body;
    let mut check = Check::default();
    check.text("/name", &asked.name, NAME_CHARS_MAX);
    check.done()?;
    let open = Command::OpenBook {
        id: BookId(new_id()),
        settings: BookSettings {
            name: asked.name.into(),
            offset_minutes: asked.offset_minutes,
        },
    };
    let done = ask.app.command(open, ask.once).await?;
    match &done.outcome {
        Outcome::Books(books) if books.len() == 1 => {
            let found = BookFound::new(&books[0], done.sequence);
            Ok(Reply::done(&done, Json(found)))
        }
        _ => done.unexpected(),
    }
}

pub(super) async fn list(ask: Ask) -> Replied<Page<BookShown>> {
    let done = ask.app.ask(Command::Books).await?;
    let Outcome::Books(books) = &done.outcome else {
        return done.unexpected();
    };
    let page = Page {
        data: books.iter().map(BookShown::from).collect(),
        next_cursor: None,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::as_of(done.sequence, Json(page)))
}

/// The book that the key speaks for.
pub(super) async fn own(ask: Ask) -> Replied<BookFound> {
    let caller = ask.caller()?;
    let Owner::Book(tenant) = caller.owner else {
        return Err(caller.forbidden());
    };
    let (book, sequence) = ask.app.find_book(tenant.id).await?;
    Ok(Reply::as_of(
        sequence,
        Json(BookFound::new(&book, sequence)),
    ))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PeriodToClose, example = json!({"before": "2026-02-01T00:00:00Z"}))]
#[serde(deny_unknown_fields)]
pub(super) struct PeriodAsked {
    /// From now on nothing takes effect before this moment any more.
    before: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PeriodClosed {
    before: Time,
    sequence: SequenceToken,
}

pub(super) async fn close_period(
    ask: Ask<(), WriteAsked, Json<PeriodAsked>>,
) -> Replied<PeriodClosed> {
    let (caller, before) = (ask.caller()?, ask.body.0.before);
    let close = ledger::Command::ClosePeriod {
        book: caller.book()?,
        before: before.0,
    };
    let order = Order::new(&caller, ask.once, close)?;
    let done = order.give(&ask.app, &ask.query).await?;
    let closed = PeriodClosed {
        before,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::ledger(&done, Json(closed)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ClassTerms)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassAsked {
    /// In place of those it had; each account of the class is counted by itself.
    velocity: Vec<VelocityLimit>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClassSet {
    class: u16,
    velocity: Vec<VelocityLimit>,
    sequence: SequenceToken,
}

pub(super) async fn set_class(ask: Ask<u16, WriteAsked, Json<ClassAsked>>) -> Replied<ClassSet> {
    let (caller, velocity) = (ask.caller()?, ask.body.0.velocity);
    let set = ledger::Command::SetVelocity {
        book: caller.book()?,
        of: ledger::core::VelocityOf::Class(ledger::core::Class(ask.id)),
        limits: velocity.iter().map(|limit| (*limit).into()).collect(),
    };
    let order = Order::new(&caller, ask.once, set)?;
    let done = order.give(&ask.app, &ask.query).await?;
    let set = ClassSet {
        class: ask.id,
        velocity,
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::ledger(&done, Json(set)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AccountToReopen, example = json!({"account": "customers:alice"}))]
#[serde(deny_unknown_fields)]
pub(super) struct ReopenAsked {
    account: String,
}

/// Only an operator opens again what was closed.
pub(super) async fn reopen(ask: Ask<BookId, (), Json<ReopenAsked>>) -> Replied<AccountChanged> {
    let (book, _) = ask.app.find_book(ask.id).await?;
    reopened(&ask.app, book.tenant.book, &ask.body.0.account, ask.once).await
}
