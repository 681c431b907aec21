//! What the scorer learns from what is said and done, and what it must not learn.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::desk::publish;
use super::house::{House, Party, Request, text};
use super::payment::order;

fn rule(name: &str, when: &str, shadow: bool) -> Value {
    json!({"name": name, "when": when, "action": "deny", "because": "It holds", "shadow": shadow})
}

/// Pays orders until one is answered with a status: what was said is learned a moment later.
async fn pay_until(shop: &Party, payer: &Party, name: &str, status: StatusCode) -> Value {
    let begun = Instant::now();
    for number in 0.. {
        let id = order(shop, &format!("{name}-{number}"), 100).await;
        let pay = format!("/v1/orders/{id}/pay");
        let answer = payer.client.post_empty(&pay).await;
        if answer.status == status {
            return answer.json();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "after twenty seconds payments are still answered with {}",
            answer.status
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("there is always another number")
}

/// Whoever says the same three times says it once, and whoever takes it back takes all of it back.
#[tokio::test]
async fn of_what_is_said_about_a_case_the_last_word_counts_and_once() {
    let house = House::start().await;
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    let rules = json!([
        rule("known_fraud", "payee.frauds_14d >= 1.0", false),
        rule("many_frauds", "payee.frauds_14d >= 2.0", true)
    ]);
    publish(&analyst, &other, &rules).await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let id = order(&shop, "first", 100).await;
    let pay = format!("/v1/orders/{id}/pay");
    let paid = payer.client.post_empty(&pay).await.ok();
    let case = text(&paid["order"]["payment"]["transaction"]).replace("txn_", "dec_");
    house.views_catch_up().await;
    let thrice = json!({"cases": [case, case, case], "act": "fraud", "note": "Said three times"});
    let said = analyst.post("/v1/cases/bulk", &thrice).await.ok();
    assert_eq!(said["results"][2]["done"], true, "{said}");
    let stranger = house.wallet(&["CNY"], 100_000).await;
    pay_until(&shop, &stranger, "labelled", StatusCode::FORBIDDEN).await;
    house.views_catch_up().await;

    // Whatever the other two words did has been learned by now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let id = order(&shop, "again", 100).await;
    let pay = format!("/v1/orders/{id}/pay");
    let denied = stranger.client.post_empty(&pay).await;
    denied.refused("risk_denied");
    house.views_catch_up().await;
    let cases = analyst.get("/v1/cases?show=all").await.ok();
    for case in cases["data"].as_array().unwrap() {
        assert_eq!(
            case["risk"]["shadow"],
            json!([]),
            "one fraud is one: {case}"
        );
    }

    let genuine = json!({"label": "genuine", "note": "It was the owner after all"});
    let label = format!("/v1/cases/{case}/label");
    analyst.post(&label, &genuine).await.ok();
    pay_until(&shop, &stranger, "corrected", StatusCode::OK).await;
    house.stop().await;
}

/// A phone that asks again because the answer was slow has not failed.
#[tokio::test]
async fn a_retry_is_no_failed_attempt() {
    let house = House::start().await;
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    let rules = json!([rule("failed_before", "payer.failed_1d >= 1.0", false)]);
    publish(&analyst, &other, &rules).await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    for number in 0..6 {
        let id = order(&shop, &format!("N-{number}"), 100).await;
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let client = payer.client.clone();
            let path = format!("/v1/orders/{id}/pay");
            let key = format!("pay-{number}");
            asking.spawn(async move {
                let request = Request::new(reqwest::Method::POST, &path).key(&key);
                client.send(request).await
            });
        }
        for answer in asking.join_all().await {
            answer.ok();
        }
    }
    let wallet = payer.client.get(&format!("/v1/wallets/{}", payer.id)).await;
    assert_eq!(wallet.ok()["balances"][0]["amount"], 100_000 - 6 * 100);
    house.stop().await;
}
