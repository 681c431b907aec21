//! What callers see of a refusal.

use std::collections::HashSet;

use axum::{
    body::to_bytes,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Code, Problem, finish, json_body};

#[test]
fn every_code_is_complete_and_its_own() {
    let mut seen = HashSet::new();
    for code in Code::ALL {
        let name = code.as_str();
        assert!(seen.insert(name), "{name} stands twice");
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
        assert!(
            code.status().is_client_error() || code.status().is_server_error(),
            "{name}"
        );
        assert!(
            !code.title().ends_with('.'),
            "{name}: a title is no sentence"
        );
        assert!(code.advice().ends_with('.'), "{name}: advice is a sentence");
    }
}

async fn told(problem: Problem) -> (StatusCode, Value, Option<String>) {
    let response = problem.into_response();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap(), retry_after)
}

#[tokio::test]
async fn a_problem_is_told_by_the_standard() {
    let problem = Problem::new(Code::OrderExpired, "The order ord_1 expired at noon.")
        .with_hint("Order again.")
        .with_instance("/v1/orders/ord_1");
    let expected = json!({
        "type": "/docs/errors#order_expired",
        "title": "The order has expired",
        "status": 409,
        "code": "order_expired",
        "detail": "The order ord_1 expired at noon.",
        "hint": "Order again.",
        "instance": "/v1/orders/ord_1",
    });
    assert_eq!(told(problem).await, (StatusCode::CONFLICT, expected, None));
}

#[tokio::test]
async fn a_fault_of_ours_keeps_its_cause_to_itself() {
    let problem = Problem::internal(&"no space left on /dev/sda1");
    assert_eq!(problem.cause.as_deref(), Some("no space left on /dev/sda1"));
    let (status, body, _) = told(problem).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.to_string().contains("sda1"), "{body}");
}

#[tokio::test]
async fn whoever_is_told_to_wait_is_told_for_how_long() {
    let wait = |problem| async { told(problem).await.2 };
    assert_eq!(
        wait(Problem::new(Code::Busy, "")).await.as_deref(),
        Some("1")
    );
    assert_eq!(
        wait(Problem::new(Code::RateLimited, "").with_retry_after_s(30))
            .await
            .as_deref(),
        Some("30")
    );
    assert_eq!(wait(Problem::new(Code::NotFound, "")).await, None);
}

#[tokio::test]
async fn a_finished_problem_names_its_request() {
    let response = finish(Problem::new(Code::NotFound, "").into_response(), "req_7");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["request_id"], "req_7");
    let other = finish("all is well".into_response(), "req_8");
    let body = to_bytes(other.into_body(), usize::MAX).await.unwrap();
    assert_eq!(&body[..], b"all is well");
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(rename = "lines/items")]
    _lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "amount")]
    _amount: i64,
}

#[test]
fn a_bad_body_is_told_by_its_field() {
    let check = |body: &str, code: Code, pointer: Option<&str>| {
        let problem = json_body::<Order>(body.as_bytes()).expect_err(body);
        let pointers: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect();
        assert_eq!(
            (problem.code, pointers),
            (code, Vec::from_iter(pointer)),
            "{body}"
        );
    };
    assert!(json_body::<Order>(br#"{"lines/items":[{"amount":1}]}"#).is_ok());
    check("", Code::MalformedJson, None);
    check("{", Code::MalformedJson, None);
    check(r#"{"lines/items":[]} more"#, Code::MalformedJson, None);
    check("\u{fffd}", Code::MalformedJson, None);
    check("[]", Code::FieldInvalid, Some(""));
    check(r#" [[{"amount":1}]]"#, Code::FieldInvalid, Some(""));
    check("{}", Code::FieldInvalid, Some("/lines~1items"));
    check(
        r#"{"lines/items":[{}]}"#,
        Code::FieldInvalid,
        Some("/lines~1items/0/amount"),
    );
    check(
        r#"{"lines/items":[{"amount":1},{"amount":"2"}]}"#,
        Code::FieldInvalid,
        Some("/lines~1items/1/amount"),
    );
    check(
        r#"{"lines/items":[{"amount":9223372036854775808}]}"#,
        Code::FieldInvalid,
        Some("/lines~1items/0/amount"),
    );
    check(
        r#"{"lines/items":[],"more":1}"#,
        Code::FieldInvalid,
        Some("/more"),
    );
}

#[test]
fn a_bad_body_is_told_in_words_that_a_caller_knows() {
    let check = |body: &str, detail: &str| {
        let problem = json_body::<Order>(body.as_bytes()).expect_err(body);
        assert_eq!(&*problem.detail, detail, "{body}");
    };
    check("{}", "/lines~1items is missing");
    check(
        r#"{"lines/items":[7]}"#,
        "invalid type: integer `7`, expected an object",
    );
    check(
        r#"{"lines/items":[{"amount":9223372036854775808}]}"#,
        "invalid value: integer `9223372036854775808`, expected a whole number",
    );
    check(
        r#"{"lines/items":7}"#,
        "invalid type: integer `7`, expected an array",
    );
}
