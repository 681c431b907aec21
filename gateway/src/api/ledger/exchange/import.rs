//! Reading an exported book in.
//!
//! Lines are done in their order, each once: a transaction or hold under its own id, everything else under its own
//! words. So a file that broke off, or of which nobody knows how far it came, is sent again from its beginning. The
//! first line that is refused ends the work; what stands before it is done, and some of what stands just after it may be.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use ledger::core::{AccountName, Changes, Class, Memo, NamedAccount, Step, VelocityOf};
use ledger::shell::{Committed, SubmitError};
use ledger::{AccountState, Book, Command, Limits, Remember, Submission, TransactionId, Unique};
use serde::{Deserialize, Serialize};
use utoipa::openapi::content::Content;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::super::super::ask::{Ask, Body, Json, Parameters, Replied, Reply, Schemas};
use super::super::super::once;
use super::super::super::refused::submit_problem;
use super::super::super::wire::{AskedAmount, Minor, SequenceToken};
use super::super::asked::{Named, account_name, postings};
use super::super::command::{Order, Place, explain};
use super::super::transaction::earlier;
use super::line::{AccountLine, FORMAT, Head, HoldLine, Line, StateLine, TransactionLine};
use crate::app::{App, LedgerDone, unix_now};
use crate::auth::Caller;
use crate::pay::{Command as PayCommand, InBook, Outcome, Payments};
use crate::problem::{Code, Problem};

const BYTES_MAX: usize = 16 << 20;
/// Lines in one request.
const LINES_MAX: usize = 10_000;
/// Lines done at a time.
const PIECE: usize = 1_000;
/// Accounts named of those whose balances differ.
const DIFFERING_MAX: usize = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ImportAsked {
    /// The number that the first line of the body has in its file; 1 when not given. Refusals name lines by it.
    #[serde(default = "one")]
    #[param(minimum = 1)]
    first_line: u64,
}

const fn one() -> u64 {
    1
}

impl Parameters for ImportAsked {
    fn schemas(_: &mut Schemas) {}
}

/// Lines of an export, or some of them.
#[derive(Debug)]
pub(in super::super) struct LinesOfExport(Bytes);

impl Body for LinesOfExport {
    const BYTES_MAX: usize = BYTES_MAX;

    fn read(_: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        Ok(Self(body))
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        let body = RequestBodyBuilder::new()
            .content("application/x-ndjson", Content::new(None::<RefOr<Schema>>))
            .required(Some(Required::True));
        Some(body.build())
    }
}

/// What became of the lines.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in super::super) struct LedgerImported {
    /// How many there were.
    lines: u64,
    /// How many of them had been imported before.
    again: u64,
    /// Accounts whose balances are not those of the export, up to 20 of them: the book had something in it before.
    differing: Vec<LedgerDiffering>,
    sequence: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct LedgerDiffering {
    account: String,
    /// Minor units.
    exported: i64,
    #[schema(value_type = i64)]
    found: i128,
}

