//! What happened in a book, to be followed from any place on.
//!
//! Every event is told at least once and in order. Who breaks off asks again after the last id it has dealt with. An
//! answer that follows stays open; it ends by itself after an hour, so that a key which was revoked meanwhile ends
//! with it, and when the server ends.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::HeaderName;
use futures_util::stream;
use ledger::core::{Details, Hold, Standing};
use ledger::shell::Reading;
use ledger::shell::ledger_event::EventPlace;
use ledger::shell::ledger_read::event::{self, EventRow};
use ledger::shell::ledger_read::{account, transaction};
use ledger::{AccountNo, Book, Event, NewAccount, Posting, Sequence, Transaction, TransactionNo};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Parameters, Reply, Schemas, named};
use super::super::stream::{Following, Form};
use super::super::wire::{Amount, SequenceToken, Time};
use super::look::LedgerPosting;
use super::shown::{AccountLimits, BalanceShown, Described, Kind, State, VelocityLimit, balances};
use crate::app::{App, views_problem};
use crate::pay::{HoldName, TransactionName};
use crate::problem::{Code, Problem};

/// Events read at a time.
const PAGE: u32 = 500;
/// How long a connection may be silent: proxies give up after a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Views move many times a second under load; nobody needs to be told so often.
const PAUSE: Duration = Duration::from_millis(20);
const TIME_MAX: Duration = Duration::from_hours(1);
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// From where on, and how long.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsAsked {
    /// The id of the last event you know, or the `sequence` of an answer; the header `Last-Event-ID` goes before it. Without it
    /// everything is told from the beginning.
    #[param(value_type = Option<String>)]
    after: Option<EventToken>,
    /// `false` tells what has happened and ends; otherwise what happens from then on follows.
    #[serde(default = "yes")]
    follow: bool,
    /// Wait until what was written at this place in the journal can be told.
    at_least: Option<SequenceToken>,
}

const fn yes() -> bool {
    true
}

impl Parameters for EventsAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
        named::<LedgerEvent>(schemas);
    }
}

/// The place of an event: a place in the journal, and a number in it. Without the number it is after all that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EventToken(EventPlace);

impl fmt::Display for EventToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", SequenceToken(self.0.sequence), self.0.position)
    }
}

impl FromStr for EventToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sequence, position) = match text.split_once('.') {
            Some((sequence, position)) => (sequence, position.parse().ok()),
            None => (text, Some(u32::MAX)),
        };
        let wrong = "an event's id is one that was told, unchanged";
        let SequenceToken(sequence) = sequence.parse().map_err(|_| wrong)?;
        let position = position.ok_or(wrong)?;
        Ok(Self(EventPlace { sequence, position }))
    }
}

impl Serialize for EventToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Something that happened in a book, and how the accounts that it moved then stood.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerEvent {
    /// Pass it as `after` to go on from here.
    #[schema(value_type = String, example = "seq_0000000000000000002a.0")]
    id: EventToken,
    at: Time,
    sequence: SequenceToken,
    #[serde(flatten)]
    what: What,
    balances: Vec<BalanceShown>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEventData)]
