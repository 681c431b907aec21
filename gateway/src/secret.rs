//! Secrets: never shown, wiped when dropped, and encrypted wherever they rest.
//!
//! Keys of callers and secrets of webhooks are stored encrypted under one master key with `XChaCha20-Poly1305`. Its
//! nonces have 24 bytes, so that random ones never meet. Each ciphertext is bound to a context, such as the id of its
//! key, so that nobody who can write to the store can move one caller's secret to another.
//!
//! | byte | holds |
//! |---|---|
//! | 0 | the format's version, 1 |
//! | 1-24 | the nonce |
//! | 25- | the ciphertext and its 16-byte tag |

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// The length of a nonce, in bytes.
pub const NONCE_LEN: usize = 24;

/// The length of a master key, in bytes.
pub const MASTER_KEY_LEN: usize = 32;

/// Bytes that must not be seen. They show only through [`Secret::expose`], and are wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a secret could not be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the secret is too long to be encrypted")]
    TooLong,
    #[error("the encrypted secret is cut short or of a format that this version does not know")]
    Malformed,
    #[error(
        "the secret was encrypted under another master key or for another owner, or was changed since"
    )]
    Refused,
}

/// The key under which secrets rest.
#[derive(Clone)]
pub struct MasterKey(XChaCha20Poly1305);

impl MasterKey {
    pub fn new(key: &[u8; MASTER_KEY_LEN]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts a secret for one owner. The nonce must come from the operating system's random numbers, new each time.
    pub fn encrypt(
        &self,
        secret: &Secret,
        context: &[u8],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, SecretError> {
        let payload = Payload {
            msg: secret.expose(),
            aad: context,
        };
        let ciphertext = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SecretError::TooLong)?;
        Ok([&[VERSION][..], &nonce, &ciphertext].concat())
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made for the same owner.
    pub fn decrypt(&self, encrypted: &[u8], context: &[u8]) -> Result<Secret, SecretError> {
        let (version, rest) = encrypted.split_first().ok_or(SecretError::Malformed)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SecretError::Malformed)?;
        if *version != VERSION {
            return Err(SecretError::Malformed);
        }
        let payload = Payload {
            msg: ciphertext,
            aad: context,
        };
        self.0
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Secret::new)
            .map_err(|_| SecretError::Refused)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        let shown = format!(
            "{:?} {:?}",
            Secret::new("hunter2"),
            MasterKey::new(&[7; 32])
        );
        assert_eq!(shown, "Secret(…) MasterKey(…)");
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        let key = MasterKey::new(&[7; 32]);
        for length in 0..=NONCE_LEN {
            assert_eq!(
                key.decrypt(&vec![VERSION; length], b""),
                Err(SecretError::Malformed)
            );
        }
        assert_eq!(
            key.decrypt(&[VERSION; NONCE_LEN + 2], b""),
            Err(SecretError::Refused)
        );
        assert_eq!(key.decrypt(&[2; 64], b""), Err(SecretError::Malformed));
    }

    proptest! {
        #[test]
        fn only_the_same_key_and_owner_read_a_secret_unchanged(
            secret in any::<Vec<u8>>(),
            context in any::<[u8; 8]>(),
            other in any::<[u8; 8]>(),
            nonce in any::<[u8; NONCE_LEN]>(),
            at in any::<prop::sample::Index>(),
            flip in 1..=u8::MAX,
        ) {
            let key = MasterKey::new(&[7; 32]);
            let secret = Secret::new(secret);
            let mut encrypted = key.encrypt(&secret, &context, nonce).unwrap();
            prop_assert_eq!(key.decrypt(&encrypted, &context).unwrap(), secret);
            prop_assert!(MasterKey::new(&[8; 32]).decrypt(&encrypted, &context).is_err());
            prop_assert!(other == context || key.decrypt(&encrypted, &other).is_err());
            let at = at.index(encrypted.len());
            encrypted[at] ^= flip;
            prop_assert!(key.decrypt(&encrypted, &context).is_err());
        }
    }
}
