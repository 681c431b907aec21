//! The signature of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Both sides stand here: the engine signs, and a receiver (the simulated shops, the tests) verifies. While a secret is
//! being replaced an endpoint has two, and each webhook carries a signature by both.

use std::fmt::Write;

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

pub const ID_HEADER: &str = "webhook-id";
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far a webhook's timestamp may be from the receiver's time, in seconds.
pub const TOLERANCE_S: i64 = 300;

const PREFIX: &str = "whsec_";
/// The standard asks for 24 to 64 random bytes.
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;

/// The secret of an endpoint, written as `whsec_` and base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret(Secret);

/// Why a webhook was not accepted, or a secret could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
    #[error(
        "the webhook lacks one of the headers webhook-id, webhook-timestamp and webhook-signature"
    )]
    Headers,
    #[error("the webhook's timestamp is more than {TOLERANCE_S} s from the receiver's time")]
    Timestamp,
    #[error("no signature of the webhook fits")]
    Signature,
}

impl WebhookSecret {
    /// A secret of random bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebhookError> {
        if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            Ok(Self(Secret::new(bytes)))
        } else {
            Err(WebhookError::Secret)
        }
    }

    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(WebhookError::Secret)?;
        let bytes = Secret::new(STANDARD.decode(encoded).map_err(|_| WebhookError::Secret)?);
        Self::from_bytes(bytes.expose())
    }

    /// The secret as its owner writes it. This is the one place where it becomes readable.
    pub fn expose_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0.expose()))
    }

    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mac: Hmac<Sha256> =
            Hmac::new_from_slice(self.0.expose()).expect("HMAC takes a key of any length");
        mac.chain_update(id)
            .chain_update(".")
            .chain_update(timestamp)
            .chain_update(".")
            .chain_update(body)
    }
}

/// The value of `webhook-signature`: one signature for each secret, separated by spaces.
pub fn sign(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    secrets.iter().fold(String::new(), |mut value, secret| {
        let separator = if value.is_empty() { "" } else { " " };
        let signature = STANDARD.encode(secret.mac(id, &timestamp, body).finalize().into_bytes());
        // Writing to a string cannot fail.
        let _ = write!(value, "{separator}v1,{signature}");
        value
    })
}

/// Verifies a webhook at the time `now` (Unix seconds): it is good if any of its signatures fits any of the secrets.
pub fn verify(
    secrets: &[WebhookSecret],
    headers: &HeaderMap,
    body: &[u8],
    now: i64,
) -> Result<(), WebhookError> {
    let header = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or(WebhookError::Headers)
    };
    let (id, timestamp) = (header(ID_HEADER)?, header(TIMESTAMP_HEADER)?);
    let signatures = header(SIGNATURE_HEADER)?;
    let seconds = timestamp
        .parse::<i64>()
        .map_err(|_| WebhookError::Timestamp)?;
    if seconds.abs_diff(now) > TOLERANCE_S.unsigned_abs() {
        return Err(WebhookError::Timestamp);
    }
    // Signatures of other versions, such as the asymmetric v1a, may stand beside v1.
    let fits = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|tag| {
            secrets
                .iter()
                .any(|secret| secret.mac(id, timestamp, body).verify_slice(&tag).is_ok())
        });
    if fits {
        Ok(())
    } else {
        Err(WebhookError::Signature)
    }
}
