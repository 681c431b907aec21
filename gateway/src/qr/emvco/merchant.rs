//! Our own merchant-presented payload: a merchant's order or static code, readable by any EMVCo scanner.
//!
//! The account template 26 holds two fields, our network's id and the code's id; all else tells a person, or a wallet
//! that does not know our network, who is paid and how much. What a payer pays is looked up by the code's id and is
//! never taken from the payload, which anybody can print.

use thiserror::Error;

use super::crc;
use super::payload::{Payload, PayloadError, id};
use super::rules::{self, RuleError};
use super::templates::{AdditionalData, LocalName};
use super::tlv;
use crate::qr::CodeRef;

/// Our network's globally unique id in an account template: a reverse domain name under `.internal`, which is kept
/// out of the public name space for private networks, so that it can collide with no scheme's.
pub const NETWORK_ID: &str = "internal.jiaozi";

/// The account template that we write; we read ours from any of 26 to 51.
const ACCOUNT: u8 = 26;
/// The fields of an account template.
const ACCOUNT_NETWORK: u8 = 0;
const ACCOUNT_CODE: u8 = 1;

/// Id and length of the check sum, which are part of what is summed.
const CRC_HEAD: &str = "6304";
const FORMAT: &str = "01";
pub(crate) const STATIC: &str = "11";
pub(crate) const DYNAMIC: &str = "12";

/// Our payload's data, all of it checked when it is built or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantPresented {
    /// The order or merchant code that is to be paid.
    pub code: CodeRef,
    /// Whether the code is for one payment (EMVCo's "dynamic") or printed once for many ("static").
    pub one_time: bool,
    /// The merchant category code, four digits (ISO 18245).
    pub category: String,
    /// The currency's three-digit code (ISO 4217).
    pub currency: String,
    /// The amount in major units, such as `12.50`; without it the payer enters one.
    pub amount: Option<String>,
    /// The country's two letters (ISO 3166).
    pub country: String,
    /// The merchant's name in Latin letters.
    pub name: String,
    /// The merchant's city in Latin letters.
    pub city: String,
    pub postal_code: Option<String>,
    pub additional: AdditionalData,
    /// The merchant's name in its own writing.
    pub local: Option<LocalName>,
}

/// Why data cannot be built into our payload, or a payload is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MerchantError {
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("no account template of the payload is of the network {NETWORK_ID}")]
    NotOurs,
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl MerchantPresented {
    /// The payload, check sum included.
    pub fn payload(&self) -> Result<String, MerchantError> {
        self.check()?;
        let mut account = String::new();
        tlv::push(&mut account, ACCOUNT_NETWORK, NETWORK_ID);
        tlv::push(&mut account, ACCOUNT_CODE, self.code.as_str());
        let additional = self.additional.template()?;
        let local = self.local.as_ref().map(LocalName::template).transpose()?;
        let fields = [
            (id::FORMAT, Some(FORMAT)),
            (
                id::INITIATION,
                Some(if self.one_time { DYNAMIC } else { STATIC }),
            ),
            (ACCOUNT, Some(account.as_str())),
            (id::CATEGORY, Some(&self.category)),
            (id::CURRENCY, Some(&self.currency)),
            (id::AMOUNT, self.amount.as_deref()),
            (id::COUNTRY, Some(&self.country)),
            (id::NAME, Some(&self.name)),
            (id::CITY, Some(&self.city)),
            (id::POSTAL_CODE, self.postal_code.as_deref()),
            (id::ADDITIONAL, additional.as_deref()),
            (id::LOCAL, local.as_deref()),
        ];
        let mut payload = String::new();
        for (id, value) in fields {
            if let Some(value) = value {
                tlv::push(&mut payload, id, value);
            }
        }
        payload.push_str(CRC_HEAD);
        let crc = crc::of(payload.as_bytes());
        Ok(format!("{payload}{crc:04X}"))
    }

    /// Reads a payload of ours.
    pub fn parse(text: &str) -> Result<Self, MerchantError> {
        let payload = Payload::parse(text)?;
        let account = payload
            .accounts()
            .find(|account| tlv::value(account, ACCOUNT_NETWORK) == Some(NETWORK_ID));
        let code = tlv::value(&account.ok_or(MerchantError::NotOurs)?, ACCOUNT_CODE)
            .and_then(CodeRef::new);
        let template = |id: u8| payload.template(id).map_err(PayloadError::Grammar);
        let owned = |id: u8| payload.value(id).map(str::to_owned);
        let required = |id: u8, field| owned(id).ok_or(PayloadError::Missing(field));
        let parsed = Self {
            code: code.ok_or(PayloadError::Missing("code id"))?,
            one_time: payload.value(id::INITIATION) == Some(DYNAMIC),
            category: required(id::CATEGORY, "merchant category")?,
            currency: required(id::CURRENCY, "currency")?,
            amount: owned(id::AMOUNT),
            country: required(id::COUNTRY, "country")?,
            name: required(id::NAME, "merchant name")?,
            city: required(id::CITY, "merchant city")?,
            postal_code: owned(id::POSTAL_CODE),
            additional: template(id::ADDITIONAL)?
                .map(|fields| AdditionalData::of(&fields))
                .unwrap_or_default(),
            local: template(id::LOCAL)?
                .map(|fields| LocalName::of(&fields))
                .transpose()?,
        };
        // What is read keeps the rules by which it is written.
        parsed.payload().map(|_| parsed)
    }

    fn check(&self) -> Result<(), RuleError> {
        rules::CATEGORY.check(&self.category)?;
        rules::CURRENCY.check(&self.currency)?;
        rules::COUNTRY.check(&self.country)?;
        rules::NAME.check(&self.name)?;
        rules::CITY.check(&self.city)?;
        rules::POSTAL_CODE.check_some(self.postal_code.as_deref())?;
        rules::AMOUNT.check_some(self.amount.as_deref())
    }
}
