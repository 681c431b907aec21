//! What a receiver of webhooks accepts.

use axum::http::HeaderMap;
use gateway::webhook::{WebhookError, WebhookSecret, sign, verify};

use super::{SECRET, older_secret, secret};

/// The example that the libraries of Standard Webhooks share in their tests.
#[test]
fn a_signature_is_that_of_the_standard() {
    let (id, timestamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
    let body = br#"{"test": 2432232314}"#;
    let signature = sign(&[secret()], id, timestamp, body);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(secret().expose_text(), SECRET);
}

#[test]
fn a_receiver_accepts_only_what_is_genuine_and_fresh() {
    let (id, body) = ("msg_1", b"{}");
    let headers = |id: &str, timestamp: &str, signature: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    };
    let both = sign(&[older_secret(), secret()], id, 1_000, body);
    let check = |headers: &HeaderMap, body: &[u8], now, expected| {
        assert_eq!(
            verify(&[secret()], headers, body, now),
            expected,
            "{headers:?} at {now}"
        );
    };
    let good = headers(id, "1000", &both);
    check(&good, body, 1_000, Ok(()));
    check(&good, body, 1_300, Ok(()));
    check(&good, body, 700, Ok(()));
    check(&good, body, 1_301, Err(WebhookError::Timestamp));
    check(&good, body, 699, Err(WebhookError::Timestamp));
    check(&good, body, i64::MIN, Err(WebhookError::Timestamp));
    check(&good, b"{ }", 1_000, Err(WebhookError::Signature));
    check(
        &headers("msg_2", "1000", &both),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "1001", &both),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "now", &both),
        body,
        1_000,
        Err(WebhookError::Timestamp),
    );
    check(
        &headers(id, "1000", &both.replace("v1,", "v2,")),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(
        &headers(id, "1000", "v1,"),
        body,
        1_000,
        Err(WebhookError::Signature),
    );
    check(&HeaderMap::new(), body, 1_000, Err(WebhookError::Headers));
}

#[test]
fn a_secret_has_one_form() {
    for text in ["", "whsec_", "whsec_!", "whsec_c2hvcnQ=", &SECRET[6..]] {
        assert_eq!(
            WebhookSecret::parse(text),
            Err(WebhookError::Secret),
            "{text}"
        );
    }
    assert!(
        !format!("{:?}", secret()).contains("MfKQ"),
        "a secret must not show"
    );
}
