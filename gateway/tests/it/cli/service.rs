//! `gateway serve`, `request`, `doctor` and `verify`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::{gateway, in_folder};
use crate::database;
use crate::server::{Client, Server};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_makes_a_first_signed_request_in_one_line() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    let key = in_folder(&data, "operator.key");
    let ask = |more: &[&str]| {
        let request = ["request", "--url", &server.url, "--key-file", &key];
        gateway(&[&request, more].concat())
    };

    let (code, out, err) = ask(&["GET", "/v1/trial-balance"]);
    let answer: serde_json::Value = serde_json::from_str(&out).expect("data and nothing else");
    assert_eq!((code, &answer["balances"]), (0, &true.into()), "{err}");
    assert!(
        err.starts_with("200 OK") && err.contains("journal-sequence: seq_"),
        "{err}"
    );

    // What the server refuses is data too, and exit code 1.
    let (code, out, err) = ask(&["POST", "/v1/wallets", "--data", "{}"]);
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("field_invalid"), "{out}");

    // A body from a file; the same key of idempotency gives the same wallet.
    let body = in_folder(&data, "wallet.json");
    fs::write(&body, r#"{"holder": "customer-1", "currencies": ["CNY"]}"#).unwrap();
    let open = [
        "POST",
        "/v1/wallets",
        "--data",
        &format!("@{body}"),
        "--idempotency-key",
        "w-1",
    ];
    let (first, second) = (ask(&open), ask(&open));
    assert_eq!((first.0, second.0), (0, 0), "{}", first.2);
    assert_eq!(first.1, second.1);

    // The answer to making a key is a key file.
    let wallet: serde_json::Value = serde_json::from_str(&first.1).unwrap();
    let id = wallet["wallet"]["id"].as_str().unwrap();
    let made = ask(&["POST", &format!("/v1/wallets/{id}/keys")]);
    let own = in_folder(&data, "wallet.key");
    fs::write(&own, made.1).unwrap();
    let (code, _, err) = gateway(&[
        "request",
        "GET",
        &format!("/v1/wallets/{id}"),
        "--url",
        &server.url,
        "--key-file",
        &own,
    ]);
    assert_eq!(code, 0, "{err}");

    let (code, out, _) = ask(&["GET", "/v1/trial-balance", "--curl"]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("curl -X GET 'http://") && out.contains("-H 'signature: sig1=:"),
        "{out}"
    );
}

