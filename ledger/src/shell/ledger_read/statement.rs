//! Statements: what an account had, what happened on it, what it then has.
//!
//! Lines come in the order of recording or of effective dates, each with the balance after it in that order. A page
//! ends with a transaction, never within one; a filter leaves lines out and changes no balance.

use super::balance::{self, TimeKind as Kind};
use super::column::sql;
use super::line::{self, Line};
use super::transaction::{self, Posted, last_through};
use crate::core::{AccountKind, AccountNo, TransactionNo};
use crate::shell::sql::Query;
use crate::shell::views::Reading;
use crate::time::Timestamp;

pub use super::balance::TimeKind;

/// Lines read at a time.
const CHUNK: u32 = 256;
/// Lines looked at for one page: a filter that lets hardly anything through gives short pages rather than slow ones.
pub const LINES_LOOKED_AT_MAX: usize = 20_000;

/// The time that is asked for: from a moment on and before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub kind: TimeKind,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The account whose statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Of {
    pub account: AccountNo,
    pub kind: AccountKind,
}

/// Where a page ended: after this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its time, of the kind that orders the statement.
    pub at: Timestamp,
    pub transaction: TransactionNo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Debit,
    Credit,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub kind: Option<u16>,
    pub side: Option<Side>,
    pub counterparty: Option<AccountNo>,
    pub reference: Option<String>,
    pub amount_min: Option<i64>,
    pub amount_max: Option<i64>,
}

impl Filter {
    fn wants_line(&self, line: &Line) -> bool {
        let amount = line.debit.max(line.credit);
        let side = match self.side {
            None => true,
            Some(Side::Debit) => line.debit > 0,
            Some(Side::Credit) => line.credit > 0,
        };
        side && self.counterparty.is_none_or(|other| other == line.other)
            && self.amount_min.is_none_or(|minimum| amount >= minimum)
            && self.amount_max.is_none_or(|maximum| amount <= maximum)
    }

    fn wants(&self, posted: &Posted) -> bool {
        self.kind.is_none_or(|kind| kind == posted.kind)
            && (self.reference.is_none() || self.reference == posted.reference)
    }
}

/// A line with the transaction that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub line: Line,
    pub posted: Posted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The balance before everything in the span.
    pub opening: i128,
    pub entries: Vec<Entry>,
    /// The balance after everything in the span, whatever is on this page.
    pub closing: i128,
    /// Where the next page goes on.
    pub next: Option<Place>,
}

/// A page of a statement.
pub async fn read(
    reading: &mut Reading,
    of: Of,
    span: Span,
    filter: &Filter,
    after: Option<Place>,
    limit: u32,
) -> Result<Statement, sqlx::Error> {
    let opening = balance_before(reading, of, span.kind, span.from).await?;
    let closing = balance_before(reading, of, span.kind, span.until).await?;
    let mut page = Page {
        of,
        span,
        filter,
        limit: limit as usize,
        entries: Vec::new(),
        looked_at: 0,
    };
    let next = match span.kind {
        Kind::Recorded => page.by_recording(reading, after).await?,
        Kind::Effective => page.by_effect(reading, after).await?,
    };
    Ok(Statement {
        opening,
        entries: page.entries,
        closing,
        next,
    })
}

/// The last transaction recorded before a moment.
async fn last_before(reading: &mut Reading, at: Timestamp) -> Result<TransactionNo, sqlx::Error> {
    match at.0.checked_sub(1) {
        Some(before) => last_through(reading, Timestamp(before)).await,
        None => Ok(TransactionNo(0)),
    }
}

async fn balance_before(
    reading: &mut Reading,
    of: Of,
    kind: TimeKind,
    at: Timestamp,
) -> Result<i128, sqlx::Error> {
    let recorded = last_before(reading, at).await?;
    match kind {
        Kind::Recorded => line::balance_through(reading, of.account, recorded).await,
        Kind::Effective => {
            let place = (Timestamp(at.0.saturating_sub(1)), TransactionNo(u64::MAX));
            balance::effective(reading, of.account, of.kind, recorded, place).await
        }
    }
}

struct Page<'a> {
    of: Of,
    span: Span,
    filter: &'a Filter,
    limit: usize,
    entries: Vec<Entry>,
    looked_at: usize,
}

