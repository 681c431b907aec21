//! UPI's deep links: `upi://pay?pa=ADDRESS&pn=NAME&am=AMOUNT&cu=INR`, after NPCI's "UPI Linking Specifications".

use url::Url;

use super::{Currency, Entry, Kind, Report};

/// The parameters and what they mean.
const NAMES: [(&str, &str); 11] = [
    ("pa", "payee address"),
    ("pn", "payee name"),
    ("mc", "merchant category"),
    ("tid", "transaction id"),
    ("tr", "transaction reference"),
    ("tn", "note"),
    ("am", "amount"),
    ("mam", "minimum amount"),
    ("cu", "currency"),
    ("url", "link to the order"),
    ("mode", "mode"),
];

/// The report on a UPI link, or `None` if the text is none.
pub(super) fn report(text: &str) -> Option<Report> {
    let link = Url::parse(text)
        .ok()
        .filter(|link| link.scheme() == "upi")?;
    let parameters: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    let parameter = |id: &str| {
        parameters
            .iter()
            .find(|(given, _)| given == id)
            .map(|(_, value)| value.clone())
    };
    let mut report = Report::of(Kind::Link, "UPI");
    report.merchant.account = parameter("pa");
    report.merchant.name = parameter("pn");
    report.merchant.category = parameter("mc");
    report.amount = parameter("am");
    report.currency = parameter("cu").map(|given| Currency {
        code: Some(given.clone()),
        given,
    });
    let name = |id: &str| {
        NAMES
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, name)| *name)
    };
    report.fields = parameters
        .iter()
        .map(|(id, value)| Entry::value(id, name(id), value))
        .collect();
    if link.host_str() != Some("pay") {
        report
            .remarks
            .push("the link does not begin with upi://pay".to_owned());
    }
    if report.merchant.account.is_none() {
        report.fail("the link lacks the payee's address, pa");
    }
    Some(report)
}
