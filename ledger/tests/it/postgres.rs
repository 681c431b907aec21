//! A real PostgreSQL server for tests, from Debian's packages.
//!
//! One server serves a whole test binary; each test has a database of its own. It runs as an
//! unprivileged user, on a socket in a temporary directory. A shell (`server.sh`) looks after it
//! and takes everything away as soon as its standard input is closed, which happens when this
//! process ends, however it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

/// Where Debian's packages put the programs, by major version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The user that the packages make for servers.
const USER: &str = "postgres";

#[derive(Debug)]
pub(crate) struct Server {
    /// The directory of its socket.
    pub(crate) socket: PathBuf,
    keeper: Mutex<Keeper>,
    databases: AtomicU32,
}

#[derive(Debug)]
struct Keeper {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// The server of this test binary.
pub(crate) fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    &SERVER
}

impl Server {
    /// Starts another server, for tests that treat it badly.
    pub(crate) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger/tests/it/server.sh");
        let text = std::fs::read_to_string(script).expect("the script is beside this file");
        let mut command = unprivileged();
        command
            .args(["sh", "-c", &text, "server.sh"])
            .arg(programs());
        let mut shell = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv and sh are there (Debian's package util-linux)");
        let mut keeper = Keeper {
            orders: shell.stdin.take(),
            answers: BufReader::new(shell.stdout.take().expect("it is piped")),
            shell,
        };
        let answer = keeper.answer();
        let socket = answer.strip_prefix("ready ");
        let socket = socket.unwrap_or_else(|| panic!("PostgreSQL does not start: {answer:?}"));
        Self {
            socket: socket.into(),
            keeper: Mutex::new(keeper),
            databases: AtomicU32::new(0),
        }
    }

    /// `kill -9` of the server; its sessions end by themselves.
    pub(crate) fn kill(&self) {
        self.order("kill", "killed");
    }

    /// Ends the server as an administrator does, without asking those who are connected.
    pub(crate) fn stop(&self) {
        self.order("stop", "stopped");
    }

    /// Starts the server again.
    pub(crate) fn start_again(&self) {
        self.order("start", "ready");
    }

    fn order(&self, order: &str, answer: &str) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = keeper.orders.as_mut().expect("it is open until the end");
        writeln!(orders, "{order}").expect("the shell listens");
        let told = keeper.answer();
        assert!(told.starts_with(answer), "{order}: {told:?}");
    }

    pub(crate) fn options(&self, database: &str) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass();
        options
            .socket(&self.socket)
            .username(USER)
            .database(database)
    }

    /// Makes a database for one test, and tells its name.
    pub(crate) async fn database(&self) -> String {
        let no = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{no}");
        self.run(USER, format!("create database {name}")).await;
        name
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.socket.display();
        format!("postgres://{USER}@localhost/{database}?host={socket}")
    }

    /// Runs a statement in a database.
    pub(crate) async fn run(&self, database: &str, statement: String) {
        let connected = self.options(database).connect().await;
        let mut connection: PgConnection = connected.expect("the server takes connections");
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection);
        done.await.expect("the statement is good");
        connection.close().await.expect("it ends well");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let keeper = self
            .keeper
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(keeper.orders.take());
        // It ends by itself, having taken everything away.
        let _ = keeper.shell.wait();
    }
}

impl Keeper {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the shell speaks");
        line.trim_end().to_owned()
    }
}

/// The server refuses to be run by root.
fn unprivileged() -> Command {
    let whoami = Command::new("id").arg("-u").output().expect("id is there");
    let mut command;
    if whoami.stdout == b"0\n" {
        command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]);
    } else {
        command = Command::new("env");
    }
    command
}

/// The directory of the newest server's programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
    let version = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let found = versions
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/postgres").exists())
        .max_by_key(|path| version(path));
    let newest = found.unwrap_or_else(|| {
        panic!("there is no PostgreSQL in {PROGRAMS}: install Debian's package postgresql")
    });
    newest.join("bin")
}
