//! The two templates of a payload of ours beside its account: additional data (62) and the local name (64).

use super::payload::PayloadError;
use super::rules::{self, Rule, RuleError};
use super::tlv::{self, Field, VALUE_CHARS_MAX};

/// What else a wallet may show or print (template 62). Together the values must fit into one template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdditionalData {
    pub bill: Option<String>,
    pub store: Option<String>,
    pub reference: Option<String>,
    pub terminal: Option<String>,
    pub purpose: Option<String>,
}

/// A merchant's name in its own writing (template 64).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalName {
    /// The language's two letters, such as `zh`.
    pub language: String,
    pub name: String,
    pub city: Option<String>,
}

const BILL: u8 = 1;
const STORE: u8 = 3;
const REFERENCE: u8 = 5;
const TERMINAL: u8 = 7;
const PURPOSE: u8 = 8;

const LOCAL_LANGUAGE: u8 = 0;
const LOCAL_NAME: u8 = 1;
const LOCAL_CITY: u8 = 2;

const ADDITIONAL: Rule = Rule::new(
    "additional data",
    "1 to 25 printable ASCII characters a value",
    |text| rules::latin(text, 25),
);
const ADDITIONAL_TEMPLATE: Rule = Rule::new(
    "additional data",
    "of at most 99 characters in all",
    |text| text.len() <= VALUE_CHARS_MAX,
);

impl AdditionalData {
    /// The template's value, or `None` when there is nothing to say.
    pub(super) fn template(&self) -> Result<Option<String>, RuleError> {
        let values = [
            (BILL, &self.bill),
            (STORE, &self.store),
            (REFERENCE, &self.reference),
            (TERMINAL, &self.terminal),
            (PURPOSE, &self.purpose),
        ];
        let mut template = String::new();
        for (id, value) in values {
            if let Some(value) = value {
                ADDITIONAL.check(value)?;
                tlv::push(&mut template, id, value);
            }
        }
        ADDITIONAL_TEMPLATE.check(&template)?;
        Ok((!template.is_empty()).then_some(template))
    }

    pub(super) fn of(fields: &[Field<'_>]) -> Self {
        let value = |id| tlv::value(fields, id).map(str::to_owned);
        Self {
            bill: value(BILL),
            store: value(STORE),
            reference: value(REFERENCE),
            terminal: value(TERMINAL),
            purpose: value(PURPOSE),
        }
    }
}

impl LocalName {
    pub(super) fn template(&self) -> Result<String, RuleError> {
        rules::LANGUAGE.check(&self.language)?;
        rules::LOCAL_NAME.check(&self.name)?;
        rules::LOCAL_CITY.check_some(self.city.as_deref())?;
        let mut template = String::new();
        tlv::push(&mut template, LOCAL_LANGUAGE, &self.language);
        tlv::push(&mut template, LOCAL_NAME, &self.name);
        if let Some(city) = &self.city {
            tlv::push(&mut template, LOCAL_CITY, city);
        }
        Ok(template)
    }

    pub(super) fn of(fields: &[Field<'_>]) -> Result<Self, PayloadError> {
        let value = |id| tlv::value(fields, id).map(str::to_owned);
        let required = |id, what| value(id).ok_or(PayloadError::Missing(what));
        Ok(Self {
            language: required(LOCAL_LANGUAGE, "language of the local name")?,
            name: required(LOCAL_NAME, "local name")?,
            city: value(LOCAL_CITY),
        })
    }
}
