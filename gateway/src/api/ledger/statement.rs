//! An account's statement: what it had, what happened on it, what it then has.

use ledger::Timestamp;
use ledger::core::AccountName;
use ledger::shell::Reading;
use ledger::shell::ledger_read::statement::{self, Entry, Filter, Of, Place, Side, Span};
use ledger::shell::ledger_read::{AccountRow, account};
use ledger::{AccountNo, TransactionNo};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::super::page::slice;
use super::super::wire::{Amount, SequenceToken, Time};
use super::reading::{ByTime, account_row, name_of, until};
use crate::app::views_problem;
use crate::pay::TransactionName;
use crate::problem::Problem;
use crate::store::Cursor;
use crate::store::page::List;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SideAsked {
    Debit,
    Credit,
}

/// What of a statement is to be shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementAsked {
    /// From this moment on; from the beginning when not given.
    from: Option<Time>,
    /// Before this moment; to the end when not given.
    until: Option<Time>,
    /// Which time of transactions orders the lines and counts for `from` and `until`; `recorded` when not given.
    #[serde(default)]
    #[param(inline)]
    by: ByTime,
    /// Only transactions of this kind of yours.
    kind: Option<u16>,
    /// Only what was debited, or credited.
    #[param(inline)]
    side: Option<SideAsked>,
    /// Only postings with this account on the other side.
    counterparty: Option<String>,
    /// Only transactions with exactly this reference.
    reference: Option<String>,
    /// Only postings of at least so many minor units.
    amount_min: Option<i64>,
    /// Only postings of at most so many minor units.
    amount_max: Option<i64>,
    /// How many lines to show, 1 to 100; 20 when not given. A page ends with a transaction, so it may be longer; under
    /// filters it may be shorter.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the views show what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for StatementAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
        named::<Time>(schemas);
    }
}

/// One side of a posting, on the account of the statement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerStatementLine {
    transaction: TransactionName,
    /// Your own code for what kind of transaction this is.
    kind: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    recorded_at: Time,
    effective_at: Time,
    /// `debit` or `credit`.
    #[schema(example = "credit")]
    side: &'static str,
    /// The account on the other side.
    #[schema(example = "assets:bank:cny")]
    counterparty: String,
    amount: Amount,
    /// The account's balance after it, on its normal side, in the order of this statement.
    balance: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerStatement {
    #[schema(example = "customers:alice")]
    account: String,
    /// The balance before all of the span.
    opening: Amount,
    lines: Vec<LedgerStatementLine>,
    /// The balance after all of the span, whatever is on this page.
    closing: Amount,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    sequence: SequenceToken,
}

pub(super) async fn statement(ask: Ask<AccountName, StatementAsked>) -> Replied<LedgerStatement> {
    let book = ask.caller()?.book()?;
    let asked = &ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::LedgerStatement)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let account = account_row(&mut reading, book, ask.id.as_str()).await?;
    let counterparty = match &asked.counterparty {
        Some(name) => Some(account_row(&mut reading, book, name).await?.no),
        None => None,
    };
    let span = Span {
        kind: asked.by.into(),
        from: asked.from.map_or(Timestamp::ZERO, |time| time.0),
        until: until(asked.until),
    };
    let of = Of {
        account: account.no,
        kind: account.kind,
    };
    let filter = filter(asked, counterparty);
    let after = slice.after.map(|cursor| Place {
        at: Timestamp(cursor.first),
        transaction: TransactionNo(u64::try_from(cursor.second).unwrap_or(u64::MAX)),
    });
    let found = statement::read(&mut reading, of, span, &filter, after, slice.rows).await;
    let found = found.map_err(|error| views_problem(&error))?;
    let lines = shown(&mut reading, &account, found.entries).await?;
    let amount = |amount| Amount {
        amount,
        currency: account.currency.clone(),
    };
    let next = found.next.map(|place| Cursor {
        list: List::LedgerStatement,
        first: place.at.0,
        second: place.transaction.0.into(),
    });
    let sequence = reading.watermark();
    let answer = LedgerStatement {
        opening: amount(found.opening),
        lines,
        closing: amount(found.closing),
        next_cursor: next.map(Cursor::write),
        sequence: SequenceToken(sequence),
        account: account.name.clone(),
    };
    Ok(Reply::as_of(sequence, Json(answer)))
}

fn filter(asked: &StatementAsked, counterparty: Option<AccountNo>) -> Filter {
    Filter {
        kind: asked.kind,
        side: asked.side.map(|side| match side {
            SideAsked::Debit => Side::Debit,
            SideAsked::Credit => Side::Credit,
        }),
        counterparty,
        reference: asked.reference.clone(),
        amount_min: asked.amount_min,
        amount_max: asked.amount_max,
    }
}

async fn shown(
    reading: &mut Reading,
    account: &AccountRow,
    entries: Vec<Entry>,
) -> Result<Vec<LedgerStatementLine>, Problem> {
    let mut others: Vec<AccountNo> = entries.iter().map(|entry| entry.line.other).collect();
    others.sort_unstable();
    others.dedup();
    let others = account::by_number(reading, &others).await;
    let others = others.map_err(|error| views_problem(&error))?;
    let amount = |amount| Amount {
        amount,
        currency: account.currency.clone(),
    };
    let line = |Entry { line, posted }: Entry| LedgerStatementLine {
        transaction: posted.id.into(),
        kind: posted.kind,
        recorded_at: Time(posted.at),
        effective_at: Time(posted.effective_at()),
        reference: posted.reference,
        side: if line.debit > 0 { "debit" } else { "credit" },
        counterparty: name_of(&others, line.other),
        amount: amount(line.debit.max(line.credit).into()),
        balance: amount(line.balance),
    };
    Ok(entries.into_iter().map(line).collect())
}
