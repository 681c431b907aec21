//! The checkout: what an order's code opens in a payer's browser.
//!
//! One address shows an order through its whole life: open with the code to scan and the time that is left, then the
//! receipt, or that it was closed or has expired. The page asks for the order's state and loads itself again when that
//! has changed, so there is one way to write each state and it is on the server.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use fx::Money;
use ledger::Timestamp;
use serde::Serialize;

use super::{Frame, asset, missing, page as written, printed_code, refused};
use crate::app::App;
use crate::pay::{Lookup, Merchant, Order, OrderId, OrderState, Payment, TransactionName};
use crate::problem::{Code, Problem};
use crate::qr::encode::{Drawing, Level, Matrix};
use crate::qr::{CodeRef, link};

/// What is asked of the payer, the same on every page of an order.
struct Bill {
    order: String,
    merchant: String,
    city: String,
    amount: String,
    currency: String,
    currency_name: String,
    description: String,
    number: String,
}

impl Bill {
    fn of(order: &Order, merchant: &Merchant) -> Self {
        let currency = order.amount.currency;
        Self {
            order: order.id.to_string(),
            merchant: merchant.name.clone(),
            city: merchant.city.clone(),
            amount: order.amount.format_amount(),
            currency: currency.code().to_owned(),
            currency_name: currency.name().to_owned(),
            description: order.description.clone(),
            number: order.number.to_string(),
        }
    }
}

#[derive(Template)]
#[template(path = "checkout/open.html")]
struct OpenPage<'a> {
    frame: Frame,
    bill: Bill,
    code: String,
    /// What a payment by the simulated customer was refused for, if one was.
    notice: Option<&'a str>,
    now_ms: u64,
    expires_ms: u64,
    expires_at: String,
}

#[derive(Template)]
#[template(path = "checkout/receipt.html")]
struct ReceiptPage {
    frame: Frame,
    bill: Bill,
    state: &'static str,
    heading: &'static str,
    paid_at: String,
    payment: String,
    refunded: Option<String>,
    total: String,
}

#[derive(Template)]
#[template(path = "checkout/over.html")]
struct OverPage {
    frame: Frame,
    bill: Bill,
    state: &'static str,
    heading: &'static str,
    detail: &'static str,
}

pub(super) async fn page(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match id.parse() {
        Ok(code) => printed_code::show(&app, code).await,
        Err(_) => show(&app, &id, None).await,
    }
}

/// The page of an order, with a notice if there is one.
pub(super) async fn show(app: &App, id: &str, notice: Option<&str>) -> Response {
    match look_up(app, id).await {
        Ok((order, merchant)) => match order.state {
            OrderState::Open => open(app, &order, &merchant, notice),
            OrderState::Closed
            | OrderState::Expired
            | OrderState::InReview
            | OrderState::AwaitingPayer
            | OrderState::Reversed => over(app, &order, &merchant),
            OrderState::Paid | OrderState::PartlyRefunded | OrderState::Refunded => {
                receipt(app, &order, &merchant)
            }
        },
        Err(problem) => not_shown(app, &problem),
    }
}

pub(super) fn not_shown(app: &App, problem: &Problem) -> Response {
    if problem.code == Code::OrderNotFound {
        let detail = "This code is not of an order on this server. Ask the shop to show it again.";
        return missing(app, "No such order", detail);
    }
    refused(app, problem)
}

async fn look_up(app: &App, id: &str) -> Result<(Order, Arc<Merchant>), Problem> {
    let order = find(app, id).await?;
    let merchant = app.find_merchant(order.merchant).await?;
    Ok((order, merchant))
}

/// The order of an id that stood in an address. What is no id is of no order.
pub(super) async fn find(app: &App, id: &str) -> Result<Order, Problem> {
    let id: OrderId = id
        .parse()
        .map_err(|_| Problem::new(Code::OrderNotFound, "The address is not of an order."))?;
    let (order, _) = app.find_order(Lookup::Id(id)).await?;
    Ok(order)
}

#[derive(Serialize)]
struct StateShown {
    state: &'static str,
}

/// Where an order stands, for the page to ask.
pub(super) async fn state(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match find(&app, &id).await {
        Ok(order) => Json(StateShown {
            state: order.state.name(),
        })
        .into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn open(app: &App, order: &Order, merchant: &Merchant, notice: Option<&str>) -> Response {
    let code = match code(&app.public_url, order) {
        Ok(code) => code,
        Err(problem) => return refused(app, &problem),
    };
    written(&OpenPage {
        frame: Frame::of(app),
        bill: Bill::of(order, merchant),
        code,
        notice,
        now_ms: now_ms(),
        expires_ms: order.expires_at.as_millis(),
        expires_at: told(order.expires_at),
    })
}

/// The link to this page as an image to stand inside it.
fn code(public_url: &str, order: &Order) -> Result<String, Problem> {
    let code = CodeRef::new(&order.id.to_string());
    let code = code.ok_or_else(|| Problem::internal(&"an order's id does not fit into a code"))?;
    let matrix = Matrix::encode(&link::of_code(public_url, &code), Level::Medium);
    let svg = matrix.and_then(|matrix| matrix.to_svg(Drawing::default()));
    svg.map_err(|error| Problem::internal(&error))
}

fn receipt(app: &App, order: &Order, merchant: &Merchant) -> Response {
    let Some(payment) = &order.payment else {
        return refused(app, &Problem::internal(&"a paid order has no payment"));
    };
    let Payment {
        at, transaction, ..
    } = payment;
    let amount = |minor| Money::new(minor, order.amount.currency).to_string();
    written(&ReceiptPage {
        frame: Frame::of(app),
        bill: Bill::of(order, merchant),
        state: order.state.name(),
        heading: match order.state {
            OrderState::Refunded => "Refunded",
            OrderState::PartlyRefunded => "Partly refunded",
            _ => "Paid",
        },
        paid_at: told(*at),
        payment: TransactionName::from(*transaction).to_string(),
        refunded: (order.refunded > 0).then(|| amount(order.refunded)),
        total: amount(order.refundable()),
    })
}

fn over(app: &App, order: &Order, merchant: &Merchant) -> Response {
    let (heading, detail) = match order.state {
        OrderState::Expired => (
            "This order has expired",
            "The time to pay it has run out, and nothing was taken. Ask the shop for a new code.",
        ),
        OrderState::AwaitingPayer => (
            "This order waits for its payer",
            "Whoever's payment it is has been asked to confirm it. You will see here when it is paid.",
        ),
        OrderState::Reversed => (
            "This payment was taken back",
            "The shop has taken its charge back, and all of the money is in the wallet again.",
        ),
        OrderState::InReview => (
            "This payment is being looked at",
            "The money is set aside and has not moved. You will see here when it has, or when it is back in the wallet.",
        ),
        _ => (
            "This order was closed",
            "The shop has withdrawn it, and nothing was taken. Ask the shop for a new code.",
        ),
    };
    written(&OverPage {
        frame: Frame::of(app),
        bill: Bill::of(order, merchant),
        state: order.state.name(),
        heading,
        detail,
    })
}

/// A time as people read it.
fn told(at: Timestamp) -> String {
    let time = DateTime::<Utc>::from_timestamp_nanos(at.0.cast_signed());
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// The server's clock, against which the page counts down.
fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
