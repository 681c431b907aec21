//! The grammar of a payload: fields of a two-digit id, a two-digit length in characters, and a value.

use std::fmt::Write as _;

use thiserror::Error;

/// The longest value that two digits can announce.
pub const VALUE_CHARS_MAX: usize = 99;
/// The characters of a field before its value: id and length.
const HEAD_CHARS: usize = 4;

/// One field of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The id, 0 to 99.
    pub id: u8,
    /// The characters of the payload before the field.
    pub at: usize,
    pub value: &'a str,
}

impl Field<'_> {
    /// The characters of the payload before the field's value.
    pub fn value_at(&self) -> usize {
        self.at + HEAD_CHARS
    }
}

/// Where and how a text leaves the grammar.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlvError {
    #[error("at character {at} a field must start with a two-digit id, but there is \"{found}\"")]
    Id { at: usize, found: String },
    #[error(
        "at character {at} field {id:02} must state its length as two digits, but there is \"{found}\""
    )]
    Length { id: u8, at: usize, found: String },
    #[error(
        "at character {at} field {id:02} announces {announced} characters, but only {left} are left"
    )]
    Short {
        id: u8,
        at: usize,
        announced: usize,
        left: usize,
    },
}

/// The fields of `text`, which starts after `at` characters of the payload.
pub fn fields(text: &str, at: usize) -> Result<Vec<Field<'_>>, TlvError> {
    let (fields, error) = read(text, at);
    error.map_or(Ok(fields), Err)
}

/// The fields of `text` as far as it keeps the grammar, and where it leaves it.
pub fn read(text: &str, at: usize) -> (Vec<Field<'_>>, Option<TlvError>) {
    let mut fields = Vec::new();
    let (mut rest, mut at) = (text, at);
    while !rest.is_empty() {
        match first(rest, at) {
            Ok((field, after)) => {
                fields.push(field);
                at += HEAD_CHARS + field.value.chars().count();
                rest = after;
            }
            Err(error) => return (fields, Some(error)),
        }
    }
    (fields, None)
}

/// The field at the beginning of `text` and what follows it.
fn first(text: &str, at: usize) -> Result<(Field<'_>, &str), TlvError> {
    let (head, rest) = split(text, 2);
    let id = two_digits(head).ok_or_else(|| TlvError::Id {
        at,
        found: head.to_owned(),
    })?;
    let (head, rest) = split(rest, 2);
    let announced = two_digits(head).ok_or_else(|| TlvError::Length {
        id,
        at: at + 2,
        found: head.to_owned(),
    })?;
    let announced = usize::from(announced);
    let (value, rest) = split(rest, announced);
    let left = value.chars().count();
    if left < announced {
        return Err(TlvError::Short {
            id,
            at,
            announced,
            left,
        });
    }
    Ok((Field { id, at, value }, rest))
}

/// The value of the first field `id` among `fields`.
pub fn value<'a>(fields: &[Field<'a>], id: u8) -> Option<&'a str> {
    fields
        .iter()
        .find(|field| field.id == id)
        .map(|field| field.value)
}

/// Appends a field; the caller has seen to it that the value is not too long.
pub(crate) fn push(out: &mut String, id: u8, value: &str) {
    let length = value.chars().count();
    debug_assert!(
        id <= 99 && length <= VALUE_CHARS_MAX,
        "field {id} of {length} characters"
    );
    // Writing to a string cannot fail.
    let _ = write!(out, "{id:02}{length:02}{value}");
}

/// The first `count` characters of `text`, or all if it has fewer, and what follows.
fn split(text: &str, count: usize) -> (&str, &str) {
    let end = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(index, _)| index);
    text.split_at(end)
}

fn two_digits(text: &str) -> Option<u8> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}
