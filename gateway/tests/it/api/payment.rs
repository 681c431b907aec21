//! A shop's first payment, from opening the shop to the money in its account.

use serde_json::json;

use super::house::{House, PUBLIC_URL, text};

#[tokio::test]
async fn a_shop_takes_its_first_payment() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;

    let asked = json!({
        "number": "2026-000001",
        "amount": {"amount": 1250, "currency": "CNY"},
        "description": "Dumplings, two baskets",
    });
    let created = shop.client.post("/v1/orders", &asked).await.created();
    let order = text(&created["order"]["id"]).to_owned();
    assert_eq!(created["order"]["state"], "open");
    assert_eq!(created["checkout_url"], format!("{PUBLIC_URL}/c/{order}"));

    let code = shop
        .client
        .get(&format!("/v1/orders/{order}/code.png"))
        .await;
    assert_eq!(code.header("content-type"), Some("image/png"));

    let paid = payer
        .client
        .post_empty(&format!("/v1/orders/{order}/pay"))
        .await
        .ok();
    assert_eq!(paid["order"]["state"], "paid");
    assert_eq!(
        paid["wallet_balance"],
        json!({"amount": 98_750, "currency": "CNY"})
    );

    let found = shop.client.get(&format!("/v1/orders/{order}")).await.ok();
    assert_eq!(found["order"]["state"], "paid");
    // 0.6% of 12.50 is 7.5 cents, which is rounded to the even 8.
    assert_eq!(found["order"]["payment"]["fee"]["amount"], 8);
    let merchant = shop
        .client
        .get(&format!("/v1/merchants/{}", shop.id))
        .await
        .ok();
    assert_eq!(
        merchant["balances"],
        json!([{"amount": 1242, "currency": "CNY"}])
    );
    house.assert_books_balance().await;
    house.stop().await;
}
