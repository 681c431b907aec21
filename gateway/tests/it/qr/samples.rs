//! Public payloads of many schemes, valid and broken, and what a reader must make of each.
//!
//! `fixtures/qr/emvco_samples.json` names for each payload the public source it was found in.

use gateway::qr::report::{Content, Entry, Kind, Report};
use serde_json::{Map, Value};

/// The schemes by the samples' names and by ours.
const SCHEMES: [(&str, &str); 19] = [
    ("AR interoperable QR", "Transferencias 3.0"),
    ("AirPay (VN)", "AirPay"),
    ("Bharat QR / UPI", "UPI"),
    ("DuitNow", "DuitNow"),
    ("EMVCo CPM", "EMVCo"),
    ("EMVCo generic", "EMVCo"),
    ("HKFPS", "FPS (Hong Kong)"),
    ("JPQR", "JPQR"),
    ("KHQR/EMV (KH)", "KHQR"),
    ("LAO QR", "LAO QR"),
    ("Pix BR Code", "Pix"),
    ("PromptPay/Thai QR", "PromptPay"),
    ("QR Ph", "QR Ph"),
    ("QRIS", "QRIS"),
    ("SGQR/PayNow", "SGQR"),
    ("UPI deep link", "UPI"),
    ("VN other", "EMVCo"),
    ("VNPay QR (VN)", "VNPAY-QR"),
    ("VietQR", "VietQR"),
];

fn samples() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../fixtures/qr/emvco_samples.json")).expect("JSON");
    let samples = file["samples"].as_array().expect("samples").clone();
    assert_eq!(samples.len(), 101);
    samples
}

fn text<'a>(sample: &'a Value, key: &str) -> &'a str {
    sample[key]
        .as_str()
        .unwrap_or_else(|| panic!("{sample} has no {key}"))
}

/// A report's fields as the samples write merchants' fields: id to value, or to the fields inside.
fn by_id(entries: &[Entry]) -> Value {
    let pair = |entry: &Entry| {
        let value = match &entry.content {
            Content::Value(value) => Value::from(value.clone()),
            Content::Fields(fields) => by_id(fields),
        };
        (entry.id.clone(), value)
    };
    Value::from(entries.iter().map(pair).collect::<Map<_, _>>())
}

/// A report's fields as the samples write payers' fields: pairs in order.
fn in_order(entries: &[Entry]) -> Value {
    let pair = |entry: &Entry| match &entry.content {
        Content::Value(value) => Value::from(vec![
            Value::from(entry.id.clone()),
            Value::from(value.clone()),
        ]),
        Content::Fields(fields) => {
            Value::from(vec![Value::from(entry.id.clone()), in_order(fields)])
        }
    };
    Value::from(entries.iter().map(pair).collect::<Vec<_>>())
}

#[test]
fn every_sample_is_told_valid_or_broken_and_whose_it_is() {
    for sample in samples() {
        let report = Report::on(text(&sample, "payload"));
        let expected = text(&sample, "expect");
        assert_eq!(report.valid, expected == "valid", "{sample}\n{report}");
        assert_eq!(report.problems.is_empty(), report.valid, "{report}");
        let (_, ours) = SCHEMES
            .iter()
            .find(|(theirs, _)| *theirs == text(&sample, "scheme"))
            .expect("a known scheme");
        assert_eq!(report.scheme, *ours, "{sample}\n{report}");
        let kind = match text(&sample, "mode") {
            "MPM" => Kind::MerchantPresented,
            "CPM" => Kind::ConsumerPresented,
            _ => Kind::Link,
        };
        assert_eq!(report.kind, kind, "{sample}");
    }
}

#[test]
fn a_wrong_check_sum_is_told_with_the_right_one() {
    let samples = samples();
    let broken: Vec<&Value> = samples
        .iter()
        .filter(|sample| sample["expect"] == "bad_crc")
        .collect();
    assert_eq!(broken.len(), 10);
    for sample in broken {
        let report = Report::on(text(sample, "payload"));
        let right = format!("the payload's own is {}", text(sample, "crc_calculated"));
        assert!(report.problems[0].contains(&right), "{sample}\n{report}");
    }
}

#[test]
fn every_field_of_every_sample_is_read() {
    for sample in samples() {
        if sample["fields"].is_null() {
            continue;
        }
        let report = Report::on(text(&sample, "payload"));
        let fields = match report.kind {
            // The samples give letters in hexadecimal too, which the report shows as letters.
            Kind::ConsumerPresented => continue,
            _ => by_id(&report.fields),
        };
        assert_eq!(fields, sample["fields"], "{report}");
        check_named(&report, &sample["named"]);
    }
}

