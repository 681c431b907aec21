//! What a tenant reads of its book: statements, sums, and history as of any moment.

use serde_json::{Value, json};

use super::tenant::{Tenant, posting};
use crate::api::house::{House, text};

/// Three postings: one recorded as it happened, one dated back to January, one after it.
async fn with_history(house: &House) -> (Tenant, String) {
    let tea = Tenant::open(house).await;
    let post = async |asked: Value| {
        let answer = tea.client.post("/v1/ledger/transactions", &asked).await;
        answer.created()
    };
    post(json!({"kind": 1, "reference": "first", "postings": [posting("assets:bank", "customers:alice", 1_000)]})).await;
    post(json!({
        "kind": 2,
        "reference": "old",
        "metadata": {"from": "paper"},
        "effective_at": "2020-01-15T00:00:00Z",
        "postings": [posting("assets:bank", "customers:alice", 50), posting("customers:alice", "income:fees", 5)],
    }))
    .await;
    let last = post(json!({"kind": 1, "reference": "last", "postings": [posting("customers:alice", "customers:bob", 200)]})).await;
    let at = text(&last["sequence"]).to_owned();
    (tea, at)
}

fn column(statement: &Value, field: &str) -> Vec<Value> {
    let lines = statement["lines"].as_array().unwrap();
    lines.iter().map(|line| line[field].clone()).collect()
}

