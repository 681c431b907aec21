//! The report on a consumer-presented payload.

use super::{Content, Entry, Kind, Report};
use crate::qr::emvco::ber::{self, Object, Value};
use crate::qr::emvco::consumer;

/// The tags of EMVCo's consumer-presented mode and what they mean.
const NAMES: [(u16, &str); 25] = [
    (0x85, "payload format indicator"),
    (0x61, "application"),
    (0x62, "common data"),
    (0x63, "application's own data"),
    (0x64, "common data of the wallet"),
    (0x4F, "application id"),
    (0x50, "application label"),
    (0x57, "track 2 equivalent data"),
    (0x5A, "account number"),
    (0x5F20, "cardholder name"),
    (0x5F2D, "language"),
    (0x5F34, "account number's sequence number"),
    (0x5F50, "issuer's address"),
    (0x82, "application interchange profile"),
    (0x9F08, "application version"),
    (0x9F10, "issuer application data"),
    (0x9F19, "token requestor id"),
    (0x9F24, "payment account reference"),
    (0x9F25, "last digits of the account number"),
    (0x9F26, "application cryptogram"),
    (0x9F27, "cryptogram information"),
    (0x9F36, "application transaction counter"),
    (0x9F37, "unpredictable number"),
    (0x9F4E, "merchant name"),
    (0xDF01, "payment code"),
];

/// The tags whose bytes are letters.
const LETTERS: [u16; 5] = [0x85, 0x50, 0x5F20, 0x5F2D, 0x5F50];

pub(super) fn report(text: &str) -> Report {
    let (objects, error) = consumer::read(text);
    let ours = objects.iter().any(consumer::is_ours);
    let mut report = Report::of(
        Kind::ConsumerPresented,
        if ours { "Jiaozi" } else { "EMVCo" },
    );
    report.code = consumer::payment_code_of(text);
    report.fields = objects.iter().map(entry).collect();
    if let Some(error) = error {
        report.fail(error.to_string());
    }
    if !objects
        .iter()
        .any(|object| object.tag == consumer::APPLICATION)
    {
        report
            .remarks
            .push("it names no application (61) that could be paid with".to_owned());
    }
    report
}

fn entry(object: &Object) -> Entry {
    let name = NAMES
        .iter()
        .find(|(tag, _)| *tag == object.tag)
        .map(|(_, name)| *name);
    let content = match &object.value {
        Value::Constructed(objects) => Content::Fields(objects.iter().map(entry).collect()),
        Value::Primitive(bytes) => Content::Value(value(object.tag, bytes)),
    };
    Entry {
        id: format!("{:02X}", object.tag),
        name,
        content,
    }
}

/// Letters as such, everything else in hexadecimal.
fn value(tag: u16, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(letters) if LETTERS.contains(&tag) => letters.to_owned(),
        _ => ber::hex(bytes),
    }
}
