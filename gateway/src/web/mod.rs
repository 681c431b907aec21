//! Pages for people: the home page, the checkout that an order's code opens, the analysts' desk, and the documentation.
//!
//! They are written on the server and work without a script, on a phone first. Nothing is loaded from elsewhere and the
//! browser is told to allow nothing else, so a page can only ever do what stands in this binary. Pages ask the
//! application like the API does; they know no rule of money. What simulates a customer exists in test mode alone: in
//! live mode there is no such route.

pub(crate) mod analyst;
mod asset;
mod checkout;
mod demo;
mod docs;
mod home;
mod printed_code;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use crate::api;
use crate::app::App;
use crate::config::Mode;
use crate::problem::{Code, Problem};

/// What a browser is told about every page.
const GUARDS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The pages as a router, to be merged with the API's.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/", get(home::home))
        .route("/c/{order}", get(checkout::page))
        .route("/c/{order}/state", get(checkout::state))
        .route("/c/{order}/stand", get(printed_code::stand))
        .route("/docs", get(docs::api))
        .route("/docs/errors", get(docs::errors))
        .route("/assets/{name}", get(asset::serve))
        .merge(analyst::router());
    if app.mode == Mode::Test {
        router = router
            .route("/demo", post(demo::order))
            .route("/c/{order}/pay", post(demo::pay));
    }
    router
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(app.clone(), within_limits))
        .layer(middleware::map_response_with_state(app.clone(), guard))
        .with_state(app)
}

/// A page takes one of the places that requests have, like any other request.
async fn within_limits(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Ok(_place) = app.places.try_acquire() else {
        let busy = Problem::new(
            Code::Busy,
            "The server is handling as many requests as it may.",
        );
        return refused(&app, &busy);
    };
    next.run(request).await
}

/// What a part of the router refuses by itself (a path that is not text, a method that a page does not have) is told as
/// a page too; and every page has its guards.
async fn guard(State(app): State<Arc<App>>, mut response: Response) -> Response {
    let told = response.headers().get(header::CONTENT_TYPE);
    let told = told.is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
        || told.is_some_and(|media| media.as_bytes().ends_with(b"json"));
    if response.status().is_client_error() && !told {
        let code = match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::NOT_FOUND => Code::NotFound,
            _ => Code::ParameterInvalid,
        };
        response = refused(&app, &Problem::new(code, code.title()));
    }
    let headers = response.headers_mut();
    headers.extend(GUARDS);
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// An address that nothing has, of a page or of the API: a browser is shown a page, any other client is told the problem.
async fn nowhere(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut accepted = request.headers().get_all(header::ACCEPT).iter();
    let takes_pages = accepted.any(|media| {
        media
            .to_str()
            .is_ok_and(|media| media.contains("text/html"))
    });
    if takes_pages {
        app.metrics.refused(Code::NotFound);
        return refused(&app, &Problem::new(Code::NotFound, Code::NotFound.title()));
    }
    api::nowhere(&app, request.uri().path())
}

/// What every page shows around its own.
struct Frame {
    test: bool,
    version: &'static str,
}

impl Frame {
    fn of(app: &App) -> Self {
        Self {
            test: app.mode == Mode::Test,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// A page that says that something is not there, or not possible now.
#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
}

fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn missing(app: &App, title: &str, detail: &str) -> Response {
    let frame = Frame::of(app);
    (
        StatusCode::NOT_FOUND,
        page(&MissingPage {
            frame,
            title,
            detail,
        }),
    )
        .into_response()
}

/// A refusal as a page. What was our fault is logged here, as nobody else sees it.
fn refused(app: &App, problem: &Problem) -> Response {
    if let Some(cause) = &problem.cause {
        tracing::error!(code = problem.code.as_str(), %cause, "a page failed");
    }
    let document = problem.document();
    let page = page(&MissingPage {
        frame: Frame::of(app),
        title: document.title,
        detail: document.hint,
    });
    let mut response = (problem.code.status(), page).into_response();
    if let Some(seconds) = problem.retry_after_s {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
