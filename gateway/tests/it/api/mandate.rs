//! Mandates, over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{House, text};
use super::payment::cny;
use super::receiver::Receiver;

fn proposal(number: &str) -> Value {
    json!({
        "number": number, "description": "Films, every month",
        "bounds": {"currency": "CNY", "per_debit": 3_000, "per_period": 5_000, "period_days": 30, "days": 365},
    })
}

fn debit(number: &str, amount: i64) -> Value {
    json!({"number": number, "amount": cny(amount), "description": "Films in December"})
}

#[tokio::test]
async fn a_subscription_from_its_proposal_to_its_end() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let stranger = house.wallet(&["CNY"], 0).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let pin = json!({"pin": "271828"});
    payer
        .client
        .post(&format!("/v1/wallets/{}/pin", payer.id), &pin)
        .await
        .ok();

    let made = shop
        .client
        .post("/v1/mandates", &proposal("M-1"))
        .await
        .created();
    let again = shop
        .client
        .post("/v1/mandates", &proposal("M-1"))
        .await
        .created();
    assert_eq!(again["mandate"], made["mandate"]);
    let mut other = proposal("M-1");
    other["bounds"]["days"] = json!(366);
    shop.client
        .post("/v1/mandates", &other)
        .await
        .refused("mandate_number_used");
    let path = format!("/v1/mandates/{}", text(&made["mandate"]["id"]));
    let debits = format!("{path}/debits");
    shop.client
        .post(&debits, &debit("D-0", 100))
        .await
        .refused("mandate_not_accepted");
    let seen = payer.client.get(&path).await.ok();
    assert_eq!(seen["mandate"]["state"], "proposed");
    assert!(text(&seen["text_to_sign"]).starts_with("accept mdt_"));
    let accept = format!("{path}/accept");
    payer
        .client
        .post(&accept, &json!({"pin": "314159"}))
        .await
        .refused("proof_wrong");
    stranger
        .client
        .post(&accept, &pin)
        .await
        .refused("step_up_missing");
    let accepted = payer.client.post(&accept, &pin).await.ok();
    assert_eq!(accepted["mandate"]["state"], "active");
    assert_eq!(accepted["mandate"]["wallet"], payer.id.as_str());
    let heard = receiver.next().await;
    assert_eq!(heard.body["type"], "mandate.accepted");
    assert!(
        heard.body["data"]["mandate"]["wallet"].is_null(),
        "the shop sees no wallet"
    );
    stranger
        .client
        .get(&path)
        .await
        .refused("mandate_not_found");

    let paid = shop
        .client
        .post(&debits, &debit("D-1", 3_000))
        .await
        .created();
    assert_eq!(paid["order"]["state"], "paid");
    assert_eq!(paid["order"]["mandate"], made["mandate"]["id"]);
    let again = shop
        .client
        .post(&debits, &debit("D-1", 3_000))
        .await
        .created();
    assert_eq!(again["order"], paid["order"]);
    let problem = shop
        .client
        .post(&debits, &debit("D-2", 2_001))
        .await
        .refused("mandate_exceeded");
    assert!(text(&problem["detail"]).contains("2000 minor units are left in this period"));
    assert_eq!(receiver.next().await.body["type"], "order.paid");

    let house = house.restart().await;
    let (shop, payer) = (shop.at(&house), payer.at(&house));
    shop.client
        .post(&debits, &debit("D-3", 2_000))
        .await
        .created();
    house.views_catch_up().await;
    for client in [&shop.client, &payer.client] {
        let listed = client.get("/v1/mandates").await.ok();
        assert_eq!(listed["data"][0]["debited"], cny(5_000));
        assert_eq!(listed["data"][0]["debits"], 2);
    }
    let revoke = format!("{path}/revoke");
    stranger
        .at(&house)
        .client
        .post_empty(&revoke)
        .await
        .refused("mandate_not_found");
    let revoked = payer.client.post_empty(&revoke).await.ok();
    assert_eq!(revoked["mandate"]["state"], "revoked");
    shop.client
        .post(&debits, &debit("D-4", 1))
        .await
        .refused("mandate_ended");
    // What was debited is refunded as any order is.
    let refunds = format!("/v1/orders/{}/refunds", text(&paid["order"]["id"]));
    let refund = json!({"number": "R-1", "amount": cny(3_000), "reason": "dull"});
    shop.client.post(&refunds, &refund).await.created();
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_debit_that_looks_risky_asks_its_payer() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let pin = json!({"pin": "271828"});
    payer
        .client
        .post(&format!("/v1/wallets/{}/pin", payer.id), &pin)
        .await
        .ok();
    let made = shop
        .client
        .post("/v1/mandates", &proposal("M-1"))
        .await
        .created();
    let path = format!("/v1/mandates/{}", text(&made["mandate"]["id"]));
    payer
        .client
        .post(&format!("{path}/accept"), &pin)
        .await
        .ok();
    let (analyst, approver) = (house.analyst().await, house.analyst().await);
    super::desk::publish(
        &analyst,
        &approver,
        &json!([super::desk::large("challenge")]),
    )
    .await;
    let debits = format!("{path}/debits");
    let waits = shop.client.post(&debits, &debit("D-1", 2_500)).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED);
    let waits = waits.json();
    assert_eq!(waits["order"]["state"], "awaiting_payer");
    let confirmations = format!("/v1/wallets/{}/confirmations", payer.id);
    let shown = payer.client.get(&confirmations).await.ok();
    let confirm = format!(
        "/v1/decisions/{}/confirm",
        text(&shown["data"][0]["pending"]["decision"])
    );
    let paid = payer.client.post(&confirm, &pin).await.ok();
    assert_eq!(paid["order"]["state"], "paid");
    for (bounds, code) in [
        (json!({"per_debit": 0}), "terms_invalid"),
        (json!({"currency": "USD"}), "currency_not_held"),
        (json!({"period_days": 70_000}), "field_invalid"),
    ] {
        let mut asked = proposal("M-2");
        for (name, value) in bounds.as_object().unwrap() {
            asked["bounds"][name] = value.clone();
        }
        shop.client.post("/v1/mandates", &asked).await.refused(code);
    }
    house.assert_books_balance().await;
    house.stop().await;
}
