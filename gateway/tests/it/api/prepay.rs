//! Payments from inside a shop's app, by a prepay id.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{Answer, House, Party, text};
use super::payment::order;

async fn prepay(shop: &Party, order: &str) -> Value {
    let path = format!("/v1/orders/{order}/prepay");
    shop.client.get(&path).await.ok()
}

async fn pay(payer: &Party, prepay_id: &str) -> Answer {
    let asked = json!({"prepay_id": prepay_id});
    payer.client.post("/v1/prepays/pay", &asked).await
}

#[tokio::test]
async fn a_payer_confirms_what_a_shops_app_asks_for() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let id = order(&shop, "A-1", 1_250).await;
    let prepay = prepay(&shop, &id).await;
    assert_eq!(prepay["order"], id.as_str());
    let prepay_id = text(&prepay["prepay_id"]);
    pay(&payer, prepay_id).await.refused("step_up_missing");
    let pin = format!("/v1/wallets/{}/pin", payer.id);
    let pin = payer.client.post(&pin, &json!({"pin": "271828"})).await;
    pin.ok();

    let waits = pay(&payer, prepay_id).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED);
    let waits = waits.json();
    assert_eq!(waits["order"]["state"], "open");
    let decision = text(&waits["pending"]["decision"]);
    // Asked again, it is the same question.
    let again = pay(&payer, prepay_id).await.json();
    assert_eq!(again["pending"]["decision"], decision);
    let confirm = format!("/v1/decisions/{decision}/confirm");
    let paid = payer.client.post(&confirm, &json!({"pin": "271828"})).await;
    assert_eq!(paid.ok()["order"]["state"], "paid");
    pay(&payer, prepay_id).await.refused("order_already_paid");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_prepay_id_is_the_houses_alone_to_make() {
    let house = House::start().await;
    let (shop, other) = (
        house.merchant(&["CNY"]).await,
        house.merchant(&["CNY"]).await,
    );
    let payer = house.wallet(&["CNY"], 10_000).await;
    let id = order(&shop, "A-1", 1_250).await;
    let path = format!("/v1/orders/{id}/prepay");
    other.client.get(&path).await.refused("order_not_found");
    let prepay = prepay(&shop, &id).await;
    let prepay_id = text(&prepay["prepay_id"]);
    for place in [4, 20, 40, prepay_id.len() - 2] {
        let mut changed = prepay_id.as_bytes().to_vec();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        pay(&payer, &changed).await.refused("prepay_invalid");
    }
    for invented in ["pre_", "pre_AAAA", "x", id.as_str()] {
        pay(&payer, invented).await.refused("prepay_invalid");
    }
    // It lives no longer than its order.
    let asked = json!({
        "number": "A-2", "amount": {"amount": 100, "currency": "CNY"}, "description": "Tea", "expires_in_s": 1,
    });
    let short = shop.client.post("/v1/orders", &asked).await.created();
    let short = text(&short["order"]["id"]);
    let path = format!("/v1/orders/{short}/prepay");
    let prepay = shop.client.get(&path).await.ok();
    let expires_at = text(&prepay["expires_at"]);
    let order = shop.client.get(&format!("/v1/orders/{short}")).await.ok();
    assert_eq!(order["order"]["expires_at"], expires_at);
    loop {
        let code = pay(&payer, text(&prepay["prepay_id"])).await.json()["code"].clone();
        if code == "prepay_expired" {
            break;
        }
        // The order itself may be over a moment before its id is.
        assert!(
            code == "step_up_missing" || code == "order_expired",
            "{code}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    house.stop().await;
}
