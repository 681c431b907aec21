//! `gateway listen` and `gateway trigger`: a shop's developer sees what happens, and lets it happen.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gateway::webhook::{WebhookSecret, verify};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{gateway, in_folder};
use crate::server::{Client, Server};

const WAIT_MAX: Duration = Duration::from_secs(60);

/// A shop's program that is being written: it hears webhooks at an address.
async fn program() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let (hear, heard) = mpsc::unbounded_channel();
    let hear = Arc::new(hear);
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        hear.send((headers, body)).unwrap();
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/hooks", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_triggered_is_shown_and_passed_on_with_its_signature() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    let operator = Client::operator(data.path());
    let shop = json!({
        "name": "Old Street Dumplings", "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": 60,
    });
    let shop = operator.post(&server.url, "/v1/merchants", shop).await;
    let keys = format!(
        "/v1/merchants/{}/keys",
        shop["merchant"]["id"].as_str().unwrap()
    );
    let key = operator.post(&server.url, &keys, Value::Null).await;
    let file = in_folder(&data, "shop.key");
    std::fs::write(&file, key.to_string()).unwrap();

    let (url, mut heard) = program().await;
    let mut listening = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args([
            "listen",
            "--key-file",
            &file,
            "--url",
            &server.url,
            "--forward-to",
            &url,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut told = BufReader::new(listening.stderr.take().unwrap()).lines();
    let mut shown = BufReader::new(listening.stdout.take().unwrap()).lines();
    let first = tokio::time::timeout(WAIT_MAX, told.next_line())
        .await
        .unwrap();
    let first = first.unwrap().expect("it says what it listens as");
    let (_, secret) = first.rsplit_once(' ').unwrap();
    let secret = WebhookSecret::parse(secret).unwrap();

    let (arguments, url) = ([file.clone()], server.url.clone());
    let triggered = tokio::task::spawn_blocking(move || {
        let [file] = &arguments;
        gateway(&["trigger", "refunded", "--key-file", file, "--url", &url])
    });
    let (code, order, error) = triggered.await.unwrap();
    assert_eq!(code, 0, "{error}");
    let order: Value = serde_json::from_str(&order).expect("an order and nothing else");
    assert_eq!(order["state"], "refunded");

    for topic in ["order.paid", "order.refunded"] {
        let (headers, body) = tokio::time::timeout(WAIT_MAX, heard.recv())
            .await
            .unwrap()
            .unwrap();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        verify(
            std::slice::from_ref(&secret),
            &headers,
            &body,
            now.cast_signed(),
        )
        .unwrap();
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(event["type"], topic);
        let line = tokio::time::timeout(WAIT_MAX, shown.next_line())
            .await
            .unwrap();
        let line = line.unwrap().unwrap();
        assert!(line.contains(topic) && line.contains("202"), "{line}");
        assert!(line.contains(order["id"].as_str().unwrap()), "{line}");
    }

    // At the end the endpoint is gone.
    let id = listening.id().unwrap().to_string();
    let asked = Command::new("kill")
        .args(["-INT", &id])
        .status()
        .await
        .unwrap();
    assert!(asked.success());
    let ended = tokio::time::timeout(WAIT_MAX, listening.wait())
        .await
        .unwrap();
    assert!(ended.unwrap().success());
    let shop = Client::of_key(&key);
    let endpoints = shop.get(&server.url, "/v1/webhook-endpoints").await;
    assert_eq!(endpoints["data"], json!([]));
    server.stop().await;
}

#[test]
fn a_gateway_elsewhere_needs_an_address_that_leads_here() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder, "shop.key");
    std::fs::write(&file, r#"{"key_id": "key_1", "secret": "sk_1"}"#).unwrap();
    let (code, out, error) = gateway(&[
        "listen",
        "--key-file",
        &file,
        "--url",
        "https://pay.example.com",
    ]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("--public-url"), "{error}");
}