fn check_named(report: &Report, named: &Value) {
    let merchant = &report.merchant;
    let values = [
        ("mcc", merchant.category.as_deref()),
        (
            "currency",
            report
                .currency
                .as_ref()
                .map(|currency| currency.given.as_str()),
        ),
        ("amount", report.amount.as_deref()),
        ("country", merchant.country.as_deref()),
        ("merchant_name", merchant.name.as_deref()),
        ("merchant_city", merchant.city.as_deref()),
    ];
    for (name, value) in values {
        if !named.is_null() {
            assert_eq!(value, named[name].as_str(), "{name}\n{report}");
        }
    }
}

#[test]
fn payers_payloads_are_read_object_by_object() {
    let letters = |tag: &str, value: &str| (tag.to_owned(), value.to_owned());
    let expected = [
        letters("85", "CPV01"),
        letters("50", "Mobile Wallet"),
        letters("5F2D", "arende"),
    ];
    let samples = samples();
    let sample = samples
        .iter()
        .find(|sample| text(sample, "payload").starts_with("hQVDUFYwMWEYTw"))
        .expect("the wallet");
    let report = Report::on(text(sample, "payload"));
    let found = leaves(&report.fields);
    for leaf in &expected {
        assert!(found.contains(leaf), "{report}");
    }
    for sample in samples
        .iter()
        .filter(|sample| sample["mode"] == "CPM" && sample["expect"] == "valid")
    {
        let report = Report::on(text(sample, "payload"));
        let shape = in_order(&report.fields).to_string();
        for tag in tags(&sample["fields"]) {
            assert!(
                shape.contains(&format!("\"{tag}\"")),
                "{tag} is missing in {shape}"
            );
        }
    }
}

/// The ids and values of a report, whatever they are inside of.
fn leaves(entries: &[Entry]) -> Vec<(String, String)> {
    let leaf = |entry: &Entry| match &entry.content {
        Content::Value(value) => vec![(entry.id.clone(), value.clone())],
        Content::Fields(fields) => leaves(fields),
    };
    entries.iter().flat_map(leaf).collect()
}

fn tags(fields: &Value) -> Vec<String> {
    let pairs = fields.as_array().into_iter().flatten();
    pairs
        .flat_map(|pair| {
            std::iter::once(pair[0].as_str().expect("a tag").to_owned()).chain(tags(&pair[1]))
        })
        .collect()
}

#[test]
fn a_report_says_what_is_wrong_and_where() {
    fn check(payload: &str, says: &str) {
        let report = Report::on(payload);
        let all = [report.problems.join("; "), report.remarks.join("; ")].join("; ");
        assert!(all.contains(says), "\"{all}\" does not say \"{says}\"");
    }

    let samples = samples();
    let malformed = |scheme: &str| {
        let fits = |sample: &&Value| {
            text(sample, "expect").starts_with("malformed") && text(sample, "scheme") == scheme
        };
        text(
            samples.iter().find(fits).expect("a malformed sample"),
            "payload",
        )
    };
    check(
        malformed("JPQR"),
        "at character 169 field 99 must state its length as two digits, but there is \"あい\"",
    );
    check(
        malformed("QRIS"),
        "at character 135 field 99 announces 95 characters, but only",
    );
    check(
        "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0",
        "object 61 announces 19 bytes, but only 18 are left",
    );
    check(
        "hQVDUFYwMZ+f",
        "at byte 7 a tag of more than two bytes begins",
    );
    check("hQVDUFYwMQ=", "it is not base64");
    check("hQVDUFYwMQ==", "it names no application");
    check(
        "upi://pay?pn=Nobody",
        "the link lacks the payee's address, pa",
    );
    check(
        "WIFI:S:net;T:WPA;;",
        "this is no payment code that is known here",
    );
    check(
        "0002015204-10053031166304B872",
        "the merchant category must be 4 digits, not \"-100\"",
    );
}

#[test]
fn the_reports_of_our_own_codes_name_the_code() {
    let order = super::payloads::order();
    let report = Report::on(&order.payload().expect("a fitting order"));
    assert_eq!(
        (report.scheme, report.code.as_deref(), report.one_time),
        ("Jiaozi", Some("ord_01JAB3"), Some(true))
    );
    assert!(report.valid && report.remarks.is_empty(), "{report}");
    let expected = "\
scheme     Jiaozi
kind       EMVCo, shown by a merchant
valid      yes
code       ord_01JAB3
use        one payment
merchant   DUMPLING HOUSE, HANGZHOU, CN
account    ord_01JAB3
category   5812
amount     12.50
currency   CNY
00 payload format: 01
01 point of initiation: 12
26 merchant account
  00 network: internal.jiaozi
  01 -: ord_01JAB3
52 merchant category: 5812
";
    assert!(report.to_string().starts_with(expected), "{report}");
    let link = Report::on("https://pay.example/c/ord_01JAB3");
    assert_eq!(
        (link.kind, link.code.as_deref()),
        (Kind::Link, Some("ord_01JAB3"))
    );
    let json = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(json["fields"][2]["fields"][1]["value"], "ord_01JAB3");
    assert_eq!(json["currency"]["code"], "CNY");
}