fn amounts(statement: &Value, field: &str) -> Vec<i64> {
    let column = column(statement, field);
    column
        .iter()
        .map(|amount| amount["amount"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_in_the_order_of_recording_or_of_effect() {
    let house = House::start().await;
    let (tea, at) = with_history(&house).await;
    let path = format!("/v1/ledger/accounts/customers:alice/statement?at_least={at}");
    let recorded = tea.client.get(&path).await.ok();
    assert_eq!(
        column(&recorded, "reference"),
        ["first", "old", "old", "last"]
    );
    assert_eq!(amounts(&recorded, "balance"), [1_000, 1_050, 1_045, 845]);
    assert_eq!(recorded["opening"]["amount"], 0);
    assert_eq!(recorded["closing"]["amount"], 845);
    assert_eq!(recorded["lines"][2]["counterparty"], "income:fees");

    let effective = tea.client.get(&format!("{path}&by=effective")).await.ok();
    assert_eq!(
        column(&effective, "reference"),
        ["old", "old", "first", "last"]
    );
    assert_eq!(amounts(&effective, "balance"), [50, 45, 1_045, 845]);

    let later = tea
        .client
        .get(&format!("{path}&by=effective&from=2021-01-01T00:00:00Z"))
        .await
        .ok();
    assert_eq!(later["opening"]["amount"], 45);
    assert_eq!(column(&later, "reference"), ["first", "last"]);
    let before = tea
        .client
        .get(&format!("{path}&by=effective&until=2021-01-01T00:00:00Z"))
        .await
        .ok();
    assert_eq!(before["closing"]["amount"], 45);
    assert_eq!(column(&before, "reference"), ["old", "old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_statement_are_the_statement_in_pieces() {
    let house = House::start().await;
    let (tea, at) = with_history(&house).await;
    for by in ["recorded", "effective"] {
        let path = format!("/v1/ledger/accounts/customers:alice/statement?at_least={at}&by={by}");
        let whole = tea.client.get(&path).await.ok();
        let mut pieces = Vec::new();
        let mut next = tea.client.get(&format!("{path}&limit=1")).await.ok();
        loop {
            pieces.extend(next["lines"].as_array().unwrap().clone());
            let Some(cursor) = next["next_cursor"].as_str() else {
                break;
            };
            next = tea
                .client
                .get(&format!("{path}&limit=1&cursor={cursor}"))
                .await
                .ok();
        }
        assert_eq!(Value::from(pieces), whole["lines"], "{by}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_lines_out_and_change_no_balance() {
    let house = House::start().await;
    let (tea, at) = with_history(&house).await;
    let path = format!("/v1/ledger/accounts/customers:alice/statement?at_least={at}");
    for (filter, balances) in [
        ("kind=1", vec![1_000, 845]),
        ("side=debit", vec![1_045, 845]),
        ("counterparty=income:fees", vec![1_045]),
        ("reference=last", vec![845]),
        ("amount_min=50&amount_max=200", vec![1_050, 845]),
    ] {
        let found = tea.client.get(&format!("{path}&{filter}")).await.ok();
        assert_eq!(amounts(&found, "balance"), balances, "{filter}");
        assert_eq!(found["closing"]["amount"], 845, "{filter}");
    }
    tea.client
        .get(&format!("{path}&counterparty=nobody"))
        .await
        .refused("account_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_right_now_and_as_of_any_moment() {
    let house = House::start().await;
    let (tea, at) = with_history(&house).await;
    let asked = json!({"accounts": ["customers:alice", "assets:bank"]});
    let balances = async |query: &str| {
        let path = format!("/v1/ledger/balances?at_least={at}{query}");
        let found = tea.client.post(&path, &asked).await.ok();
        let found = found["balances"].as_array().unwrap().clone();
        found
            .iter()
            .map(|line| line["balance"]["amount"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(balances("").await, [845, 1_050]);
    assert_eq!(
        balances("&as_of=2020-01-15T00:00:00Z&by=effective").await,
        [45, 50]
    );
    assert_eq!(
        balances("&as_of=2020-01-14T23:59:59Z&by=effective").await,
        [0, 0]
    );
    assert_eq!(
        balances("&as_of=2020-01-15T00:00:00Z&by=recorded").await,
        [0, 0]
    );

    let trial = tea
        .client
        .get(&format!("/v1/ledger/trial-balance?at_least={at}"))
        .await
        .ok();
    assert_eq!(trial["balances"], true);
    assert_eq!(trial["lines"][0]["debit_balances"], 1_050);
    assert_eq!(
        trial["lines"][0]["kinds"],
        json!({"asset": 1_050, "income": 5, "liability": 1_045})
    );
    let old = "/v1/ledger/trial-balance?as_of=2021-01-01T00:00:00Z&by=effective";
    assert_eq!(
        tea.client.get(old).await.ok()["lines"][0]["credit_balances"],
        50
    );

    let tree = tea.client.get("/v1/ledger/tree?depth=1").await.ok();
    let branches = tree["branches"].as_array().unwrap();
    let names: Vec<&str> = branches
        .iter()
        .map(|branch| text(&branch["name"]))
        .collect();
    assert_eq!(names, ["assets", "customers", "income"]);
    assert_eq!(branches[1]["accounts"], 2);
    assert_eq!(
        branches[1]["balances"],
        json!([{"amount": -1_045, "currency": "CNY"}])
    );
    let branch = tea
        .client
        .get("/v1/ledger/tree?branch=customers")
        .await
        .ok();
    assert_eq!(branch["branches"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_found_by_what_they_say() {
    let house = House::start().await;
    let (tea, at) = with_history(&house).await;
    let search = async |query: &str| {
        let path = format!("/v1/ledger/transactions?at_least={at}&{query}");
        tea.client.get(&path).await
    };
    let old = search("reference=old").await.ok();
    assert_eq!(
        old["data"][0]["effective_at"],
        "2020-01-15T00:00:00.000000Z"
    );
    assert_eq!(old["data"][0]["metadata"], json!({"from": "paper"}));
    let same = search("metadata_key=from&metadata_value=paper").await.ok();
    assert_eq!(same["data"], old["data"]);
    assert_eq!(search("reference=none").await.ok()["data"], json!([]));
    search("metadata_key=from")
        .await
        .refused("parameter_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_period_takes_nothing_more() {
    let house = House::start().await;
    let (tea, _) = with_history(&house).await;
    let close = json!({"before": "2021-01-01T00:00:00Z"});
    tea.client
        .post("/v1/ledger/periods", &close)
        .await
        .created();
    let late = json!({
        "effective_at": "2020-12-31T23:59:59Z",
        "postings": [posting("assets:bank", "customers:alice", 1)],
    });
    tea.client
        .post("/v1/ledger/transactions", &late)
        .await
        .refused("period_closed");
    let earlier = json!({"before": "2020-06-01T00:00:00Z"});
    tea.client
        .post("/v1/ledger/periods", &earlier)
        .await
        .refused("period_invalid");
}
