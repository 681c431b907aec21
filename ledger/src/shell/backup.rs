//! A copy of a data directory that is one moment of it, taken while it is written.
//!
//! What follows the journal is copied before it, so the journal's copy has every row that the other copies speak of; all are
//! SQLite's own copies of one read transaction. Archive files never change. What is copied is checked by nobody here:
//! `verify` does that, on the copy.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::shell::journal::{self, ARCHIVE_DIRECTORY};
use crate::shell::views;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is there already; name a directory that is not", .0.display())]
    There(PathBuf),
    #[error("{} cannot be copied: {error}", file.display())]
    Database { file: PathBuf, error: sqlx::Error },
    #[error("{} cannot be copied: {error}", file.display())]
    File {
        file: PathBuf,
        error: std::io::Error,
    },
}

/// Copies journal, views and archive of a data directory into a new one, and the databases of `followers`. `told` hears of
/// each file when it is copied.
pub async fn backup(
    data: &Path,
    to: &Path,
    followers: &[&str],
    mut told: impl FnMut(&Path, u64),
) -> Result<(), BackupError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| BackupError::File { file, error }
    };
    if to.exists() {
        return Err(BackupError::There(to.to_owned()));
    }
    std::fs::create_dir_all(to).map_err(failed(to))?;
    let names = followers.iter().chain(&[views::FILE, journal::FILE]);
    for name in names.copied() {
        let (from, copy) = (data.join(name), to.join(name));
        if from.exists() || name == journal::FILE {
            copy_database(&from, &copy).await?;
            told(&copy, size(&copy));
        }
    }
    let archive = data.join(ARCHIVE_DIRECTORY);
    if archive.is_dir() {
        copy_folder(&archive, &to.join(ARCHIVE_DIRECTORY), &mut told)?;
    }
    Ok(())
}

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// Copies a database of ours as it is at one moment.
async fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |error| BackupError::Database {
        file: from.to_owned(),
        error,
    };
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut connection = options.connect().await.map_err(failed)?;
    let target = to.to_string_lossy().into_owned();
    let copied = sqlx::query("vacuum into ?").bind(target);
    copied.execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| BackupError::File {
        file: to.to_owned(),
        error,
    })
}

/// Copies the files of a folder; what is being written there is left out.
pub fn copy_folder(
    from: &Path,
    to: &Path,
    told: &mut impl FnMut(&Path, u64),
) -> Result<(), BackupError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| BackupError::File { file, error }
    };
    std::fs::create_dir_all(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let path = entry.map_err(failed(from))?.path();
        let unfinished = path
            .extension()
            .is_some_and(|extension| extension == "part");
        let Some(name) = path.file_name().filter(|_| path.is_file() && !unfinished) else {
            continue;
        };
        let copy = to.join(name);
        let bytes = std::fs::copy(&path, &copy).map_err(failed(&path))?;
        let synced = std::fs::File::open(&copy).and_then(|file| file.sync_all());
        synced.map_err(failed(&copy))?;
        told(&copy, bytes);
    }
    Ok(())
}
