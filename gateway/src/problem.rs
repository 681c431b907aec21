//! What a caller is told when a request is refused: `application/problem+json` (RFC 9457).
//!
//! Every refusal has a [`Code`] from one closed catalogue, which fixes its status and its title and says what to do
//! about it. Around the code a [`Problem`] carries what is particular to this request: a detail, a hint, the fields at
//! fault. What went wrong inside us is carried too, for the log, but never written to the caller.
//!
//! A response made from a problem keeps it among its extensions, so that one middleware can log it and
//! [`finish`] it with the request's id; handlers know nothing of either.

mod body;
mod catalogue;
#[cfg(test)]
mod tests;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
    response::IntoResponse,
};
use serde::Serialize;

pub(crate) use body::{field_at_fault, json_body, pointer};
pub use catalogue::Code;

use crate::sign::SignatureError;

/// Says that an answer is the first answer to the same request again.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A refusal of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// What happened with this request, and why.
    pub detail: Box<str>,
    /// What to do next; the catalogue's advice stands in when there is nothing more particular to say.
    pub hint: Option<Box<str>>,
    /// The fields at fault, each by a JSON pointer.
    pub errors: Vec<FieldError>,
    /// When to try again, sent as `Retry-After`; the catalogue has a default for codes that pass by themselves.
    pub retry_after_s: Option<u32>,
    pub request_id: Option<Box<str>>,
    /// The path of the object that this is about.
    pub instance: Option<Box<str>>,
    /// The cause inside us: for the log, never for the caller.
    pub cause: Option<Box<str>>,
    /// Whether this is the first answer to the request again; sent as `Idempotency-Replayed`.
    pub again: bool,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where the field is in the body, as a JSON pointer (RFC 6901).
    #[schema(example = "/amount/currency")]
    pub pointer: String,
    pub detail: String,
}

/// The document a caller receives.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Where this code is described.
    #[schema(example = "/docs/errors#not_found")]
    pub r#type: String,
    pub title: &'static str,
    pub status: u16,
    /// Stable; programs branch on it.
    #[schema(example = "not_found")]
    pub code: &'static str,
    pub detail: &'a str,
    pub hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<Box<str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            retry_after_s: code.retry_after_s(),
            request_id: None,
            instance: None,
            cause: None,
            again: false,
        }
    }

    /// A fault of ours. The cause goes to the log; the caller reads only that it was not their fault.
    pub fn internal(cause: &impl ToString) -> Self {
        let problem = Self::new(Code::Internal, "The server failed to handle this request.");
        Self {
            cause: Some(cause.to_string().into()),
            ..problem
        }
    }

    /// One field at fault, named by its JSON pointer.
    pub fn field(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let problem = Self::new(code, detail.as_str());
        problem.with_error(pointer, detail)
    }

    #[must_use]
    pub fn with_hint(self, hint: impl Into<Box<str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    #[must_use]
    pub fn with_error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    #[must_use]
    pub fn with_retry_after_s(self, seconds: u32) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    #[must_use]
    pub fn with_instance(self, path: impl Into<Box<str>>) -> Self {
        Self {
            instance: Some(path.into()),
            ..self
        }
    }

    #[must_use]
    pub fn with_cause(self, cause: &impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string().into()),
            ..self
        }
    }

    pub fn document(&self) -> ProblemDocument<'_> {
        ProblemDocument {
            r#type: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            hint: self.hint.as_deref().unwrap_or(self.code.advice()),
            request_id: self.request_id.as_deref(),
            instance: self.instance.as_deref(),
            errors: &self.errors,
        }
    }
}

/// Gives the problem inside a response, if there is one, the id of its request.
pub fn finish(response: Response<Body>, request_id: &str) -> Response<Body> {
    match response.extensions().get::<Problem>() {
        Some(problem) => Problem {
            request_id: Some(request_id.into()),
            ..problem.clone()
        }
        .into_response(),
        None => response,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        // A document of strings and numbers always serializes; should it not, the status still tells the truth.
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.code.status() == axum::http::StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Signature"),
            );
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.again {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
