//! A book as a file, and back: over HTTP, and by hledger's own sums.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::tenant::{Tenant, posting};
use crate::api::house::{House, Request, text};

/// A book with a little of everything.
async fn with_everything(house: &House) -> (Tenant, String) {
    let tea = Tenant::open(house).await;
    let client = &tea.client;
    let more = json!({"accounts": [
        {"name": "assets:cash.yen", "kind": "asset", "currency": "JPY"},
        {"name": "equity:opening", "kind": "equity", "currency": "JPY"},
        {"name": "expenses:rent_2", "kind": "expense", "currency": "CNY"},
        {"name": "customers:carol", "kind": "liability", "currency": "CNY", "description": {"reference": "VIP", "metadata": {"tier": "gold"}}},
    ]});
    client.post("/v1/ledger/accounts", &more).await.created();
    let post = async |asked: Value| {
        client
            .post("/v1/ledger/transactions", &asked)
            .await
            .created()
    };
    let first = post(json!({"kind": 7, "reference": "Till; no. 1 | \u{8336}\nsecond line", "metadata": {"a": "1", "b": "\u{8336}"},
        "postings": [posting("assets:bank", "customers:alice", 10_000), posting("assets:bank", "customers:carol", 7)]})).await;
    post(
        json!({"effective_at": "2020-01-15T00:00:00Z", "corrects": first["id"],
        "postings": [posting("assets:bank", "customers:bob", 5_005)]}),
    )
    .await;
    post(json!({"postings": [{"debit": "assets:cash.yen", "credit": "equity:opening", "amount": {"amount": 123_456, "currency": "JPY"}}]})).await;
    post(json!({"amounts": "at_most", "postings": [posting("customers:carol", "income:fees", 100), posting("customers:bob", "income:fees", 5)]})).await;
    // A hold of what there is: its first posting finds nothing.
    let hold = json!({"amounts": "at_most", "postings": [
        posting("customers:carol", "income:fees", 100), posting("customers:alice", "income:fees", 4_000)]});
    let hold = client.post("/v1/ledger/holds", &hold).await.created();
    let path = format!("/v1/ledger/holds/{}", text(&hold["id"]));
    let part = json!({"amounts": [0, 1_500], "reference": "part"});
    client
        .post(&format!("{path}/capture"), &part)
        .await
        .created();
    client.post_empty(&format!("{path}/release")).await.ok();
    let open = json!({"expires_in_s": 86_400, "postings": [posting("customers:alice", "customers:bob", 250)]});
    let open = client.post("/v1/ledger/holds", &open).await.created();
    let part = json!({"amounts": [50]});
    let path = format!("/v1/ledger/holds/{}/capture", text(&open["id"]));
    client.post(&path, &part).await.created();
    let reverse = format!("/v1/ledger/transactions/{}/reverse", text(&first["id"]));
    client
        .post(&reverse, &json!({"amounts": [30, 0]}))
        .await
        .created();
    client
        .post(&reverse, &json!({"amounts": [70, 0], "reference": "more"}))
        .await
        .created();
    let bob = "/v1/ledger/accounts/customers:bob";
    let frozen = json!({"state": "frozen", "class": 3, "velocity": [{"direction": "out", "window": "day", "count_max": 5}]});
    client.post(bob, &frozen).await.ok();
    let class =
        json!({"velocity": [{"direction": "both", "window": "month", "amount_max": 9_000}]});
    client.post("/v1/ledger/classes/3", &class).await.ok();
    // Below what is there: history would be refused if it came before it.
    client
        .post(
            "/v1/ledger/accounts/customers:alice",
            &json!({"limits": {"maximum": 10}}),
        )
        .await
        .ok();
    client
        .post(
            "/v1/ledger/accounts/customers:carol",
            &json!({"state": "closed"}),
        )
        .await
        .ok();
    let closed = client
        .post(
            "/v1/ledger/periods",
            &json!({"before": "2020-01-01T00:00:00Z"}),
        )
        .await
        .created();
    (tea, text(&closed["sequence"]).to_owned())
}

