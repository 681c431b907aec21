//! What holds of whatever comes from outside, for the fuzzer and for the tests that replay its seeds.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use gateway::pay::Payments;
use gateway::qr::emvco::{consumer, payload};
use gateway::sign::{Presented, SignedHead, SigningKey};
use ledger::shell::codec;
use ledger::{Ledger, Machine};

/// The payload of a journal's row: it is read or refused, and what is read is written as it was.
pub(crate) fn record(bytes: &[u8]) {
    round::<Ledger>(bytes);
    round::<Payments>(bytes);
    let _ = codec::slices(bytes);
}

fn round<M: Machine>(bytes: &[u8]) {
    if let Ok(records) = codec::decode::<M>(bytes) {
        let written = codec::encode(&records).expect("what was read can be written");
        let back = codec::decode::<M>(&written).expect("and read again");
        let again = codec::encode(&back).expect("and written again");
        assert_eq!(again, written);
    }
}

/// The headers of a signed request, one on each line, then a body: they are read or refused.
pub(crate) fn signature(bytes: &[u8]) {
    let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
        Some(end) => (&bytes[..end], &bytes[end + 2..]),
        None => (bytes, &[][..]),
    };
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let request = SignedHead {
        method: "POST",
        path: "/v1/orders",
        query: Some("a=1"),
        headers: &headers,
    };
    if let Ok(presented) = Presented::read(&request, 1_800_000_000) {
        let _ = presented.verify(&SigningKey::new(b"secret"));
        let _ = presented.verify_body(body);
    }
}

/// The text in a code that somebody scanned: it is read or refused.
pub(crate) fn code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = payload::Payload::parse(text);
    let _ = payload::Payload::read(text);
    let _ = consumer::read(text);
}
