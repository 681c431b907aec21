//! A disk that is full, or may not be written: what was acknowledged is kept, callers are told the truth, and when it is
//! well again it goes on.
//!
//! The real binary runs under a limit of how large its files may grow, which it meets as it would a full disk, and the
//! limit is lifted while it runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::cli::gateway;
use super::database;
use super::server::{Answer, Client, Server, Starting};

/// Enough to start, and less than the journal's log has before it is folded into its file.
const FILE_KIB_MAX: u32 = 3_000;
/// Longer than it takes to fill that, or to recover.
const PATIENCE: Duration = Duration::from_mins(1);

async fn open_wallet(client: &Client, url: &str, number: usize) -> Answer {
    let asked = json!({"holder": format!("customer-{number}"), "currencies": ["CNY"]});
    let key = format!("wallet-{number}");
    let answer = client.send(url, "POST", "/v1/wallets", Some(&asked), Some(&key));
    answer.await.expect("an answer")
}

async fn status(server: &Server, path: &str) -> u16 {
    let answer = reqwest::get(format!("{}{path}", server.url)).await;
    answer.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_is_told_and_gone_on_from() {
    let data = TempDir::new().unwrap();
    database::in_files(data.path());
    let server = Starting::limited(data.path(), FILE_KIB_MAX).up().await;
    let operator = Client::operator(data.path());
    let mut acknowledged = Vec::new();
    let began = Instant::now();
    let refused = loop {
        assert!(began.elapsed() < PATIENCE, "the limit is never met");
        let number = acknowledged.len();
        let answer = open_wallet(&operator, &server.url, number).await;
        match answer.status {
            201 => acknowledged.push(answer.body["wallet"]["id"].clone()),
            _ => break answer,
        }
    };
    assert!(
        acknowledged.len() > 20,
        "only {} were opened",
        acknowledged.len()
    );
    assert_eq!(refused.status, 503, "{refused:?}");
    let code = refused.body["code"].as_str().unwrap();
    assert!(
        ["outcome_unknown", "busy", "not_ready"].contains(&code),
        "{refused:?}"
    );
    // It lives, says that it takes nothing, and goes on saying so.
    assert_eq!(status(&server, "/healthz").await, 200);
    assert_eq!(status(&server, "/readyz").await, 503);

    let process = server.id().to_string();
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited:", "--pid", &process])
        .status();
    let lifted = lifted
        .await
        .expect("prlimit runs; Debian has it in the package util-linux");
    assert!(lifted.success());
    let began = Instant::now();
    while status(&server, "/readyz").await != 200 {
        assert!(began.elapsed() < PATIENCE, "it recovers with room again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Whoever did not know asks again under the same key; everything acknowledged is there, once.
    let last = open_wallet(&operator, &server.url, acknowledged.len()).await;
    assert_eq!(last.status, 201, "{last:?}");
    acknowledged.push(last.body["wallet"]["id"].clone());
    for (number, id) in acknowledged.iter().enumerate() {
        let again = open_wallet(&operator, &server.url, number).await;
        assert_eq!(again.body["wallet"]["id"], *id, "wallet {number}");
    }
    assert!(server.stop().await.success());
    let (code, out, _) = gateway(&["verify", "--data", data.path().to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
}

/// Somebody whom files that only their owner may write keep out, as they do not keep out root.
fn stranger(program: &Path) -> std::process::Command {
    let whoami = std::process::Command::new("id").arg("-u").output();
    if whoami.expect("id is there").stdout != b"0\n" {
        return std::process::Command::new(program);
    }
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(program);
    command
}

/// Lets nobody write a directory and what is in it, or its owner again.
fn set_writable(directory: &Path, writable: bool) {
    let (folder, file) = if writable {
        (0o755, 0o600)
    } else {
        (0o555, 0o444)
    };
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set(directory, 0o755);
    for entry in fs::read_dir(directory).unwrap() {
        set(&entry.unwrap().path(), file);
    }
    set(directory, folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_may_not_be_written_are_named_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let (data, program) = (folder.path().join("data"), folder.path().join("gateway"));
    database::in_files(&data);
    let server = Server::start(&data).await;
    let operator = Client::operator(&data);
    let first = open_wallet(&operator, &server.url, 0).await;
    assert!(server.stop().await.success());

    // Where whoever it is can reach it.
    fs::copy(env!("CARGO_BIN_EXE_gateway"), &program).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    set_writable(&data, false);
    let text = data.to_str().unwrap();
    let mut serve = stranger(&program);
    let told = serve.args(["serve", "--listen", "127.0.0.1:0", "--data", text]);
    let told = told.output().expect("setpriv is in the package util-linux");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(2), "{said}");
    assert!(
        said.contains(text) && said.contains("not accessible"),
        "{said}"
    );
    assert!(
        said.contains("gateway doctor"),
        "what to do is said: {said}"
    );

    set_writable(&data, true);
    let server = Server::start(&data).await;
    let again = open_wallet(&operator, &server.url, 0).await;
    assert_eq!(again.body["wallet"]["id"], first.body["wallet"]["id"]);
    assert!(server.stop().await.success());
    assert_eq!(gateway(&["verify", "--data", text]).0, 0);
}
