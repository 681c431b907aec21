//! The Ed25519 key that signs checkpoints, and the public one that checks them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use crate::app::secrets::{SecretsError, random, write_private};

const SEED_BYTES: usize = 32;
pub(super) const PUBLIC_BYTES: usize = 32;
/// Of the signature's kind, in a signed note.
const ED25519_KIND: u8 = 1;
const NAME_PREFIX: &str = "jiaozi-";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the file {} of the key of checkpoints cannot be read or made: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error(
        "the file {} does not hold a key of checkpoints, which is {SEED_BYTES} bytes in base64url; put the right one back, or \
         remove it to begin with a new one",
        file.display()
    )]
    Malformed { file: PathBuf },
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(
        "a public key looks like NAME+12345678+BASE64, as `gateway checkpoint --key` prints it"
    )]
    Public,
}

pub struct CheckpointKey {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CheckpointKey")
            .field(&self.public())
            .finish()
    }
}

impl CheckpointKey {
    /// Reads the key from its file, which is made when it is not there.
    pub fn load_or_make(file: &Path) -> Result<Self, KeyError> {
        if !file.exists() {
            let seed = URL_SAFE_NO_PAD.encode(random::<SEED_BYTES>()?);
            let failed = |source| KeyError::File {
                file: file.to_owned(),
                source,
            };
            write_private(file, &seed).map_err(failed)?;
        }
        Self::load(file)
    }

    /// Reads the key from its file.
    pub fn load(file: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(file).map_err(|source| KeyError::File {
            file: file.to_owned(),
            source,
        })?;
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).unwrap_or_default();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        let pair = pair.map_err(|_| KeyError::Malformed {
            file: file.to_owned(),
        })?;
        Ok(Self { pair })
    }

    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; PUBLIC_BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey::of(bytes)
    }

    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(text.as_bytes()).as_ref().to_vec()
    }
}

/// A key that checks signatures. As text it is a verifier key of a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    bytes: [u8; PUBLIC_BYTES],
}

impl PublicKey {
    fn of(bytes: [u8; PUBLIC_BYTES]) -> Self {
        let digest = Sha256::digest(bytes);
        let short = digest.iter().take(4).map(|byte| format!("{byte:02x}"));
        let name = format!("{NAME_PREFIX}{}", short.collect::<String>());
        Self { name, bytes }
    }

    /// The key's name, which is also that of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What names the key in a signature.
    pub(super) fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519_KIND])
            .chain_update(self.bytes)
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.bytes);
        key.verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kind_and_key = vec![ED25519_KIND];
        kind_and_key.extend(self.bytes);
        let id = u32::from_be_bytes(self.id());
        write!(
            f,
            "{}+{id:08x}+{}",
            self.name,
            STANDARD.encode(kind_and_key)
        )
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let key = key.and_then(|key| STANDARD.decode(key).ok());
        let key = key
            .as_deref()
            .and_then(|key| key.strip_prefix(&[ED25519_KIND]));
        let bytes = key.and_then(|key| key.try_into().ok());
        let public = bytes.zip(name).map(|(bytes, name)| Self {
            name: name.to_owned(),
            bytes,
        });
        let public = public.ok_or(KeyError::Public)?;
        let expected = format!("{:08x}", u32::from_be_bytes(public.id()));
        (id == Some(expected.as_str()))
            .then_some(public)
            .ok_or(KeyError::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_public_part_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let made = CheckpointKey::load_or_make(&file).unwrap();
        let public = made.public();
        assert_eq!(CheckpointKey::load_or_make(&file).unwrap().public(), public);
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        let signature = made.sign("a text");
        assert!(public.verify("a text", &signature));
        assert!(!public.verify("another", &signature));
        for text in ["", "a", "a+b+c", "jiaozi-1+00000000+AQ=="] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
        let forged = public.to_string().replacen("jiaozi", "pelmeni", 1);
        assert!(
            forged.parse::<PublicKey>().is_err(),
            "a key's id is of its name too"
        );
        fs::write(&file, "no key").unwrap();
        assert!(matches!(
            CheckpointKey::load(&file),
            Err(KeyError::Malformed { .. })
        ));
    }
}
