//! A disk that is full: what was acknowledged is kept, callers are told the truth, and with room again it goes on.
//!
//! The real binary runs under a limit of how large its files may grow, which it meets as it would a full disk, and the
//! limit is lifted while it runs.

use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::cli::gateway;
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
