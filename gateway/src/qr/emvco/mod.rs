//! EMVCo QR codes for payment: the text inside the square that banks and wallets print.
//!
//! | module | holds |
//! |---|---|
//! | [`tlv`] | two-digit id, two-digit length, value: the fields and where each starts |
//! | [`crc`] | the check sum that ends a payload |
//! | [`payload`] | anybody's merchant-presented payload as its fields and templates |
//! | `rules`, `templates` | what our own values must look like, and the templates they stand in |
//! | [`scheme`] | whose payload it is |
//! | [`merchant`] | our own merchant-presented payload, built and read back |
//! | [`ber`] | the grammar of consumer-presented payloads |
//! | [`consumer`] | consumer-presented payloads, and our payment code in one |
//!
//! After "EMV QR Code Specification for Payment Systems: Merchant-Presented Mode", version 1.1. Lengths count
//! characters, the check sum runs over the UTF-8 bytes, and positions in errors count characters from 0.

pub mod ber;
pub mod consumer;
pub mod crc;
pub mod merchant;
pub mod payload;
pub(super) mod rules;
pub mod scheme;
mod templates;
pub mod tlv;

pub use merchant::{MerchantError, MerchantPresented, NETWORK_ID};
pub use payload::{Payload, PayloadError};
pub use rules::RuleError;
pub use templates::{AdditionalData, LocalName};
