//! Consumer-presented payloads: what a payer's phone shows and a merchant scans, base64 of BER-TLV objects.
//!
//! After "EMV QR Code Specification for Payment Systems: Consumer-Presented Mode", version 1.1. Ours carries a payment
//! code, and nothing else that could be of use to whoever photographs it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::ber::{self, BerError, Object};

/// The first object of every payload: the format indicator, version 1.
pub const FORMAT: u16 = 0x85;
const FORMAT_VALUE: &[u8] = b"CPV01";
/// What a payload in base64 starts with, whatever follows: the format indicator is seven bytes, of which six fill eight
/// characters.
pub const START: &str = "hQVDUFYw";

/// The application template and what our payload holds in it.
pub const APPLICATION: u16 = 0x61;
pub const APPLICATION_ID: u16 = 0x4F;
pub const APPLICATION_LABEL: u16 = 0x50;
/// The data that an application keeps to itself.
pub const TRANSPARENT: u16 = 0x63;
/// Our payment code, two digits a byte; the tag is of the private class.
const PAYMENT_CODE: u16 = 0xDF01;

/// Our application id: `F0`, the proprietary class that needs no registration (ISO/IEC 7816-5), and the letters JIAOZI.
pub const OUR_APPLICATION_ID: &[u8] = b"\xF0JIAOZI";
const OUR_LABEL: &[u8] = b"Jiaozi";

/// The digits of a payment code.
pub const PAYMENT_CODE_DIGITS: usize = 18;

/// Why a text is not a consumer-presented payload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsumerError {
    #[error("it is not base64: {0}")]
    Base64(String),
    #[error(
        "it does not begin with the payload format indicator 85 of value CPV01, as EMVCo consumer-presented payloads do"
    )]
    Start,
    #[error(transparent)]
    Grammar(#[from] BerError),
    #[error("a payment code has {PAYMENT_CODE_DIGITS} digits, not \"{0}\"")]
    PaymentCode(String),
}

/// The objects of a payload as far as they can be read, and what is wrong.
pub fn read(text: &str) -> (Vec<Object>, Option<ConsumerError>) {
    let bytes = match STANDARD.decode(text) {
        Ok(bytes) => bytes,
        Err(error) => return (Vec::new(), Some(ConsumerError::Base64(error.to_string()))),
    };
    let (objects, error) = ber::read(&bytes);
    let starts = objects
        .first()
        .is_some_and(|first| first.tag == FORMAT && first.bytes() == Some(FORMAT_VALUE));
    let error = error.map(ConsumerError::Grammar);
    (
        objects,
        error.or_else(|| (!starts).then_some(ConsumerError::Start)),
    )
}

/// The payload of objects, which follow the format indicator.
pub fn write(objects: &[Object]) -> Result<String, ConsumerError> {
    let mut all = vec![Object::primitive(FORMAT, FORMAT_VALUE)];
    all.extend_from_slice(objects);
    Ok(STANDARD.encode(ber::write(&all)?))
}

/// The payload that shows a payment code.
pub fn of_payment_code(code: &str) -> Result<String, ConsumerError> {
    if !is_payment_code(code) {
        return Err(ConsumerError::PaymentCode(code.to_owned()));
    }
    let packed: Vec<u8> = code
        .as_bytes()
        .chunks(2)
        .map(|pair| (pair[0] & 0xF) << 4 | pair[1] & 0xF)
        .collect();
    write(&[Object::constructed(
        APPLICATION,
        vec![
            Object::primitive(APPLICATION_ID, OUR_APPLICATION_ID),
            Object::primitive(APPLICATION_LABEL, OUR_LABEL),
            Object::constructed(TRANSPARENT, vec![Object::primitive(PAYMENT_CODE, packed)]),
        ],
    )])
}

/// The payment code that a scanned text carries: the bare digits, or our consumer-presented payload.
pub fn payment_code_of(text: &str) -> Option<String> {
    let text = text.trim();
    if is_payment_code(text) {
        return Some(text.to_owned());
    }
    let (objects, error) = read(text);
    let ours = objects
        .iter()
        .filter(|_| error.is_none())
        .find(|object| is_ours(object))?;
    let packed = ours.child(TRANSPARENT)?.child(PAYMENT_CODE)?.bytes()?;
    let code = ber::hex(packed);
    is_payment_code(&code).then_some(code)
}

/// Whether an object is our application template.
pub fn is_ours(object: &Object) -> bool {
    object.tag == APPLICATION
        && object.child(APPLICATION_ID).and_then(Object::bytes) == Some(OUR_APPLICATION_ID)
}

fn is_payment_code(text: &str) -> bool {
    text.len() == PAYMENT_CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}
