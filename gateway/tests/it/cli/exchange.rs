//! `gateway ledger export` and `import`.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{gateway, in_folder};
use crate::server::{Client, Server};

/// A new book; the file of its key, and its client.
async fn book(server: &Server, data: &TempDir, name: &str) -> (String, Client) {
    let operator = Client::operator(data.path());
    let opened = operator
        .post(&server.url, "/v1/books", json!({"name": name}))
        .await;
    let id = opened["book"]["id"].as_str().unwrap();
    let key = operator
        .post(&server.url, &format!("/v1/books/{id}/keys"), Value::Null)
        .await;
    let file = in_folder(data, &format!("{name}.key"));
    fs::write(&file, key.to_string()).unwrap();
    (file, Client::of_key(&key))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_carried_from_one_gateway_to_another_though_it_breaks_off() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (old, new) = (
        Server::start(here.path()).await,
        Server::start(there.path()).await,
    );
    let (old_key, client) = book(&old, &here, "tea").await;
    let accounts = json!({"accounts": [
        {"name": "assets:bank", "kind": "asset", "currency": "CNY"},
        {"name": "customers:alice", "kind": "liability", "currency": "CNY", "limits": {"minimum": 0}},
    ]});
    client.post(&old.url, "/v1/ledger/accounts", accounts).await;
    for _ in 0..3 {
        let batch: Vec<Value> = (1..=2_000)
            .map(|n| {
                let id = format!("txn_{}", Uuid::new_v4().simple());
                let amount = json!({"amount": n, "currency": "CNY"});
                json!({"id": id, "postings": [{"debit": "assets:bank", "credit": "customers:alice", "amount": amount}]})
            })
            .collect();
        client
            .post(&old.url, "/v1/ledger/transactions/bulk", Value::from(batch))
            .await;
    }
    let file = in_folder(&here, "tea.ndjson");
    let export = [
        "ledger",
        "export",
        "--key-file",
        &old_key,
        "--url",
        &old.url,
        "-o",
        &file,
    ];
    let (code, out, err) = gateway(&export);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let exported = fs::read_to_string(&file).unwrap();
    assert_eq!(exported.lines().count(), 1 + 2 + 6_000 + 2 + 1);

    let (new_key, copy) = book(&new, &there, "tea").await;
    let import = |file: &str| {
        gateway(&[
            "ledger",
            "import",
            file,
            "--key-file",
            &new_key,
            "--url",
            &new.url,
        ])
    };
    // A file that was cut off is not begun with.
    let half = in_folder(&here, "half.ndjson");
    let lines: Vec<&str> = exported.lines().take(3_000).collect();
    fs::write(&half, lines.join("\n")).unwrap();
    let (code, _, err) = import(&half);
    assert!(code == 2 && err.contains("not a whole export"), "{err}");
    // An import that broke off is one of some of its lines: the whole one goes over them once.
    let end = json!({"type": "end", "lines": 3_000, "transactions": 0});
    fs::write(&half, format!("{}\n{end}\n", lines.join("\n"))).unwrap();
    let (code, _, err) = import(&half);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = import(&file);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("imported 6006 lines, 2999 of them not for the first time"),
        "{err}"
    );
    let balance = copy
        .get(&new.url, "/v1/ledger/accounts/customers:alice")
        .await;
    assert_eq!(
        balance["account"]["balance"]["amount"],
        3 * 2_000 * 2_001 / 2
    );
    assert_eq!(balance["account"]["limits"]["minimum"], 0);

    // What is refused is named by its line in the file.
    let wrong = exported.replacen("assets:bank\",\"credit", "nobody\",\"credit", 1);
    fs::write(&half, wrong).unwrap();
    let (code, _, err) = import(&half);
    assert!(code == 1 && err.contains("Line 4:"), "{err}");
    // A book with something in it is not the one of the export.
    let (other_key, other) = book(&new, &there, "rice").await;
    let accounts = json!({"accounts": [
        {"name": "assets:bank", "kind": "asset", "currency": "CNY"},
        {"name": "customers:alice", "kind": "liability", "currency": "CNY"},
    ]});
    other.post(&new.url, "/v1/ledger/accounts", accounts).await;
    let amount = json!({"amount": 5, "currency": "CNY"});
    let before = json!({"postings": [{"debit": "assets:bank", "credit": "customers:alice", "amount": amount}]});
    other
        .post(&new.url, "/v1/ledger/transactions", before)
        .await;
    let (code, _, err) = gateway(&[
        "ledger",
        "import",
        &file,
        "--key-file",
        &other_key,
        "--url",
        &new.url,
    ]);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("\"customers:alice\" has 6003005 where the export had 6003000"),
        "{err}"
    );
}
