//! A retry gets the first answer, whatever has happened since, and nothing happens twice.

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{Answer, House, Request, text};
use super::payment::{cny, order};

/// Sends the same request again (signed anew, as one must) and compares.
fn assert_same(first: &Answer, again: &Answer) {
    let without_request = |answer: &Answer| {
        let mut body = answer.json();
        if let Value::Object(members) = &mut body {
            members.remove("request_id");
        }
        body
    };
    assert_eq!(again.status, first.status);
    assert_eq!(without_request(again), without_request(first));
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(
        again.header("journal-sequence"),
        first.header("journal-sequence")
    );
}

#[tokio::test]
async fn a_payment_is_made_once_however_often_it_is_asked_for() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let pay = format!("/v1/orders/{}/pay", order(&shop, "A-1", 1_000).await);
    for key in ["0197a3e5-c4b1-7f20-a1b2-c3d4e5f60718", "a-key-of-one's-own"] {
        let first = payer
            .client
            .send(Request::new(Method::POST, &pay).key(key))
            .await;
        let again = payer
            .client
            .send(Request::new(Method::POST, &pay).key(key))
            .await;
        assert_same(&first, &again);
    }
    let wallet = payer
        .client
        .get(&format!("/v1/wallets/{}", payer.id))
        .await
        .ok();
    assert_eq!(wallet["balances"], json!([cny(9_000)]));
    house.stop().await;
}

#[tokio::test]
async fn refusals_are_first_answers_too() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 500).await;
    let pay = format!("/v1/orders/{}/pay", order(&shop, "A-1", 1_000).await);
    let first = payer
        .client
        .send(Request::new(Method::POST, &pay).key("pay-1"))
        .await;
    assert_eq!(first.json()["code"], "insufficient_funds");
    let top_up = json!({"amount": cny(1_000), "reference": "more"});
    let top_ups = format!("/v1/wallets/{}/top-ups", payer.id);
    house.operator.post(&top_ups, &top_up).await.created();
    let again = payer
        .client
        .send(Request::new(Method::POST, &pay).key("pay-1"))
        .await;
    assert_same(&first, &again);
    payer
        .client
        .send(Request::new(Method::POST, &pay).key("pay-2"))
        .await
        .ok();

    // The same holds of what is refused before it is even assessed.
    let first = payer
        .client
        .send(Request::new(Method::POST, &pay).key("pay-3"))
        .await;
    assert_eq!(first.json()["code"], "order_already_paid");
    let again = payer
        .client
        .send(Request::new(Method::POST, &pay).key("pay-3"))
        .await;
    assert_same(&first, &again);
    house.stop().await;
}

#[tokio::test]
async fn first_answers_outlive_a_restart() {
    let mut house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let asked = json!({"number": "A-1", "amount": cny(1_000), "description": "Dumplings"});
    let create = || Request::post("/v1/orders", &asked).key("create-1");
    let created = shop.client.send(create()).await;
    let id = text(&created.json()["order"]["id"]).to_owned();
    let pay = || Request::new(Method::POST, &format!("/v1/orders/{id}/pay")).key("pay-1");
    let paid = payer.client.send(pay()).await;
    let make_key =
        || Request::new(Method::POST, &format!("/v1/merchants/{}/keys", shop.id)).key("key-1");
    let key = house.operator.send(make_key()).await;

    for _ in 0..2 {
        house = house.restart().await;
        assert_same(
            &created,
            &shop.client.at(house.address).send(create()).await,
        );
        assert_same(&paid, &payer.client.at(house.address).send(pay()).await);
        // Also the secret is the first one.
        assert_same(&key, &house.operator.send(make_key()).await);
    }
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_caller() {
    let house = House::start().await;
    let (one, other) = (
        house.merchant(&["CNY"]).await,
        house.merchant(&["CNY"]).await,
    );
    let asked =
        |number: &str| json!({"number": number, "amount": cny(1_000), "description": "Dumplings"});
    let create = |number: &str| Request::post("/v1/orders", &asked(number)).key("same");
    one.client.send(create("A-1")).await.created();
    one.client
        .send(create("A-2"))
        .await
        .refused("idempotency_key_reused");
    other.client.send(create("A-2")).await.created();
    house.stop().await;
}

#[tokio::test]
async fn a_number_names_one_order_of_a_merchant() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let asked =
        |amount: i64| json!({"number": "A-1", "amount": cny(amount), "description": "Dumplings"});
    // A number that was refused is still free.
    shop.client.post("/v1/orders", &json!({"number": "A-1", "amount": {"amount": 1, "currency": "USD"}, "description": "x"}))
        .await
        .refused("currency_not_held");
    let first = shop.client.post("/v1/orders", &asked(1_000)).await;
    let again = shop.client.post("/v1/orders", &asked(1_000)).await;
    assert_same(&first, &again);
    shop.client
        .post("/v1/orders", &asked(1_001))
        .await
        .refused("order_number_used");
    let other = house.merchant(&["CNY"]).await;
    other
        .client
        .post("/v1/orders", &asked(1_001))
        .await
        .created();
    house.stop().await;
}
