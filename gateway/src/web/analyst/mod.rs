//! The analysts' pages: the queue, a case, the rules and what they would have done.
//!
//! They do what the API does, by the same commands, for whoever has a session ([`session`]). Forms need no script; each
//! carries a key of its own, so that pressing a button twice does the thing once.

mod case;
mod queue;
mod report;
mod rules;
pub(crate) mod session;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use ledger::{Timestamp, Unique};
use serde::Deserialize;

use super::{Frame, asset, page, refused};
use crate::api::once;
use crate::app::{App, new_id};
use crate::pay::{Decision, KeyId};
use crate::problem::{Code, Problem};
use crate::store::decision::Labelled;
use session::Shut;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/analyst", get(queue::page))
        .route("/analyst/sign-in", get(sign_in_page).post(sign_in))
        .route("/analyst/sign-out", post(sign_out))
        .route("/analyst/cases/{id}", get(case::page).post(case::act))
        .route("/analyst/report", get(report::page))
        .route("/analyst/rules", get(rules::page).post(rules::test))
        .route("/analyst/rules/{id}", post(rules::decide))
}

#[derive(Template)]
#[template(path = "analyst/sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    notice: Option<&'a str>,
}

fn sign_in_form(app: &App, notice: Option<&str>) -> Response {
    page(&SignInPage {
        frame: Frame::of(app),
        notice,
    })
}

async fn sign_in_page(State(app): State<Arc<App>>) -> Response {
    sign_in_form(&app, None)
}

#[derive(Deserialize)]
struct Credentials {
    key_id: String,
    secret: String,
}

async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    extensions: Extensions,
    Form(given): Form<Credentials>,
) -> Response {
    if !session::from_here(&headers) {
        return refused(&app, &not_from_here());
    }
    let wrong =
        "This is not the id and secret of an analyst's key that stands and may be used from here.";
    let address = app.whence.of(&extensions, &headers);
    let given = (given.key_id.as_str(), given.secret.as_str());
    let notice = match session::begin(&app, given, address).await {
        Ok(token) => return with_cookie(&app, &token, Redirect::to("/analyst").into_response()),
        Err(Shut::Wrong) => sign_in_form(&app, Some(wrong)),
        Err(Shut::Problem(problem)) => return refused(&app, &problem),
    };
    (StatusCode::FORBIDDEN, notice).into_response()
}

async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !session::from_here(&headers) {
        return refused(&app, &not_from_here());
    }
    app.sessions.end(&headers);
    with_cookie(&app, "", Redirect::to("/analyst/sign-in").into_response())
}

fn with_cookie(app: &App, token: &str, mut response: Response) -> Response {
    if let Some(cookie) = session::cookie(app, token) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn not_from_here() -> Problem {
    Problem::new(
        Code::ForbiddenRole,
        "The form was sent by a page of another site.",
    )
}

/// Who has a session; everybody else is shown the door.
async fn signed_in(app: &App, headers: &HeaderMap) -> Result<KeyId, Box<Response>> {
    match session::analyst(app, headers).await {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(Box::new(Redirect::to("/analyst/sign-in").into_response())),
        Err(problem) => Err(Box::new(refused(app, &problem))),
    }
}

/// Who sends a form: a session, and a page of ours.
async fn acting(app: &App, headers: &HeaderMap) -> Result<KeyId, Box<Response>> {
    let key = signed_in(app, headers).await?;
    if session::from_here(headers) {
        Ok(key)
    } else {
        Err(Box::new(refused(app, &not_from_here())))
    }
}

/// A key for a form: sent twice, it does its thing once.
fn form_key() -> String {
    format!("{:032x}", new_id())
}

/// A refusal in the words of the desk.
fn notice(problem: &Problem) -> &'static str {
    match problem.code {
        Code::IdempotencyKeyReused => {
            "This form was sent before and something else was done with it; this is a new one."
        }
        Code::FieldInvalid => "Write a note first.",
        code => code.title(),
    }
}

fn once(by: KeyId, form: &str, content: &str) -> Unique {
    once::of_form(by, form, content)
}

/// One line of a list of decisions.
struct Line {
    id: String,
    at: String,
    amount: String,
    payer: String,
    verdict: &'static str,
    score: String,
    standing: &'static str,
    label: Option<&'static str>,
    why: String,
}

impl Line {
    fn of(app: &App, found: &Labelled, desk: &crate::pay::Desk) -> Self {
        let decision = &found.decision;
        let reasons = app.risk.explain(decision, desk);
        Self {
            id: decision.id.to_string(),
            at: told(decision.at),
            amount: decision.amount.to_string(),
            payer: short(&decision.wallet.to_string()),
            verdict: decision.scored.assessment.verdict.name(),
            score: percent(decision),
            standing: words(decision.standing.name()),
            label: found.label.map(|(label, _)| label.name()),
            why: reasons
                .into_iter()
                .next()
                .map_or_else(String::new, |why| why.text),
        }
    }
}

/// The probability of fraud, in hundredths and a tenth.
fn percent(decision: &Decision) -> String {
    let ppm = decision.scored.assessment.score_ppm;
    format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000)
}

/// The last digits of an id, which tell two apart.
fn short(id: &str) -> String {
    let tail = id.len().saturating_sub(8);
    format!("…{}", id.get(tail..).unwrap_or(id))
}

fn words(standing: &'static str) -> &'static str {
    match standing {
        "awaiting_confirmation" => "awaiting confirmation",
        "in_review" => "in review",
        other => other,
    }
}

fn told(at: Timestamp) -> String {
    let time = DateTime::<Utc>::from_timestamp_nanos(at.0.cast_signed());
    time.format("%-d %b %Y, %H:%M:%S").to_string()
}
