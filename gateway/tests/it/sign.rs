//! Signed requests: what is accepted, and what is refused and why.

use axum::http::HeaderMap;
use gateway::{
    problem::Code,
    sign::{
        AGE_MAX_S, AHEAD_MAX_S, Presented, SignatureError, SignedHead, Signer, SigningKey, ToSign,
        content_digest,
    },
};

pub(crate) mod examples;
mod properties;

const KEY_ID: &str = "key_shop";
const SECRET: &[u8] = b"a secret of a shop that sells dumplings";
const NOW: i64 = 1_700_000_000;

/// Verifies as the gateway does, which knows one key.
fn verify<'a>(
    head: &SignedHead<'a>,
    body: &[u8],
    now: i64,
) -> Result<Presented<'a>, SignatureError> {
    let presented = Presented::read(head, now)?;
    if presented.key_id != KEY_ID {
        return Err(SignatureError::KeyUnknown(presented.key_id.to_owned()));
    }
    presented.verify(&SigningKey::new(SECRET))?;
    presented.verify_body(body)?;
    Ok(presented)
}

/// A request under way, owned, so that a test can change any part of it.
#[derive(Debug, Clone)]
struct Wire {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Wire {
    fn signed(
        method: &str,
        path: &str,
        query: Option<&str>,
        body: &[u8],
        idempotency_key: Option<&str>,
    ) -> Self {
        let request = ToSign {
            method,
            path,
            query,
            body,
            idempotency_key,
        };
        let mut headers = HeaderMap::new();
        Signer::new(KEY_ID, SECRET)
            .sign(&request, NOW, "nonce-1")
            .unwrap()
            .insert_into(&mut headers)
            .unwrap();
        let query = query.map(ToOwned::to_owned);
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers,
            body: body.to_owned(),
        }
    }

    fn order() -> Self {
        Self::signed(
            "POST",
            "/v1/orders",
            None,
            br#"{"amount":1250}"#,
            Some("01900000-0000-7000-8000-000000000000"),
        )
    }

    fn verify_at(&self, now: i64) -> Result<(String, String, i64), SignatureError> {
        let head = SignedHead {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
        };
        verify(&head, &self.body, now).map(|signed| {
            (
                signed.key_id.to_owned(),
                signed.nonce.to_owned(),
                signed.created,
            )
        })
    }

