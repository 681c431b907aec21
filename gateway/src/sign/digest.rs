//! `Content-Digest` of RFC 9530, with sha-256.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{SignatureError, fields};

/// The value of the `Content-Digest` header for a body.
pub fn content_digest(body: &[u8]) -> String {
    const PREFIX: &str = "sha-256=:";
    let mut value = String::with_capacity(PREFIX.len() + 44 + 1);
    value.push_str(PREFIX);
    STANDARD.encode_string(Sha256::digest(body), &mut value);
    value.push(':');
    value
}

/// Checks the body against the header. Digests by other algorithms may stand beside sha-256 and are not looked at.
pub(super) fn check(header: &str, body: &[u8]) -> Result<(), SignatureError> {
    let stated = fields::byte_sequence(header, "sha-256").ok_or(SignatureError::DigestMalformed)?;
    if stated[..] == Sha256::digest(body)[..] {
        Ok(())
    } else {
        Err(SignatureError::DigestMismatch)
    }
}
