//! A picture in; the orders, and the printed codes, that are in it out.

use axum::body::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Picture, Replied, Reply};
use super::order::{OrderShown, must_see};
use super::printed_code::PrintedCodeShown;
use super::wire::SequenceToken;
use crate::app::App;
use crate::pay::{Command, Lookup, OrderId, Outcome};
use crate::problem::{Code, Problem};
use crate::qr::decode::{self, DecodeError};
use crate::qr::find_code;

/// Codes of one picture that are looked up; the others are only read.
const CODES_MAX: usize = 16;

/// What is in a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scanned {
    codes: Vec<CodeScanned>,
    sequence: SequenceToken,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeScanned {
    /// What the code says.
    payload: String,
    /// The order that it names, if it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderShown>,
    /// The printed code that it is, if it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    printed_code: Option<PrintedCodeShown>,
}

pub(super) async fn scan(ask: Ask<(), (), Picture>) -> Replied<Scanned> {
    let caller = ask.caller()?;
    let Picture(image) = ask.body;
    let payloads = read(&ask.app, image).await?;
    let mut codes = Vec::new();
    let mut sequence = ledger::Sequence::default();
    for payload in payloads.into_iter().take(CODES_MAX) {
        let (mut order, mut printed_code) = (None, None);
        if let Some(question) = find_code(&payload).and_then(|code| question(code.as_str())) {
            let found = ask.app.look_up(question).await?;
            sequence = found.sequence;
            match found.outcome {
                Outcome::Order(found) if must_see(&caller, &found).is_ok() => {
                    order = Some(OrderShown::to(caller.owner, &found));
                }
                Outcome::PrintedCode(found) => {
                    printed_code = Some(PrintedCodeShown::of(&ask.app, &found));
                }
                _ => {}
            }
        }
        codes.push(CodeScanned {
            payload,
            order,
            printed_code,
        });
    }
    let is_ours = |code: &CodeScanned| code.order.is_some() || code.printed_code.is_some();
    if !codes.iter().any(is_ours) {
        let seen = codes.first().map_or("", |code| code.payload.as_str());
        let detail = format!(
            "The picture has a code, but none of ours: {}.",
            shortened(seen)
        );
        return Err(Problem::new(Code::CodeUnknown, detail));
    }
    let scanned = Scanned {
        codes,
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(scanned)))
}

/// What a code of ours is looked up by.
fn question(code: &str) -> Option<Command> {
    let order = code.parse::<OrderId>().ok();
    let order = order.map(|id| Command::FindOrder(Lookup::Id(id)));
    order.or_else(|| Some(Command::FindPrintedCode(code.parse().ok()?)))
}

/// What the codes in a picture say.
async fn read(app: &App, image: Bytes) -> Result<Vec<String>, Problem> {
    let Ok(waiting) = app.scans_waiting.try_acquire() else {
        let detail = "As many pictures wait to be read as may.";
        return Err(Problem::new(Code::Busy, detail));
    };
    let Ok(turn) = app.scans.clone().acquire_owned().await else {
        return Err(Problem::new(Code::NotReady, "The server is stopping."));
    };
    drop(waiting);
    let reading = tokio::task::spawn_blocking(move || {
        // The turn goes with the work: a caller who hangs up does not end what is under way.
        let _turn = turn;
        decode::payloads(&image)
    });
    let read = reading.await.map_err(|error| Problem::internal(&error))?;
    read.map_err(|error| decode_problem(&error))
}

/// Somebody else's code may say anything at any length.
fn shortened(payload: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    payload
        .chars()
        .filter(|char| !char.is_control())
        .take(SHOWN_CHARS_MAX)
        .collect()
}

fn decode_problem(error: &DecodeError) -> Problem {
    let code = match error {
        DecodeError::NotAnImage | DecodeError::Broken(_) => Code::ImageInvalid,
        DecodeError::TooManyBytes { .. }
        | DecodeError::TooManyPixels { .. }
        | DecodeError::TooMuchMemory => Code::ImageTooLarge,
        DecodeError::NoCode => Code::ImageWithoutCode,
    };
    Problem::new(code, format!("{error}."))
}
