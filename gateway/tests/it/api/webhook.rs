//! What merchants hear, and what happens when they do not listen.

use std::time::Duration;

use gateway::pay::{Command, Endpoint, EndpointId, SealedSecret};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{Client, House, Party, text};
use super::payment::{cny, order};
use super::receiver::Receiver;

async fn pay(payer: &Party, order: &str) -> Value {
    payer
        .client
        .post_empty(&format!("/v1/orders/{order}/pay"))
        .await
        .ok()
}

async fn deliveries(client: &Client, endpoint: &str, sequence: &Value) -> Vec<Value> {
    let path = format!(
        "/v1/webhook-endpoints/{endpoint}/deliveries?at_least={}",
        text(sequence)
    );
    client.get(&path).await.ok()["data"]
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_shop_hears_of_each_step_in_order() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let (paid, closed) = (
        order(&shop, "A-1", 1_000).await,
        order(&shop, "A-2", 1_000).await,
    );
    pay(&payer, &paid).await;
    let refund = |number: &str| json!({"number": number, "amount": cny(400), "reason": "cold"});
    for number in ["R-1", "R-2"] {
        let path = format!("/v1/orders/{paid}/refunds");
        shop.client.post(&path, &refund(number)).await.created();
    }
    shop.client
        .post_empty(&format!("/v1/orders/{closed}/close"))
        .await
        .ok();

    let mut heard = Vec::new();
    for _ in 0..4 {
        let webhook = receiver.next().await.body;
        let order = text(&webhook["data"]["order"]["number"]).to_owned();
        heard.push((
            order,
            text(&webhook["type"]).to_owned(),
            webhook["data"]["refund"]["number"].clone(),
        ));
    }
    let of_the_first = heard.iter().filter(|(order, ..)| order == "A-1");
    let of_the_first: Vec<_> = of_the_first
        .map(|(_, topic, refund)| (topic.as_str(), refund.clone()))
        .collect();
    assert_eq!(
        of_the_first,
        [
            ("order.paid", Value::Null),
            ("order.refunded", json!("R-1")),
            ("order.refunded", json!("R-2")),
        ]
    );
    assert!(heard.contains(&("A-2".to_owned(), "order.closed".to_owned(), Value::Null)));
    assert!(receiver.is_silent());
    house.stop().await;
}

#[tokio::test]
async fn what_was_not_delivered_is_after_a_restart() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let id = order(&shop, "A-1", 1_000).await;
    let paid = pay(&payer, &id).await;
    let first = receiver.next().await;
    let waiting = loop {
        // The attempt is recorded a moment after the receiver has heard of it.
        let listed = deliveries(&shop.client, &receiver.endpoint, &paid["sequence"]).await;
        if listed[0]["attempts"] == 1 {
            break listed;
        }
    };
    assert_eq!(waiting[0]["state"], "waiting");
    assert_eq!(
        waiting[0]["last_attempt"]["error"],
        "the receiver answered 500"
    );
    assert!(waiting[0]["next_attempt_at"].is_string());

    receiver.answers(StatusCode::OK);
    let house = house.restart().await;
    let second = receiver.next().await;
    assert_eq!((second.id, second.body), (first.id, first.body));
    house.stop().await;
}

#[tokio::test]
async fn a_webhook_is_sent_again_by_hand() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let id = order(&shop, "A-1", 1_000).await;
    let paid = pay(&payer, &id).await;
    let first = receiver.next().await;
    let replay = format!("/v1/webhook-deliveries/{}/replay", first.id);
    let at_least = &paid["sequence"];
    // The webhook is in the views, because the list that waited for them shows it.
    assert_eq!(
        deliveries(&shop.client, &receiver.endpoint, at_least)
            .await
            .len(),
        1
    );
    let other = house.merchant(&["CNY"]).await;
    other
        .client
        .post_empty(&replay)
        .await
        .refused("delivery_not_found");
    let answer = shop.client.post_empty(&replay).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let again = receiver.next().await;
    assert_eq!((again.id, again.body), (first.id, first.body));
    assert_eq!(
        deliveries(&shop.client, &receiver.endpoint, at_least)
            .await
            .len(),
        2
    );
    house.stop().await;
}

/// One of a shop's endpoints has a secret that was sealed under another master key.
#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_holds_up_no_other() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let broken = Endpoint {
        id: EndpointId(1),
        merchant: shop.id.parse().unwrap(),
        url: "https://example.com/hook".to_owned(),
        secret: SealedSecret(vec![0; 60]),
        enabled: true,
    };
    house.app.ask(Command::AddEndpoint(broken)).await.unwrap();
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let id = order(&shop, "A-1", 1_000).await;
    pay(&payer, &id).await;
    assert_eq!(receiver.next().await.body["type"], "order.paid");
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let id = order(&shop, "A-2", 1_000).await;
    pay(&payer, &id).await;
    receiver.next().await;
    receiver.answers(StatusCode::OK);
    let house = house.restart().await;
    let again = receiver.next().await;
    assert_eq!(again.body["data"]["order"]["number"], "A-2");
    house.stop().await;
}

#[tokio::test]
async fn what_still_waits_is_not_sent_twice_because_somebody_asks_for_it() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let id = order(&shop, "A-1", 1_000).await;
    pay(&payer, &id).await;
    let first = receiver.next().await;
    let replay = format!("/v1/webhook-deliveries/{}/replay", first.id);
    for _ in 0..3 {
        let answer = shop.client.post_empty(&replay).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    let closed = order(&shop, "A-2", 1_000).await;
    let path = format!("/v1/orders/{closed}/close");
    let closed = shop.client.post_empty(&path).await.ok();
    // What was asked for before the next message came is in the outbox before it.
    let listed = deliveries(&shop.client, &receiver.endpoint, &closed["sequence"]).await;
    let of_the_first = listed.iter().filter(|one| one["id"] == first.id.as_str());
    assert_eq!(of_the_first.count(), 1, "{listed:?}");
    house.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_removed_hears_nothing_more() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut removed = Receiver::for_merchant(&shop.client).await;
    let mut standing = Receiver::for_merchant(&shop.client).await;
    let listed = shop.client.get("/v1/webhook-endpoints").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let path = format!("/v1/webhook-endpoints/{}", removed.endpoint);
    let answer = shop.client.delete(&path).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    shop.client
        .delete(&path)
        .await
        .refused("endpoint_not_found");

    let id = order(&shop, "A-1", 1_000).await;
    pay(&payer, &id).await;
    standing.next().await;
    assert!(removed.is_silent());
    house.stop().await;
}

#[tokio::test]
async fn what_waits_for_an_endpoint_is_not_sent_once_it_is_removed() {
    /// Longer than the pause before the second attempt.
    const SECOND_ATTEMPT: Duration = Duration::from_secs(7);
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let id = order(&shop, "A-1", 1_000).await;
    pay(&payer, &id).await;
    receiver.next().await;

    let path = format!("/v1/webhook-endpoints/{}", receiver.endpoint);
    shop.client.delete(&path).await;
    tokio::time::sleep(SECOND_ATTEMPT).await;
    assert!(receiver.is_silent(), "the second attempt was made");
    house.stop().await;
}
