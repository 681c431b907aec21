//! Writing a book out, as it stood at one place in the journal.
//!
//! All of it is read in one read transaction of the views, by a task of its own, which gives up when its caller takes
//! nothing for a minute: a reader that stands still keeps the views from being tidied up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use futures_util::stream::{self, StreamExt as _};
use ledger::Book;
use ledger::shell::Reading;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa::openapi::RefOr;
use utoipa::openapi::content::Content;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};

use super::super::super::ask::{Answer, Ask, Parameters, Reply, Schemas, named};
use super::super::super::stream::{Payload, Pieces};
use super::super::super::wire::SequenceToken;
use super::super::reading::Accounts;
use super::facts::Facts;
use super::line::{End, FORMAT, Head, Line};
use super::plain::Plain;
use super::table;
use crate::app::{App, unix_now};
use crate::pay::{Owner, TenantBook};
use crate::problem::{Code, Problem};

/// About how much is sent at a time.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that wait to be taken.
const PIECES_MAX: usize = 4;
const TAKE_WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Lines of JSON, which can be imported.
    #[default]
    Ndjson,
    /// A row for each posting.
    Csv,
    /// Plain text for hledger.
    Hledger,
}

impl Format {
    const ALL: [Self; 3] = [Self::Ndjson, Self::Csv, Self::Hledger];

    const fn media(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Hledger => "text/plain; charset=utf-8",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ExportAsked {
    /// `ndjson` when not given.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// Wait until the export has what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for ExportAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

/// A book on its way out.
pub(in super::super) struct Exported {
    format: Format,
    pieces: Pieces,
}

impl Answer for Exported {
    fn write(self) -> Result<Option<(HeaderValue, Payload)>, Problem> {
        let media = HeaderValue::from_static(self.format.media());
        Ok(Some((media, Payload::Pieces(self.pieces))))
    }

    fn describe(_: &mut Schemas) -> Vec<(&'static str, Content)> {
        let content = || Content::new(None::<RefOr<Schema>>);
        Format::ALL.map(|format| (format.media(), content())).into()
    }
}

pub(in super::super) async fn export(
    ask: Ask<(), ExportAsked>,
) -> Result<Reply<Exported>, Problem> {
    let caller = ask.caller()?;
    let Owner::Book(tenant) = caller.owner else {
        return Err(caller.forbidden());
    };
    let Ok(place) = ask.app.exports.clone().try_acquire_owned() else {
        let detail = "As many books are being exported as may be at a time.";
        return Err(Problem::new(Code::Busy, detail));
    };
    let (book, known) = ask.app.find_book(tenant.id).await?;
    let at_least = ask.query.at_least.map_or(known, |token| token.0.max(known));
    let reading = ask.app.read_views(Some(at_least)).await?;
    let sequence = reading.watermark();
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let whole = Arc::new(AtomicBool::new(false));
    let writing = Writing {
        app: ask.app,
        format: ask.query.format,
        sender,
        whole: whole.clone(),
        text: Vec::new(),
        lines: 0,
        transactions: 0,
        plain: Plain::new(book.settings.offset_minutes, unix_now()),
        _place: place,
    };
    let format = writing.format;
    tokio::spawn(writing.run(book, tenant.book, reading));
    let pieces = stream::unfold((pieces, whole), |(mut pieces, whole)| async {
        match pieces.recv().await {
            Some(piece) => Some((Ok(piece), (pieces, whole))),
            None if whole.load(Ordering::Acquire) => None,
            None => Some((
                Err(io::Error::other("the export broke off")),
                (pieces, whole),
            )),
        }
    });
    let exported = Exported {
        format,
        pieces: pieces.boxed(),
    };
    Ok(Reply::as_of(sequence, exported))
}

/// Why an export ended early.
enum Halt {
    /// Whoever asked has gone, or stands still.
    Gone,
    Failed(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

struct Writing {
    app: Arc<App>,
    format: Format,
    sender: mpsc::Sender<Bytes>,
    /// Whether the end was written.
    whole: Arc<AtomicBool>,
    text: Vec<u8>,
    lines: u64,
    transactions: u64,
    plain: Plain,
    _place: OwnedSemaphorePermit,
}

impl Writing {
    async fn run(mut self, book: TenantBook, no: Book, mut reading: Reading) {
        match self.write(&book, no, &mut reading).await {
            Ok(()) => self.whole.store(true, Ordering::Release),
            Err(Halt::Gone) => tracing::debug!("nobody takes an export any more"),
            Err(Halt::Failed(problem)) => {
                let cause = problem.cause.as_deref().unwrap_or(&problem.detail);
                tracing::error!(cause, "an export broke off");
            }
        }
    }

    async fn write(
        &mut self,
        book: &TenantBook,
        no: Book,
        reading: &mut Reading,
    ) -> Result<(), Halt> {
        let app = self.app.clone();
        self.put(&Line::Ledger(Head {
            format: FORMAT,
            book: book.settings.name.to_string(),
            offset_minutes: book.settings.offset_minutes,
            sequence: SequenceToken(reading.watermark()),
        }))
        .await?;
        let mut facts = Facts::new(&app, no, reading);
        while let Some(lines) = facts.next().await? {
            for line in &lines {
                self.put(line).await?;
            }
        }
        for line in facts.class_lines() {
            self.put(&line).await?;
        }
        let mut accounts = Accounts::new(no, None);
        loop {
            let rows = accounts.next(facts.reading).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if self.format == Format::Hledger {
                    let mut text = String::new();
                    self.plain.put_balance(&app, &row, &mut text).await?;
                    self.text.extend_from_slice(text.as_bytes());
                }
                let line = Line::State(facts.state_line(&row));
                self.put(&line).await?;
            }
        }
        if let Some(line) = facts.period_line() {
            self.put(&line).await?;
        }
        let end = End {
            lines: self.lines,
            transactions: self.transactions,
        };
        self.put(&Line::End(end)).await?;
        self.send().await
    }

    async fn put(&mut self, line: &Line) -> Result<(), Halt> {
        let failed = |error: &dyn ToString| Problem::internal(&error.to_string());
        match self.format {
            Format::Ndjson => {
                serde_json::to_writer(&mut self.text, line).map_err(|error| failed(&error))?;
                self.text.push(b'\n');
            }
            Format::Csv => table::put(line, &mut self.text).map_err(|error| failed(&error))?,
            Format::Hledger => {
                let mut text = String::new();
                self.plain.put(&self.app, line, &mut text).await?;
                self.text.extend_from_slice(text.as_bytes());
            }
        }
        self.lines += 1;
        self.transactions += u64::from(matches!(line, Line::Transaction(_)));
        if self.text.len() >= PIECE_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Halt> {
        let piece = Bytes::from(std::mem::take(&mut self.text));
        let sending = tokio::time::timeout(TAKE_WAIT_MAX, self.sender.send(piece));
        match sending.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Halt::Gone),
        }
    }
}