#[serde(tag = "type", content = "data")]
enum What {
    #[serde(rename = "account.opened")]
    AccountOpened {
        account: String,
        kind: Kind,
        currency: String,
        limits: AccountLimits,
    },
    #[serde(rename = "account.described")]
    AccountDescribed {
        account: String,
        description: Described,
    },
    #[serde(rename = "account.limits_set")]
    LimitsSet {
        account: String,
        limits: AccountLimits,
    },
    #[serde(rename = "account.velocity_set")]
    AccountVelocitySet {
        account: String,
        limits: Vec<VelocityLimit>,
    },
    #[serde(rename = "account.state_set")]
    StateSet { account: String, state: State },
    #[serde(rename = "account.class_set")]
    ClassSet { account: String, class: u16 },
    #[serde(rename = "class.velocity_set")]
    ClassVelocitySet {
        class: u16,
        limits: Vec<VelocityLimit>,
    },
    #[serde(rename = "book.set")]
    BookSet { name: String, offset_minutes: i16 },
    #[serde(rename = "period.closed")]
    PeriodClosed { before: Time },
    #[serde(rename = "transaction.posted")]
    TransactionPosted(PostedShown),
    #[serde(rename = "transaction.reversed")]
    TransactionReversed {
        id: TransactionName,
        by: TransactionName,
        /// Minor units of each posting that have been reversed in all.
        reversed: Vec<i64>,
    },
    #[serde(rename = "hold.created")]
    HoldCreated(HeldShown),
    #[serde(rename = "hold.captured")]
    HoldCaptured {
        id: HoldName,
        transaction: TransactionName,
        /// Minor units of each posting.
        amounts: Vec<i64>,
    },
    #[serde(rename = "hold.released")]
    HoldReleased { id: HoldName, amounts: Vec<i64> },
    #[serde(rename = "hold.expired")]
    HoldExpired { id: HoldName, amounts: Vec<i64> },
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEventTransaction)]
struct PostedShown {
    id: TransactionName,
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reference: Option<Box<str>>,
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: BTreeMap<Box<str>, Box<str>>,
    effective_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<TransactionName>,
    postings: Vec<LedgerPosting>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEventHold)]
struct HeldShown {
    id: HoldName,
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reference: Option<Box<str>>,
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: BTreeMap<Box<str>, Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    postings: Vec<LedgerPosting>,
}

pub(super) async fn events(ask: Ask<(), EventsAsked>) -> Result<Reply<Following>, Problem> {
    let book = ask.caller()?.book()?;
    let after = match ask.headers.get(&LAST_EVENT_ID) {
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            let token = text.parse::<EventToken>();
            let wrong = |error| {
                Problem::new(
                    Code::ParameterInvalid,
                    format!("Last-Event-ID is no place here: {error}."),
                )
            };
            Some(token.map_err(wrong)?)
        }
        None => ask.query.after,
    };
    let after = after.map_or_else(EventPlace::default, |token| token.0);
    if after.sequence > ask.app.handle.status().durable {
        let detail = "after is not the place of anything that has happened on this server.";
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let place = ask.app.followers.clone().try_acquire_owned();
    let Ok(place) = place else {
        let detail = "As many follow the events as the server can serve.";
        return Err(Problem::new(Code::Busy, detail));
    };
    let form = Form::accepted(&ask.headers);
    let tail = Tail {
        at_least: ask.query.at_least.map(|token| token.0),
        until: ask.query.follow.then(|| Instant::now() + TIME_MAX),
        app: ask.app,
        book,
        after,
        form,
        _place: place,
    };
    let pieces = stream::try_unfold(tail, Tail::next);
    Ok(Reply::new(Following::new(form, pieces)))
}

