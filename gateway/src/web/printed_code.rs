//! What a printed code's link opens in a phone's browser, and the page that a shop prints to stand on a table.
//!
//! A browser has no wallet in it, so the page says who is paid and how much, and to scan it with one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fx::Money;

use super::{Frame, asset, checkout, missing, page as written, refused};
use crate::app::App;
use crate::pay::{Command, Merchant, Outcome, PrintedCode, PrintedCodeId};
use crate::problem::{Code, Problem};
use crate::qr::encode::{Drawing, Level, Matrix};
use crate::qr::{CodeRef, link};

/// What is printed gets scratched and stained.
const LEVEL: Level = Level::Quartile;

/// What both pages say.
struct Printed {
    id: String,
    merchant: String,
    city: String,
    description: String,
    /// The amount that the code fixes, and its currency.
    currency: String,
    amount: Option<String>,
    /// Where it hangs.
    place: String,
    link: String,
    code: String,
}

impl Printed {
    fn of(app: &App, code: &PrintedCode, merchant: &Merchant) -> Result<Self, Problem> {
        let id = code.id.to_string();
        let named = CodeRef::new(&id);
        let named = named.ok_or_else(|| Problem::internal(&"an id does not fit into a code"))?;
        let link = link::of_code(&app.public_url, &named);
        let matrix = Matrix::encode(&link, LEVEL);
        let svg = matrix.and_then(|matrix| matrix.to_svg(Drawing::default()));
        let fixed = code.amount.map(|amount| Money::new(amount, code.currency));
        let till = [&code.till.store, &code.till.terminal, &code.till.cashier];
        let place: Vec<&str> = till.into_iter().flatten().map(String::as_str).collect();
        Ok(Self {
            id,
            merchant: merchant.name.clone(),
            city: merchant.city.clone(),
            description: code.description.clone(),
            currency: code.currency.code().to_owned(),
            amount: fixed.map(|amount| amount.format_amount()),
            place: place.join(" · "),
            link,
            code: svg.map_err(|error| Problem::internal(&error))?,
        })
    }
}

#[derive(Template)]
#[template(path = "checkout/printed.html")]
struct PrintedPage {
    frame: Frame,
    printed: Printed,
}

#[derive(Template)]
#[template(path = "checkout/stand.html")]
struct StandPage {
    frame: Frame,
    printed: Printed,
}

/// The page that a code's link opens.
pub(super) async fn show(app: &App, id: PrintedCodeId) -> Response {
    match look_up(app, id).await {
        Ok(printed) => written(&PrintedPage {
            frame: Frame::of(app),
            printed,
        }),
        Err(problem) => not_shown(app, &problem),
    }
}

/// The page to print.
pub(super) async fn stand(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse() else {
        let no_code = Problem::new(Code::OrderNotFound, "The address is not of a code.");
        return checkout::not_shown(&app, &no_code);
    };
    match look_up(&app, id).await {
        Ok(printed) => written(&StandPage {
            frame: Frame::of(&app),
            printed,
        }),
        Err(problem) => not_shown(&app, &problem),
    }
}

async fn look_up(app: &App, id: PrintedCodeId) -> Result<Printed, Problem> {
    let done = app.ask(Command::FindPrintedCode(id)).await?;
    let Outcome::PrintedCode(code) = &done.outcome else {
        return done.unexpected();
    };
    if code.retired {
        return Err(Problem::new(
            Code::PrintedCodeRetired,
            "The printed code is not used any more.",
        ));
    }
    let merchant = app.find_merchant(code.merchant).await?;
    Printed::of(app, code, &merchant)
}

fn not_shown(app: &App, problem: &Problem) -> Response {
    let (title, detail) = match problem.code {
        Code::PrintedCodeNotFound => (
            "No such code",
            "This code is not of a shop on this server. Ask the shop for another one.",
        ),
        Code::PrintedCodeRetired => (
            "This code is not used any more",
            "The shop has replaced it, and nothing was paid. Ask for its new code.",
        ),
        _ => return refused(app, problem),
    };
    missing(app, title, detail)
}
