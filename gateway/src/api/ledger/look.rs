//! Looking things up: accounts, transactions, holds; transactions by what they say about themselves.

use std::collections::BTreeMap;

use ledger::core::{AccountName, HoldState};
use ledger::shell::Reading;
use ledger::shell::ledger_read::transaction::{self, Mark};
use ledger::shell::ledger_read::{AccountRow, HoldRow, Posted, account, hold};
use ledger::{AccountNo, Book, Posting, TransactionId, TransactionNo};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::super::page::{AtLeast, page, slice};
use super::super::wire::{Amount, Page, SequenceToken, Time};
use super::reading::{account_row, name_of};
use super::shown::{AccountShown, Described, VelocityLimit};
use crate::app::views_problem;
use crate::pay::{HoldName, TransactionName};
use crate::problem::{Code, Problem};
use crate::store::Cursor;
use crate::store::page::List;

/// An account with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerAccountFound {
    account: AccountShown,
    /// Its own velocity limits, then those of its class.
    velocity: Vec<VelocityLimit>,
    description: Described,
    sequence: SequenceToken,
}

/// The account as it stands at this moment.
pub(super) async fn account(ask: Ask<AccountName>) -> Replied<LedgerAccountFound> {
    let book = ask.caller()?.book()?;
    let name = ask.id;
    let (known, sequence) = ask
        .app
        .find_accounts(book, std::slice::from_ref(&name))
        .await?;
    let mut reading = ask.app.read_views(Some(sequence)).await?;
    let row = account_row(&mut reading, book, name.as_str()).await?;
    let Some(known) = known.first() else {
        return Err(Problem::internal(
            &"an account that was asked for is missing",
        ));
    };
    let found = LedgerAccountFound {
        account: AccountShown::of_known(known),
        velocity: known.velocity.iter().map(|limit| (*limit).into()).collect(),
        description: row.description.into(),
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(found)))
}

