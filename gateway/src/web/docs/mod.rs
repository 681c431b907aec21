//! The documentation for developers, made from the OpenAPI document and the catalogue of errors: what it says of a
//! route is what the route's code says of itself.

mod example;
mod operation;
mod prose;
mod schema;

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use self::example::Example;
use self::operation::{Group, groups};
use self::prose::Prose;
use self::schema::{Field, Schemas};
use super::{Frame, asset, page};
use crate::api;
use crate::app::App;
use crate::pay::Topic;
use crate::problem::{Code, Problem};
use crate::sign::AGE_MAX_S;

#[derive(Template)]
#[template(path = "docs/api.html")]
struct ApiPage<'a> {
    frame: Frame,
    base: &'a str,
    age_max_s: i64,
    example: &'a Example,
    topics: [&'static str; Topic::ALL.len()],
    groups: &'a [Group],
    objects: &'a [Object],
}

/// A named schema: what requests and answers are made of.
struct Object {
    name: String,
    description: Prose,
    fields: Vec<Field>,
    example: String,
}

/// What of the page is the same on every server.
struct Described {
    groups: Vec<Group>,
    objects: Vec<Object>,
    example: Example,
}

static DESCRIBED: LazyLock<Described> = LazyLock::new(|| {
    // A document that was built from types always serializes; without it the page would be empty, and its test fails.
    let document = serde_json::to_value(api::openapi()).unwrap_or_default();
    Described {
        groups: groups(&document),
        objects: objects(&document),
        example: Example::worked_out(),
    }
});

pub(super) async fn api(State(app): State<Arc<App>>) -> Response {
    let described = &*DESCRIBED;
    page(&ApiPage {
        frame: Frame::of(&app),
        base: &app.public_url,
        age_max_s: AGE_MAX_S,
        example: &described.example,
        topics: Topic::ALL.map(Topic::name),
        groups: &described.groups,
        objects: &described.objects,
    })
}

fn objects(document: &Value) -> Vec<Object> {
    let schemas = Schemas::of(document);
    let object = |(name, schema)| Object {
        name: str::to_owned(name),
        description: Prose::of(schemas.description(schema)),
        fields: schemas.fields(schema),
        example: pretty(&schemas.example(schema)),
    };
    schemas.all().into_iter().map(object).collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
struct ErrorsPage {
    frame: Frame,
    example: String,
    groups: Vec<Status>,
}

/// The codes that come with one status.
struct Status {
    number: u16,
    reason: &'static str,
    codes: Vec<Code>,
}

pub(super) async fn errors(State(app): State<Arc<App>>) -> Response {
    let mut problem = Problem::field(
        Code::AmountInvalid,
        "/amount/amount",
        "The amount is 0; it must be above zero.",
    );
    problem.request_id = Some("req_0197a3e5c4b1".into());
    page(&ErrorsPage {
        frame: Frame::of(&app),
        example: serde_json::to_string_pretty(&problem.document()).unwrap_or_default(),
        groups: by_status(),
    })
}

fn by_status() -> Vec<Status> {
    let mut codes = Code::ALL.to_vec();
    // Stable: within a status the catalogue's own order stays.
    codes.sort_by_key(|code| code.status());
    let statuses = codes.chunk_by(|one, next| one.status() == next.status());
    let status = |codes: &[Code]| {
        let status = codes.first()?.status();
        Some(Status {
            number: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
            codes: codes.to_vec(),
        })
    };
    statuses.filter_map(status).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_described_once() {
        let described: usize = by_status().iter().map(|status| status.codes.len()).sum();
        assert_eq!(described, Code::ALL.len());
    }
}