    fn verify(&self) -> Result<(String, String, i64), SignatureError> {
        self.verify_at(NOW)
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn without_header(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Replaces text in `Signature-Input`.
    fn with_input(self, from: &str, to: &str) -> Self {
        let input = self.header("signature-input").to_owned();
        assert!(input.contains(from), "{input} has no {from}");
        self.with_header("signature-input", &input.replace(from, to))
    }
}

#[test]
fn a_signed_request_is_accepted() {
    let accepted = Ok((KEY_ID.to_owned(), "nonce-1".to_owned(), NOW));
    for wire in [
        Wire::order(),
        Wire::signed("GET", "/v1/orders/ord_1", None, b"", None),
        Wire::signed("GET", "/v1/orders", Some("limit=10&after=a%20b"), b"", None),
        Wire::signed("GET", "/v1/orders", Some(""), b"", None),
        Wire::signed("GET", "", None, b"", None),
        Wire::signed("POST", "/v1/caf%C3%A9", None, b"\x00\xff", Some("k")),
    ] {
        assert_eq!(wire.verify(), accepted, "{wire:?}");
    }
}

#[test]
fn an_absent_query_and_an_empty_one_are_the_same() {
    let mut wire = Wire::signed("GET", "/v1/orders", None, b"", None);
    wire.query = Some(String::new());
    assert!(wire.verify().is_ok());
}

#[test]
fn the_signature_base_is_that_of_the_standard() {
    let request = ToSign {
        method: "POST",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        body: br#"{"hello": "world"}"#,
        idempotency_key: Some("one"),
    };
    let signed = Signer::new("test-shared-secret", b"secret")
        .sign(&request, 1_618_884_473, "b3k2pp5k7z")
        .unwrap();
    // The digest of this body is in RFC 9530, appendix B.1.
    let expected = concat!(
        "\"@method\": POST\n",
        "\"@path\": /foo\n",
        "\"@query\": ?param=Value&Pet=dog\n",
        "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n",
        "\"idempotency-key\": one\n",
        "\"@signature-params\": (\"@method\" \"@path\" \"@query\" \"content-digest\" \"idempotency-key\")",
        ";created=1618884473;nonce=\"b3k2pp5k7z\";keyid=\"test-shared-secret\"",
    );
    assert_eq!(signed.base, expected);
}

/// Changes of `Signature-Input`: what is replaced, by what, and the code that follows.
const INPUT_FAULTS: &[(&str, &str, Code)] = &[
    ("sig1=", "sig0=(), sig1=", Code::SignatureMalformed),
    (
        "\"@method\"",
        "\"@method\" \"@method\"",
        Code::SignatureMalformed,
    ),
    ("\"@method\"", "method", Code::SignatureMalformed),
    (";nonce=\"nonce-1\"", "", Code::SignatureMalformed),
    ("nonce-1", "", Code::SignatureMalformed),
    ("nonce-1", LONG_NONCE, Code::SignatureMalformed),
    ("nonce-1", "a\\\"b", Code::SignatureMalformed),
    (";created=1700000000", "", Code::SignatureMalformed),
    ("=1700000000", "=\"1700000000\"", Code::SignatureMalformed),
    (
        "=1700000000",
        "=1700000000;created=1700000000",
        Code::SignatureMalformed,
    ),
    (";keyid=\"key_shop\"", "", Code::SignatureMalformed),
    (";keyid", ";other;keyid", Code::SignatureMalformed),
    (
        ";keyid",
        ";alg=\"rsa-pss-sha512\";keyid",
        Code::SignatureAlgorithmUnsupported,
    ),
    (
        "\"@method\"",
        "\"@method\" \"@authority\"",
        Code::SignatureComponentUnexpected,
    ),
    (
        "\"@method\"",
        "\"@method\" \"date\"",
        Code::SignatureComponentUnexpected,
    ),
    (
        "\"@method\"",
        "\"@method\";req",
        Code::SignatureComponentUnexpected,
    ),
    ("\"@method\" ", "", Code::SignatureComponentMissing),
    ("\"@path\" ", "", Code::SignatureComponentMissing),
    ("\"@query\" ", "", Code::SignatureComponentMissing),
    (" \"content-digest\"", "", Code::SignatureComponentMissing),
    (" \"idempotency-key\"", "", Code::SignatureComponentMissing),
    ("key_shop", "key_other", Code::KeyUnknown),
    (
        ";keyid",
        ";alg=\"hmac-sha256\";keyid",
        Code::SignatureMismatch,
    ),
    ("nonce-1", "nonce-2", Code::SignatureMismatch),
];

/// One character longer than a nonce may be.
const LONG_NONCE: &str = concat!(
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
);

/// Headers that are replaced or removed, and the code that follows.
const HEADER_FAULTS: &[(&str, Option<&str>, Code)] = &[
    ("signature-input", None, Code::SignatureMissing),
    ("signature", None, Code::SignatureMissing),
    ("signature-input", Some("sig1"), Code::SignatureMalformed),
    ("signature-input", Some("sig1=("), Code::SignatureMalformed),
    ("signature-input", Some(""), Code::SignatureMalformed),
    (
        "signature-input",
        Some("sig1=\"@method\""),
        Code::SignatureMalformed,
    ),
    ("signature", Some("sig1=:!:"), Code::SignatureMalformed),
    ("signature", Some("sig1=dG9rZW4="), Code::SignatureMalformed),
    ("signature", Some("sig2=:AAAA:"), Code::SignatureMalformed),
    ("content-digest", None, Code::SignatureComponentMissing),
    ("idempotency-key", None, Code::SignatureComponentMissing),
    ("signature", Some("sig1=:AAAA:"), Code::SignatureMismatch),
    ("idempotency-key", Some("another"), Code::SignatureMismatch),
];

#[test]
fn each_fault_has_its_code() {
    let check = |wire: Wire, code: Code| {
        let refused = wire.verify().map_err(|error| error.code());
        assert_eq!(refused, Err(code), "{wire:?}");
    };
    for &(from, to, code) in INPUT_FAULTS {
        check(Wire::order().with_input(from, to), code);
    }
    for &(name, value, code) in HEADER_FAULTS {
        let order = Wire::order();
        match value {
            Some(value) => check(order.with_header(name, value), code),
            None => check(order.without_header(name), code),
        }
    }
    for body in [&b"{}"[..], b""] {
        check(
            Wire {
                body: body.to_vec(),
                ..Wire::order()
            },
            Code::ContentDigestMismatch,
        );
    }
    let get = || Wire::signed("GET", "/v1/orders", None, b"", None);
    for (name, value) in [
        ("idempotency-key", "added"),
        ("content-digest", &content_digest(b"")),
    ] {
        check(
            get().with_header(name, value),
            Code::SignatureComponentMissing,
        );
    }
}

#[test]
fn a_digest_without_sha_256_is_malformed() {
    let request = ToSign {
        method: "POST",
        path: "/",
        query: None,
        body: b"{}",
        idempotency_key: None,
    };
    // Only someone with the secret can get this far, so the header is signed anew.
    let key = SigningKey::new(SECRET);
    for digest in [
        "sha-512=:AAAA:",
        "sha-256=1",
        "sha-256=(:AAAA:)",
        "nonsense;;",
    ] {
        let base = format!(
            "\"@method\": POST\n\"@path\": /\n\"@query\": ?\n\"content-digest\": {digest}\n\"@signature-params\": {}",
            "(\"@method\" \"@path\" \"@query\" \"content-digest\");created=1700000000;nonce=\"n\";keyid=\"key_shop\""
        );
        let wire = Wire::signed(request.method, request.path, None, request.body, None)
            .with_header("content-digest", digest)
            .with_input("nonce-1", "n")
            .with_header("signature", &independent_signature(&base));
        assert_eq!(
            wire.verify(),
            Err(SignatureError::DigestMalformed),
            "{digest}, {key:?}"
        );
    }
}

/// HMAC by the textbook (RFC 2104), apart from the crate under test.
fn independent_signature(base: &str) -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let padded = |pad: u8| {
        (0..64)
            .map(|at| SECRET.get(at).unwrap_or(&0) ^ pad)
            .collect::<Vec<u8>>()
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(base)
        .finalize();
    let outer = Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize();
    format!(
        "sig1=:{}:",
        base64::engine::general_purpose::STANDARD.encode(outer)
    )
}

#[test]
fn spacing_in_signature_input_does_not_matter() {
    let wire = Wire::order()
        .with_input("(\"@method\" \"@path\"", "(  \"@method\"   \"@path\"")
        .with_input(";nonce", "; nonce");
    assert!(wire.verify().is_ok(), "{wire:?}");
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    for name in [
        "signature",
        "signature-input",
        "content-digest",
        "idempotency-key",
    ] {
        let mut wire = Wire::order();
        let value = wire.headers[name].clone();
        wire.headers.append(name, value);
        assert_eq!(
            wire.verify().map_err(|error| error.code()),
            Err(Code::SignatureMalformed),
            "{name}"
        );
    }
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let order = Wire::order();
    let code = |now| order.verify_at(now).err().map(|error| error.code());
    assert_eq!(code(NOW + AGE_MAX_S), None);
    assert_eq!(code(NOW + AGE_MAX_S + 1), Some(Code::SignatureStale));
    assert_eq!(code(NOW - AHEAD_MAX_S), None);
    assert_eq!(code(NOW - AHEAD_MAX_S - 1), Some(Code::SignatureInFuture));
    assert_eq!(code(i64::MAX), Some(Code::SignatureStale));
    assert_eq!(code(i64::MIN), Some(Code::SignatureInFuture));
    let expired = order.with_input(";nonce", ";expires=1699999999;nonce");
    assert_eq!(
        expired.verify().map_err(|error| error.code()),
        Err(Code::SignatureStale)
    );
}

#[test]
fn a_line_break_cannot_be_smuggled_into_the_signature_base() {
    let request = ToSign {
        method: "POST",
        path: "/v1/orders",
        query: None,
        body: b"",
        idempotency_key: Some("a\n\"@path\": /v1/refunds"),
    };
    let signed = Signer::new(KEY_ID, SECRET).sign(&request, NOW, "n");
    assert_eq!(
        signed.map_err(|error| error.code()),
        Err(Code::SignatureMalformed)
    );
}

#[test]
fn secrets_do_not_show() {
    assert_eq!(
        format!("{:?}", SigningKey::new(b"hunter2")),
        "SigningKey(…)"
    );
}
