//! Which own assets exist.
//!
//! What: a value, part of whoever's state it is, that resolves a code from outside to a
//! [`Currency`]: ISO first (their codes have another length, so neither hides the other), then what
//! was registered.
//!
//! Why no global: two books may define POINTS differently, and a replay must see what its journal
//! saw.

use std::collections::BTreeMap;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::{Currency, CurrencyError, currency::shown};

/// The own assets of one book. At most [`Currencies::ASSETS_MAX`], each code once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Currencies {
    own: BTreeMap<String, Currency>,
}

/// Why an asset was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    #[error("{0} is an ISO 4217 currency and needs no registration")]
    Iso(Currency),
    #[error(
        "{code} is already registered with {registered} decimal places, not {asked}; amounts already \
         recorded would change their meaning, so choose another code"
    )]
    Taken {
        code: String,
        registered: u8,
        asked: u8,
    },
    #[error("a book holds at most {} own assets", Currencies::ASSETS_MAX)]
    Full,
}

impl Currencies {
    /// Enough for every loyalty programme of a large platform, and small enough to hold in memory.
    pub const ASSETS_MAX: usize = 100_000;

    /// Registers an own asset. Registering the same one again changes nothing.
    pub fn register(&mut self, currency: Currency) -> Result<(), RegisterError> {
        if currency.is_iso() {
            return Err(RegisterError::Iso(currency));
        }
        match self.own.get(currency.code()) {
            Some(&known) if known == currency => Ok(()),
            Some(known) => Err(RegisterError::Taken {
                code: currency.code().to_owned(),
                registered: known.exponent(),
                asked: currency.exponent(),
            }),
            None if self.own.len() >= Self::ASSETS_MAX => Err(RegisterError::Full),
            None => {
                self.own.insert(currency.code().to_owned(), currency);
                Ok(())
            }
        }
    }

    /// The currency that a code from outside names.
    pub fn resolve(&self, code: &str) -> Result<Currency, CurrencyError> {
        match Currency::iso(code) {
            Err(CurrencyError::Unknown { .. }) => {
                let known = self.own.get(code).copied();
                known.ok_or_else(|| CurrencyError::Unknown { code: shown(code) })
            }
            iso => iso,
        }
    }

    /// The own assets, ordered by code.
    pub fn iter(&self) -> impl Iterator<Item = Currency> {
        self.own.values().copied()
    }
}

impl Serialize for Currencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.own.values())
    }
}

impl<'de> Deserialize<'de> for Currencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut currencies = Self::default();
        for currency in Vec::<Currency>::deserialize(deserializer)? {
            currencies.register(currency).map_err(de::Error::custom)?;
        }
        Ok(currencies)
    }
}