impl Page<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.looked_at >= LINES_LOOKED_AT_MAX
    }

    /// Takes the lines of one transaction.
    fn take(&mut self, lines: Vec<Line>, posted: &Posted) {
        self.looked_at += lines.len();
        if !self.filter.wants(posted) {
            return;
        }
        let wanted = lines
            .into_iter()
            .filter(|line| self.filter.wants_line(line));
        self.entries.extend(wanted.map(|line| Entry {
            line,
            posted: posted.clone(),
        }));
    }

    async fn by_recording(
        &mut self,
        reading: &mut Reading,
        after: Option<Place>,
    ) -> Result<Option<Place>, sqlx::Error> {
        let last = last_before(reading, self.span.until).await?;
        let first = match after {
            Some(place) => place.transaction,
            None => last_before(reading, self.span.from).await?,
        };
        let mut recorded = Recorded::new(self.of.account, first, last);
        while let Some((posted, lines)) = recorded.next(reading).await? {
            if self.is_full() {
                let before = recorded.before;
                return Ok(Some(Place {
                    at: Timestamp(0),
                    transaction: before,
                }));
            }
            self.take(lines, &posted);
        }
        Ok(None)
    }

    /// Merges what took effect when it was recorded with what was dated back.
    async fn by_effect(
        &mut self,
        reading: &mut Reading,
        after: Option<Place>,
    ) -> Result<Option<Place>, sqlx::Error> {
        let start = after.unwrap_or(Place {
            at: Timestamp(self.span.from.0.saturating_sub(1)),
            transaction: TransactionNo(u64::MAX),
        });
        let before = last_before(reading, start.at).await?;
        let through = last_through(reading, start.at).await?;
        let first = start.transaction.clamp(before, through);
        let last = last_before(reading, self.span.until).await?;
        let place = (start.at, start.transaction);
        let (account, kind) = (self.of.account, self.of.kind);
        let mut balance = balance::effective(reading, account, kind, first, place).await?;
        let mut on_time = OnTime(Recorded::new(account, first, last));
        let mut dated_back = DatedBack {
            account,
            after: start,
            until: self.span.until,
        };
        let (mut one, mut other) = (
            on_time.next(reading).await?,
            dated_back.next(reading).await?,
        );
        let mut done = start;
        loop {
            let key = |found: &Option<Found>| found.as_ref().map(|(posted, _)| place_of(posted));
            let next_is_on_time = match (key(&one), key(&other)) {
                (None, None) => return Ok(None),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(one), Some(other)) => one < other,
            };
            if self.is_full() {
                return Ok(Some(done));
            }
            let next = if next_is_on_time {
                std::mem::replace(&mut one, on_time.next(reading).await?)
            } else {
                std::mem::replace(&mut other, dated_back.next(reading).await?)
            };
            let Some((posted, mut lines)) = next else {
                return Ok(None);
            };
            for line in &mut lines {
                let raised = i128::from(line.debit) - i128::from(line.credit);
                balance += if kind.is_debit_normal() {
                    raised
                } else {
                    -raised
                };
                line.balance = balance;
            }
            done = place_of(&posted);
            self.take(lines, &posted);
        }
    }
}

/// A transaction's place by effective date.
fn place_of(posted: &Posted) -> Place {
    Place {
        at: posted.effective_at(),
        transaction: posted.no,
    }
}

/// A transaction, and its lines on the account.
type Found = (Posted, Vec<Line>);

/// The transactions on an account in the order of recording.
struct Recorded {
    account: AccountNo,
    /// The transaction before the next one.
    before: TransactionNo,
    at: TransactionNo,
    last: TransactionNo,
    ready: std::vec::IntoIter<Line>,
}

impl Recorded {
    fn new(account: AccountNo, after: TransactionNo, last: TransactionNo) -> Self {
        Self {
            account,
            before: after,
            at: after,
            last,
            ready: Vec::new().into_iter(),
        }
    }

    async fn next(&mut self, reading: &mut Reading) -> Result<Option<Found>, sqlx::Error> {
        if self.ready.as_slice().is_empty() {
            let lines = line::lines(reading, self.account, self.at, self.last, CHUNK).await?;
            self.ready = lines.into_iter();
        }
        let Some(first) = self.ready.next() else {
            return Ok(None);
        };
        let mut lines = vec![first];
        while let Some(line) = self.ready.as_slice().first().copied()
            && line.transaction == first.transaction
        {
            lines.push(line);
            self.ready.next();
        }
        (self.before, self.at) = (self.at, first.transaction);
        let posted = transaction::find(reading, first.transaction).await?;
        let posted = posted.ok_or(sqlx::Error::RowNotFound)?;
        Ok(Some((posted, lines)))
    }
}

/// Those of them that took effect when they were recorded.
struct OnTime(Recorded);

impl OnTime {
    async fn next(&mut self, reading: &mut Reading) -> Result<Option<Found>, sqlx::Error> {
        loop {
            match self.0.next(reading).await? {
                Some((posted, _)) if posted.effective.is_some() => {}
                found => return Ok(found),
            }
        }
    }
}

/// Those that were dated back, in the order of their effective dates.
struct DatedBack {
    account: AccountNo,
    after: Place,
    until: Timestamp,
}

impl DatedBack {
    async fn next(&mut self, reading: &mut Reading) -> Result<Option<Found>, sqlx::Error> {
        let next = reading
            .connection()
            .first(
                Query::new(
                    "select effective, transaction_no from effective_postings
            where account_no = $1 and effective < $4
                and (effective > $2 or (effective = $2 and transaction_no > $3))
            order by effective, transaction_no limit 1",
                )
                .bind(i64::from(self.account.0))
                .bind(sql(self.after.at.0))
                .bind(sql(self.after.transaction.0))
                .bind(sql(self.until.0)),
            )
            .await?;
        let Some(next) = next else {
            return Ok(None);
        };
        let no = TransactionNo(next.get::<i64>("transaction_no")?.cast_unsigned());
        self.after = Place {
            at: Timestamp(next.get::<i64>("effective")?.cast_unsigned()),
            transaction: no,
        };
        let posted = transaction::find(reading, no).await?;
        let posted = posted.ok_or(sqlx::Error::RowNotFound)?;
        let before = TransactionNo(no.0 - 1);
        let lines = line::lines(reading, self.account, before, no, CHUNK).await?;
        Ok(Some((posted, lines)))
    }
}
