//! A directory in the making, which gets its name when it is whole: whoever is killed in between leaves none that looks
//! finished, and the next call begins anew.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    to: PathBuf,
}

impl Draft {
    /// Takes what an earlier call left out of the way.
    pub(super) fn of(to: &Path) -> Result<Self> {
        // Without a slash at its end, behind which a longer name would be one inside.
        let plain = to.components().collect::<PathBuf>();
        let to = plain.canonicalize().unwrap_or(plain);
        let mut path = to.clone().into_os_string();
        path.push(".part");
        let path = PathBuf::from(path);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("{} is in the way", path.display()))?;
        }
        Ok(Self { path, to })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name.
    pub(super) fn finish(self) -> Result<()> {
        let Self { path, to } = self;
        let named = fs::rename(&path, &to).and_then(|()| {
            let folder = to.canonicalize()?;
            File::open(folder.parent().unwrap_or(&folder))?.sync_all()
        });
        named.with_context(|| {
            let (path, to) = (path.display(), to.display());
            format!("{to} cannot be made of {path}, which is whole; rename it yourself")
        })
    }
}
