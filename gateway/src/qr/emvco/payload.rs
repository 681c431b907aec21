//! Anybody's merchant-presented payload: its fields in order, and the fields inside its templates.
//!
//! A broken payload can still be shown to a person, but never acted upon: [`Payload::parse`] gives only what is right
//! throughout, [`Payload::read`] what may have a wrong check sum, [`Payload::salvage`] whatever can be read.

use thiserror::Error;

use super::crc;
use super::tlv::{self, Field, TlvError};

/// EMVCo's own limit is 512 characters; some schemes print more, and nothing sensible comes near this.
pub const PAYLOAD_CHARS_MAX: usize = 1024;

/// Id and length of the first field, the payload format.
pub const START: &str = "0002";

/// The ids of the fields that hold a merchant's accounts as templates.
pub const ACCOUNT_TEMPLATES: std::ops::RangeInclusive<u8> = 26..=51;

pub mod id {
    //! The ids of a payload's own fields.
    pub const FORMAT: u8 = 0;
    pub const INITIATION: u8 = 1;
    pub const CATEGORY: u8 = 52;
    pub const CURRENCY: u8 = 53;
    pub const AMOUNT: u8 = 54;
    pub const COUNTRY: u8 = 58;
    pub const NAME: u8 = 59;
    pub const CITY: u8 = 60;
    pub const POSTAL_CODE: u8 = 61;
    pub const ADDITIONAL: u8 = 62;
    pub const CRC: u8 = 63;
    pub const LOCAL: u8 = 64;
}

/// Why a text is not a merchant-presented payload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PayloadError {
    #[error("the payload has more than {PAYLOAD_CHARS_MAX} characters")]
    TooLong,
    #[error(
        "it does not begin with the payload format, {START} and two digits, as EMVCo merchant-presented payloads do"
    )]
    Start,
    #[error(transparent)]
    Grammar(#[from] TlvError),
    #[error("field {id:02} stands twice, the second time at character {at}")]
    Twice { id: u8, at: usize },
    #[error("the payload lacks its {0}")]
    Missing(&'static str),
    #[error("the payload must end with its check sum, field 63 of 4 characters, and does not")]
    NoCrc,
    #[error(
        "the check sum at character {at} says {found}, but the payload's own is {expected}; it was misread or changed"
    )]
    Crc {
        at: usize,
        found: String,
        expected: String,
    },
}

/// A payload as its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    text: &'a str,
    fields: Vec<Field<'a>>,
}

impl<'a> Payload<'a> {
    /// The fields of `text`, if it keeps the grammar and its check sum is right.
    pub fn parse(text: &'a str) -> Result<Self, PayloadError> {
        let payload = Self::read(text)?;
        payload.check_crc()?;
        Ok(payload)
    }

    /// The fields of `text`, if it keeps the grammar.
    pub fn read(text: &'a str) -> Result<Self, PayloadError> {
        let (payload, error) = Self::salvage(text);
        error.map_or(Ok(payload), Err)
    }

    /// The fields of `text` as far as it keeps the grammar, and how it leaves it.
    pub fn salvage(text: &'a str) -> (Self, Option<PayloadError>) {
        let refused = |error| {
            let fields = Vec::new();
            (Self { text, fields }, Some(error))
        };
        if text.chars().nth(PAYLOAD_CHARS_MAX).is_some() {
            return refused(PayloadError::TooLong);
        }
        if !text.starts_with(START) {
            return refused(PayloadError::Start);
        }
        let (fields, broken) = tlv::read(text, 0);
        let payload = Self { text, fields };
        let error = broken
            .map(PayloadError::Grammar)
            .or_else(|| payload.repeated());
        (payload, error)
    }

    /// The first field whose id has stood before.
    fn repeated(&self) -> Option<PayloadError> {
        let before = |index: usize, id: u8| self.fields[..index].iter().any(|field| field.id == id);
        let (_, field) = self
            .fields
            .iter()
            .enumerate()
            .find(|(index, field)| before(*index, field.id))?;
        let (id, at) = (field.id, field.at);
        Some(PayloadError::Twice { id, at })
    }

    /// Whether the payload ends with the check sum of what stands before it.
    pub fn check_crc(&self) -> Result<(), PayloadError> {
        let last = self
            .fields
            .last()
            .filter(|field| field.id == id::CRC && field.value.len() == 4);
        let last = last.ok_or(PayloadError::NoCrc)?;
        let summed = &self.text.as_bytes()[..self.text.len() - last.value.len()];
        let expected = format!("{:04X}", crc::of(summed));
        if last.value.eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        Err(PayloadError::Crc {
            at: last.value_at(),
            found: last.value.to_owned(),
            expected,
        })
    }

    /// The payload's own fields, in order.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The value of field `id`.
    pub fn value(&self, id: u8) -> Option<&'a str> {
        tlv::value(&self.fields, id)
    }

    /// The fields inside each field that is a template: its id, and its fields where its value keeps the grammar.
    pub fn templates(&self) -> impl Iterator<Item = (u8, Vec<Field<'a>>)> {
        let templates = self.fields.iter().filter(|field| is_template(field.id));
        templates.filter_map(|field| Some((field.id, inside(field)?)))
    }

    /// The fields inside template `id`, if the payload has it.
    pub fn template(&self, id: u8) -> Result<Option<Vec<Field<'a>>>, TlvError> {
        let field = self.fields.iter().find(|field| field.id == id);
        field
            .map(|field| tlv::fields(field.value, field.value_at()))
            .transpose()
    }

    /// The merchant's accounts: each template 26 to 51 whose value keeps the grammar, as its own fields.
    pub fn accounts(&self) -> impl Iterator<Item = Vec<Field<'a>>> {
        let templates = self
            .templates()
            .filter(|(id, _)| ACCOUNT_TEMPLATES.contains(id));
        templates.map(|(_, fields)| fields)
    }
}

/// The fields inside a field that is a template and whose value keeps the grammar.
pub fn inside<'a>(field: &Field<'a>) -> Option<Vec<Field<'a>>> {
    is_template(field.id).then(|| tlv::fields(field.value, field.value_at()).ok())?
}

/// Accounts, additional data, the local name, and what EMVCo leaves to others.
fn is_template(id: u8) -> bool {
    ACCOUNT_TEMPLATES.contains(&id)
        || [id::ADDITIONAL, id::LOCAL].contains(&id)
        || (80..=99).contains(&id)
}
