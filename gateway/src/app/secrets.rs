//! Making secrets and keeping them: the master key's file, and what rests sealed under it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use crate::pay::SealedSecret;
use crate::secret::{MASTER_KEY_LEN, MasterKey, NONCE_LEN, Secret, SecretError};

/// Bytes of a key's secret: as many as the signature's hash has.
const SECRET_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the file {} of the master key cannot be read or made: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error(
        "the file {} of the master key is not there, but there is a journal whose secrets need it; bring it back from \
         your copy, or name its place with --master-key-file",
        file.display()
    )]
    Missing { file: PathBuf },
    #[error(
        "the file {} does not hold a master key, which is {MASTER_KEY_LEN} bytes in base64url; put the right one back, \
         for nothing that rests under it can be read without it",
        file.display()
    )]
    Malformed { file: PathBuf },
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
    #[error(transparent)]
    Sealed(#[from] SecretError),
}

/// Seals and opens secrets.
#[derive(Debug)]
pub struct Secrets {
    master: MasterKey,
}

impl Secrets {
    /// Reads the master key from its file.
    pub fn read(file: &Path) -> Result<Self, SecretsError> {
        let text = fs::read_to_string(file).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SecretsError::Missing {
                file: file.to_owned(),
            },
            _ => SecretsError::File {
                file: file.to_owned(),
                source,
            },
        })?;
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
        let key = bytes.and_then(|bytes| <[u8; MASTER_KEY_LEN]>::try_from(bytes).ok());
        let key = key.ok_or_else(|| SecretsError::Malformed {
            file: file.to_owned(),
        })?;
        Ok(Self {
            master: MasterKey::new(&key),
        })
    }

    /// Reads the master key from its file, which is made when it is not there. Only for a house that has no secrets
    /// yet: a new key opens none of the old ones.
    pub(super) fn read_or_make(file: &Path) -> Result<Self, SecretsError> {
        if !file.exists() {
            let text = URL_SAFE_NO_PAD.encode(random::<MASTER_KEY_LEN>()?);
            write_private(file, &text).map_err(|source| SecretsError::File {
                file: file.to_owned(),
                source,
            })?;
        }
        Self::read(file)
    }

    /// Seals a secret for one owner, so that it opens for no other.
    pub(crate) fn seal(&self, secret: &Secret, owner: &str) -> Result<SealedSecret, SecretsError> {
        let nonce = random::<NONCE_LEN>()?;
        let sealed = self.master.encrypt(secret, owner.as_bytes(), nonce)?;
        Ok(SealedSecret(sealed))
    }

    pub(crate) fn open(&self, sealed: &SealedSecret, owner: &str) -> Result<Secret, SecretsError> {
        Ok(self.master.decrypt(&sealed.0, owner.as_bytes())?)
    }
}

/// A new secret, as text: its bytes as they are written are what signs.
pub(crate) fn new_secret() -> Result<Secret, SecretsError> {
    let text = URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?);
    Ok(Secret::new(format!("sk_{text}")))
}

/// Bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0; N];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| SecretsError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Writes a new file that nobody but its owner may read. It is complete as soon as it has its name.
pub(crate) fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written: File = options.open(&draft)?;
    writeln!(written, "{text}")?;
    written.sync_all()?;
    fs::rename(draft, file)?;
    // Its name is an entry of the directory, which a power cut forgets as well.
    #[cfg(unix)]
    File::open(directory_of(file))?.sync_all()?;
    Ok(())
}

/// Where a file lies; one that is named without a directory lies in the current one.
#[cfg(unix)]
fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_key_is_made_once_and_read_ever_after() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        let secret = new_secret().unwrap();
        let sealed = Secrets::read_or_make(&file)
            .unwrap()
            .seal(&secret, "one")
            .unwrap();
        let again = Secrets::read_or_make(&file).unwrap();
        assert_eq!(again.open(&sealed, "one").unwrap(), secret);
        assert!(again.open(&sealed, "other").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_found_in_the_directory_that_holds_its_name() {
        for (file, directory) in [
            ("master.key", "."),
            ("data/master.key", "data"),
            ("/master.key", "/"),
        ] {
            assert_eq!(directory_of(Path::new(file)), Path::new(directory));
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        Secrets::read_or_make(&file).unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_that_holds_no_key_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        fs::write(&file, "not a key").unwrap();
        assert!(matches!(
            Secrets::read_or_make(&file),
            Err(SecretsError::Malformed { .. })
        ));
        assert_eq!(fs::read_to_string(&file).unwrap(), "not a key");
    }

    #[test]
    fn reading_makes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("master.key");
        assert!(matches!(
            Secrets::read(&file),
            Err(SecretsError::Missing { .. })
        ));
        assert!(!file.exists());
    }
}
