//! The looks that the doctor takes, in the order in which `serve` would stumble.

use std::fs::{self, File, Metadata, TryLockError};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use gateway::app::secrets::Secrets;
use gateway::config::{Config, Mode};
use ledger::shell::journal::{self, DatabaseReader, ReadJournal as _};
use ledger::shell::sql::Database;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::server::{self, Found};
use super::{Finding, disk};

/// The file that a running gateway holds a lock on.
const LOCK_FILE: &str = "lock";
/// Files that a start makes again, and what their loss costs.
const TABLES: [(&str, &str, &str); 2] = [
    (
        "views",
        "views.db",
        "the next start makes it again from the journal",
    ),
    (
        "deliveries",
        "deliveries.db",
        "the next start makes it again, and sends the webhooks of the last day once more",
    ),
];
/// 1 January 2026: this program is younger than that.
const EARLIEST_S: i64 = 1_767_225_600;

pub(super) async fn all(config: &Config) -> Vec<Finding> {
    let mut findings = vec![version(), clock(), mode(config)];
    findings.push(directory(&config.data));
    let found = if let Some((finding, found)) = server::look(config).await {
        findings.push(finding);
        found
    } else {
        if config.data.is_dir() {
            findings.extend([disk::space(&config.data), disk::durability(&config.data)]);
        }
        Some(Found {
            journal: journal::exists(&config.database).await.unwrap_or(false),
            running: is_running(&config.data),
        })
    };
    let has_journal = found.is_some_and(|found| found.journal);
    findings.push(master_key(config, has_journal));
    if let Some(found) = found {
        findings.push(journal(&config.database, found).await);
    }
    if let Database::Sqlite(data) = &config.database {
        for (what, file, lost) in TABLES {
            findings.extend(tables(what, &data.join(file), lost).await);
        }
    }
    let running = found.is_some_and(|found| found.running);
    findings.push(port(config.listen, running));
    findings
}

fn version() -> Finding {
    let build = if cfg!(debug_assertions) {
        "debug build"
    } else {
        "release build"
    };
    let seen = format!(
        "{} ({build}, {})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH
    );
    if cfg!(debug_assertions) {
        return Finding::doubtful(
            "version",
            seen,
            "build with --release for anything but developing",
        );
    }
    Finding::well("version", seen)
}

fn clock() -> Finding {
    let now = chrono::Utc::now();
    let seen = format!("it is {}", now.format("%Y-%m-%d %H:%M:%S UTC"));
    if now.timestamp() < EARLIEST_S {
        return Finding::bad(
            "clock",
            format!("{seen}, which is before this program was written"),
            "set the clock (timedatectl set-ntp true); signatures carry the time",
        );
    }
    Finding::well("clock", seen)
}

fn mode(config: &Config) -> Finding {
    let url = config.public_url.as_deref();
    match (config.mode, url) {
        (Mode::Test, _) => Finding::doubtful(
            "mode",
            "test: play money, simulated customers, webhooks to this machine",
            "for real money: --mode live",
        ),
        (Mode::Live, None) => Finding::bad(
            "mode",
            "live, but codes would name the listening address",
            "say how payers reach this gateway: --public-url https://pay.example.com",
        ),
        (Mode::Live, Some(url)) if !url.starts_with("https://") => Finding::bad(
            "mode",
            format!("live, but {url} is not encrypted, and wallets refuse such codes"),
            "put a proxy with a certificate in front, and name it: --public-url https://…",
        ),
        (Mode::Live, Some(url)) => Finding::well("mode", format!("live, as {url}")),
    }
}

fn directory(data: &Path) -> Finding {
    let what = "data directory";
    let shown = data.display();
    let Ok(found) = fs::metadata(data) else {
        return not_there(data);
    };
    if !found.is_dir() {
        return Finding::bad(
            what,
            format!("{shown} is a file"),
            "choose another directory with --data",
        );
    }
    match tempfile_in(data) {
        Ok(()) => Finding::well(what, format!("{shown} can be written")),
        Err(error) => Finding::bad(
            what,
            format!("{shown} cannot be written: {error}"),
            "give it to the user that runs the gateway (chown), or choose another with --data",
        ),
    }
}

