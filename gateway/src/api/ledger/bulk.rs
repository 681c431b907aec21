//! Many transactions in one request: each for itself, or all or none.
//!
//! Each has a key of its own, made from the request's key and its place, so a retry of the whole request gets every
//! first answer again and does what was left undone. Answers are written as they come, so who goes away early leaves
//! some undone.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use axum::body::Bytes;
use axum::http::HeaderMap;
use futures_util::stream;
use ledger::core::Step;
use ledger::shell::Committed;
use ledger::{Book, Command, Outcome, Submission, TransactionId, Unique};
use serde::{Deserialize, Serialize};
use utoipa::openapi::content::Content;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Body, Parameters, Reply, Schemas, named};
use super::super::once;
use super::super::refused::submit_problem;
use super::super::stream::Lines;
use super::super::wire::SequenceToken;
use super::asked::{Named, Read, TransactionAsked};
use super::command::{Order, Place, WriteAsked, explain};
use super::shown::{BalanceShown, balances};
use super::transaction::{Naming, earlier};
use crate::app::{App, LedgerDone};
use crate::auth::Caller;
use crate::pay::{Command as PayCommand, Payments, TransactionName};
use crate::problem::{Code, Problem, field_at_fault, pointer};

/// Transactions in one request.
const TRANSACTIONS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
/// Transactions done at a time, whose answers are then written.
const PIECE: usize = 1_000;
/// How long they may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Whether they happen each for itself.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkAsked {
    /// `true` posts all of them or none, at most 8,190 postings.
    #[serde(default)]
    all_or_none: bool,
}

impl Parameters for BulkAsked {
    fn schemas(_: &mut Schemas) {}
}

/// A JSON array of transactions, or one on each line.
#[derive(Debug)]
pub(super) struct Batch(Vec<TransactionAsked>);

impl Body for Batch {
    const BYTES_MAX: usize = BYTES_MAX;

    fn read(_: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        let batch: Vec<TransactionAsked> = if body.trim_ascii_start().starts_with(b"[") {
            array(&body)?
        } else {
            let lines = body.split(|byte| *byte == b'\n').zip(1..);
            let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
            let items = lines.zip(0..).map(|((line, number), place)| {
                serde_json::from_slice(line).map_err(|error| unreadable(place, number, &error))
            });
            items.collect::<Result<_, _>>()?
        };
        match batch.len() {
            0 => Err(Problem::new(
                Code::TransactionsMissing,
                "There is no transaction in the request.",
            )),
            1..=TRANSACTIONS_MAX => Ok(Self(batch)),
            _ => Err(Problem::new(
                Code::BodyTooLarge,
                format!("At most {TRANSACTIONS_MAX} transactions are taken at once."),
            )),
        }
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let one = named::<TransactionAsked>(schemas);
        let many = ArrayBuilder::new()
            .items(one)
            .max_items(Some(TRANSACTIONS_MAX));
        let body = RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(Schema::from(many))))
            .content("application/x-ndjson", Content::new(None::<RefOr<Schema>>))
            .required(Some(Required::True));
        Some(body.build())
    }
}

fn array(body: &[u8]) -> Result<Vec<TransactionAsked>, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let batch = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let at = pointer(error.path());
        read_problem(at, error.inner(), &format!("line {}", error.inner().line()))
    })?;
    reader
        .end()
        .map_err(|error| read_problem(String::new(), &error, "the end"))?;
    Ok(batch)
}

/// A line that holds no transaction: the place in the request, and the number of the line.
fn unreadable(place: usize, number: usize, error: &serde_json::Error) -> Problem {
    read_problem(format!("/{place}"), error, &format!("line {number}"))
}

fn read_problem(pointer: String, error: &serde_json::Error, place: &str) -> Problem {
    if error.is_data() {
        let problem = field_at_fault(pointer, error);
        let detail = format!("At {place}: {}.", problem.detail);
        return Problem {
            detail: detail.into(),
            ..problem
        };
    }
    let detail = format!(
        "The body is neither a JSON array nor lines of JSON: at {place}, {}.",
        error
            .to_string()
            .split(" at line ")
            .next()
            .unwrap_or_default()
    );
    Problem::new(Code::MalformedJson, detail)
}

