//! Anybody's merchant-presented payload: its fields in order, and the fields inside its templates.
//!
//! Reading goes in two steps, because a payload with a wrong check sum can still be shown to a person, but never
//! acted upon: [`Payload::read`] needs the grammar to hold, [`Payload::parse`] the check sum as well.

use thiserror::Error;

use super::crc;
use super::tlv::{self, Field, TlvError};

/// EMVCo's own limit is 512 characters; some schemes print more, and nothing sensible comes near this.
pub const PAYLOAD_CHARS_MAX: usize = 1024;

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
        "the payload does not begin with 000201, so it is not an EMVCo merchant-presented code"
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
        if text.chars().nth(PAYLOAD_CHARS_MAX).is_some() {
            return Err(PayloadError::TooLong);
        }
        if !text.starts_with("0002") {
            return Err(PayloadError::Start);
        }
        let fields = tlv::fields(text, 0)?;
        for (index, field) in fields.iter().enumerate() {
            if fields[..index].iter().any(|earlier| earlier.id == field.id) {
                return Err(PayloadError::Twice {
                    id: field.id,
                    at: field.at,
                });
            }
        }
        Ok(Self { text, fields })
    }

    /// Whether the payload ends with the check sum of what stands before it.
    pub fn check_crc(&self) -> Result<(), PayloadError> {
        let last = self
            .fields
            .last()
            .filter(|field| field.id == id::CRC && field.value.len() == 4);
        let last = last.ok_or(PayloadError::NoCrc)?;
        let expected = format!(
            "{:04X}",
            crc::of(&self.text.as_bytes()[..self.text.len() - last.value.len()])
        );
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
            .fields
            .iter()
            .filter(|field| ACCOUNT_TEMPLATES.contains(&field.id));
        templates.filter_map(|field| tlv::fields(field.value, field.value_at()).ok())
    }
}
