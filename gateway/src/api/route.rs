//! One value says everything about a route: who may use it, whether it must be safe to retry, what it takes and gives,
//! how it refuses. The router and the documentation are both made from it, so a route without documentation, without
//! a rule of access or without a rule of retries cannot be written.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderValue, Method, StatusCode};
use ledger::Sequence;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::request_body::RequestBody;

use super::ask::{Answer, Arrived, Ask, Body, PathId, Query, Reply, Schemas};
use super::stream::Payload;
use crate::auth::Role;
use crate::problem::{Code, Problem};

/// Whether a request must carry an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It has an effect that must happen once.
    NeedsKey,
    /// It has none, or a second time changes nothing.
    Harmless,
}

/// What a handler answered, as it is written.
pub(super) struct Written {
    pub content: Option<(HeaderValue, Payload)>,
    pub sequence: Option<Sequence>,
    pub again: bool,
    pub waits: bool,
}

type Answering = Pin<Box<dyn Future<Output = Result<Written, Problem>> + Send>>;
type Handler = Arc<dyn Fn(Arrived) -> Answering + Send + Sync>;

/// What a route's types say of themselves.
#[expect(
    missing_debug_implementations,
    reason = "it is made of OpenAPI's parts, which show themselves only as JSON"
)]
pub struct Shape {
    pub id: Option<Parameter>,
    pub query: Vec<Parameter>,
    pub body: Option<RequestBody>,
    pub answer: Vec<(&'static str, Content)>,
    pub schemas: Schemas,
}

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    /// The part of the documentation it stands in.
    pub tag: &'static str,
    /// The name of the operation in generated clients.
    pub name: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// Who may use it; nobody named means everybody, unsigned.
    pub roles: &'static [Role],
    pub retry: Retry,
    pub status: StatusCode,
    /// Whether it may answer 202, with the same content, as what was asked for is still to come.
    pub may_wait: bool,
    /// Refusals beyond those that follow from the rest.
    pub refusals: Vec<Code>,
    pub body_bytes_max: usize,
    pub shape: fn() -> Shape,
    pub(super) handler: Handler,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Route {
    fn new<P, Q, B, R, H, F>(method: Method, path: &'static str, handler: H) -> Self
    where
        P: PathId + 'static,
        Q: Query + 'static,
        B: Body + 'static,
        R: Answer + 'static,
        H: Fn(Ask<P, Q, B>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<Reply<R>, Problem>> + Send + 'static,
    {
        let answering = move |arrived: Arrived| -> Answering {
            Box::pin(async move {
                let reply = handler(Ask::read(arrived)?).await?;
                Ok(Written {
                    content: reply.body.write()?,
                    sequence: reply.sequence,
                    again: reply.again,
                    waits: reply.waits,
                })
            })
        };
        Self {
            retry: if method == Method::POST {
                Retry::NeedsKey
            } else {
                Retry::Harmless
            },
            method,
            path,
            tag: "",
            name: "",
            summary: "",
            description: "",
            roles: &[],
            status: StatusCode::OK,
            may_wait: false,
            refusals: Vec::new(),
            body_bytes_max: B::BYTES_MAX,
            shape: shape::<P, Q, B, R>,
            handler: Arc::new(answering),
        }
    }

    pub(super) fn get<P, Q, R, H, F>(path: &'static str, handler: H) -> Self
    where
        P: PathId + 'static,
        Q: Query + 'static,
        R: Answer + 'static,
        H: Fn(Ask<P, Q>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<Reply<R>, Problem>> + Send + 'static,
    {
        Self::new(Method::GET, path, handler)
    }

    /// A POST needs an idempotency key unless it is said to be harmless.
    pub(super) fn post<P, Q, B, R, H, F>(path: &'static str, handler: H) -> Self
    where
        P: PathId + 'static,
        Q: Query + 'static,
        B: Body + 'static,
        R: Answer + 'static,
        H: Fn(Ask<P, Q, B>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<Reply<R>, Problem>> + Send + 'static,
    {
        Self::new(Method::POST, path, handler)
    }

    pub(super) fn delete<P, Q, R, H, F>(path: &'static str, handler: H) -> Self
    where
        P: PathId + 'static,
        Q: Query + 'static,
        R: Answer + 'static,
        H: Fn(Ask<P, Q>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<Reply<R>, Problem>> + Send + 'static,
    {
        Self::new(Method::DELETE, path, handler)
    }

    /// Where it stands in the documentation and what it is called there.
    pub(super) fn documented(
        self,
        tag: &'static str,
        name: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            tag,
            name,
            summary,
            description,
            ..self
        }
    }

    pub(super) fn for_roles(self, roles: &'static [Role]) -> Self {
        Self { roles, ..self }
    }

    pub(super) fn harmless(self) -> Self {
        Self {
            retry: Retry::Harmless,
            ..self
        }
    }

    pub(super) fn answers(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn may_wait(self) -> Self {
        Self {
            may_wait: true,
            ..self
        }
    }

    /// Adds ways in which it refuses.
    pub(super) fn refuses(mut self, refusals: &[Code]) -> Self {
        self.refusals.extend_from_slice(refusals);
        self
    }

    pub fn is_public(&self) -> bool {
        self.roles.is_empty()
    }

    /// Every code that this route may answer with, in the order of the catalogue.
    pub fn codes(&self) -> Vec<Code> {
        let mut codes = ALWAYS.to_vec();
        codes.extend_from_slice(&self.refusals);
        if let Some(body) = &(self.shape)().body {
            codes.push(Code::MediaTypeUnsupported);
            if body.content.contains_key("application/json") {
                codes.push(Code::MalformedJson);
            }
        }
        if !self.is_public() {
            codes.extend(AUTHENTICATION);
        }
        if self.retry == Retry::NeedsKey {
            codes.extend(ONCE);
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// How any route refuses a request that it does not understand or cannot serve at this moment.
const ALWAYS: [Code; 7] = [
    Code::FieldInvalid,
    Code::ParameterInvalid,
    Code::BodyTooLarge,
    Code::RequestTimeout,
    Code::Busy,
    Code::Timeout,
    Code::Internal,
];

/// How a signed route refuses a request that is not signed as it must be.
const AUTHENTICATION: [Code; 18] = [
    Code::SignatureMissing,
    Code::SignatureMalformed,
    Code::SignatureAlgorithmUnsupported,
    Code::SignatureComponentUnexpected,
    Code::SignatureComponentMissing,
    Code::SignatureStale,
    Code::SignatureInFuture,
    Code::KeyUnknown,
    Code::KeyRevoked,
    Code::SignatureMismatch,
    Code::ContentDigestMalformed,
    Code::ContentDigestMismatch,
    Code::SignatureReplayed,
    Code::ReplayWindowFull,
    Code::AddressNotAllowed,
    Code::RateLimited,
    Code::ForbiddenRole,
    Code::NotReady,
];

/// How a route with an effect refuses a request that could not be retried safely.
const ONCE: [Code; 5] = [
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyInFuture,
    Code::IdempotencyKeyReused,
    Code::OutcomeUnknown,
];

fn shape<P: PathId, Q: Query, B: Body, R: Answer>() -> Shape {
    let mut schemas = Schemas::new();
    Shape {
        id: P::describe(&mut schemas),
        query: Q::describe(&mut schemas),
        body: B::describe(&mut schemas),
        answer: R::describe(&mut schemas),
        schemas,
    }
}