/// Somebody who follows, and up to where.
struct Tail {
    app: Arc<App>,
    book: Book,
    after: EventPlace,
    form: Form,
    at_least: Option<Sequence>,
    /// When it ends though more may happen; nothing for who only wants what has happened.
    until: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Tail {
    /// The next piece; none at the end.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let (text, seen) = self.read().await.map_err(|problem| broken(&problem))?;
            if !text.is_empty() {
                return Ok(Some((text.into(), self)));
            }
            let Some(until) = self.until else {
                return Ok(None);
            };
            let mut ending = self.app.ending.subscribe();
            let moved = self.app.handle.projected_at_least(seen.next(), HEARTBEAT);
            let moved = tokio::select! {
                moved = moved => moved,
                _ = ending.wait_for(|ending| *ending) => return Ok(None),
            };
            if Instant::now() >= until {
                return Ok(None);
            }
            if !moved {
                let heartbeat = Bytes::from_static(self.form.heartbeat());
                return Ok(Some((heartbeat, self)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The next events as text, and the place in the journal up to which there are no others before them.
    async fn read(&mut self) -> Result<(Vec<u8>, Sequence), Problem> {
        let mut reading = self.app.read_views(self.at_least.take()).await?;
        let seen = reading.watermark();
        let rows = event::after(&mut reading, self.book, self.after, PAGE).await;
        let mut rows = rows.map_err(|error| views_problem(&error))?;
        // What follows a transaction and is about it is told with it.
        let cut = |row: &EventRow| matches!(row.event, Event::Posted { .. });
        if rows.len() == PAGE as usize && rows.last().is_some_and(cut) {
            rows.pop();
        }
        let mut text = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while let Some(row) = rows.next() {
            self.after = row.place;
            let about = |next: &EventRow| matches!(next.event, Event::Detailed { .. });
            let details = match rows.next_if(about) {
                Some(EventRow {
                    place,
                    event: Event::Detailed { details, .. },
                    ..
                }) => {
                    self.after = place;
                    details
                }
                _ => Details::default(),
            };
            let telling = Telling {
                app: &self.app,
                book: self.book,
                reading: &mut reading,
            };
            if let Some(event) = telling.event(row, details).await? {
                let document =
                    serde_json::to_vec(&event).map_err(|error| Problem::internal(&error))?;
                self.form.put(&event.id, &document, &mut text);
            }
        }
        Ok((text, seen))
    }
}

/// The answer has begun; all that can still be said is that it broke off.
fn broken(problem: &Problem) -> io::Error {
    let cause = problem.cause.as_deref().unwrap_or(&problem.detail);
    tracing::error!(cause, "events could not be told");
    io::Error::other("the answer broke off")
}

/// Puts events into a caller's words.
struct Telling<'a> {
    app: &'a App,
    book: Book,
    reading: &'a mut Reading,
}

impl Telling<'_> {
    /// The event, if it is not told with another one.
    async fn event(
        mut self,
        row: EventRow,
        details: Details,
    ) -> Result<Option<LedgerEvent>, Problem> {
        let Some(what) = self.what(&row, details).await? else {
            return Ok(None);
        };
        Ok(Some(LedgerEvent {
            id: EventToken(row.place),
            at: Time(row.at),
            sequence: SequenceToken(row.place.sequence),
            what,
            balances: self.balances(&row.standings).await?,
        }))
    }

    async fn balances(
        &self,
        standings: &[(AccountNo, Standing)],
    ) -> Result<Vec<BalanceShown>, Problem> {
        balances(self.app, self.book, standings).await
    }

    async fn what(&mut self, row: &EventRow, details: Details) -> Result<Option<What>, Problem> {
        let what = match &row.event {
            Event::Opened(new) => self.opened(new).await?,
            Event::Described {
                account,
                description,
            } => What::AccountDescribed {
                account: self.name(*account).await?,
                description: description.clone().into(),
            },
            Event::LimitsSet { account, limits } => What::LimitsSet {
                account: self.name(*account).await?,
                limits: (*limits).into(),
            },
            Event::StateSet { account, state } => What::StateSet {
                account: self.name(*account).await?,
                state: (*state).into(),
            },
            Event::ClassSet { account, class } => What::ClassSet {
                account: self.name(*account).await?,
                class: class.0,
            },
            Event::AccountVelocitySet { account, limits } => What::AccountVelocitySet {
                account: self.name(*account).await?,
                limits: limits.iter().map(|limit| (*limit).into()).collect(),
            },
            Event::ClassVelocitySet { class, limits, .. } => What::ClassVelocitySet {
                class: class.0,
                limits: limits.iter().map(|limit| (*limit).into()).collect(),
            },
            Event::BookSet { settings, .. } => What::BookSet {
                name: settings.name.to_string(),
                offset_minutes: settings.offset_minutes,
            },
            Event::PeriodClosed { before, .. } => What::PeriodClosed {
                before: Time(*before),
            },
            Event::Posted { transaction, .. } => {
                let recorded = Time(row.at);
                self.posted(recorded, transaction, details).await?
            }
            Event::Held {
                hold,
                reference,
                metadata,
            } => self.held(hold, reference.clone(), metadata.clone()).await?,
            Event::Captured {
                hold,
                transaction,
                amounts,
                ..
            } => What::HoldCaptured {
                id: (*hold).into(),
                transaction: self.transaction(*transaction).await?,
                amounts: amounts.clone(),
            },
            Event::Released { hold, amounts, .. } => What::HoldReleased {
                id: (*hold).into(),
                amounts: amounts.clone(),
            },
            Event::Expired { hold, amounts, .. } => What::HoldExpired {
                id: (*hold).into(),
                amounts: amounts.clone(),
            },
            Event::Reversed {
                transaction,
                by,
                reversed,
            } => What::TransactionReversed {
                id: self.transaction(*transaction).await?,
                by: self.transaction(*by).await?,
                reversed: reversed.clone(),
            },
            // The first two are told with what they follow; the others belong to no book.
            Event::Named { .. }
            | Event::Detailed { .. }
            | Event::AssetRegistered(_)
            | Event::Counted { .. } => return Ok(None),
        };
        Ok(Some(what))
    }

    async fn opened(&mut self, new: &NewAccount) -> Result<What, Problem> {
        let row = account::by_id(self.reading, self.book, new.id).await;
        let row = row.map_err(|error| views_problem(&error))?;
        Ok(What::AccountOpened {
            account: row.map_or_else(|| new.id.to_string(), |row| row.name),
            kind: new.kind.into(),
            currency: new.currency.code().to_owned(),
            limits: new.limits.into(),
        })
    }

    async fn posted(
        &mut self,
        recorded: Time,
        transaction: &Transaction,
        details: Details,
    ) -> Result<What, Problem> {
        let corrects = match details.corrects {
            Some(no) => Some(self.transaction(no).await?),
            None => None,
        };
        Ok(What::TransactionPosted(PostedShown {
            id: transaction.id.into(),
            kind: transaction.kind,
            reference: transaction.reference.clone(),
            metadata: details.metadata,
            effective_at: details.effective.map_or(recorded, Time),
            corrects,
            postings: self.postings(&transaction.postings).await?,
        }))
    }

    async fn held(
        &mut self,
        hold: &Hold,
        reference: Option<Box<str>>,
        metadata: BTreeMap<Box<str>, Box<str>>,
    ) -> Result<What, Problem> {
        Ok(What::HoldCreated(HeldShown {
            id: hold.id.into(),
            kind: hold.kind,
            reference,
            metadata,
            expires_at: hold.due.map(Time),
            postings: self.postings(&hold.postings).await?,
        }))
    }

    async fn postings(&self, postings: &[Posting]) -> Result<Vec<LedgerPosting>, Problem> {
        let sides = postings
            .iter()
            .flat_map(|posting| [posting.debit, posting.credit]);
        let numbers: Vec<AccountNo> = sides.collect();
        let facts = self.app.account_facts(self.book, &numbers).await?;
        let shown = postings.iter().zip(facts.chunks_exact(2));
        let shown = shown.map(|(posting, sides)| LedgerPosting {
            debit: sides[0].name.to_string(),
            credit: sides[1].name.to_string(),
            amount: Amount::new(posting.amount.into(), sides[0].currency),
        });
        Ok(shown.collect())
    }

    async fn name(&self, no: AccountNo) -> Result<String, Problem> {
        let facts = self.app.account_facts(self.book, &[no]).await?;
        let name = facts.first().map(|facts| facts.name.to_string());
        name.ok_or_else(|| Problem::internal(&"an account that was asked for is missing"))
    }

    async fn transaction(&mut self, no: TransactionNo) -> Result<TransactionName, Problem> {
        let name = transaction::name_of(self.reading, no).await;
        let name = name.map_err(|error| views_problem(&error))?;
        let missing = || Problem::internal(&"a transaction that an event names is missing");
        Ok(name.ok_or_else(missing)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_id_is_read_back_and_a_sequence_is_after_all_of_it() {
        let place = |sequence, position| EventPlace {
            sequence: Sequence(sequence),
            position,
        };
        let token = EventToken(place(42, 7));
        assert_eq!(token.to_string(), "seq_0000000000000000002a.7");
        assert_eq!(token.to_string().parse(), Ok(token));
        let whole = "seq_0000000000000000002a".parse();
        assert_eq!(whole, Ok(EventToken(place(42, u32::MAX))));
        for text in [
            "",
            ".",
            "seq_2a.0",
            "seq_0000000000000000002a.",
            "seq_0000000000000000002a.x",
        ] {
            assert!(text.parse::<EventToken>().is_err(), "{text}");
        }
    }
}
