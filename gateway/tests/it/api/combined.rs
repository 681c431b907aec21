//! Combined orders, over HTTP.

use reqwest::StatusCode;
use serde_json::json;

use super::house::{House, Request, text};
use super::payment::{cny, order};
use super::receiver::Receiver;

#[tokio::test]
async fn one_payment_pays_three_shops_and_each_sees_its_own() {
    let house = House::start().await;
    let mut shops = Vec::new();
    let mut orders = Vec::new();
    for (number, amount) in [("A-1", 1_000), ("B-1", 2_000), ("C-1", 3_000)] {
        let shop = house.merchant(&["CNY"]).await;
        orders.push(order(&shop, number, amount).await);
        shops.push(shop);
    }
    let payer = house.wallet(&["CNY"], 10_000).await;
    let mut receiver = Receiver::for_merchant(&shops[1].client).await;
    let body = json!({"orders": orders});
    let request = || Request::post("/v1/combined-orders", &body).key("basket-1");
    let paid = payer.client.send(request()).await.created();
    let combined = &paid["combined"];
    assert_eq!(combined["state"], "paid");
    assert_eq!(combined["amount"], cny(6_000));
    assert_eq!(paid["wallet_balance"], cny(4_000));
    // A retry has the first answer again, and nothing is paid twice.
    let again = payer.client.send(request()).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.created()["combined"], *combined);

    let heard = receiver.next().await;
    assert_eq!(heard.body["data"]["order"]["id"], orders[1].as_str());
    assert!(heard.body["data"]["order"]["payment"]["combined"].is_null());
    house.views_catch_up().await;
    let path = format!(
        "/v1/transactions/{}",
        text(&combined["orders"][1]["transaction"])
    );
    shops[0]
        .client
        .get(&path)
        .await
        .refused("transaction_not_found");
    let explained = shops[1].client.get(&path).await.ok();
    assert_eq!(explained["transaction"]["order"], orders[1].as_str());
    let lines = shops[2]
        .client
        .get(&format!("/v1/merchants/{}/transactions", shops[2].id))
        .await
        .ok();
    assert_eq!(lines["data"][0]["order"], orders[2].as_str());
    assert_eq!(lines["data"][0]["amount"], cny(3_000 - 18));
    let seen = payer
        .client
        .get(&format!("/v1/orders/{}", orders[0]))
        .await
        .ok();
    assert_eq!(seen["order"]["payment"]["combined"], combined["id"]);

    let house = house.restart().await;
    let payer = payer.at(&house);
    let path = format!("/v1/combined-orders/{}", text(&combined["id"]));
    assert_eq!(payer.client.get(&path).await.ok()["combined"], *combined);
    let other = house.wallet(&["CNY"], 0).await;
    other.client.get(&path).await.refused("combined_not_found");
    let refunds = format!("/v1/orders/{}/refunds", orders[2]);
    let refund = json!({"number": "R-1", "amount": cny(3_000), "reason": "sold out"});
    shops[2]
        .at(&house)
        .client
        .post(&refunds, &refund)
        .await
        .created();
    let list = format!("/v1/wallets/{}/combined-orders", payer.id);
    let listed = payer.client.get(&list).await.ok();
    assert_eq!(listed["data"], json!([combined]));
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_basket_that_cannot_be_is_refused_and_one_that_waits_is_confirmed() {
    let house = House::start().await;
    let (one, two) = (
        house.merchant(&["CNY", "JPY"]).await,
        house.merchant(&["CNY"]).await,
    );
    let payer = house.wallet(&["CNY"], 10_000).await;
    let (first, second) = (
        order(&one, "A-1", 1_000).await,
        order(&two, "B-1", 2_000).await,
    );
    let yen =
        json!({"number": "Y-1", "amount": {"amount": 5, "currency": "JPY"}, "description": "Tea"});
    let yen = one.client.post("/v1/orders", &yen).await.created();
    let yen = text(&yen["order"]["id"]);
    let nothing = "ord_00000000000000000000000000000000";
    for (orders, code) in [
        (vec![first.as_str()], "field_invalid"),
        (vec![&first, &first], "combination_invalid"),
        (vec![&first, yen], "combination_invalid"),
        (vec![&first, nothing], "order_not_found"),
    ] {
        let asked = json!({"orders": orders});
        payer
            .client
            .post("/v1/combined-orders", &asked)
            .await
            .refused(code);
    }
    let (analyst, approver) = (house.analyst().await, house.analyst().await);
    super::desk::publish(
        &analyst,
        &approver,
        &json!([super::desk::large("challenge")]),
    )
    .await;
    let pin = format!("/v1/wallets/{}/pin", payer.id);
    payer
        .client
        .post(&pin, &json!({"pin": "271828"}))
        .await
        .ok();
    let asked = json!({"orders": [first, second]});
    let waits = payer.client.post("/v1/combined-orders", &asked).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED);
    let waits = waits.json();
    let confirmations = format!("/v1/wallets/{}/confirmations", payer.id);
    let shown = payer.client.get(&confirmations).await.ok();
    assert_eq!(shown["data"][0]["combined"], waits["combined"]["id"]);
    assert_eq!(shown["data"][0]["amount"], cny(3_000));
    let confirm = format!(
        "/v1/decisions/{}/confirm",
        text(&waits["pending"]["decision"])
    );
    let paid = payer
        .client
        .post(&confirm, &json!({"pin": "271828"}))
        .await
        .ok();
    assert_eq!(paid["combined"]["state"], "paid");
    assert_eq!(paid["wallet_balance"], cny(7_000));
    house.views_catch_up().await;
    let decision = format!("/v1/decisions/{}", text(&waits["pending"]["decision"]));
    let explained = analyst.get(&decision).await.ok();
    assert_eq!(explained["combined"], waits["combined"]["id"]);
    house.assert_books_balance().await;
    house.stop().await;
}
