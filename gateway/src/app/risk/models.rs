//! Files of models: kept beside the journal, each under the digest that the journal knows it by.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fraud::{Model, ModelError, Ready, Registry};
use ledger::shell::chain::hex;
use sha2::{Digest, Sha256};

use crate::pay::desk;

const FOLDER: &str = "models";

#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelFault {
    #[error("the file {} cannot be read or written: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("the file {} is not the model that was uploaded; upload it again", file.display())]
    Changed { file: PathBuf },
    #[error(transparent)]
    Model(#[from] ModelError),
}

#[derive(Debug)]
pub(crate) struct Models {
    folder: PathBuf,
}

impl Models {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            folder: directory.join(FOLDER),
        }
    }

    fn file(&self, digest: [u8; 32]) -> PathBuf {
        self.folder.join(format!("{}.json", hex(&digest)))
    }

    /// Keeps a model's file, durably, and returns its digest. It is complete as soon as it has its name.
    pub(crate) fn keep(&self, text: &str) -> Result<[u8; 32], ModelFault> {
        let digest = <[u8; 32]>::from(Sha256::digest(text));
        let file = self.file(digest);
        let written = || {
            fs::create_dir_all(&self.folder)?;
            let draft = file.with_extension("new");
            let mut out = File::create(&draft)?;
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            fs::rename(draft, &file)?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|source| ModelFault::File {
            file: file.clone(),
            source,
        })?;
        Ok(digest)
    }

    /// Reads the model of a card and makes it ready. A few megabytes of JSON are read off the threads that answer requests.
    pub(crate) async fn load(
        &self,
        card: &desk::Model,
        registry: &Registry,
    ) -> Result<Ready, ModelFault> {
        let (file, digest, version) = (self.file(card.digest), card.digest, card.version);
        let registry = registry.clone();
        let read = tokio::task::spawn_blocking(move || {
            let text = fs::read_to_string(&file).map_err(|source| ModelFault::File {
                file: file.clone(),
                source,
            })?;
            if <[u8; 32]>::from(Sha256::digest(&text)) != digest {
                return Err(ModelFault::Changed { file });
            }
            let model = Model::from_json(&text)?;
            let model = Arc::new(Model { version, ..model });
            Ok(Ready::new(model, &registry)?)
        });
        read.await.unwrap_or_else(|error| {
            Err(ModelFault::File {
                file: self.file(digest),
                source: io::Error::other(error),
            })
        })
    }
}