/// What became of one transaction: a line of the answer.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct LedgerBulkLine {
    /// Its place in the request, from 0. The last line of all-or-none has none: it says how all accounts then stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<TransactionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amounts: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balances: Option<Vec<BalanceShown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<SequenceToken>,
    /// The code of a refusal, and what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl LedgerBulkLine {
    fn refused(index: usize, problem: &Problem) -> Self {
        Self {
            index: Some(index),
            code: Some(problem.code.as_str()),
            detail: Some(problem.detail.to_string()),
            ..Self::default()
        }
    }
}

pub(super) async fn post(ask: Ask<(), BulkAsked, Batch>) -> Result<Reply<Lines>, Problem> {
    let caller = ask.caller()?;
    let once = ask
        .once
        .ok_or_else(|| Problem::internal(&"a write without a key"))?;
    let Batch(batch) = ask.body;
    if ask.query.all_or_none {
        let lines = together(&ask.app, &caller, once, &batch).await?;
        let text = written(&lines);
        return Ok(Reply::new(Lines::new(stream::once(async { text }))));
    }
    let rest = Rest {
        app: ask.app,
        caller,
        book: caller.book()?,
        once,
        batch: batch.into_iter(),
        index: 0,
    };
    let pieces = stream::unfold(rest, |mut rest| async {
        let lines = rest.next().await?;
        Some((written(&lines), rest))
    });
    Ok(Reply::new(Lines::new(pieces)))
}

fn written(lines: &[LedgerBulkLine]) -> io::Result<Bytes> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text.into())
}

/// A transaction of the request, read.
struct Item {
    id: TransactionId,
    keys: Vec<Unique>,
    step: Step,
    accounts: Named,
}

async fn read(
    app: &App,
    book: Book,
    once: Unique,
    asked: &TransactionAsked,
    pointer: &str,
) -> Result<Item, Problem> {
    let name = Naming::new(book, Some(once), asked.id.map(Into::into), asked)?;
    let corrects = match asked.corrects {
        Some(id) => Some(earlier(app, book, id).await?),
        None => None,
    };
    let Read { step, accounts } = asked.read(app, name.id, corrects, pointer).await?;
    Ok(Item {
        id: name.id,
        keys: name.keys,
        step,
        accounts,
    })
}

/// Those that are left of many that happen each for itself.
struct Rest {
    app: Arc<App>,
    caller: Caller,
    book: Book,
    once: Unique,
    batch: vec::IntoIter<TransactionAsked>,
    /// The place in the request of the next one.
    index: usize,
}

impl Rest {
    /// Does the next ones and says what became of them; none when all are done.
    async fn next(&mut self) -> Option<Vec<LedgerBulkLine>> {
        let (app, book) = (self.app.clone(), self.book);
        let piece: Vec<TransactionAsked> = self.batch.by_ref().take(PIECE).collect();
        if piece.is_empty() {
            return None;
        }
        let mut lines: Vec<LedgerBulkLine> = Vec::with_capacity(piece.len());
        let (mut given, mut submissions) = (Vec::new(), Vec::new());
        for asked in &piece {
            let index = self.index;
            self.index += 1;
            lines.push(match self.ordered(asked, index).await {
                Err(problem) => LedgerBulkLine::refused(index, &problem),
                Ok(ordered) => {
                    submissions.push(ordered.submission);
                    given.push((lines.len(), (index, ordered.id), ordered.accounts));
                    LedgerBulkLine::default()
                }
            });
        }
        let answering = app.handle.submit_many(submissions);
        let answers = tokio::time::timeout(ANSWER_WAIT_MAX, answering).await;
        let mut answers = answers.unwrap_or_default().into_iter();
        for (place, (index, id), accounts) in given {
            let line = match answers.next() {
                Some(Ok(committed)) => posted(&app, book, (index, id), &accounts, committed).await,
                Some(Err(error)) => Err(submit_problem(error)),
                None => Err(Problem::new(
                    Code::Timeout,
                    "The answer was not ready in time.",
                )),
            };
            lines[place] = line.unwrap_or_else(|problem| LedgerBulkLine::refused(index, &problem));
        }
        Some(lines)
    }