#[test]
fn a_request_that_cannot_be_made_says_why() {
    fn check(arguments: &[&str], why: &str) {
        let (code, out, err) = gateway(&[&["request"], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(why), "{why:?} in {err}");
    }

    let folder = TempDir::new().unwrap();
    let key = in_folder(&folder, "key");
    check(
        &["GET", "/v1/orders", "--key-file", &key],
        "cannot read the key file",
    );
    fs::write(&key, "sk_1").unwrap();
    check(&["GET", "/v1/orders", "--key-file", &key], "is no key file");
    fs::write(&key, r#"{"key_id": "key_1", "secret": "sk_1"}"#).unwrap();
    check(
        &["GET", "v1/orders", "--key-file", &key],
        "must begin with /",
    );
    check(
        &[
            "POST",
            "/v1/orders",
            "--key-file",
            &key,
            "--data",
            "@nowhere",
        ],
        "cannot read the body",
    );
    // Nothing listens where a listener has just gone.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{gone}");
    check(
        &["GET", "/v1/orders", "--key-file", &key, "--url", &url],
        "gateway serve",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_owns_a_directory_and_ends_when_it_is_asked() {
    let data = TempDir::new().unwrap();
    database::in_files(data.path());
    let server = Server::start(data.path()).await;
    let (code, out, err) = gateway(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        text(data.path()),
    ]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("in use by another process"), "{err}");
    assert_eq!(server.stop().await.code(), Some(0));
    Server::start(data.path()).await.kill().await;
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_made() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (listen, data) = (
        taken.local_addr().unwrap().to_string(),
        in_folder(&folder, "data"),
    );
    let (code, _, err) = gateway(&["serve", "--listen", &listen, "--data", &data]);
    assert_eq!(code, 2);
    assert!(err.contains("--listen"), "{err}");
    assert!(!Path::new(&data).exists());

    let (code, out, _) = gateway(&["doctor", "--listen", &listen, "--data", &data]);
    assert_eq!(code, 1);
    assert!(
        out.lines().any(|line| line.starts_with("BAD   port")),
        "{out}"
    );
    assert!(!Path::new(&data).exists(), "the doctor changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_says_how_to_mend_it() {
    fn check(data: &Path, more: &[&str], finding: &str) {
        let healthy = ["doctor", "--listen", "127.0.0.1:0", "--data", text(data)];
        let (code, out, _) = gateway(&[&healthy, more].concat());
        assert_eq!(code, i32::from(finding.starts_with("BAD")), "{out}");
        assert!(
            out.lines().any(|line| line.starts_with(finding)),
            "{finding:?} in\n{out}"
        );
        assert!(!out.contains("BAD") || out.contains("-> "), "{out}");
    }

    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    check(&data, &[], "ok    data directory");
    check(&data, &["--mode", "live"], "BAD   mode");
    check(
        &data,
        &["--mode", "live", "--public-url", "http://pay.example"],
        "BAD   mode",
    );
    check(
        &data,
        &["--mode", "live", "--public-url", "https://pay.example"],
        "ok    mode",
    );

    database::in_files(&data);
    let server = Server::start(&data).await;
    check(&data, &[], "ok    journal");
    check(&data, &[], "ok    space");
    server.kill().await;
    check(&data, &[], "ok    master key");
    check(&data, &[], "ok    views");
    for (file, finding) in [
        ("views.db", "BAD   views"),
        ("deliveries.db", "BAD   deliveries"),
    ] {
        // What is in the log beside it would stand in for the pages that are spoilt.
        fs::remove_file(data.join(format!("{file}-wal"))).unwrap();
        fs::write(data.join(file), "no database, whatever its name says").unwrap();
        check(&data, &[], finding);
        fs::remove_file(data.join(file)).unwrap();
    }

    let key = data.join("master.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        check(&data, &[], "BAD   master key");
    }
    fs::write(&key, "no key").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    check(&data, &[], "BAD   master key");
    fs::remove_file(&key).unwrap();
    check(&data, &[], "BAD   master key");

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    check(&file, &[], "BAD   data directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_kept_finds_an_end_that_was_cut_off() {
    let data = TempDir::new().unwrap();
    let directory = text(data.path());
    database::in_files(data.path());
    let server = Server::start(data.path()).await;
    let operator = Client::operator(data.path());
    let book = serde_json::json!({"name": "Tea"});
    let opened = operator.post(&server.url, "/v1/books", book).await;
    let at_least = opened["sequence"].as_str().unwrap();
    let path = format!("/v1/checkpoint?at_least={at_least}");
    let told = operator.get(&server.url, &path).await;
    let (code, printed, err) = gateway(&["checkpoint", "--data", directory]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        told["checkpoint"],
        printed.as_str(),
        "the same over HTTP and here"
    );
    let (_, key, _) = gateway(&["checkpoint", "--key", "--data", directory]);
    assert_eq!(told["key"], key.trim());
    server.stop().await;

    let file = in_folder(&data, "kept.txt");
    fs::write(&file, &printed).unwrap();
    let verify = |more: &[&str]| {
        let verify = ["verify", "--data", directory, "--checkpoint", &file];
        gateway(&[&verify, more].concat())
    };
    assert_eq!(verify(&[]).0, 0, "all is as it was published");
    assert_eq!(verify(&["--checkpoint-key", key.trim()]).0, 0);
    fs::write(&file, printed.replace("head ", "head 0")).unwrap();
    let (code, _, err) = verify(&[]);
    assert!(code == 2 && err.contains("does not fit"), "{err}");
    fs::write(&file, &printed).unwrap();

    // Somebody cuts the end off and makes the views anew: only the checkpoint knows.
    let options = SqliteConnectOptions::new().filename(data.path().join("journal.db"));
    let mut journal = options.connect().await.unwrap();
    let published: i64 = printed.lines().nth(1).unwrap().parse().unwrap();
    sqlx::query("delete from journal where seq >= ?")
        .bind(published)
        .execute(&mut journal)
        .await
        .unwrap();
    journal.close().await.unwrap();
    fs::remove_file(data.path().join("views.db")).unwrap();
    assert_eq!(gateway(&["verify", "--data", directory]).0, 0);
    let (code, out, _) = verify(&[]);
    let end = format!("an end after row {}", published - 1);
    assert!(code == 1 && out.contains(&end), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_one_changed_byte() {
    let data = TempDir::new().unwrap();
    let verify = || gateway(&["verify", "--data", text(data.path())]);
    assert_eq!(verify().0, 2, "there is nothing to verify yet");

    database::in_files(data.path());
    let server = Server::start(data.path()).await;
    let (code, out, _) = verify();
    assert_eq!(code, 0, "beside a running gateway: {out}");
    assert!(out.ends_with("clean\n"), "{out}");
    server.kill().await;
    assert_eq!(verify().0, 0);

    let options = SqliteConnectOptions::new().filename(data.path().join("journal.db"));
    let mut journal = options.connect().await.unwrap();
    let change = "update journal set payload = cast(substr(payload, 1, length(payload) - 1) || x'ff' as blob) where seq = 2";
    assert_eq!(
        sqlx::query(change)
            .execute(&mut journal)
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    journal.close().await.unwrap();
    let (code, out, _) = verify();
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("first difference") && out.contains("row 2"),
        "{out}"
    );
    let (code, _, err) = gateway(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        text(data.path()),
    ]);
    assert_eq!(code, 2, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_without_its_master_key_is_not_served_and_nothing_is_made_up() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    database::in_files(&data);
    Server::start(&data).await.kill().await;
    let journal = |data: &Path| fs::read(data.join("journal.db")).unwrap();
    let before = journal(&data);
    fs::remove_file(data.join("master.key")).unwrap();
    let (code, _, err) = gateway(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("bring it back from your copy"), "{err}");
    assert!(!data.join("master.key").exists(), "a new key opens nothing");
    assert_eq!(journal(&data), before, "the journal is as it was");
}

#[test]
fn real_money_is_not_served_under_a_local_address() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let live = [
        "serve",
        "--mode",
        "live",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ];
    let (code, _, err) = gateway(&[&live[..], &[text(&data)]].concat());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--public-url"), "{err}");
    assert!(!data.exists());
}

#[test]
fn a_journal_that_is_not_there_is_told_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let (code, _, err) = gateway(&["verify", "--data", text(folder.path())]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error: there is no journal in"), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

/// Writes a part of a request, and returns what comes back within a moment.
fn half_a_request(server: &Server, text: &str) -> (TcpStream, String) {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(text.as_bytes()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let mut answer = vec![0; 4096];
    let length = connection.read(&mut answer).unwrap_or(0);
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    (connection, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_body_is_not_waited_for() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    let head = "POST /v1/scan HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nfirst bytes";
    let (_connection, answer) = half_a_request(&server, head);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer:?}");
    assert!(answer.contains("signature_missing"), "{answer}");
    server.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_does_not_keep_a_gateway_from_stopping() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    let (_connection, answer) = half_a_request(&server, "GET /healthz HTTP/1.1\r\nHos");
    assert_eq!(answer, "");
    let stopped = tokio::time::timeout(Duration::from_secs(30), server.stop()).await;
    assert!(stopped.expect("it ends in time").success());
}
