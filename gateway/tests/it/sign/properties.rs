//! Any request that is signed verifies, any change of it does not, and no nonce passes twice.

use std::collections::HashMap;

use axum::http::HeaderValue;
use gateway::{
    problem::Code,
    sign::{AGE_MAX_S, AHEAD_MAX_S, NonceWindow, SignatureError},
};
use proptest::prelude::*;

use super::{KEY_ID, NOW, Wire};

/// How long a nonce must be known.
const KEPT_S: i64 = AGE_MAX_S + AHEAD_MAX_S;

fn token(characters: &'static str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(characters).unwrap()
}

prop_compose! {
    fn any_request()(
        method in token("[A-Z]{1,7}"),
        path in token("/[!-\"$->@-~]{0,40}"),
        query in proptest::option::of(token("[!-\"$-~]{0,40}")),
        body in proptest::collection::vec(any::<u8>(), 0..64),
        idempotency_key in proptest::option::of(token("[!-~]{1,64}")),
    ) -> Wire {
        Wire::signed(&method, &path, query.as_deref(), &body, idempotency_key.as_deref())
    }
}

/// Every byte of a request that counts, as (part, length).
fn parts(wire: &Wire) -> Vec<(&'static str, usize)> {
    let header = |name: &'static str| (name, wire.headers.get(name).map_or(0, HeaderValue::len));
    let mut parts = vec![
        ("method", wire.method.len()),
        ("path", wire.path.len()),
        ("query", wire.query.as_ref().map_or(0, String::len)),
        ("body", wire.body.len()),
    ];
    parts.extend(["content-digest", "idempotency-key", "signature-input"].map(header));
    parts
}

fn replace_byte(text: &str, at: usize, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = byte;
    String::from_utf8(bytes).unwrap()
}

fn change(wire: &Wire, part: &'static str, at: usize, byte: u8) -> Option<Wire> {
    let mut changed = wire.clone();
    match part {
        "method" => changed.method = replace_byte(&wire.method, at, byte),
        "path" => changed.path = replace_byte(&wire.path, at, byte),
        "query" => {
            let query = wire.query.as_deref().unwrap_or_default();
            changed.query = Some(replace_byte(query, at, byte));
        }
        "body" => changed.body[at] = byte,
        header => {
            let value = replace_byte(wire.header(header), at, byte);
            // A header's value ends where its spaces begin, so a space at an edge is no longer a change of a byte.
            changed = (value.trim() == value).then(|| changed.with_header(header, &value))?;
        }
    }
    let same = (
        &changed.method,
        &changed.path,
        &changed.query,
        &changed.headers,
        &changed.body,
    ) == (
        &wire.method,
        &wire.path,
        &wire.query,
        &wire.headers,
        &wire.body,
    );
    (!same).then_some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_is_signed_verifies(wire in any_request()) {
        prop_assert_eq!(wire.verify(), Ok((KEY_ID.to_owned(), "nonce-1".to_owned(), NOW)));
    }

    #[test]
    fn one_changed_byte_is_noticed(wire in any_request(), at in any::<prop::sample::Index>(), byte in b' '..=b'~') {
        let total = parts(&wire).iter().map(|(_, length)| length).sum::<usize>();
        let mut at = at.index(total);
        for (part, length) in parts(&wire) {
            if at < length {
                if let Some(changed) = change(&wire, part, at, byte) {
                    prop_assert!(changed.verify().is_err(), "a change in {} passed: {:?}", part, changed);
                }
                break;
            }
            at -= length;
        }
    }

    #[test]
    fn no_header_makes_the_verifier_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,40}", digest in "[ -~]{0,40}") {
        let wire = Wire::order().with_header("content-digest", &digest);
        let _ = wire.clone().with_header("signature-input", &input).verify();
        let _ = wire.clone().with_header("signature-input", &format!("sig1=(\"@method\" {input}")).verify();
        let _ = wire.with_header("signature", &signature).verify();
    }

    /// The model remembers every nonce with its time. The window must know those of the last 330 s, and may know
    /// those of the 165 s before.
    #[test]
    fn the_nonce_window_agrees_with_a_plain_map(steps in proptest::collection::vec((0..3u8, 0..8u8, 0..120i64), 1..200)) {
        let window = NonceWindow::default();
        let mut model = HashMap::new();
        let mut now = NOW;
        for (key, nonce, pause) in steps {
            now += pause;
            let admitted = window.admit(&format!("key-{key}"), &format!("nonce-{nonce}"), now);
            let age = model.get(&(key, nonce)).map_or(i64::MAX, |seen| now - seen);
            match admitted {
                Ok(()) => {
                    prop_assert!(age > KEPT_S, "a nonce of {} s was forgotten", age);
                    model.insert((key, nonce), now);
                }
                Err(error) => {
                    prop_assert_eq!(error, SignatureError::Replayed);
                    prop_assert!(age <= KEPT_S * 3 / 2, "a nonce of {} s is still known", age);
                }
            }
        }
    }
}

#[test]
fn a_full_window_refuses_rather_than_forgets() {
    let window = NonceWindow::new(256);
    let mut admitted = Vec::new();
    let mut refused = 0;
    for nonce in (0..2_000).map(|nonce| nonce.to_string()) {
        match window.admit(KEY_ID, &nonce, NOW) {
            Ok(()) => admitted.push(nonce),
            Err(error) => {
                assert_eq!(error.code(), Code::ReplayWindowFull);
                refused += 1;
            }
        }
    }
    assert_eq!(window.len(), 256, "{refused} were refused");
    for nonce in &admitted {
        assert_eq!(
            window.admit(KEY_ID, nonce, NOW + 329),
            Err(SignatureError::Replayed)
        );
    }
    assert_eq!(window.admit(KEY_ID, "later", NOW + 3 * AGE_MAX_S), Ok(()));
}
