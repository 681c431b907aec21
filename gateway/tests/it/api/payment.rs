//! A shop's first payment, from opening the shop to the money in its account.

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{House, PUBLIC_URL, Party, Request, text};
use super::receiver::Receiver;

pub(super) fn cny(amount: i64) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// An order of a merchant, in CNY; its id.
pub(super) async fn order(shop: &Party, number: &str, amount: i64) -> String {
    let asked = json!({"number": number, "amount": cny(amount), "description": "Dumplings"});
    let created = shop.client.post("/v1/orders", &asked).await.created();
    text(&created["order"]["id"]).to_owned()
}

#[tokio::test]
async fn a_shop_takes_its_first_payment() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let mut receiver = Receiver::for_merchant(&shop.client).await;

    let asked = json!({
        "number": "2026-000001",
        "amount": cny(1250),
        "description": "Dumplings, two baskets",
    });
    let created = shop.client.post("/v1/orders", &asked).await.created();
    let id = text(&created["order"]["id"]).to_owned();
    assert_eq!(created["order"]["state"], "open");
    assert_eq!(created["checkout_url"], format!("{PUBLIC_URL}/c/{id}"));

    // The payer's phone reads either form of the code and finds the order in it.
    for form in ["link", "emvco"] {
        let code = format!("/v1/orders/{id}/code.png?form={form}");
        let image = shop.client.get(&code).await;
        assert_eq!(image.header("content-type"), Some("image/png"));
        let scan = Request {
            body: image.bytes,
            content_type: "image/png",
            idempotency_key: None,
            ..Request::new(Method::POST, "/v1/scan")
        };
        let scanned = payer.client.send(scan).await.ok();
        assert_eq!(scanned["codes"][0]["order"]["id"], id, "{form}");
    }

    let paid = payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    assert_eq!(paid["order"]["state"], "paid");
    assert_eq!(paid["wallet_balance"], cny(98_750));
    assert!(
        paid["order"]["payment"]["fee"].is_null(),
        "the payer sees no fee"
    );

    let heard = receiver.next().await;
    assert_eq!(heard.body["type"], "order.paid");
    assert_eq!(heard.body["data"]["order"]["id"], id);
    // 0.6% of 12.50 is 7.5 cents, which is rounded to the even 8.
    assert_eq!(heard.body["data"]["order"]["payment"]["fee"], cny(8));
    assert!(
        heard.body["data"]["order"]["payment"]["wallet"].is_null(),
        "nor the shop the wallet"
    );

    let found = shop.client.get(&format!("/v1/orders/{id}")).await.ok();
    assert_eq!(found["order"], heard.body["data"]["order"]);
    let merchant = shop
        .client
        .get(&format!("/v1/merchants/{}", shop.id))
        .await
        .ok();
    assert_eq!(merchant["balances"], json!([cny(1242)]));
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn money_goes_back_in_parts_and_the_fee_with_it() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let id = order(&shop, "A-1", 10_000).await;
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();

    let refunds = format!("/v1/orders/{id}/refunds");
    let part = |number: &str, amount: i64| json!({"number": number, "amount": cny(amount), "reason": "cold"});
    let first = shop
        .client
        .post(&refunds, &part("R-1", 3_333))
        .await
        .created();
    assert_eq!(first["order"]["state"], "partly_refunded");
    assert_eq!(
        first["refund"]["fee_returned"],
        cny(19),
        "60 times a third, rounded down"
    );
    shop.client
        .post(&refunds, &part("R-2", 6_668))
        .await
        .refused("refund_exceeds_paid");
    let second = shop
        .client
        .post(&refunds, &part("R-2", 6_667))
        .await
        .created();
    assert_eq!(second["order"]["state"], "refunded");
    assert_eq!(second["merchant_balance"], cny(0));

    let wallet = payer
        .client
        .get(&format!("/v1/wallets/{}", payer.id))
        .await
        .ok();
    assert_eq!(wallet["balances"], json!([cny(100_000)]));
    let at_least = text(&second["sequence"]);
    let listed = shop
        .client
        .get(&format!("{refunds}?at_least={at_least}"))
        .await
        .ok();
    let numbers: Vec<&Value> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refund| &refund["number"])
        .collect();
    assert_eq!(numbers, ["R-1", "R-2"]);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn an_own_asset_is_registered_and_paid_in() {
    let house = House::start().await;
    let asset = json!({"code": "POINTS", "decimals": 0});
    house.operator.post("/v1/assets", &asset).await.created();
    let other = json!({"code": "POINTS", "decimals": 2});
    house
        .operator
        .post("/v1/assets", &other)
        .await
        .refused("asset_exists");
    let shop = house.merchant(&["CNY", "POINTS"]).await;
    let payer = house.wallet(&["POINTS"], 500).await;
    let asked = json!({
        "number": "P-1",
        "amount": {"amount": 120, "currency": "POINTS"},
        "description": "A free basket",
    });
    let created = shop.client.post("/v1/orders", &asked).await.created();
    let id = text(&created["order"]["id"]);
    let code = shop.client.get(&format!("/v1/orders/{id}/code")).await.ok();
    assert!(code["emvco"].is_null(), "EMVCo knows ISO 4217 only");
    shop.client
        .get(&format!("/v1/orders/{id}/code.png?form=emvco"))
        .await
        .refused("parameter_invalid");
    let paid = payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    assert_eq!(
        paid["wallet_balance"],
        json!({"amount": 380, "currency": "POINTS"})
    );
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_code_says_where_the_shop_is_and_what_it_deals_in() {
    let house = House::start().await;
    let merchant = |country: &str, category: &str| {
        json!({
            "name": "Noodles", "city": "Xi'an", "country": country, "category": category,
            "currencies": ["CNY"], "fee_basis_points": 0,
        })
    };
    for (country, category, at) in [
        ("China", "5812", "/country"),
        ("cn", "5812", "/country"),
        ("CN", "812", "/category"),
        ("CN", "food", "/category"),
    ] {
        let asked = merchant(country, category);
        let answer = house.operator.post("/v1/merchants", &asked).await;
        assert_eq!(answer.refused("field_invalid")["errors"][0]["pointer"], at);
    }
    let asked = merchant("CN", "5812");
    let opened = house.operator.post("/v1/merchants", &asked).await.created();
    assert_eq!(opened["merchant"]["country"], "CN");
    assert_eq!(opened["merchant"]["category"], "5812");
    let shop = house.party("merchants", &opened["merchant"]["id"]).await;
    let id = order(&shop, "N-1", 1800).await;
    let code = shop.client.get(&format!("/v1/orders/{id}/code")).await.ok();
    let payload = text(&code["emvco"]);
    assert!(payload.contains("52045812"), "{payload}");
    assert!(payload.contains("5802CN"), "{payload}");
    house.stop().await;
}

#[tokio::test]
async fn a_bank_tops_up_and_sees_nothing_else() {
    let house = House::start().await;
    let key = house
        .operator
        .post("/v1/keys", &json!({"role": "bank"}))
        .await
        .created();
    let bank = house.client(&key);
    let payer = house.wallet(&["CNY"], 0).await;
    let top_up = json!({"amount": cny(500), "reference": "transfer 7"});
    let topped_up = bank
        .post(&format!("/v1/wallets/{}/top-ups", payer.id), &top_up)
        .await
        .created();
    assert_eq!(topped_up["wallet_balance"], cny(500));
    bank.get(&format!("/v1/wallets/{}", payer.id))
        .await
        .refused("forbidden_role");
    bank.get("/v1/trial-balance")
        .await
        .refused("forbidden_role");

    house
        .operator
        .post_empty(&format!("/v1/keys/{}/revoke", text(&key["id"])))
        .await
        .ok();
    bank.post(&format!("/v1/wallets/{}/top-ups", payer.id), &top_up)
        .await
        .refused("key_revoked");
    house.stop().await;
}
