//! Test mode's payers.

use std::time::Instant;

use gateway::config::{Config, Mode};
use serde_json::{Value, json};

use super::house::{Client, House, text};

async fn order(shop: &Client, number: &str) -> String {
    let asked = json!({
        "number": number,
        "amount": {"amount": 1250, "currency": "CNY"},
        "description": "Dumplings, two baskets",
    });
    let made = shop.post("/v1/orders", &asked).await.created();
    text(&made["order"]["id"]).to_owned()
}

fn paid_by(order: &str) -> String {
    format!("/v1/orders/{order}/simulated-payment")
}

fn payer(manner: &str) -> Value {
    json!({"payer": manner})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pays_in_a_manner_of_its_own() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;

    let one = order(&shop.client, "A-1").await;
    let poor = shop
        .client
        .post(&paid_by(&one), &payer("insufficient"))
        .await;
    poor.refused("insufficient_funds");
    let paid = shop.client.post(&paid_by(&one), &payer("ready")).await.ok();
    assert_eq!(paid["order"]["state"], "paid");
    let again = shop.client.post(&paid_by(&one), &payer("ready")).await;
    again.refused("order_already_paid");

    let two = order(&shop.client, "A-2").await;
    let asked = shop.client.post(&paid_by(&two), &payer("challenged")).await;
    assert_eq!(asked.status, 202);
    assert_eq!(asked.json()["pending"]["standing"], "awaiting_confirmation");
    let paid = shop.client.post(&paid_by(&two), &payer("ready")).await.ok();
    assert_eq!(paid["order"]["state"], "paid");

    let three = order(&shop.client, "A-3").await;
    let started = Instant::now();
    let paid = shop
        .client
        .post(&paid_by(&three), &payer("slow"))
        .await
        .ok();
    assert_eq!(paid["order"]["state"], "paid");
    assert!(started.elapsed().as_secs() >= 9);

    let other = house.merchant(&["CNY"]).await;
    let four = order(&shop.client, "A-4").await;
    let strange = other.client.post(&paid_by(&four), &payer("ready")).await;
    strange.refused("order_not_found");
    shop.client
        .post(&paid_by(&four), &payer("generous"))
        .await
        .refused("field_invalid");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_money_is_real_nobody_is_simulated() {
    let live = |config: Config| Config {
        mode: Mode::Live,
        ..config
    };
    let house = House::start_in(tempfile::tempdir().unwrap(), live).await;
    let shop = house.merchant(&["CNY"]).await;
    let one = order(&shop.client, "A-1").await;
    let refused = shop.client.post(&paid_by(&one), &payer("ready")).await;
    refused.refused("test_mode_only");
    let found = shop.client.get(&format!("/v1/orders/{one}")).await.ok();
    assert_eq!(found["order"]["state"], "open");
    house.stop().await;
}