pub(in super::super) async fn import(
    ask: Ask<(), ImportAsked, LinesOfExport>,
) -> Replied<LedgerImported> {
    let caller = ask.caller()?;
    let first = ask.query.first_line.max(1);
    let mut importing = Importing {
        book: caller.book()?,
        caller,
        app: ask.app,
        waiting: Vec::new(),
        after_history: false,
        balances: Vec::new(),
        imported: LedgerImported::default(),
    };
    let text = std::str::from_utf8(&ask.body.0);
    let text = text.map_err(|_| Problem::new(Code::MalformedJson, "The body is not UTF-8."))?;
    let lines = (first..).zip(text.lines());
    let lines: Vec<(u64, &str)> = lines.filter(|(_, line)| !line.trim().is_empty()).collect();
    if lines.len() > LINES_MAX {
        let detail = format!("At most {LINES_MAX} lines are taken at once.");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    for (number, text) in lines {
        let line = serde_json::from_str(text).map_err(|error| {
            let code = match error.classify() {
                serde_json::error::Category::Data => Code::FieldInvalid,
                _ => Code::MalformedJson,
            };
            Problem::new(code, format!("The line is not one of an export: {error}."))
        });
        let done = match line {
            Ok(line) => importing.take(number, text, line).await,
            Err(problem) => Err(problem),
        };
        done.map_err(|problem| of_line(number, problem))?;
        importing.imported.lines += 1;
    }
    importing.flush().await?;
    let imported = importing.imported;
    Ok(Reply::as_of(imported.sequence.0, Json(imported)))
}

/// A problem with a line, unless it names one already.
fn of_line(number: u64, problem: Problem) -> Problem {
    if problem.detail.starts_with("Line ") {
        return problem;
    }
    let pointer = format!("/{number}");
    let detail = format!("Line {number}: {}", problem.detail);
    Problem {
        errors: Vec::new(),
        detail: detail.as_str().into(),
        ..problem
    }
    .with_error(pointer, detail)
}

/// A line that was given to the writer.
struct Given {
    number: u64,
    asked: InBook,
    key: Unique,
    accounts: Named,
}

impl Given {
    fn submission(&self) -> Submission<Payments> {
        Submission::new(PayCommand::Ledger(self.asked.clone())).once(self.key)
    }
}

struct Importing {
    app: Arc<App>,
    caller: Caller,
    book: Book,
    waiting: Vec<Given>,
    /// Whether limits and states have begun, which must not come before anything that happened.
    after_history: bool,
    /// What accounts should have when everything before is done.
    balances: Vec<(AccountName, i64)>,
    imported: LedgerImported,
}

impl Importing {
    async fn take(&mut self, number: u64, text: &str, line: Line) -> Result<(), Problem> {
        if self.waiting.len() >= PIECE {
            self.flush().await?;
        }
        let (book, key) = (self.book, once::of_import(self.book, text));
        if matches!(line, Line::Class(_) | Line::State(_) | Line::Period(_)) {
            self.end_history().await?;
        }
        match line {
            Line::Ledger(Head { format: FORMAT, .. }) | Line::End(_) => Ok(()),
            Line::Ledger(Head { format, .. }) => {
                let detail =
                    format!("The export has format {format}; this server reads format {FORMAT}.");
                Err(Problem::new(Code::FieldInvalid, detail))
            }
            Line::Account(account) => self.account(number, key, &account).await,
            Line::Transaction(line) => self.transaction(number, text, line).await,
            Line::Hold(line) => self.hold(number, text, line).await,
            Line::Release(line) => {
                let hold = line.hold.into();
                let step = Step::Release { hold };
                self.give(number, key, transact(book, step), Vec::new())
            }
            Line::Class(line) => {
                let set = Command::SetVelocity {
                    book,
                    of: VelocityOf::Class(Class(line.class)),
                    limits: line.velocity.iter().map(|limit| (*limit).into()).collect(),
                };
                self.give(number, key, set, Vec::new())
            }
            Line::State(line) => self.state(number, key, line),
            Line::Period(line) => {
                let close = Command::ClosePeriod {
                    book,
                    before: line.closed_before.0,
                };
                self.give(number, key, close, Vec::new())
            }
        }
    }

    fn give(
        &mut self,
        number: u64,
        key: Unique,
        command: Command,
        accounts: Named,
    ) -> Result<(), Problem> {
        let order = Order {
            accounts,
            ..Order::new(&self.caller, None, command)?
        };
        self.waiting.push(Given {
            number,
            asked: order.asked(),
            key,
            accounts: order.accounts,
        });
        Ok(())
    }

    async fn account(
        &mut self,
        number: u64,
        key: Unique,
        line: &AccountLine,
    ) -> Result<(), Problem> {
        let account = NamedAccount {
            name: account_name(&line.name, "/name")?,
            currency: self.app.currency(&line.currency, "/currency").await?,
            kind: line.kind.into(),
            limits: Limits::NONE,
            description: ledger::core::Description::default(),
        };
        let accounts = vec![(account.name.clone(), None)];
        let open = Command::OpenNamed {
            book: self.book,
            accounts: vec![account],
        };
        self.give(number, key, open, accounts)
    }

    async fn transaction(
        &mut self,
        number: u64,
        text: &str,
        line: TransactionLine,
    ) -> Result<(), Problem> {
        if line.corrects.is_some() || line.reverses.is_some() {
            // It names another one, which may still be waiting.
            self.flush().await?;
        }
        let (postings, accounts) = postings(&self.app, &line.postings, "").await?;
        let id: TransactionId = line.id.into();
        let memo = Memo {
            id,
            kind: line.kind,
            reference: line.reference,
            metadata: line.metadata,
        };
        let effective = Some(line.effective_at.0);
        let step = match (line.reverses, line.captures) {
            (None, None) => Step::Post {
                memo,
                postings,
                amounts: ledger::core::Amounts::Exact,
                effective,
                corrects: match line.corrects {
                    Some(id) => Some(earlier(&self.app, self.book, id).await?),
                    None => None,
                },
            },
            (Some(reversed), None) => Step::Reverse {
                memo,
                transaction: earlier(&self.app, self.book, reversed).await?,
                amounts: line.amounts,
                effective,
            },
            (None, Some(hold)) => Step::Capture {
                memo,
                hold: hold.into(),
                amounts: line.amounts,
                effective,
            },
            (Some(_), Some(_)) => {
                let detail = "A transaction reverses or captures something, not both.";
                return Err(Problem::new(Code::FieldInvalid, detail));
            }
        };
        let names_another = matches!(
            step,
            Step::Reverse { .. }
                | Step::Post {
                    corrects: Some(_),
                    ..
                }
        );
        let key = self.key_of(id, text);
        self.give(number, key, transact(self.book, step), accounts)?;
        if names_another {
            // What it names is brought along from the views, and others would overtake it meanwhile.
            self.flush().await?;
        }
        Ok(())
    }

    async fn hold(&mut self, number: u64, text: &str, line: HoldLine) -> Result<(), Problem> {
        let (postings, accounts) = postings(&self.app, &line.postings, "").await?;
        let id: TransactionId = line.id.into();
        let step = Step::Hold {
            memo: Memo {
                id,
                kind: line.kind,
                reference: line.reference,
                metadata: line.metadata,
            },
            postings,
            amounts: ledger::core::Amounts::Exact,
            timeout_secs: line.expires_at.map(|at| {
                let left = at.0.nanos_since(unix_now()).div_ceil(1_000_000_000);
                let left = u32::try_from(left).unwrap_or(u32::MAX);
                NonZeroU32::new(left).unwrap_or(NonZeroU32::MIN)
            }),
        };
        let key = self.key_of(id, text);
        self.give(number, key, transact(self.book, step), accounts)
    }

    fn state(&mut self, number: u64, key: Unique, line: StateLine) -> Result<(), Problem> {
        let name = account_name(&line.account, "/account")?;
        if let Some(AskedAmount {
            amount: Minor::Whole(amount),
            ..
        }) = line.balance
        {
            self.balances.push((name.clone(), amount));
        }
        let state = AccountState::from(line.state);
        let change = Command::Change {
            book: self.book,
            account: name.id(),
            changes: Changes {
                limits: Some(line.limits.into()),
                // It is open already; only an operator opens again what was closed.
                state: Some(state).filter(|state| *state != AccountState::Open),
                class: Some(Class(line.class)),
                velocity: (!line.velocity.is_empty())
                    .then(|| line.velocity.iter().map(|limit| (*limit).into()).collect()),
                description: Some(line.description.into()),
            },
        };
        self.give(number, key, change, vec![(name, None)])
    }

    fn key_of(&self, id: TransactionId, text: &str) -> Unique {
        once::of_ledger_id(self.book, id, text.as_bytes(), Remember::Successes)
    }

    /// Does what waits, and compares the balances that should then be there.
    async fn flush(&mut self) -> Result<(), Problem> {
        let waiting = std::mem::take(&mut self.waiting);
        let submissions = waiting.iter().map(Given::submission).collect();
        let answers = self.app.handle.submit_many(submissions).await;
        for (given, answer) in waiting.iter().zip(answers) {
            if self.done(answer, &given.accounts).is_ok() {
                continue;
            }
            // A line that had to be looked up was overtaken, and this one may have needed it: once more in its turn.
            let answer = self.app.handle.submit(given.submission()).await;
            let done = self.done(answer, &given.accounts);
            done.map_err(|problem| of_line(given.number, problem))?;
        }
        self.compare().await
    }

    async fn end_history(&mut self) -> Result<(), Problem> {
        if std::mem::replace(&mut self.after_history, true) {
            return Ok(());
        }
        self.flush().await
    }

    fn done(
        &mut self,
        answer: Result<Committed<Outcome>, SubmitError>,
        accounts: &Named,
    ) -> Result<(), Problem> {
        let committed = answer.map_err(submit_problem)?;
        let explained = |refusal: &_| explain(refusal, Place::Body, accounts);
        let done = LedgerDone::of(committed, explained)?;
        self.imported.again += u64::from(done.again);
        self.imported.sequence = self.imported.sequence.max(SequenceToken(done.sequence));
        Ok(())
    }

    async fn compare(&mut self) -> Result<(), Problem> {
        let balances = std::mem::take(&mut self.balances);
        if balances.is_empty() {
            return Ok(());
        }
        let names: Vec<AccountName> = balances.iter().map(|(name, _)| name.clone()).collect();
        let (known, _) = self.app.find_accounts(self.book, &names).await?;
        for ((name, exported), known) in balances.into_iter().zip(known) {
            let found = known.account.net();
            let differing = &mut self.imported.differing;
            if found != i128::from(exported) && differing.len() < DIFFERING_MAX {
                differing.push(LedgerDiffering {
                    account: name.to_string(),
                    exported,
                    found,
                });
            }
        }
        Ok(())
    }
}

fn transact(book: Book, step: Step) -> Command {
    let steps = vec![step];
    Command::Transact { book, steps }
}
