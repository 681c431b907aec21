//! `gateway backup`, `restore` and `archive`, beside a gateway that runs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway;
use crate::database;
use crate::server::{Client, Server};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

async fn wallet(client: &Client, url: &str, number: u32) -> Value {
    let asked = json!({"holder": format!("customer-{number}"), "currencies": ["CNY"]});
    client.post(url, "/v1/wallets", asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_put_back_after_the_original_is_gone() {
    let folder = TempDir::new().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    // As shells complete them.
    let slashed = |path: &Path| format!("{}/", text(path));
    let (keys, back) = (folder.path().join("keys"), folder.path().join("back"));
    database::in_files(&data);
    let server = Server::start(&data).await;
    let operator = Client::operator(&data);
    let first = wallet(&operator, &server.url, 0).await;
    let going = Arc::new(AtomicBool::new(true));
    let load = {
        let (client, url, going) = (operator.clone(), server.url.clone(), going.clone());
        tokio::spawn(async move {
            let mut number = 1;
            while going.load(Ordering::Relaxed) {
                wallet(&client, &url, number).await;
                number += 1;
            }
            number
        })
    };
    let backup = ["backup", "--data", text(&data), "--to", &slashed(&copy)];
    let run = tokio::task::spawn_blocking({
        let backup: Vec<String> = backup.iter().map(ToString::to_string).collect();
        move || gateway(&backup.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let (code, out, err) = run.await.unwrap();
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    going.store(false, Ordering::Relaxed);
    assert!(load.await.unwrap() > 1, "there was a load");
    let (code, _, err) = gateway(&backup);
    assert!(code == 2 && err.contains("there already"), "{err}");
    assert!(!copy.join("master.key").exists(), "keys are kept elsewhere");
    let (code, out, err) = gateway(&["verify", "--data", text(&copy)]);
    assert_eq!(code, 0, "the copy is tried where it lies: {out}{err}");

    fs::create_dir(&keys).unwrap();
    for name in ["master.key", "operator.key", "checkpoint.key"] {
        fs::copy(data.join(name), keys.join(name)).unwrap();
    }
    server.kill().await;
    fs::remove_dir_all(&data).unwrap();

    // As if another restore had been killed.
    let killed = folder.path().join("back.part");
    fs::create_dir(&killed).unwrap();
    fs::write(killed.join("journal.db"), "half a file").unwrap();
    let restore = [
        "restore",
        "--from",
        text(&copy),
        "--data",
        &slashed(&back),
        "--keys",
        text(&keys),
    ];
    let (code, out, err) = gateway(&restore);
    assert!(code == 0 && out.starts_with("head "), "{out}{err}");
    assert!(!killed.exists(), "it was begun anew");
    let (code, _, err) = gateway(&restore);
    assert!(code == 2 && err.contains("not empty"), "{err}");
    database::in_files(&back);
    let server = Server::start(&back).await;
    let operator = Client::operator(&back);
    let id = first["wallet"]["id"].as_str().unwrap();
    let found = operator
        .get(&server.url, &format!("/v1/wallets/{id}"))
        .await;
    assert_eq!(found["wallet"]["holder"], "customer-0");
    wallet(&operator, &server.url, 99_999).await;
    server.stop().await;
    assert_eq!(gateway(&["verify", "--data", text(&back)]).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_are_archived_beside_a_running_gateway() {
    let data = TempDir::new().unwrap();
    database::in_files(data.path());
    let server = Server::start(data.path()).await;
    let operator = Client::operator(data.path());
    for number in 0..30 {
        wallet(&operator, &server.url, number).await;
    }
    let status = server.stop().await;
    assert!(status.success());
    // The next start has a snapshot of the end, and two are kept.
    for _ in 0..2 {
        let server = Server::start(data.path()).await;
        wallet(&operator, &server.url, 100).await;
        server.stop().await;
    }
    let server = Server::start(data.path()).await;
    let directory = text(data.path());
    let (code, out, err) = gateway(&["archive", "--data", directory, "--keep", "5"]);
    assert!(code == 0 && out.contains("moved "), "{out}{err}");
    assert!(!out.starts_with("moved 0 rows"), "{out}");
    wallet(&operator, &server.url, 101).await;
    server.stop().await;
    assert_eq!(gateway(&["verify", "--data", directory]).0, 0);
}
