//! A picture in, the orders whose codes are in it out.

use axum::body::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Picture, Replied, Reply};
use super::order::{OrderShown, must_see};
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
}

pub(super) async fn scan(ask: Ask<(), (), Picture>) -> Replied<Scanned> {
    let caller = ask.caller()?;
    let Picture(image) = ask.body;
    let payloads = read(&ask.app, image).await?;
    let mut codes = Vec::new();
    let mut sequence = ledger::Sequence::default();
    for payload in payloads.into_iter().take(CODES_MAX) {
        let id = find_code(&payload).and_then(|code| code.as_str().parse::<OrderId>().ok());
        let mut order = None;
        if let Some(id) = id {
            let found = ask.app.look_up(Command::FindOrder(Lookup::Id(id))).await?;
            sequence = found.sequence;
            order = match found.outcome {
                Outcome::Order(order) if must_see(&caller, &order).is_ok() => {
                    Some(OrderShown::to(caller.owner, &order))
                }
                _ => None,
            };
        }
        codes.push(CodeScanned { payload, order });
    }
    if codes.iter().all(|code| code.order.is_none()) {
        let seen = codes.first().map_or("", |code| code.payload.as_str());
        let detail = format!(
            "The picture has a code, but no order of ours: {}.",
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
