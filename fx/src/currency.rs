//! A currency as a small value: its code and its minor unit, nothing looked up elsewhere.
//!
//! What: twelve bytes, `Copy`, ordered by code. The value carries its exponent (how many decimal
//! places its minor unit has), so that formatting, parsing and conversion need no registry and a
//! journal entry explains itself.
//!
//! Why two constructors: ISO codes have exactly three letters and their exponent is the standard's;
//! own assets (loyalty points, vouchers) have four to eleven characters and choose theirs. The
//! lengths keep the two apart for ever, also when ISO adds codes.
//!
//! Limits: an own asset's exponent is at most 8, so that a whole unit of anything still fits an
//! `i64` many times over. Card networks and payment providers deviate from ISO for some currencies;
//! that deviation belongs to the connector that talks to them, not to the currency.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::iso4217;

/// The longest code, in bytes.
const CODE_LEN_MAX: usize = 11;
/// The shortest code of an own asset; ISO's have three letters.
const OWN_CODE_LEN_MIN: usize = 4;
/// The largest exponent of an own asset.
const OWN_EXPONENT_MAX: u8 = 8;

/// An asset that amounts can be counted in.
///
/// | operation | result | notes |
/// |---|---|---|
/// | [`Currency::iso`] | an active ISO 4217 currency | refuses metals, test codes and withdrawn codes |
/// | [`Currency::own`] | an own asset | 4 to 11 characters, exponent 0 to 8 |
/// | [`Currency::historic`] | an ISO currency, active or withdrawn | to read old records only |
/// | [`Currency::exponent`] | 2 for CNY, 0 for JPY, 3 for KWD | decimal places of the minor unit |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// The code, padded with zero bytes.
    code: [u8; CODE_LEN_MAX],
    exponent: u8,
}

/// Why a code is not a currency that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    #[error(
        "unknown currency {code:?}; use an active ISO 4217 code such as CNY, or the code of a \
         registered asset"
    )]
    Unknown { code: String },
    #[error(
        "{code} ({name}) has no minor unit in ISO 4217, so amounts of it cannot be counted; use a \
         currency, or register an asset of your own"
    )]
    NoMinorUnit {
        code: &'static str,
        name: &'static str,
    },
    #[error("{code} ({name}) was withdrawn from ISO 4217 ({since}); {}", successor_hint(*successor))]
    Withdrawn {
        code: &'static str,
        name: &'static str,
        since: &'static str,
        successor: Option<&'static str>,
    },
    #[error(
        "{code:?} cannot name an own asset; use 4 to 11 characters A-Z, 0-9 or '-', starting with a \
         letter"
    )]
    OwnCode { code: String },
    #[error("an own asset has 0 to 8 decimal places, not {exponent}")]
    OwnExponent { exponent: u8 },
    #[error(
        "{code} has {expected} decimal places, not {exponent}; the record was written for another \
         definition of {code}"
    )]
    Exponent {
        code: String,
        exponent: u8,
        expected: u8,
    },
}

fn successor_hint(successor: Option<&str>) -> String {
    match successor {
        Some(code) => format!("use {code}"),
        None => "no single currency succeeds it".to_owned(),
    }
}

impl Currency {
    pub const AED: Self = Self::known("AED", 2);
    pub const AUD: Self = Self::known("AUD", 2);
    pub const BHD: Self = Self::known("BHD", 3);
    pub const BRL: Self = Self::known("BRL", 2);
    pub const CAD: Self = Self::known("CAD", 2);
    pub const CHF: Self = Self::known("CHF", 2);
    pub const CLF: Self = Self::known("CLF", 4);
    pub const CNY: Self = Self::known("CNY", 2);
    pub const EUR: Self = Self::known("EUR", 2);
    pub const GBP: Self = Self::known("GBP", 2);
    pub const HKD: Self = Self::known("HKD", 2);
    pub const IDR: Self = Self::known("IDR", 2);
    pub const INR: Self = Self::known("INR", 2);
    pub const JPY: Self = Self::known("JPY", 0);
    pub const KRW: Self = Self::known("KRW", 0);
    pub const KWD: Self = Self::known("KWD", 3);
    pub const MYR: Self = Self::known("MYR", 2);
    pub const PHP: Self = Self::known("PHP", 2);
    pub const SGD: Self = Self::known("SGD", 2);
    pub const THB: Self = Self::known("THB", 2);
    pub const TND: Self = Self::known("TND", 3);
    pub const TRY: Self = Self::known("TRY", 2);
    pub const TWD: Self = Self::known("TWD", 2);
    pub const USD: Self = Self::known("USD", 2);
    pub const VND: Self = Self::known("VND", 0);

    /// An active ISO 4217 currency that has a minor unit.
    pub fn iso(code: &str) -> Result<Self, CurrencyError> {
        if let Some(row) = iso4217::active(code) {
            let (code, name) = (row.code, row.name);
            let exponent = row
                .exponent
                .ok_or(CurrencyError::NoMinorUnit { code, name })?;
            return Ok(Self::known(code, exponent));
        }
        Err(match iso4217::withdrawn(code) {
            Some(row) => CurrencyError::Withdrawn {
                code: row.code,
                name: row.name,
                since: row.since,
                successor: row.successor,
            },
            None => CurrencyError::Unknown { code: shown(code) },
        })
    }

