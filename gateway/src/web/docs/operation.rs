//! The operations of the OpenAPI document, grouped as it groups them.

use serde_json::Value;

use super::pretty;
use super::prose::Prose;
use super::schema::{Field, Schemas, kind, list};
use crate::api;
use crate::problem::Code;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

pub(super) struct Group {
    pub(super) name: String,
    pub(super) operations: Vec<Operation>,
}

pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) anchor: String,
    pub(super) summary: String,
    pub(super) description: Prose,
    /// Whether it must be signed.
    pub(super) signed: bool,
    pub(super) parameters: Vec<Field>,
    pub(super) body: Option<Content>,
    /// The request as a command to copy, if it is signed.
    pub(super) command: Option<String>,
    pub(super) status: String,
    pub(super) answer: Content,
    /// The codes of refusals that are particular to it.
    pub(super) refusals: Vec<Code>,
}

/// A body, of a request or of an answer.
#[derive(Default)]
pub(super) struct Content {
    pub(super) media: String,
    pub(super) fields: Vec<Field>,
    pub(super) example: Option<String>,
}

/// The operations by their first tag, in the order of the document.
pub(super) fn groups(document: &Value) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for tag in list(&document["tags"]).filter_map(|tag| tag["name"].as_str()) {
        groups.push(Group {
            name: tag.to_owned(),
            operations: Vec::new(),
        });
    }
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS
            .into_iter()
            .filter(|method| item[*method].is_object())
        {
            let described = &item[method];
            let tag = described["tags"][0].as_str().unwrap_or_default();
            let operation = operation(document, method, path, described);
            match groups.iter_mut().find(|group| group.name == tag) {
                Some(group) => group.operations.push(operation),
                None => groups.push(Group {
                    name: tag.to_owned(),
                    operations: vec![operation],
                }),
            }
        }
    }
    groups.retain(|group| !group.operations.is_empty());
    // Within a group the order is that of the routes, in which one thing leads to the next.
    let routes = api::routes();
    let place = |operation: &Operation| {
        routes
            .iter()
            .position(|route| route.name == operation.anchor)
    };
    for group in &mut groups {
        group.operations.sort_by_key(place);
    }
    groups
}

fn operation(document: &Value, method: &str, path: &str, described: &Value) -> Operation {
    let schemas = Schemas::of(document);
    let text = |name: &str| {
        described[name]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_owned()
    };
    let body = content(schemas, &described["requestBody"]["content"]);
    let signed = list(&described["security"]).next().is_some();
    let method = method.to_uppercase();
    let (status, answer) = answer(schemas, &described["responses"]);
    Operation {
        anchor: text("operationId"),
        summary: text("summary"),
        description: Prose::of(described["description"].as_str().unwrap_or_default()),
        signed,
        parameters: list(&described["parameters"]).map(parameter).collect(),
        command: command(&method, path, signed, body.as_ref()),
        body,
        status,
        answer: answer.unwrap_or_default(),
        refusals: refusals(&text("operationId")),
        path: path.to_owned(),
        method,
    }
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: parameter["name"].as_str().unwrap_or_default().to_owned(),
        kind: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        description: Prose::of(parameter["description"].as_str().unwrap_or_default()),
    }
}

/// The content in its first media type.
fn content(schemas: Schemas<'_>, by_media: &Value) -> Option<Content> {
    let (media, content) = by_media.as_object()?.iter().next()?;
    let schema = &content["schema"];
    let example = media
        .ends_with("json")
        .then(|| pretty(&schemas.example(schema)));
    Some(Content {
        media: media.clone(),
        fields: schemas.fields(schema),
        example,
    })
}

/// The answer when all goes well: the first of the successes.
fn answer(schemas: Schemas<'_>, responses: &Value) -> (String, Option<Content>) {
    let mut answers = responses.as_object().into_iter().flatten();
    match answers.find(|(status, _)| status.starts_with('2')) {
        Some((status, answer)) => (status.clone(), content(schemas, &answer["content"])),
        None => Default::default(),
    }
}

/// What the route says of its refusals; those that every route has are not repeated everywhere.
fn refusals(name: &str) -> Vec<Code> {
    let mut routes = api::routes().into_iter();
    let route = routes.find(|route| route.name == name);
    route.map_or_else(Vec::new, |route| route.refusals)
}

/// How `gateway request` makes the request. One with a picture in its body is better made by a program.
fn command(method: &str, path: &str, signed: bool, body: Option<&Content>) -> Option<String> {
    if !signed {
        return None;
    }
    let request = format!("gateway request {method} {path} --key-file FILE");
    match body {
        None => Some(request),
        Some(body) => {
            let example = body.example.as_ref()?;
            Some(format!("{request} --data '{example}'"))
        }
    }
}
