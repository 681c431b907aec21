//! The OpenAPI document, made from the routes: whatever a route does, the document says.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder, Responses};
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    HttpMethod, Info, License, OpenApi, OpenApiBuilder, OpenApiVersion, Ref, RefOr, Required, Tag,
};

use super::ask::{Schemas, named};
use super::event::Notification;
use super::once::KEY_BYTES_MAX;
use super::route::{Retry, Route};
use super::table::routes;
use super::wire::SequenceToken;
use crate::problem::{Code, ProblemDocument};
use crate::sign::{AGE_MAX_S, AHEAD_MAX_S};

const TAGS: [(&str, &str); 12] = [
    (
        "Orders",
        "What is to be paid, once, and the code that says so.",
    ),
    ("Payments", "Paying, refunding, and what moved."),
    (
        "Mandates",
        "What a payer lets a merchant take, within bounds.",
    ),
    (
        "Billers",
        "Whom people pay by a reference: utilities, fines, health.",
    ),
    ("Promotions", "Coupons and points: what pays beside money."),
    ("People", "What people send each other."),
    ("Webhooks", "How a merchant hears of what happens."),
    ("Merchants", "Who is paid."),
    ("Wallets", "Who pays."),
    ("Keys", "Who may ask."),
    ("Books", "Assets, and whether the books balance."),
    ("Service", "For machines that watch this one. Not signed."),
];

const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature_input";
const ERROR_CODE: &str = "ErrorCode";

/// The document as it is served, written once.
pub(super) fn document() -> Bytes {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let written = DOCUMENT.get_or_init(|| Bytes::from(openapi().to_json().unwrap_or_default()));
    written.clone()
}

/// The documentation of every route, schema and error code.
pub fn openapi() -> OpenApi {
    let mut schemas = Schemas::new();
    let mut paths = Paths::new();
    for route in routes() {
        let operation = operation(&route, &mut schemas);
        paths.add_path_operation(route.path, vec![http_method(&route.method)], operation);
    }
    let webhooks = webhooks(&mut schemas);
    named::<ProblemDocument<'static>>(&mut schemas);
    let schemas: BTreeMap<_, _> = schemas.into_iter().collect();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .schema(ERROR_CODE, error_codes())
        .security_scheme(SIGNATURE, header_key("Signature", &signature_description()))
        .security_scheme(
            SIGNATURE_INPUT,
            header_key(
                "Signature-Input",
                "What the signature covers, and its parameters.",
            ),
        );
    let tag = |(name, description): (&str, &str)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    };
    OpenApiBuilder::new()
        .openapi(OpenApiVersion::Version31)
        .info(info())
        .tags(Some(TAGS.map(tag)))
        .paths(paths)
        .webhooks(Some(webhooks))
        .components(Some(components.build()))
        .build()
}

fn info() -> Info {
    let mut info = Info::new("Jiaozi", env!("CARGO_PKG_VERSION"));
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    info.description = Some(
        "Orders, QR codes, payments and refunds over a double-entry ledger.\n\n\
         Amounts are integers in minor units: `{\"amount\": 1250, \"currency\": \"CNY\"}` is 12.50. Every request to `/v1` \
         is signed. Every POST with an effect carries an `Idempotency-Key`, and a retry with the same key gets the \
         first answer, marked by `Idempotency-Replayed: true`. Errors are `application/problem+json` with a stable \
         `code`. Answers carry the place in the journal (`sequence`, also in the header `Journal-Sequence`); a read \
         with `at_least` waits until it shows that place."
            .to_owned(),
    );
    info
}

fn signature_description() -> String {
    format!(
        "RFC 9421 HTTP Message Signatures with `hmac-sha256`, under the label of your choice. It covers `@method`, \
         `@path`, `@query`, `content-digest` (RFC 9530, with a body) and `idempotency-key` (when sent), and has the \
         parameters `created` (at most {AGE_MAX_S} s old, {AHEAD_MAX_S} s ahead), `nonce` (new each time) and `keyid`."
    )
}