    /// An ISO 4217 currency, active or withdrawn, for reading old records and old exchange rates.
    ///
    /// New business goes through [`Currency::iso`], which refuses withdrawn codes.
    pub fn historic(code: &str) -> Result<Self, CurrencyError> {
        let refused = match Self::iso(code) {
            Ok(currency) => return Ok(currency),
            Err(refused) => refused,
        };
        match iso4217::withdrawn(code).and_then(|row| row.exponent) {
            Some(exponent) => Ok(Self::known(code, exponent)),
            None => Err(refused),
        }
    }

    /// An asset of our own, such as loyalty points.
    pub fn own(code: &str, exponent: u8) -> Result<Self, CurrencyError> {
        let fits = (OWN_CODE_LEN_MIN..=CODE_LEN_MAX).contains(&code.len())
            && code.as_bytes()[0].is_ascii_uppercase()
            && code
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            return Err(CurrencyError::OwnCode { code: shown(code) });
        }
        if exponent > OWN_EXPONENT_MAX {
            return Err(CurrencyError::OwnExponent { exponent });
        }
        Ok(Self::known(code, exponent))
    }

    #[expect(
        clippy::missing_panics_doc,
        reason = "every constructor checks that the code is ASCII"
    )]
    pub fn code(&self) -> &str {
        let len = self
            .code
            .iter()
            .position(|&b| b == 0)
            .unwrap_or(CODE_LEN_MAX);
        std::str::from_utf8(&self.code[..len]).expect("only ASCII codes are ever constructed")
    }

    /// How many decimal places the minor unit has: 2 for CNY, 0 for JPY.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Minor units in one whole unit: 100 for CNY, 1 for JPY.
    pub fn units(&self) -> u64 {
        10_u64.pow(u32::from(self.exponent))
    }

    pub fn is_iso(&self) -> bool {
        self.code[OWN_CODE_LEN_MIN - 1] == 0
    }

    /// The three-digit code that QR codes and ISO 8583 messages use; own assets have none.
    pub fn numeric(&self) -> Option<u16> {
        let code = self.code();
        match iso4217::active(code) {
            Some(row) => Some(row.numeric),
            None => iso4217::withdrawn(code).and_then(|row| row.numeric),
        }
    }

    /// The active ISO 4217 currency with this three-digit code.
    pub fn from_numeric(numeric: u16) -> Result<Self, CurrencyError> {
        match iso4217::ACTIVE.iter().find(|row| row.numeric == numeric) {
            Some(row) => Self::iso(row.code),
            None => Err(CurrencyError::Unknown {
                code: format!("{numeric:03}"),
            }),
        }
    }

    /// The English name in ISO 4217; own assets are named by their code.
    pub fn name(&self) -> &str {
        let code = self.code();
        match (iso4217::active(code), iso4217::withdrawn(code)) {
            (Some(row), _) => row.name,
            (None, Some(row)) => row.name,
            (None, None) => code,
        }
    }

    /// Every active ISO 4217 currency that amounts can be counted in, ordered by code.
    pub fn iter_iso() -> impl Iterator<Item = Self> {
        iso4217::ACTIVE
            .iter()
            .filter_map(|row| row.exponent.map(|exponent| Self::known(row.code, exponent)))
    }

    /// Rebuilds what a journal recorded, also when the code has been withdrawn since.
    fn recorded(code: &str, exponent: u8) -> Result<Self, CurrencyError> {
        if code.len() >= OWN_CODE_LEN_MIN {
            return Self::own(code, exponent);
        }
        let currency = Self::historic(code)?;
        if currency.exponent != exponent {
            return Err(CurrencyError::Exponent {
                code: code.to_owned(),
                exponent,
                expected: currency.exponent,
            });
        }
        Ok(currency)
    }

    const fn known(code: &str, exponent: u8) -> Self {
        let bytes = code.as_bytes();
        let mut padded = [0; CODE_LEN_MAX];
        let mut i = 0;
        while i < bytes.len() {
            padded[i] = bytes[i];
            i += 1;
        }
        Self {
            code: padded,
            exponent,
        }
    }
}

/// A code from outside as an error shows it: short, whatever was sent.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 24;
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code(), self.exponent)
    }
}

/// The journal's encoding: the pair (code, exponent).
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.code(), self.exponent).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (code, exponent) = <(Code, u8)>::deserialize(deserializer)?;
        Self::recorded(code.as_str(), exponent).map_err(de::Error::custom)
    }
}

/// A code on its way in, without an allocation: a journal holds millions of them.
struct Code {
    bytes: [u8; CODE_LEN_MAX],
    len: usize,
}

impl Code {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a currency code of at most 11 characters")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Code, E> {
                let mut bytes = [0; CODE_LEN_MAX];
                let Some(start) = bytes.get_mut(..text.len()) else {
                    return Err(E::invalid_length(text.len(), &self));
                };
                start.copy_from_slice(text.as_bytes());
                Ok(Code {
                    bytes,
                    len: text.len(),
                })
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