/// What a list of accounts is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountsListed {
    /// Only this account and those below it.
    branch: Option<String>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Begin after the account of this name: the last one of the page before.
    after: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for AccountsListed {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

/// An account in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerAccountLine {
    #[schema(example = "customers:alice")]
    name: String,
    kind: super::shown::Kind,
    state: super::shown::State,
    /// All that was posted, on the account's normal side.
    balance: Amount,
    description: Described,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerAccountLines {
    /// In the order of their names.
    data: Vec<LedgerAccountLine>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
    sequence: SequenceToken,
}

pub(super) async fn accounts(ask: Ask<(), AccountsListed>) -> Replied<LedgerAccountLines> {
    let book = ask.caller()?.book()?;
    let asked = &ask.query;
    let slice = slice(asked.limit, None, List::Accounts)?;
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let (branch, after) = (asked.branch.as_deref(), asked.after.as_deref());
    let (after, limit) = (after.unwrap_or_default(), slice.rows + 1);
    let rows = account::page(&mut reading, book, branch, after, limit).await;
    let mut rows = rows.map_err(|error| views_problem(&error))?;
    let more = rows.len() > slice.rows as usize;
    rows.truncate(slice.rows as usize);
    let next_after = rows.last().filter(|_| more).map(|row| row.name.clone());
    let line = |row: AccountRow| LedgerAccountLine {
        kind: row.kind.into(),
        state: row.state.into(),
        balance: Amount {
            amount: row.net(),
            currency: row.currency,
        },
        description: row.description.into(),
        name: row.name,
    };
    let sequence = reading.watermark();
    let answer = LedgerAccountLines {
        data: rows.into_iter().map(line).collect(),
        next_after,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct LedgerPosting {
    #[schema(example = "assets:bank:cny")]
    pub debit: String,
    #[schema(example = "customers:alice")]
    pub credit: String,
    pub amount: Amount,
}

/// A transaction as it was posted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerTransaction {
    id: TransactionName,
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: BTreeMap<Box<str>, Box<str>>,
    recorded_at: Time,
    effective_at: Time,
    postings: Vec<LedgerPosting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<TransactionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<TransactionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    captures: Option<HoldName>,
    reversed_by: Vec<TransactionName>,
    /// Minor units of each posting that have been reversed; empty as long as nothing has.
    reversed: Vec<i64>,
    /// The place in the journal.
    recorded_in: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerTransactionFound {
    transaction: LedgerTransaction,
    sequence: SequenceToken,
}

pub(super) async fn transaction(
    ask: Ask<TransactionName, AtLeast>,
) -> Replied<LedgerTransactionFound> {
    let book = ask.caller()?.book()?;
    let at_least = ask.query.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let no = transaction::number_of(&mut reading, book, ask.id.into()).await;
    let no = no.map_err(|error| views_problem(&error))?;
    let found = match no {
        Some(no) => read_transaction(&mut reading, no).await?,
        None => None,
    };
    let transaction = found.ok_or_else(|| {
        let detail = "There is no such transaction, or it is not yours.";
        Problem::new(Code::TransactionNotFound, detail)
    })?;
    let sequence = reading.watermark();
    let answer = LedgerTransactionFound {
        transaction,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

async fn read_transaction(
    reading: &mut Reading,
    no: TransactionNo,
) -> Result<Option<LedgerTransaction>, Problem> {
    let failed = |error| views_problem(&error);
    let Some(posted) = transaction::find(reading, no).await.map_err(failed)? else {
        return Ok(None);
    };
    let details = transaction::details(reading, no).await.map_err(failed)?;
    let postings = postings(reading, &posted.postings).await?;
    let Posted {
        id,
        kind,
        at,
        sequence,
        ..
    } = posted;
    Ok(Some(LedgerTransaction {
        id: id.into(),
        kind,
        recorded_at: Time(at),
        effective_at: Time(posted.effective_at()),
        reference: posted.reference,
        metadata: details.metadata,
        postings,
        corrects: details.corrects.map(Into::into),
        reverses: details.reverses.map(Into::into),
        captures: details.captures.map(Into::into),
        reversed_by: details.reversed_by.into_iter().map(Into::into).collect(),
        reversed: details.reversed,
        recorded_in: SequenceToken(sequence),
    }))
}

async fn postings(
    reading: &mut Reading,
    postings: &[Posting],
) -> Result<Vec<LedgerPosting>, Problem> {
    let sides = postings
        .iter()
        .flat_map(|posting| [posting.debit, posting.credit]);
    let mut numbers: Vec<AccountNo> = sides.collect();
    numbers.sort_unstable();
    numbers.dedup();
    let rows = account::by_number(reading, &numbers).await;
    let rows = rows.map_err(|error| views_problem(&error))?;
    let currency = |no| {
        let row = rows.iter().find(|row| row.no == no);
        row.map_or_else(String::new, |row| row.currency.clone())
    };
    let shown = postings.iter().map(|posting| LedgerPosting {
        debit: name_of(&rows, posting.debit),
        credit: name_of(&rows, posting.credit),
        amount: Amount {
            amount: posting.amount.into(),
            currency: currency(posting.debit),
        },
    });
    Ok(shown.collect())
}

/// What transactions are looked for by: a reference, or a pair of metadata.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchAsked {
    /// Exactly this reference.
    reference: Option<String>,
    /// The key of a pair of metadata; with `metadata_value`.
    metadata_key: Option<String>,
    metadata_value: Option<String>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for SearchAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn search(ask: Ask<(), SearchAsked>) -> Replied<Page<LedgerTransaction>> {
    let book = ask.caller()?.book()?;
    let asked = ask.query;
    let mark = match (asked.reference, asked.metadata_key, asked.metadata_value) {
        (Some(reference), None, None) => Mark::Reference(reference),
        (None, Some(key), Some(value)) => Mark::Metadata { key, value },
        _ => {
            let detail = "Name either reference, or metadata_key with metadata_value.";
            return Err(Problem::new(Code::ParameterInvalid, detail));
        }
    };
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::LedgerSearch)?;
    let before = TransactionNo(slice.after.map_or(u64::MAX, |after| after.first));
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let found = transaction::marked(&mut reading, book, &mark, before, slice.rows + 1).await;
    let found = found.map_err(|error| views_problem(&error))?;
    let (shown, next) = slice.cut(found, |last| Cursor {
        list: List::LedgerSearch,
        first: last.0,
        second: 0,
    });
    let mut data = Vec::with_capacity(shown.len());
    for no in shown {
        data.extend(read_transaction(&mut reading, no).await?);
    }
    Ok(page(data, next, reading.watermark()))
}

/// A hold as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerHold {
    id: HoldName,
    kind: u16,
    /// `open`, `captured`, `released` or `expired`.
    #[schema(example = "open")]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: BTreeMap<Box<str>, Box<str>>,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// What each posting held when it was made.
    postings: Vec<LedgerPosting>,
    /// Minor units of each posting that are still held.
    remaining: Vec<i64>,
    /// The transactions that captured of it, in order.
    captures: Vec<TransactionName>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerHoldFound {
    hold: LedgerHold,
    sequence: SequenceToken,
}

pub(super) async fn hold(ask: Ask<HoldName, AtLeast>) -> Replied<LedgerHoldFound> {
    let book = ask.caller()?.book()?;
    let at_least = ask.query.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let found = hold::find(&mut reading, book, ask.id.into()).await;
    let row = found
        .map_err(|error| views_problem(&error))?
        .ok_or_else(|| {
            Problem::new(
                Code::HoldNotFound,
                "There is no such hold, or it is not yours.",
            )
        })?;
    let hold = shown_hold(&mut reading, book, row).await?;
    let sequence = reading.watermark();
    let answer = LedgerHoldFound {
        hold,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

/// What a list of holds is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldsListed {
    /// The account that they hold from or for.
    account: String,
    /// `open`, `captured`, `released` or `expired`; all when not given.
    state: Option<String>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for HoldsListed {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn holds(ask: Ask<(), HoldsListed>) -> Replied<Page<LedgerHold>> {
    let book = ask.caller()?.book()?;
    let asked = ask.query;
    let known = ["open", "captured", "released", "expired"];
    if asked
        .state
        .as_deref()
        .is_some_and(|state| !known.contains(&state))
    {
        let detail = format!("state is one of {}.", known.join(", "));
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::LedgerHolds)?;
    let mut reading = ask
        .app
        .read_views(asked.at_least.map(|token| token.0))
        .await?;
    let account = account_row(&mut reading, book, &asked.account).await?;
    let after = TransactionId(slice.after.map_or(0, |after| after.second));
    let (state, limit) = (asked.state.as_deref(), slice.rows + 1);
    let rows = hold::of_account(&mut reading, account.no, state, after, limit).await;
    let rows = rows.map_err(|error| views_problem(&error))?;
    let (rows, next) = slice.cut(rows, |last| Cursor {
        list: List::LedgerHolds,
        first: 0,
        second: last.hold.id.0,
    });
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(shown_hold(&mut reading, book, row).await?);
    }
    Ok(page(data, next, reading.watermark()))
}

async fn shown_hold(
    reading: &mut Reading,
    book: Book,
    row: HoldRow,
) -> Result<LedgerHold, Problem> {
    let made: Vec<Posting> = row
        .hold
        .postings
        .iter()
        .zip(&row.amounts)
        .map(|(posting, amount)| Posting {
            amount: *amount,
            ..*posting
        })
        .collect();
    let captures = hold::captures(reading, book, row.hold.id).await;
    let captures = captures.map_err(|error| views_problem(&error))?;
    Ok(LedgerHold {
        id: row.hold.id.into(),
        kind: row.hold.kind,
        state: match row.hold.state {
            HoldState::Open => "open",
            HoldState::Captured => "captured",
            HoldState::Released => "released",
            HoldState::Expired => "expired",
        },
        reference: row.reference,
        metadata: row.metadata,
        created_at: Time(row.at),
        expires_at: row.hold.due.map(Time),
        postings: postings(reading, &made).await?,
        remaining: row
            .hold
            .postings
            .iter()
            .map(|posting| posting.amount)
            .collect(),
        captures: captures.into_iter().map(Into::into).collect(),
    })
}
