//! The way of a request, the same for every route.
//!
//! 1. It takes one of a limited number of places; when there is none, it is told so at once.
//! 2. It is authenticated by its head, and its key's role is checked against the route.
//! 3. Its body is read, up to the route's limit and within a time, and compared with what was signed.
//! 4. Where the route has an effect, its idempotency key is bound to its content.
//! 5. Its parts are parsed, and the route's handler answers within a time.
//!
//! Whatever comes of it is counted, a failure of ours is logged, and the answer carries the request's id.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody as _;
use axum::body::{Body, Bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use futures_util::{FutureExt as _, StreamExt as _};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};

use super::ask::Arrived;
use super::once;
use super::route::{Retry, Route, Written};
use super::stream::Payload;
use super::wire::SequenceToken;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::problem::{self, Code, Problem, REPLAYED};

/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a handler may take. The journal answers in milliseconds; this is for the day on which it does not.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// The place in the journal of what was done or read.
pub(super) static JOURNAL_SEQUENCE: HeaderName = HeaderName::from_static("journal-sequence");

/// The routes as a router. What an address that nothing has answers is for the whole of the gateway to say: [`nowhere`].
pub(super) fn router(app: Arc<App>, routes: Vec<Route>) -> Router {
    let numbered = routes.into_iter().enumerate();
    let router = numbered.fold(Router::new(), |router, (number, route)| {
        router.route(route.path, method_router(number, route))
    });
    router
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

fn method_router(number: usize, route: Route) -> MethodRouter<Arc<App>> {
    // Every route's method is one of the nine that a filter knows.
    let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
    let route = Arc::new(route);
    on(
        filter,
        move |State(app): State<Arc<App>>,
              params: Result<RawPathParams, RawPathParamsRejection>,
              request: Request| {
            let route = route.clone();
            async move {
                let Ok(params) = params else {
                    let detail = "The path is not UTF-8, percent-encoded.";
                    return outside(&app, Problem::new(Code::ParameterInvalid, detail));
                };
                let id = params.iter().next().map(|(_, value)| value.to_owned());
                serve(&app, number, &route, id, request).await
            }
        },
    )
}

async fn serve(
    app: &Arc<App>,
    number: usize,
    route: &Route,
    id: Option<String>,
    request: Request,
) -> Response<Body> {
    let started = Instant::now();
    let request_id = app.request_ids.next();
    let answer = AssertUnwindSafe(answer(app, route, id, request)).catch_unwind();
    let answer = answer
        .await
        .unwrap_or_else(|_| Err(Problem::internal(&"a handler panicked")));
    let code = answer.as_ref().err().map(|problem| problem.code);
    app.metrics.answered(number, code, started.elapsed());
    let response = match answer {
        Ok((written, place)) => written.into_response(route.status, place),
        Err(problem) => refuse(problem, &request_id),
    };
    with_id(response, &request_id)
}

async fn answer(
    app: &Arc<App>,
    route: &Route,
    id: Option<String>,
    request: Request,
) -> Result<(Written, OwnedSemaphorePermit), Problem> {
    let Ok(place) = app.places.clone().try_acquire_owned() else {
        let detail = "The server is handling as many requests as it may.";
        return Err(Problem::new(Code::Busy, detail));
    };
    let (parts, body) = request.into_parts();
    let signed = match route.roles {
        [] => None,
        roles => {
            let (method, uri, headers) = (parts.method.as_str(), &parts.uri, &parts.headers);
            let address = app.whence.of(&parts.extensions, headers);
            let signed = auth::authenticate(&app.keys, method, uri, headers, address).await?;
            signed.caller.has_one_of(roles)?;
            Some(signed)
        }
    };
    let _room = room_for(app, &body, route.body_bytes_max)?;
    let body = read(body, route.body_bytes_max).await?;
    let caller = signed
        .map(|signed| signed.admit(&app.nonces, &body))
        .transpose()?;
    let unique = |caller: &Caller| {
        once::of_request(
            caller,
            parts.method.as_str(),
            &parts.uri,
            &parts.headers,
            &body,
        )
    };
    let once = match (route.retry, &caller) {
        (Retry::NeedsKey, Some(caller)) => Some(unique(caller)?),
        _ => None,
    };
    let answering = (route.handler)(Arrived {
        app: app.clone(),
        caller,
        id,
        uri: parts.uri,
        headers: parts.headers,
        body,
        once,
    });
    let written = tokio::time::timeout(ANSWER_WAIT_MAX, answering)
        .await
        .unwrap_or_else(|_| {
            let detail = "The answer was not ready in time.";
            Err(Problem::new(Code::Timeout, detail))
        })?;
    Ok((written, place))
}

/// Takes the memory that a body may need, as long as it may be needed.
fn room_for<'a>(
    app: &'a App,
    body: &Body,
    bytes_max: usize,
) -> Result<SemaphorePermit<'a>, Problem> {
    let announced = body.size_hint().upper();
    let announced = announced.and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = announced.map_or(bytes_max, |bytes| bytes.min(bytes_max));
    let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    app.body_kib.try_acquire_many(kib).map_err(|_| {
        let detail = "The bodies of requests take as much memory as they may.";
        Problem::new(Code::Busy, detail)
    })
}

