//! A book's events, put together into the lines of an export.

use std::collections::{BTreeMap, HashMap};

use ledger::core::{Description, Details, Hold, HoldState, VelocityLimit as Limit};
use ledger::shell::Reading;
use ledger::shell::ledger_event::EventPlace;
use ledger::shell::ledger_read::event::{self, EventRow};
use ledger::shell::ledger_read::{AccountRow, account, hold, transaction};
use ledger::{
    AccountNo, Book, Event, Posting, Timestamp, Transaction, TransactionId, TransactionNo,
};

use super::super::super::wire::{AskedAmount, Minor, Time};
use super::super::asked::PostingAsked;
use super::line::{
    AccountLine, ClassLine, HoldLine, Line, PeriodLine, ReleaseLine, StateLine, TransactionLine,
};
use crate::app::{App, views_problem};
use crate::problem::Problem;

/// Events read at a time.
const PAGE: u32 = 1_000;

/// Something that happened, with what belongs to it.
struct Group {
    row: EventRow,
    details: Details,
    /// Whether it captured or reversed something.
    about: Option<Event>,
}

/// Reads a book from its beginning.
pub(super) struct Facts<'a> {
    pub(super) app: &'a App,
    pub(super) book: Book,
    pub(super) reading: &'a mut Reading,
    after: EventPlace,
    done: bool,
    /// How much of each posting had been reversed of transactions that are not reversed in full.
    reversed: HashMap<TransactionNo, Vec<i64>>,
    /// What the tables of accounts do not say.
    classes: HashMap<AccountNo, u16>,
    velocities: HashMap<AccountNo, Vec<Limit>>,
    class_velocities: BTreeMap<u16, Vec<Limit>>,
    closed_before: Option<Timestamp>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(app: &'a App, book: Book, reading: &'a mut Reading) -> Self {
        Self {
            app,
            book,
            reading,
            after: EventPlace::default(),
            done: false,
            reversed: HashMap::new(),
            classes: HashMap::new(),
            velocities: HashMap::new(),
            class_velocities: BTreeMap::new(),
            closed_before: None,
        }
    }

    /// The lines of the next events; none at the end of history.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Line>>, Problem> {
        if self.done {
            return Ok(None);
        }
        let rows = event::after(self.reading, self.book, self.after, PAGE).await;
        let rows = rows.map_err(|error| views_problem(&error))?;
        self.done = rows.len() < PAGE as usize;
        let mut groups = grouped(rows);
        // What belongs to the last one may be on the next page.
        if !self.done {
            groups.pop();
        }
        let mut lines = Vec::with_capacity(groups.len());
        for (group, place) in groups {
            self.after = place;
            lines.extend(self.line(group).await?);
        }
        Ok(Some(lines))
    }

    async fn line(&mut self, group: Group) -> Result<Option<Line>, Problem> {
        let Group {
            row,
            details,
            about,
        } = group;
        let at = Time(row.at);
        Ok(Some(match row.event {
            Event::Opened(new) => {
                let found = account::by_id(self.reading, self.book, new.id).await;
                let found = found.map_err(|error| views_problem(&error))?;
                Line::Account(AccountLine {
                    name: found.map_or_else(|| new.id.to_string(), |row| row.name),
                    kind: new.kind.into(),
                    currency: new.currency.code().to_owned(),
                })
            }
            Event::Posted { transaction, .. } => {
                let line = self.posted(at, transaction, details, about).await?;
                Line::Transaction(line)
            }
            Event::Held {
                hold,
                reference,
                metadata,
            } => Line::Hold(HoldLine {
                id: hold.id.into(),
                kind: hold.kind,
                reference,
                metadata,
                created_at: at,
                expires_at: self.open_until(&hold).await?.map(Time),
                postings: self.postings(&hold.postings).await?,
            }),
            Event::Released { hold, .. } => Line::Release(ReleaseLine {
                hold: hold.into(),
                at,
                expired: false,
            }),
            Event::Expired { hold, .. } => Line::Release(ReleaseLine {
                hold: hold.into(),
                at,
                expired: true,
            }),
            Event::ClassSet { account, class } => {
                self.classes.insert(account, class.0);
                return Ok(None);
            }
            Event::AccountVelocitySet { account, limits } => {
                self.velocities.insert(account, limits);
                return Ok(None);
            }
            Event::ClassVelocitySet { class, limits, .. } => {
                self.class_velocities.insert(class.0, limits);
                return Ok(None);
            }
            Event::PeriodClosed { before, .. } => {
                self.closed_before = Some(before);
                return Ok(None);
            }
            // How things stand at the end is read from the tables; the others are told with what they follow.
            _ => return Ok(None),
        }))
    }

    async fn posted(
        &mut self,
        recorded_at: Time,
        transaction: Transaction,
        details: Details,
        about: Option<Event>,
    ) -> Result<TransactionLine, Problem> {
        let mut line = TransactionLine {
            id: transaction.id.into(),
            kind: transaction.kind,
            reference: transaction.reference,
            metadata: details.metadata,
            recorded_at,
            effective_at: details.effective.map_or(recorded_at, Time),
            corrects: None,
            reverses: None,
            captures: None,
            amounts: None,
            postings: self.postings(&transaction.postings).await?,
        };
        if let Some(no) = details.corrects {
            line.corrects = Some(self.earlier(no).await?.0.into());
        }
        match about {
            Some(Event::Captured { hold, amounts, .. }) => {
                line.captures = Some(hold.into());
                line.amounts = Some(self.of_what_was_held(hold, amounts).await?);
            }
            Some(Event::Reversed {
                transaction,
                reversed,
                ..
            }) => {
                let (id, postings) = self.earlier(transaction).await?;
                line.reverses = Some(id.into());
                line.amounts = Some(self.now_reversed(transaction, &postings, reversed));
            }
            _ => {}
        }
        Ok(line)
    }

    /// What this reversal takes of each posting, where all that was taken is told.
    fn now_reversed(
        &mut self,
        no: TransactionNo,
        postings: &[Posting],
        total: Vec<i64>,
    ) -> Vec<i64> {
        let before = self.reversed.remove(&no).unwrap_or_default();
        let before = before.iter().copied().chain(std::iter::repeat(0));
        let now = total
            .iter()
            .zip(before)
            .map(|(total, before)| total - before);
        let now = now.collect();
        let mut pairs = postings.iter().zip(&total);
        if pairs.any(|(posting, total)| posting.amount > *total) {
            self.reversed.insert(no, total);
        }
        now
    }

    /// A hold of what there is may have postings that hold nothing; they are left out, and so are their amounts.
    async fn of_what_was_held(
        &mut self,
        id: TransactionId,
        amounts: Vec<i64>,
    ) -> Result<Vec<i64>, Problem> {
        let row = hold::find(self.reading, self.book, id).await;
        let row = row.map_err(|error| views_problem(&error))?;
        let Some(row) = row else {
            return Err(Problem::internal(&"a hold that was captured is missing"));
        };
        let pairs = amounts.into_iter().zip(row.amounts);
        let held = pairs.filter(|(_, held)| *held > 0);
        Ok(held.map(|(amount, _)| amount).collect())
    }

    /// When a hold expires, if it is still open and ever does.
    async fn open_until(&mut self, made: &Hold) -> Result<Option<Timestamp>, Problem> {
        let Some(due) = made.due else {
            return Ok(None);
        };
        let row = hold::find(self.reading, self.book, made.id).await;
        let row = row.map_err(|error| views_problem(&error))?;
        let is_open = row.is_some_and(|row| row.hold.state == HoldState::Open);
        Ok(is_open.then_some(due))
    }

    async fn earlier(
        &mut self,
        no: TransactionNo,
    ) -> Result<(TransactionId, Vec<Posting>), Problem> {
        let found = transaction::find(self.reading, no).await;
        let found = found.map_err(|error| views_problem(&error))?;
        let missing = || Problem::internal(&"a transaction that another one names is missing");
        let found = found.ok_or_else(missing)?;
        Ok((found.id, found.postings))
    }

    /// Those postings that move something, by the names of their accounts.
    async fn postings(&mut self, postings: &[Posting]) -> Result<Vec<PostingAsked>, Problem> {
        let moving: Vec<&Posting> = postings.iter().filter(|one| one.amount > 0).collect();
        let sides = moving
            .iter()
            .flat_map(|posting| [posting.debit, posting.credit]);
        let numbers: Vec<AccountNo> = sides.collect();
        let facts = self.app.account_facts(self.book, &numbers).await?;
        let shown = moving.iter().zip(facts.chunks_exact(2));
        let shown = shown.map(|(posting, sides)| PostingAsked {
            debit: sides[0].name.to_string(),
            credit: sides[1].name.to_string(),
            amount: AskedAmount {
                amount: Minor::Whole(posting.amount),
                currency: sides[0].currency.code().to_owned(),
            },
        });
        Ok(shown.collect())
    }

    /// Velocity limits of classes, once history is read.
    pub(super) fn class_lines(&self) -> Vec<Line> {
        let line = |(class, limits): (&u16, &Vec<Limit>)| {
            Line::Class(ClassLine {
                class: *class,
                velocity: limits.iter().map(|limit| (*limit).into()).collect(),
            })
        };
        self.class_velocities.iter().map(line).collect()
    }

    pub(super) fn period_line(&self) -> Option<Line> {
        let closed_before = Time(self.closed_before?);
        Some(Line::Period(PeriodLine { closed_before }))
    }

    /// How an account stands, once history is read.
    pub(super) fn state_line(&self, row: &AccountRow) -> StateLine {
        let velocity = self.velocities.get(&row.no).map_or(&[][..], Vec::as_slice);
        let balance = i64::try_from(row.net()).ok().map(|amount| AskedAmount {
            amount: Minor::Whole(amount),
            currency: row.currency.clone(),
        });
        StateLine {
            account: row.name.clone(),
            balance,
            limits: row.limits.into(),
            state: row.state.into(),
            class: self.classes.get(&row.no).copied().unwrap_or_default(),
            velocity: velocity.iter().map(|limit| (*limit).into()).collect(),
            description: Description::clone(&row.description).into(),
        }
    }
}

/// Events with what belongs to them, each with the place of the last of it.
fn grouped(rows: Vec<EventRow>) -> Vec<(Group, EventPlace)> {
    let mut groups: Vec<(Group, EventPlace)> = Vec::new();
    for row in rows {
        let place = row.place;
        match (row.event, groups.last_mut()) {
            (Event::Detailed { details, .. }, Some((group, last))) => {
                (group.details, *last) = (details, place);
            }
            (about @ (Event::Captured { .. } | Event::Reversed { .. }), Some((group, last))) => {
                (group.about, *last) = (Some(about), place);
            }
            (event, _) => {
                let group = Group {
                    row: EventRow { event, ..row },
                    details: Details::default(),
                    about: None,
                };
                groups.push((group, place));
            }
        }
    }
    groups
}
