//! The grammar of consumer-presented payloads: BER-TLV objects (ISO/IEC 8825-1, as EMV Book 3, annex B, limits it).
//!
//! A tag has one or two bytes, a length one to three bytes in definite form. A constructed object holds objects.

use thiserror::Error;

/// EMVCo allows a payload 512 bytes.
pub const PAYLOAD_BYTES_MAX: usize = 512;
/// EMVCo's templates are three deep; this leaves room, and bounds the recursion.
const DEPTH_MAX: usize = 8;

/// One object of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The tag's bytes as a number, such as 0x4F or 0x9F26.
    pub tag: u16,
    pub value: Value,
}

/// What an object holds, as its tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Primitive(Vec<u8>),
    Constructed(Vec<Object>),
}

/// Where and how bytes leave the grammar. Positions count bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BerError {
    #[error("at byte {at} a tag of more than two bytes begins")]
    Tag { at: usize },
    #[error(
        "at byte {at} the length of object {tag:02X} is missing or not in a form that EMV allows"
    )]
    Length { tag: u16, at: usize },
    #[error("at byte {at} object {tag:02X} announces {announced} bytes, but only {left} are left")]
    Short {
        tag: u16,
        at: usize,
        announced: usize,
        left: usize,
    },
    #[error("at byte {at} objects are nested more than {DEPTH_MAX} deep")]
    Deep { at: usize },
    #[error("the payload has {0} bytes, more than the {PAYLOAD_BYTES_MAX} allowed")]
    TooLong(usize),
}

impl Object {
    pub fn primitive(tag: u16, value: impl Into<Vec<u8>>) -> Self {
        Self {
            tag,
            value: Value::Primitive(value.into()),
        }
    }

    pub fn constructed(tag: u16, objects: Vec<Self>) -> Self {
        Self {
            tag,
            value: Value::Constructed(objects),
        }
    }

    /// The first object `tag` directly inside this one.
    pub fn child(&self, tag: u16) -> Option<&Self> {
        match &self.value {
            Value::Primitive(_) => None,
            Value::Constructed(objects) => objects.iter().find(|object| object.tag == tag),
        }
    }

    /// The bytes of a primitive object.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Primitive(bytes) => Some(bytes),
            Value::Constructed(_) => None,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let value = match &self.value {
            Value::Primitive(bytes) => bytes.clone(),
            Value::Constructed(objects) => joined(objects),
        };
        let [high, low] = self.tag.to_be_bytes();
        if high != 0 {
            out.push(high);
        }
        out.push(low);
        let [.., high, low] = value.len().to_be_bytes();
        match value.len() {
            0..=0x7F => out.push(low),
            0x80..=0xFF => out.extend([0x81, low]),
            _ => out.extend([0x82, high, low]),
        }
        out.extend(value);
    }
}

/// The bytes of objects one after another.
pub fn write(objects: &[Object]) -> Result<Vec<u8>, BerError> {
    let bytes = joined(objects);
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return Err(BerError::TooLong(bytes.len()));
    }
    Ok(bytes)
}

fn joined(objects: &[Object]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for object in objects {
        object.write(&mut bytes);
    }
    bytes
}

/// Bytes in hexadecimal, as EMV's documents write them.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value & 0xF)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// The objects in `bytes` as far as they keep the grammar, and where they leave it.
pub fn read(bytes: &[u8]) -> (Vec<Object>, Option<BerError>) {
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return (Vec::new(), Some(BerError::TooLong(bytes.len())));
    }
    let mut reader = Reader { bytes, at: 0 };
    reader.objects(bytes.len(), 0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The objects up to `end`; what was read before an error is kept.
    fn objects(&mut self, end: usize, depth: usize) -> (Vec<Object>, Option<BerError>) {
        let mut objects = Vec::new();
        if depth > DEPTH_MAX {
            return (objects, Some(BerError::Deep { at: self.at }));
        }
        while self.at < end {
            let (object, error) = self.object(end, depth);
            objects.extend(object);
            if error.is_some() {
                return (objects, error);
            }
        }
        (objects, None)
    }

    fn object(&mut self, end: usize, depth: usize) -> (Option<Object>, Option<BerError>) {
        let start = self.at;
        let (tag, length) = match self.head(end) {
            Ok(head) => head,
            Err(error) => return (None, Some(error)),
        };
        let left = end - self.at;
        if length > left {
            let error = BerError::Short {
                tag,
                at: start,
                announced: length,
                left,
            };
            return (None, Some(error));
        }
        let value_end = self.at + length;
        if !is_constructed(tag) {
            let object = Object::primitive(tag, &self.bytes[self.at..value_end]);
            self.at = value_end;
            return (Some(object), None);
        }
        let (objects, error) = self.objects(value_end, depth + 1);
        (Some(Object::constructed(tag, objects)), error)
    }

    /// The tag and the length at the reader's place.
    fn head(&mut self, end: usize) -> Result<(u16, usize), BerError> {
        let start = self.at;
        let first = self.byte(end).ok_or(BerError::Tag { at: start })?;
        let mut tag = u16::from(first);
        if first & 0x1F == 0x1F {
            let second = self.byte(end).filter(|second| second & 0x80 == 0);
            tag = tag << 8 | u16::from(second.ok_or(BerError::Tag { at: start })?);
        }
        let length_at = self.at;
        let length = self
            .length(end)
            .ok_or(BerError::Length { tag, at: length_at })?;
        Ok((tag, length))
    }

    fn length(&mut self, end: usize) -> Option<usize> {
        match self.byte(end)? {
            short @ 0..=0x7F => Some(usize::from(short)),
            0x81 => self.byte(end).map(usize::from),
            0x82 => {
                let (high, low) = (self.byte(end)?, self.byte(end)?);
                Some(usize::from(u16::from_be_bytes([high, low])))
            }
            _ => None,
        }
    }

    fn byte(&mut self, end: usize) -> Option<u8> {
        let byte = self.bytes[..end].get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }
}

/// Bit 6 of a tag's first byte says that the object holds objects.
fn is_constructed(tag: u16) -> bool {
    let [high, low] = tag.to_be_bytes();
    let first = if high == 0 { low } else { high };
    first & 0x20 != 0
}
