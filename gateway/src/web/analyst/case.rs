//! One case: why, what became of it, what stands near it, and what can be done.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{
    Frame, Line, acting, asset, form_key, notice, once, page as written, refused, signed_in, told,
};
use crate::app::risk::Why;
use crate::app::{Act, App, Known};
use crate::pay::{About, Decision, DecisionId, Label, MerchantId, Resolver, Standing, desk};
use crate::problem::{Code, Problem};

const NOTE_CHARS_MAX: usize = 1_000;

#[derive(Template)]
#[template(path = "analyst/case.html")]
struct CasePage {
    frame: Frame,
    case: Line,
    /// Who and what takes part, and what it is called.
    parts: Vec<(&'static str, String)>,
    device: Option<String>,
    rules_version: u32,
    model_version: u32,
    shadow: String,
    until: Option<String>,
    ended: Option<String>,
    reasons: Vec<Why>,
    remarks: Vec<Said>,
    timeline: Vec<Line>,
    neighbours: Vec<(String, Line)>,
    in_review: bool,
    pending: bool,
    frozen: bool,
    /// Whether the shop is frozen, if there is one.
    stopped: Option<bool>,
    form: String,
    notice: Option<&'static str>,
}

struct Said {
    at: String,
    by: String,
    what: String,
    note: String,
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = signed_in(&app, &headers).await {
        return *response;
    }
    show(&app, &id, None).await
}

fn read(id: &str) -> Result<DecisionId, Problem> {
    id.parse()
        .map_err(|_| Problem::new(Code::DecisionNotFound, "The address is not of a case."))
}

async fn show(app: &App, id: &str, notice: Option<&'static str>) -> Response {
    let found = async {
        let known = app.find_case(read(id)?).await?;
        let frozen = app.is_frozen(known.case.decision.wallet).await?;
        Ok::<_, Problem>((known, frozen))
    };
    match found.await {
        Ok((known, frozen)) => written(&of(app, &known, frozen, notice)),
        Err(problem) => refused(app, &problem),
    }
}

fn parts(decision: &Decision) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("Case", decision.id.to_string()),
        ("Wallet", decision.wallet.to_string()),
    ];
    match decision.about {
        About::Order {
            order, merchant, ..
        } => {
            parts.push(("Order", order.to_string()));
            parts.push(("Shop", merchant.to_string()));
        }
        About::Transfer { transfer, to, .. } => {
            parts.push(("Transfer", transfer.to_string()));
            parts.push(("To", to.to_string()));
        }
        About::RedPacket(packet) => parts.push(("Red packet", packet.to_string())),
        About::Combined(combined) => parts.push(("Combined order", combined.to_string())),
    }
    let whence = &decision.scored.whence;
    for (name, part) in [("Device", &whence.device), ("Place", &whence.place)] {
        parts.extend(part.clone().map(|part| (name, part)));
    }
    parts
}

/// The shop that is paid, if it is one.
fn shop(about: About) -> Option<MerchantId> {
    match about {
        About::Order { merchant, .. } => Some(merchant),
        About::Transfer { .. } | About::RedPacket(_) | About::Combined(_) => None,
    }
}

