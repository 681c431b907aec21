//! What a scanned text says, for a person or a program: whose code it is, who is paid how much, every field, and what
//! is wrong with it.
//!
//! A broken payload is reported as far as it can be read. `problems` say why it must not be paid (it was misread or
//! changed, or leaves the grammar); `remarks` say where a payload departs from EMVCo's rules, as many in use do.

mod consumer;
mod merchant;
mod text;
mod upi;

use serde::Serialize;

use super::emvco::{consumer as consumer_presented, payload};
use super::link;

/// What a scanned text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An EMVCo payload that a merchant shows.
    MerchantPresented,
    /// An EMVCo payload that a payer shows.
    ConsumerPresented,
    /// A payer's code as bare digits.
    PaymentCode,
    /// A link to a checkout page or to a wallet.
    Link,
    Unknown,
}

/// What a scanned text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub kind: Kind,
    /// The scheme's name, such as `Pix`.
    pub scheme: &'static str,
    /// Whether nothing is wrong with it.
    pub valid: bool,
    pub problems: Vec<String>,
    pub remarks: Vec<String>,
    /// The id of the code, if it is one of ours.
    pub code: Option<String>,
    /// Whether it is for one payment or printed once for many, where it says so.
    pub one_time: Option<bool>,
    pub merchant: Merchant,
    /// The amount as it stands in the payload, in major units.
    pub amount: Option<String>,
    pub currency: Option<Currency>,
    pub fields: Vec<Entry>,
}

/// Who is paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Merchant {
    pub name: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub category: Option<String>,
    /// The account at the scheme: a Pix key, a mobile number, a virtual payment address.
    pub account: Option<String>,
}

/// A currency as the payload names it, and its letters if it is one of ISO 4217.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Currency {
    pub given: String,
    pub code: Option<String>,
}

/// One field, with its value or the fields inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Value(String),
    Fields(Vec<Entry>),
}

impl Report {
    /// The report on a scanned text.
    pub fn on(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with(payload::START) {
            return merchant::report(text);
        }
        if text.starts_with(consumer_presented::START) {
            return consumer::report(text);
        }
        if let Some(code) = consumer_presented::payment_code_of(text) {
            let mut report = Self::of(Kind::PaymentCode, "Jiaozi");
            report.code = Some(code);
            return report;
        }
        if let Some(code) = link::code_of(text) {
            let mut report = Self::of(Kind::Link, "Jiaozi");
            report.code = Some(code.to_string());
            return report;
        }
        upi::report(text).unwrap_or_else(|| {
            let mut report = Self::of(Kind::Unknown, "unknown");
            report.fail("this is no payment code that is known here: neither an EMVCo payload nor a checkout link");
            report
        })
    }

    /// A report on a valid text that says nothing yet.
    fn of(kind: Kind, scheme: &'static str) -> Self {
        Self {
            kind,
            scheme,
            valid: true,
            problems: Vec::new(),
            remarks: Vec::new(),
            code: None,
            one_time: None,
            merchant: Merchant::default(),
            amount: None,
            currency: None,
            fields: Vec::new(),
        }
    }

    fn fail(&mut self, problem: impl Into<String>) {
        self.valid = false;
        self.problems.push(problem.into());
    }
}

impl Entry {
    fn value(id: impl Into<String>, name: Option<&'static str>, value: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name,
            content: Content::Value(value.into()),
        }
    }

    fn fields(id: impl Into<String>, name: Option<&'static str>, fields: Vec<Self>) -> Self {
        Self {
            id: id.into(),
            name,
            content: Content::Fields(fields),
        }
    }
}