    /// One transaction, ready to be done.
    async fn ordered(&self, asked: &TransactionAsked, index: usize) -> Result<Ordered, Problem> {
        let book = self.book;
        let part = once::of_part(self.once, index);
        let item = read(&self.app, book, part, asked, "").await?;
        let steps = vec![item.step];
        let order = Order {
            accounts: item.accounts,
            place: Place::Postings,
            ..Order::new(&self.caller, None, Command::Transact { book, steps })?
        };
        let submission = Submission::new(PayCommand::Ledger(order.asked()));
        Ok(Ordered {
            id: item.id,
            submission: item.keys.into_iter().fold(submission, Submission::once),
            accounts: order.accounts,
        })
    }
}

struct Ordered {
    id: TransactionId,
    submission: Submission<Payments>,
    accounts: Named,
}

async fn posted(
    app: &App,
    book: Book,
    (index, id): (usize, TransactionId),
    accounts: &Named,
    committed: Committed<crate::pay::Outcome>,
) -> Result<LedgerBulkLine, Problem> {
    let explained = |refusal: &_| explain(refusal, Place::Postings, accounts);
    let done = LedgerDone::of(committed, explained)?;
    let Outcome::Transacted(transacted) = &done.outcome else {
        return done.unexpected();
    };
    let amounts = transacted.done.first().map(|step| step.amounts.clone());
    Ok(LedgerBulkLine {
        index: Some(index),
        id: Some(id.into()),
        amounts,
        balances: Some(balances(app, book, &transacted.standings).await?),
        sequence: Some(SequenceToken(done.sequence)),
        ..LedgerBulkLine::default()
    })
}

/// All or none.
async fn together(
    app: &App,
    caller: &Caller,
    once: Unique,
    batch: &[TransactionAsked],
) -> Result<Vec<LedgerBulkLine>, Problem> {
    let book = caller.book()?;
    let (mut steps, mut ids, mut keys) = (Vec::new(), Vec::new(), vec![once]);
    let (mut accounts, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, asked) in batch.iter().enumerate() {
        let part = once::of_part(once, index);
        let item = read(app, book, part, asked, &format!("/{index}")).await?;
        if !seen.insert(item.id) {
            let detail = "The id is that of an earlier transaction of the request.";
            return Err(Problem::field(
                Code::FieldInvalid,
                format!("/{index}/id"),
                detail,
            ));
        }
        // An id that was given belongs to this request for ever: alone it is something else.
        if asked.id.is_some() {
            let content = format!("{:032x}", once.fingerprint.0);
            keys.push(once::of_ledger_id(
                book,
                item.id,
                content.as_bytes(),
                once.remember,
            ));
        }
        steps.push(item.step);
        ids.push(item.id);
        accounts.extend(item.accounts);
    }
    let order = Order {
        keys,
        accounts,
        place: Place::Batch,
        ..Order::new(caller, None, Command::Transact { book, steps })?
    };
    let for_good = WriteAsked { dry_run: None };
    let done = order.give(app, &for_good).await?;
    let Outcome::Transacted(transacted) = &done.outcome else {
        return done.unexpected();
    };
    let sequence = Some(SequenceToken(done.sequence));
    let lines = ids.iter().zip(&transacted.done).enumerate();
    let mut lines: Vec<LedgerBulkLine> = lines
        .map(|(index, (id, step))| LedgerBulkLine {
            index: Some(index),
            id: Some((*id).into()),
            amounts: Some(step.amounts.clone()),
            sequence,
            ..LedgerBulkLine::default()
        })
        .collect();
    lines.push(LedgerBulkLine {
        balances: Some(balances(app, book, &transacted.standings).await?),
        sequence,
        ..LedgerBulkLine::default()
    });
    Ok(lines)
}