fn of(app: &App, known: &Known, frozen: bool, notice: Option<&'static str>) -> CasePage {
    let decision = &known.case.decision;
    let lines = |of: &[_]| {
        of.iter()
            .map(|one| Line::of(app, one, &known.desk))
            .collect()
    };
    let ended = decision.resolution.as_ref().map(|resolution| {
        let by = match resolution.by {
            Resolver::Payer(proof) => format!("the payer, by {}", proof.name().replace('_', " ")),
            Resolver::Analyst(key) => format!("an analyst, {key}"),
            Resolver::Merchant => "the shop".to_owned(),
            Resolver::House => "the rules".to_owned(),
        };
        format!("{} by {by}: {}", told(resolution.at), resolution.note)
    });
    CasePage {
        frame: Frame::of(app),
        case: Line::of(app, &known.case, &known.desk),
        parts: parts(decision),
        device: decision.scored.whence.device.clone(),
        rules_version: decision.scored.assessment.rules_version,
        model_version: decision.scored.assessment.model_version,
        shadow: decision.scored.shadow.join(", "),
        until: decision.due.map(told),
        ended,
        reasons: app.risk.explain(decision, &known.desk),
        remarks: known
            .remarks
            .iter()
            .map(|remark| Said {
                at: told(remark.at),
                by: remark.by.to_string(),
                what: remark.what.clone(),
                note: remark.note.clone(),
            })
            .collect(),
        timeline: lines(&known.timeline),
        neighbours: known
            .neighbours
            .iter()
            .map(|near| {
                let shares = near.decision.shares_with(decision).join(", ");
                (shares, Line::of(app, near, &known.desk))
            })
            .collect(),
        in_review: decision.standing == Standing::InReview,
        pending: decision.standing.is_pending(),
        frozen,
        stopped: shop(decision.about).map(|shop| known.desk.frozen.contains(&shop)),
        form: form_key(),
        notice,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    form: String,
    act: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn act(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Response {
    let by = match acting(&app, &headers).await {
        Ok(by) => by,
        Err(response) => return *response,
    };
    let note = asked.note.trim().chars();
    let note = note.filter(|letter| *letter == '\n' || !letter.is_control());
    let note: String = note.take(NOTE_CHARS_MAX).collect();
    let done = async {
        let id = read(&id)?;
        let once = once(by, &asked.form, &format!("{id} {} {note}", asked.act));
        let act = match asked.act.as_str() {
            "release" => Act::Release,
            "deny" => Act::Deny,
            "fraud" => Act::Label(Label::Fraud),
            "genuine" => Act::Label(Label::Genuine),
            "note" if note.is_empty() => {
                let detail = "A note says something.";
                return Err(Problem::field(Code::FieldInvalid, "/note", detail));
            }
            "block_device" => {
                let decision = app.find_decision(id).await?.decision;
                let nobody = || {
                    let detail = "No device takes part in the case.";
                    Problem::new(Code::ParameterInvalid, detail)
                };
                let device = decision.scored.whence.device.ok_or_else(nobody)?;
                let command = desk::Command::Enter {
                    list: desk::List::Block,
                    subject: desk::Subject::Device(device),
                    until: None,
                    by,
                    note,
                };
                return app.at_desk(command, [once]).await.map(|_| ());
            }
            "note" => {
                app.find_decision(id).await?;
                let said = desk::Said::Note {
                    decision: id,
                    by,
                    text: note,
                };
                let said = desk::Command::Say(said);
                return app.at_desk(said, [once]).await.map(|_| ());
            }
            "freeze" | "unfreeze" | "freeze_shop" | "unfreeze_shop" => {
                let decision = app.find_decision(id).await?.decision;
                let who = if asked.act.ends_with("shop") {
                    let nobody = || {
                        let detail = "No shop takes part in the case.";
                        Problem::new(Code::ParameterInvalid, detail)
                    };
                    desk::Party::Merchant(shop(decision.about).ok_or_else(nobody)?)
                } else {
                    desk::Party::Wallet(decision.wallet)
                };
                let command = desk::Command::Freeze {
                    who,
                    frozen: asked.act.starts_with("freeze"),
                    by,
                    note,
                };
                return app.at_desk(command, [once]).await.map(|_| ());
            }
            _ => {
                let detail = "The form asks for something unknown.";
                return Err(Problem::new(Code::ParameterInvalid, detail));
            }
        };
        app.act_on(by, (act, id, &note), [once]).await.map(|_| ())
    };
    match done.await {
        Ok(()) => Redirect::to(&format!("/analyst/cases/{id}")).into_response(),
        Err(problem) if problem.code.status().is_server_error() => refused(&app, &problem),
        Err(problem) => show(&app, &id, Some(notice(&problem))).await,
    }
}