async fn export(tenant: &Tenant, format: &str, at_least: &str) -> String {
    let path = format!("/v1/ledger/export?format={format}&at_least={at_least}");
    let answer = tenant.client.get(&path).await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.bytes).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Without what tells one export from another: the place in the journal, and when things were recorded.
fn timeless(text: &str) -> Vec<Value> {
    let mut lines = lines(text);
    for line in &mut lines {
        for name in ["sequence", "recorded_at", "created_at", "at", "expires_at"] {
            line.as_object_mut().unwrap().remove(name);
        }
    }
    lines
}

async fn import(tenant: &Tenant, text: &str) -> crate::api::house::Answer {
    let request = Request {
        body: text.as_bytes().to_vec(),
        content_type: "application/x-ndjson",
        idempotency_key: None,
        ..Request::post("/v1/ledger/import", &Value::Null)
    };
    tenant.client.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_an_export_is_the_same_book() {
    let house = House::start().await;
    let (tea, at) = with_everything(&house).await;
    let exported = export(&tea, "ndjson", &at).await;
    let all = lines(&exported);
    let last = all.last().unwrap();
    assert_eq!(last["type"], "end");
    assert_eq!(last["lines"], all.len() - 1);

    let copy = Tenant::empty(&house).await;
    let imported = import(&copy, &exported).await.ok();
    assert_eq!(imported["lines"], all.len());
    assert_eq!(imported["differing"], json!([]));
    let at = text(&imported["sequence"]).to_owned();
    let second = export(&copy, "ndjson", &at).await;
    assert_eq!(timeless(&second), timeless(&exported));
    let hold = all.iter().rfind(|line| line["type"] == "hold").unwrap();
    let path = format!("/v1/ledger/holds/{}", text(&hold["id"]));
    let (before, after) = (
        tea.client.get(&path).await.ok(),
        copy.client.get(&path).await.ok(),
    );
    assert_eq!(after["hold"]["remaining"], json!([200]));
    let seconds = |hold: &Value| text(&hold["hold"]["expires_at"])[..16].to_owned();
    assert_eq!(seconds(&after), seconds(&before), "to the minute");
    // What took effect in 2020 did so in the copy; what was recorded then was recorded now.
    let path = format!("/v1/ledger/balances?at_least={at}&as_of=2021-01-01T00:00:00Z&by=effective");
    let asked = json!({"accounts": ["customers:bob", "assets:bank"]});
    let balances = async |tenant: &Tenant| {
        let answer = tenant.client.post(&path, &asked).await.ok();
        answer["balances"].clone()
    };
    let copied = balances(&copy).await;
    assert_eq!(copied, balances(&tea).await);
    assert_eq!(copied[0]["balance"]["amount"], 5_005, "{copied}");

    // Sent again, whole or from anywhere, nothing happens twice.
    let again = import(&copy, &exported).await.ok();
    assert_eq!(again["again"], all.len() - 2);
    let from_the_middle: Vec<&str> = exported.lines().skip(9).collect();
    import(&copy, &from_the_middle.join("\n")).await.ok();
    assert_eq!(
        timeless(&export(&copy, "ndjson", &at).await),
        timeless(&exported)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_named_by_its_line() {
    let house = House::start().await;
    let (tea, at) = with_everything(&house).await;
    let exported = export(&tea, "ndjson", &at).await;
    let copy = Tenant::empty(&house).await;
    let accounts = r#"{"type":"account","name":"a","kind":"asset","currency":"CNY"}
{"type":"account","name":"b","kind":"asset","currency":"CNY"}"#;
    let transaction = |credit: &str| {
        format!(
            r#"{{"type":"transaction","id":"txn_0197a3e5c4b17f20a1b2c3d4e5f60718","recorded_at":"2020-01-01T00:00:00Z","effective_at":"2020-01-01T00:00:00Z","postings":[{{"debit":"a","credit":"{credit}","amount":{{"amount":1,"currency":"CNY"}}}}]}}"#
        )
    };
    let refused = async |body: String, code: &str, line: u64| {
        let problem = import(&copy, &body).await.refused(code);
        assert_eq!(
            problem["errors"][0]["pointer"],
            format!("/{line}"),
            "{problem}"
        );
        assert!(
            text(&problem["detail"]).starts_with(&format!("Line {line}: ")),
            "{problem}"
        );
    };
    refused(format!("{accounts}\nnonsense"), "malformed_json", 3).await;
    refused(
        format!("{accounts}\n{{\"type\":\"end\"}}"),
        "field_invalid",
        3,
    )
    .await;
    refused(
        format!("{accounts}\n\n{}", transaction("nobody")),
        "account_not_found",
        4,
    )
    .await;
    refused(
        exported.replace("\"format\":1", "\"format\":2"),
        "field_invalid",
        1,
    )
    .await;
    // Put right, the line is done; its id is then taken.
    import(&copy, &format!("{accounts}\n{}", transaction("b")))
        .await
        .ok();
    refused(transaction("c"), "transaction_id_reused", 1).await;

    let imported = import(&copy, &exported).await.ok();
    assert_eq!(imported["differing"], json!([]));
    let other = Tenant::open(&house).await;
    other.pay("assets:bank", "customers:alice", 1).await;
    // Terms that differ are not imported over.
    import(&other, &exported).await.refused("account_exists");
}

fn run_hledger(journal: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("book.journal");
    std::fs::write(&file, journal).unwrap();
    let run = Command::new("hledger")
        .arg("-f")
        .arg(&file)
        .args(arguments)
        .stdin(Stdio::null())
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("hledger runs; Debian has it in the package hledger");
    let (out, err) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(
        run.status.success(),
        "hledger {arguments:?}: {err}\n{journal}"
    );
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn hledger_finds_the_balances_that_we_have() {
    let house = House::start().await;
    let (tea, at) = with_everything(&house).await;
    let journal = export(&tea, "hledger", &at).await;
    run_hledger(
        &journal,
        &["check", "--strict"].map(|word| if word == "--strict" { "accounts" } else { word }),
    );
    let table = run_hledger(
        &journal,
        &["balance", "--flat", "--empty", "--no-total", "-O", "csv"],
    );
    let mut found = BTreeMap::new();
    for row in table.lines().skip(1) {
        let (name, amount) = row.trim_matches('"').split_once("\",\"").unwrap();
        let minor: String = amount
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '-')
            .collect();
        found.insert(name.to_owned(), minor.parse::<i64>().unwrap());
    }
    let branches = tea
        .client
        .get(&format!("/v1/ledger/tree?at_least={at}"))
        .await
        .ok();
    let accounts = lines(&export(&tea, "ndjson", &at).await);
    let mut compared = 0;
    for line in accounts.iter().filter(|line| line["type"] == "account") {
        let tree = branches["branches"].as_array().unwrap();
        let branch = tree
            .iter()
            .find(|branch| branch["name"] == line["name"])
            .unwrap();
        let ours = branch["balances"][0]["amount"].as_i64().unwrap();
        assert_eq!(found.get(text(&line["name"])), Some(&ours), "{line}");
        compared += 1;
    }
    assert_eq!((compared, found.len()), (8, 8));
    // A wrong balance is one that hledger does not find.
    let wrong = journal.replace(
        "assets:cash.yen  0 JPY = 123456 JPY",
        "assets:cash.yen  0 JPY = 123457 JPY",
    );
    assert_ne!(wrong, journal);
    let checked = std::panic::catch_unwind(|| run_hledger(&wrong, &["check"]));
    assert!(checked.is_err(), "the balances are asserted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_has_a_row_for_each_posting() {
    let house = House::start().await;
    let (tea, at) = with_everything(&house).await;
    let table = export(&tea, "csv", &at).await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let exported = lines(&export(&tea, "ndjson", &at).await);
    let transactions = exported.iter().filter(|line| line["type"] == "transaction");
    let postings: Vec<&Value> = transactions
        .flat_map(|line| line["postings"].as_array().unwrap())
        .collect();
    assert_eq!(rows.len(), postings.len());
    for (row, posting) in rows.iter().zip(postings) {
        assert_eq!(row["debit"], text(&posting["debit"]));
        assert_eq!(row["amount"], posting["amount"]["amount"].to_string());
    }
    assert_eq!(rows[0]["reference"], "Till; no. 1 | \u{8336}\nsecond line");
}
