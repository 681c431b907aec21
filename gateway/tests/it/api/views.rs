//! History: lists, statements, transactions explained, and reading what one has written.

use serde_json::{Value, json};

use super::house::{House, text};
use super::payment::{cny, order};

#[tokio::test]
async fn orders_are_listed_page_by_page() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let other = house.merchant(&["CNY"]).await;
    order(&other, "X-1", 1).await;
    for number in 1..=7 {
        order(&shop, &format!("A-{number}"), number).await;
    }
    let third = shop.client.get("/v1/orders?number=A-3").await.ok();
    assert_eq!(third["data"][0]["amount"], cny(3));
    let id = text(&third["data"][0]["id"]);
    let closed = shop
        .client
        .post_empty(&format!("/v1/orders/{id}/close"))
        .await
        .ok();
    let at_least = text(&closed["sequence"]);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop
            .client
            .get(&format!("/v1/orders?limit=3&at_least={at_least}{cursor}"))
            .await
            .ok();
        let numbers = page["data"].as_array().unwrap().iter();
        seen.extend(numbers.map(|order| text(&order["number"]).to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["A-7", "A-6", "A-5", "A-4", "A-3", "A-2", "A-1"]);

    let numbers = async |query: &str| {
        let page = shop.client.get(&format!("/v1/orders?{query}")).await.ok();
        let orders = page["data"].as_array().unwrap().iter();
        orders
            .map(|order| text(&order["number"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("state=closed").await, ["A-3"]);
    assert_eq!(numbers("number=A-9").await, [""; 0]);
    let at = text(&third["data"][0]["created_at"]);
    assert_eq!(
        numbers(&format!("created_before={at}")).await,
        ["A-2", "A-1"]
    );
    assert_eq!(
        numbers(&format!("created_from={at}&limit=2")).await,
        ["A-7", "A-6"]
    );

    // An operator sees all merchants' orders, or one's.
    let all = house.operator.get("/v1/orders?limit=100").await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 8);
    let one = house
        .operator
        .get(&format!("/v1/orders?merchant={}", other.id))
        .await
        .ok();
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn statements_tell_what_happened_and_transactions_why() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 5_000).await;
    let id = order(&shop, "A-1", 1_000).await;
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    let refund = json!({"number": "R-1", "amount": cny(500), "reason": "cold"});
    let refunded = shop
        .client
        .post(&format!("/v1/orders/{id}/refunds"), &refund)
        .await
        .created();
    let at_least = format!("at_least={}", text(&refunded["sequence"]));

    let lines = |page: &Value| -> Vec<Value> {
        let lines = page["data"].as_array().unwrap().iter();
        lines
            .map(|line| {
                json!([
                    line["kind"],
                    line["amount"]["amount"],
                    line["balance"]["amount"]
                ])
            })
            .collect()
    };
    let path = format!("/v1/wallets/{}/transactions?{at_least}", payer.id);
    let wallet = payer.client.get(&path).await.ok();
    assert_eq!(
        lines(&wallet),
        [
            json!(["refund", 500, 4_500]),
            json!(["payment", -1_000, 4_000]),
            json!(["top_up", 5_000, 5_000]),
        ]
    );
    let path = format!("/v1/merchants/{}/transactions?limit=1&{at_least}", shop.id);
    let first = shop.client.get(&path).await.ok();
    assert_eq!(lines(&first), [json!(["refund", -497, 497])]);
    let next = format!("{path}&cursor={}", text(&first["next_cursor"]));
    let second = shop.client.get(&next).await.ok();
    assert_eq!(lines(&second), [json!(["payment", 994, 994])]);
    assert!(second["next_cursor"].is_null());

    let payment = text(&second["data"][0]["transaction"]);
    let path = format!("/v1/transactions/{payment}?{at_least}");
    let words = |found: &Value| -> Vec<Value> {
        let postings = found["transaction"]["postings"].as_array().unwrap().iter();
        postings
            .map(|posting| {
                json!([
                    posting["debit"]["role"],
                    posting["credit"]["role"],
                    posting["amount"]["amount"]
                ])
            })
            .collect()
    };
    let to_shop = shop.client.get(&path).await.ok();
    assert_eq!(
        words(&to_shop),
        [
            json!(["wallet", "merchant", 994]),
            json!(["wallet", "fees", 6])
        ]
    );
    assert!(to_shop["transaction"]["postings"][0]["debit"]["wallet"].is_null());
    assert_eq!(
        to_shop["transaction"]["postings"][1]["text"],
        "0.06 CNY from the payer's wallet to the house: its fee of 0.6 % on 10.00 CNY, rounded half to even"
    );
    let to_payer = payer.client.get(&path).await.ok();
    assert_eq!(
        words(&to_payer),
        [json!(["wallet", "merchant", 1_000])],
        "a payer sees no fee"
    );
    let to_operator = house.operator.get(&path).await.ok();
    assert_eq!(
        to_operator["transaction"]["postings"][0]["debit"]["wallet"],
        payer.id
    );
    let stranger = house.wallet(&["CNY"], 0).await;
    stranger
        .client
        .get(&path)
        .await
        .refused("transaction_not_found");
    house.stop().await;
}

#[tokio::test]
async fn a_finished_order_is_found_after_a_restart_too() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 5_000).await;
    let id = order(&shop, "A-1", 1_000).await;
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    let before = shop.client.get(&format!("/v1/orders/{id}")).await.ok();
    let house = house.restart().await;
    let shop_client = shop.client.at(house.address);
    let after = shop_client.get(&format!("/v1/orders/{id}")).await.ok();
    assert_eq!(after["order"], before["order"]);
    let refund = json!({"number": "R-1", "amount": cny(1_000), "reason": "cold"});
    let refunded = shop_client
        .post(&format!("/v1/orders/{id}/refunds"), &refund)
        .await
        .created();
    assert_eq!(refunded["order"]["state"], "refunded");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn machines_may_look_without_a_key() {
    let house = House::start().await;
    let http = reqwest::Client::new();
    let get = async |path: &str| http.get(house.url(path)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
    let metrics = get("/metrics").await.text().await.unwrap();
    for name in [
        "jiaozi_ready 1",
        "jiaozi_journal_sequence",
        "jiaozi_webhooks_waiting 0",
        "jiaozi_risk_unscored_total 0",
        "le=\"+Inf\"",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    let openapi: Value = get("/openapi.json").await.json().await.unwrap();
    assert_eq!(openapi["openapi"], "3.1.0");
    house.stop().await;
}
