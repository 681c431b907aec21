//! A signed request worked out by the very code that verifies requests, so that the example cannot be wrong.

use std::fmt::Write as _;

use crate::sign::{Signer, ToSign};

/// The parts of the example as the page shows them.
pub(super) struct Example {
    pub(super) secret: &'static str,
    pub(super) request: String,
    pub(super) base: String,
    pub(super) headers: String,
}

const SECRET: &str = "this-is-not-a-secret-but-an-example";
const KEY_ID: &str = "key_0197a3e5c4b17f20a1b2c3d4e5f60718";
const BODY: &str =
    r#"{"number":"A-1001","amount":{"amount":1250,"currency":"CNY"},"description":"Dumplings"}"#;
const IDEMPOTENCY_KEY: &str = "0197a3e5-c4b1-7f20-a1b2-c3d4e5f60718";
/// 31 January 2026, 08:00 UTC.
const CREATED: i64 = 1_769_846_400;
const NONCE: &str = "3f9c0a52-5a1e-4b1c-9d57-0c8f5d2b7a64";

impl Example {
    pub(super) fn worked_out() -> Self {
        let request = ToSign {
            method: "POST",
            path: "/v1/orders",
            query: None,
            body: BODY.as_bytes(),
            idempotency_key: Some(IDEMPOTENCY_KEY),
        };
        let mut lines = String::new();
        let mut base = String::new();
        // The example's parts are all of the right form, so it is always signed; a test looks at the result.
        if let Ok(signed) = Signer::new(KEY_ID, SECRET.as_bytes()).sign(&request, CREATED, NONCE) {
            for (name, value) in signed.iter() {
                let _ = writeln!(lines, "{name}: {value}");
            }
            base = signed.base;
        }
        let request = format!(
            "POST /v1/orders\nidempotency-key: {IDEMPOTENCY_KEY}\ncontent-type: application/json\n\n{BODY}"
        );
        Self {
            secret: SECRET,
            request,
            base,
            headers: lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_complete() {
        let example = Example::worked_out();
        assert!(
            example
                .base
                .starts_with("\"@method\": POST\n\"@path\": /v1/orders\n"),
            "{}",
            example.base
        );
        for name in [
            "idempotency-key",
            "content-digest",
            "signature-input",
            "signature",
        ] {
            assert!(
                example
                    .headers
                    .lines()
                    .any(|line| line.starts_with(&format!("{name}: "))),
                "{name}"
            );
        }
    }
}