fn header_key(name: &str, description: &str) -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        name,
        description,
    )))
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Operation {
    let shape = (route.shape)();
    schemas.extend(shape.schemas);
    let mut parameters: Vec<Parameter> = shape.id.into_iter().chain(shape.query).collect();
    if route.retry == Retry::NeedsKey {
        parameters.push(idempotency_key());
    }
    let mut operation = OperationBuilder::new()
        .tag(route.tag)
        .operation_id(Some(route.name))
        .summary(Some(route.summary))
        .description(Some(described(route)))
        .parameters((!parameters.is_empty()).then_some(parameters))
        .request_body(shape.body);
    if !route.is_public() {
        let scopes: [String; 0] = [];
        let signed =
            SecurityRequirement::new(SIGNATURE, scopes.clone()).add(SIGNATURE_INPUT, scopes);
        operation = operation.security(signed);
    }
    let mut responses = Responses::new();
    let success = success(route, shape.answer, schemas);
    let put = |responses: &mut Responses, status: StatusCode, response: Response| {
        responses
            .responses
            .insert(status.as_str().to_owned(), response.into());
    };
    if route.may_wait {
        let mut waits = success.clone();
        "It waits for somebody; what is pending says for whom.".clone_into(&mut waits.description);
        put(&mut responses, StatusCode::ACCEPTED, waits);
    }
    put(&mut responses, route.status, success);
    let mut by_status = BTreeMap::<u16, (StatusCode, Vec<Code>)>::new();
    for code in route.codes() {
        let status = code.status();
        by_status
            .entry(status.as_u16())
            .or_insert((status, Vec::new()))
            .1
            .push(code);
    }
    for (status, codes) in by_status.into_values() {
        put(&mut responses, status, refusal(&codes));
    }
    operation.responses(responses).build()
}

fn described(route: &Route) -> String {
    let roles: Vec<&str> = route.roles.iter().map(|role| role.name()).collect();
    if roles.is_empty() {
        route.description.to_owned()
    } else {
        format!(
            "{}\n\nFor keys of: {}.",
            route.description,
            roles.join(", ")
        )
    }
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(KEY_BYTES_MAX))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(
            "New for every new request, the same when one is retried. A UUIDv7 is best.",
        ))
        .schema(Some(Schema::from(text)))
        .example(Some(json!("0197a3e5-c4b1-7f20-a1b2-c3d4e5f60718")))
        .build()
}

fn success(route: &Route, answer: Vec<(&'static str, Content)>, schemas: &mut Schemas) -> Response {
    let mut response = ResponseBuilder::new().description(route.summary);
    for (media, content) in answer {
        response = response.content(media, content);
    }
    if route.is_public() {
        return response.build();
    }
    let mut sequence = Header::new(named::<SequenceToken>(schemas));
    sequence.description = Some("The place in the journal of what was done or read.".to_owned());
    response = response.header("Journal-Sequence", sequence);
    if route.retry == Retry::NeedsKey {
        let mut replayed = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
        replayed.description = Some("`true` when this is the first answer again.".to_owned());
        response = response.header("Idempotency-Replayed", replayed);
    }
    response.build()
}

fn refusal(codes: &[Code]) -> Response {
    let lines = codes
        .iter()
        .map(|code| format!("- `{}`: {}", code.as_str(), code.title()));
    let problem = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description(lines.collect::<Vec<_>>().join("\n"))
        .content("application/problem+json", Content::new(Some(problem)))
        .build()
}

/// Every code of the catalogue, with what it means and what to do about it.
fn error_codes() -> RefOr<Schema> {
    let lines = Code::ALL.iter().map(|code| {
        let status = code.status().as_u16();
        format!(
            "- `{}` ({status}): {}. {}",
            code.as_str(),
            code.title(),
            code.advice()
        )
    });
    let codes: Vec<Value> = Code::ALL.iter().map(|code| json!(code.as_str())).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(lines.collect::<Vec<_>>().join("\n")))
        .enum_values(Some(codes))
        .into()
}

/// What is sent to a merchant's endpoint.
fn webhooks(schemas: &mut Schemas) -> Paths {
    let body = RequestBodyBuilder::new()
        .content(
            "application/json",
            Content::new(Some(named::<Notification>(schemas))),
        )
        .required(Some(Required::True))
        .build();
    let received = Response::new("Any status from 200 to 299 says that it was received.");
    let operation = OperationBuilder::new()
        .tag("Webhooks")
        .operation_id(Some("notification"))
        .summary(Some("Something happened to an order or a mandate"))
        .description(Some(
            "Signed by Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. At least once, in \
             order for each order and each mandate; tell a repetition by its `webhook-id`.",
        ))
        .request_body(Some(body))
        .response("2XX", received)
        .build();
    let mut webhooks = Paths::new();
    let item = PathItem::new(HttpMethod::Post, operation);
    webhooks.paths.insert("notification".to_owned(), item);
    webhooks
}
