//! Many transactions in one request.

use serde_json::{Value, json};
use uuid::Uuid;

use super::tenant::{Tenant, posting};
use crate::api::house::{House, Request};

const PATH: &str = "/v1/ledger/transactions/bulk";

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn pay(debit: &str, credit: &str, amount: i64) -> Value {
    json!({"postings": [posting(debit, credit, amount)]})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_an_outcome_and_a_retry_gives_all_of_them_again() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let mut batch: Vec<Value> = (0..2_000)
        .map(|_| pay("assets:bank", "customers:alice", 3))
        .collect();
    batch.push(pay("customers:bob", "assets:bank", 1));
    batch.push(pay("assets:bank", "nobody", 1));
    batch.push(json!({"postings": [{"debit": "a", "credit": "b", "amount": {"amount": 1, "currency": "XXQ"}}]}));
    let ask = || Request::post(PATH, &Value::from(batch.clone())).key("bulk-1");
    let first = tea.client.send(ask()).await;
    assert_eq!(first.header("content-type"), Some("application/x-ndjson"));
    let first = lines(&first.bytes);
    assert_eq!(first.len(), batch.len());
    assert_eq!(first[1_999]["balances"][1]["balance"]["amount"], 6_000);
    assert_eq!(first[2_000]["code"], "below_minimum");
    assert_eq!(first[2_001]["code"], "account_not_found");
    assert_eq!(first[2_002]["code"], "unknown_currency");
    let again = tea.client.send(ask()).await;
    assert_eq!(lines(&again.bytes), first);
    assert_eq!(tea.balance("customers:alice").await, 6_000);

    let other = vec![pay("assets:bank", "customers:alice", 4)];
    let reused = tea
        .client
        .send(Request::post(PATH, &Value::from(other)).key("bulk-1"))
        .await;
    assert_eq!(lines(&reused.bytes)[0]["code"], "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_none_is_all_or_none() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let path = format!("{PATH}?all_or_none=true");
    let id = format!("txn_{}", Uuid::now_v7().simple());
    let named = json!({"id": id, "postings": [posting("assets:bank", "customers:alice", 10)]});
    let bad = json!([named, pay("customers:bob", "assets:bank", 1)]);
    let problem = tea.client.post(&path, &bad).await.refused("below_minimum");
    assert_eq!(problem["errors"][0]["pointer"], "/1/postings/0");
    assert_eq!(tea.balance("customers:alice").await, 0);

    let twice = json!([named, named]);
    tea.client
        .post(&path, &twice)
        .await
        .refused("field_invalid");
    let fresh = format!("txn_{}", Uuid::now_v7().simple());
    let fresh = json!({"id": fresh, "postings": [posting("assets:bank", "customers:alice", 10)]});
    let good = json!([fresh, pay("customers:alice", "customers:bob", 4)]);
    let ask = || Request::post(&path, &good).key("all");
    let first = tea.client.send(ask()).await.bytes;
    let answer = lines(&first);
    assert_eq!(answer.len(), 3);
    assert_eq!(answer[2]["balances"][1]["balance"]["amount"], 6);
    assert_eq!(tea.client.send(ask()).await.bytes, first);
    assert_eq!(tea.balance("customers:bob").await, 4);
    tea.client
        .post("/v1/ledger/transactions", &fresh)
        .await
        .refused("transaction_id_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_as_good_as_an_array_and_nonsense_is_neither() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let one = pay("assets:bank", "customers:alice", 1).to_string();
    let send = async |body: String| {
        let request = Request {
            body: body.into_bytes(),
            ..Request::post(PATH, &Value::Null)
        };
        tea.client.send(request).await
    };
    assert_eq!(lines(&send(format!("{one}\n{one}\n")).await.bytes).len(), 2);
    assert_eq!(tea.balance("customers:alice").await, 2);
    send(String::new()).await.refused("transactions_missing");
    send("[]".to_owned()).await.refused("transactions_missing");
    let problem = send(format!("{one}\n\nnonsense")).await;
    let problem = problem.refused("malformed_json");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("line 3"), "{detail}");
    for whole in [
        format!("{one}\n{}", r#"{"id": "imp-1"}"#),
        format!("[{one}, {}]", r#"{"id": "imp-1"}"#),
    ] {
        let problem = send(whole).await.refused("field_invalid");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/1"), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("txn_"), "it says how ids look: {detail}");
    }
}
