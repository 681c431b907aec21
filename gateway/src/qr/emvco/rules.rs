//! What the values in a payload of ours must look like, after EMVCo's table of data objects.

use thiserror::Error;

use super::payload::id;

/// A value that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the {field} must be {wanted}, not \"{value}\"")]
pub struct RuleError {
    pub field: &'static str,
    pub wanted: &'static str,
    pub value: String,
}

/// The rule of one field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    field: &'static str,
    wanted: &'static str,
    holds: fn(&str) -> bool,
}

impl Rule {
    pub(super) const fn new(
        field: &'static str,
        wanted: &'static str,
        holds: fn(&str) -> bool,
    ) -> Self {
        Self {
            field,
            wanted,
            holds,
        }
    }

    pub(crate) fn check(&self, value: &str) -> Result<(), RuleError> {
        if (self.holds)(value) {
            return Ok(());
        }
        Err(RuleError {
            field: self.field,
            wanted: self.wanted,
            value: value.to_owned(),
        })
    }

    pub(super) fn check_some(&self, value: Option<&str>) -> Result<(), RuleError> {
        value.map_or(Ok(()), |value| self.check(value))
    }
}

pub(super) const CATEGORY: Rule =
    Rule::new("merchant category", "4 digits", |text| digits(text, 4));
pub(super) const CURRENCY: Rule = Rule::new("currency", "the 3 digits of ISO 4217", |text| {
    digits(text, 3)
});
pub(super) const COUNTRY: Rule =
    Rule::new("country", "the 2 capital letters of ISO 3166", |text| {
        text.len() == 2 && letters(text, u8::is_ascii_uppercase)
    });
pub(super) const NAME: Rule = Rule::new(
    "merchant name",
    "1 to 25 printable ASCII characters",
    |text| latin(text, 25),
);
pub(super) const CITY: Rule = Rule::new(
    "merchant city",
    "1 to 15 printable ASCII characters",
    |text| latin(text, 15),
);
pub(super) const POSTAL_CODE: Rule = Rule::new(
    "postal code",
    "1 to 10 printable ASCII characters",
    |text| latin(text, 10),
);
pub(super) const AMOUNT: Rule = Rule::new(
    "amount",
    "a number above zero such as 12.50, of at most 13 characters",
    is_amount,
);
pub(super) const LANGUAGE: Rule = Rule::new("language", "the 2 letters of ISO 639", |text| {
    text.len() == 2 && letters(text, u8::is_ascii_alphabetic)
});
pub(super) const LOCAL_NAME: Rule =
    Rule::new("local name", "1 to 25 characters", |text| any(text, 25));
pub(super) const LOCAL_CITY: Rule =
    Rule::new("local city", "1 to 15 characters", |text| any(text, 15));

/// The rule for a payload's own field, where there is one.
pub(crate) fn of(id: u8) -> Option<&'static Rule> {
    Some(match id {
        id::CATEGORY => &CATEGORY,
        id::CURRENCY => &CURRENCY,
        id::AMOUNT => &AMOUNT,
        id::COUNTRY => &COUNTRY,
        id::NAME => &NAME,
        id::CITY => &CITY,
        id::POSTAL_CODE => &POSTAL_CODE,
        _ => return None,
    })
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && letters(text, u8::is_ascii_digit)
}

fn letters(text: &str, fits: fn(&u8) -> bool) -> bool {
    text.bytes().all(|byte| fits(&byte))
}

pub(super) fn latin(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn any(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Digits with at most one point, which stands between digits, and not all of them zero.
fn is_amount(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let number = |part: &str| !part.is_empty() && letters(part, u8::is_ascii_digit);
    text.len() <= 13
        && number(whole)
        && number(fraction)
        && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}