fn not_there(data: &Path) -> Finding {
    let what = "data directory";
    let shown = data.display();
    // `serve` makes missing parents too, so the nearest one that exists decides.
    let nearest = data
        .ancestors()
        .skip(1)
        .find(|above| above.is_dir() || above.as_os_str().is_empty());
    let nearest = nearest
        .filter(|above| !above.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match tempfile_in(nearest) {
        Ok(()) => Finding::well(
            what,
            format!("{shown} is not there yet; the first start makes it"),
        ),
        Err(error) => Finding::bad(
            what,
            format!(
                "{shown} is not there and cannot be made: {} says {error}",
                nearest.display()
            ),
            "make it yourself, for the user that runs the gateway, or choose another with --data",
        ),
    }
}

/// Sees whether files can be made in a directory, by making one and removing it.
fn tempfile_in(directory: &Path) -> std::io::Result<()> {
    let probe = directory.join(format!(".doctor-{}", std::process::id()));
    File::create_new(&probe)?;
    fs::remove_file(probe)
}

fn master_key(config: &Config, has_journal: bool) -> Finding {
    let what = "master key";
    let file = &config.master_key_file;
    let shown = file.display();
    match fs::metadata(file) {
        Ok(found) if open_to_others(&found) => Finding::bad(
            what,
            format!("{shown} can be read by other users"),
            format!("chmod 600 {shown}"),
        ),
        Ok(_) if File::open(file).is_err() => Finding::bad(
            what,
            format!("{shown} cannot be read by this user"),
            format!("run as the user that runs the gateway, or: chown that user {shown}"),
        ),
        Ok(_) => match Secrets::read(file) {
            Ok(_) => Finding::well(
                what,
                format!("{shown} is there and closed to others; keep a copy elsewhere"),
            ),
            Err(error) => Finding::bad(
                what,
                error.to_string(),
                "name the right file with --master-key-file",
            ),
        },
        Err(_) if has_journal => Finding::bad(
            what,
            format!("{shown} is not there, but there is a journal whose secrets need it"),
            "bring it back from your copy, or name its place with --master-key-file",
        ),
        Err(_) => Finding::well(
            what,
            format!("{shown} is not there yet; the first start makes it"),
        ),
    }
}

#[cfg(unix)]
fn open_to_others(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn open_to_others(_: &Metadata) -> bool {
    false
}

/// Whether another process holds the data directory.
pub(in crate::cli) fn is_running(data: &Path) -> bool {
    let lock = File::options().write(true).open(data.join(LOCK_FILE));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

async fn journal(database: &Database, found: Found) -> Finding {
    let what = "journal";
    if !found.journal {
        return Finding::well(what, "empty; the first start makes it");
    }
    let last = async {
        let mut reader = DatabaseReader::open(database).await?;
        let last = reader.last().await?;
        let newest = reader.row(last).await?;
        reader.close().await?;
        Ok::<_, ledger::shell::journal::JournalError>((last, newest))
    };
    match last.await {
        Ok((last, Some(newest))) if newest.computed_hash().ok() != Some(newest.hash) => {
            Finding::bad(
                what,
                format!("its last row, {}, is not what its hash says", last.0),
                "do not start it; run gateway verify, and restore a copy",
            )
        }
        Ok((last, _)) => {
            let used = if found.running {
                "in use by a running gateway"
            } else {
                "not in use"
            };
            Finding::well(
                what,
                format!(
                    "{} rows, {used}; the last is as its hash says, gateway verify looks at them all",
                    last.0
                ),
            )
        }
        Err(error) => Finding::bad(
            what,
            format!("it cannot be read: {error}"),
            "run gateway verify, and restore a copy",
        ),
    }
}

/// Looks whether a file of tables is one. Nothing is said of one that is not there: it is made.
async fn tables(what: &'static str, file: &Path, lost: &str) -> Option<Finding> {
    if !file.exists() {
        return None;
    }
    let look = async {
        let mut connection = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .connect()
            .await?;
        sqlx::query("select count(*) from sqlite_schema")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await
    };
    let shown = file.display();
    Some(match look.await {
        Ok(()) => Finding::well(what, format!("{shown} can be read")),
        Err(error) => Finding::bad(
            what,
            format!("{shown} cannot be read: {error}"),
            format!("delete {shown} and {shown}-wal: {lost}"),
        ),
    })
}

fn port(listen: SocketAddr, running: bool) -> Finding {
    let what = "port";
    match TcpListener::bind(listen) {
        Ok(_) => Finding::well(what, format!("{listen} is free")),
        Err(_) if running => Finding::well(
            what,
            format!("{listen} is taken, it seems by the running gateway"),
        ),
        Err(error) => Finding::bad(
            what,
            format!("{listen} cannot be listened on: {error}"),
            "stop what listens there, or choose another with --listen (port 0 picks a free one)",
        ),
    }
}