/// Reads a body of at most so many bytes.
async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let reading = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_WAIT_MAX, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Problem::new(
            Code::BodyTooLarge,
            format!("This resource reads at most {bytes_max} bytes."),
        )),
        Ok(Err(_)) => Err(Problem::new(Code::RequestTimeout, "The body broke off.")),
        Err(_) => Err(Problem::new(
            Code::RequestTimeout,
            "The body did not arrive in time.",
        )),
    }
}

impl Written {
    /// An answer that comes in pieces keeps its place until the last one.
    fn into_response(self, status: StatusCode, place: OwnedSemaphorePermit) -> Response<Body> {
        let (media, payload) = self.content.unzip();
        let body = match payload {
            None => Body::empty(),
            Some(Payload::Whole(bytes)) => Body::from(bytes),
            Some(Payload::Pieces(pieces)) => Body::from_stream(pieces.inspect(move |_| {
                let _held = &place;
            })),
        };
        let mut response = Response::new(body);
        *response.status_mut() = if self.waits {
            StatusCode::ACCEPTED
        } else {
            status
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(media) = media {
            headers.insert(header::CONTENT_TYPE, media);
        }
        if let Some(sequence) = self
            .sequence
            .and_then(|sequence| value_of(&SequenceToken(sequence)))
        {
            headers.insert(&JOURNAL_SEQUENCE, sequence);
        }
        if self.again {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

fn value_of(value: &impl ToString) -> Option<HeaderValue> {
    HeaderValue::try_from(value.to_string()).ok()
}

/// Writes a refusal, and logs what was our fault.
fn refuse(problem: Problem, request_id: &str) -> Response<Body> {
    if let Some(cause) = &problem.cause {
        tracing::error!(request_id, code = problem.code.as_str(), %cause, "a request failed");
    }
    problem::finish(problem.into_response(), request_id)
}

fn with_id(mut response: Response<Body>, request_id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(&REQUEST_ID, value);
    }
    response
}

/// What a program is told at an address that nothing has.
pub(crate) fn nowhere(app: &App, path: &str) -> Response<Body> {
    let detail = format!("There is nothing at {path}.");
    outside(app, Problem::new(Code::NotFound, detail))
}

async fn wrong_method(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let detail = format!(
        "{} is not a method of {}.",
        request.method(),
        request.uri().path()
    );
    outside(&app, Problem::new(Code::MethodNotAllowed, detail))
}

/// A refusal that no route makes.
fn outside(app: &App, problem: Problem) -> Response<Body> {
    let request_id = app.request_ids.next();
    app.metrics.refused(problem.code);
    with_id(refuse(problem, &request_id), &request_id)
}
