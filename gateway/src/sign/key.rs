//! The secret of a key, ready for use.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret of a key with its first two hash blocks already computed, so that a signature costs only its own bytes.
/// It is made once per key and shared; it never shows the secret.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Takes the secret's bytes as they are. A secret that is handed out as text is used as that text, undecoded.
    #[expect(
        clippy::missing_panics_doc,
        reason = "HMAC takes a key of any length, so this never panics"
    )]
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    pub(super) fn sign(&self, base: &str) -> [u8; 32] {
        self.0
            .clone()
            .chain_update(base)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Compares in constant time.
    pub(super) fn accepts(&self, base: &str, signature: &[u8]) -> bool {
        self.0
            .clone()
            .chain_update(base)
            .verify_slice(signature)
            .is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// RFC 9421, appendix B.2.5, with the shared secret of appendix B.1.5.
    #[test]
    fn the_published_example() {
        let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let base = concat!(
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n",
            "\"@authority\": example.com\n",
            "\"content-type\": application/json\n",
            "\"@signature-params\": (\"date\" \"@authority\" \"content-type\")",
            ";created=1618884473;keyid=\"test-shared-secret\"",
        );
        let key = SigningKey::new(&STANDARD.decode(secret).unwrap());
        let signature = key.sign(base);
        assert_eq!(
            STANDARD.encode(signature),
            "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
        );
        assert!(key.accepts(base, &signature));
        assert!(!key.accepts(base, &signature[..31]));
    }
}
