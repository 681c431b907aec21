//! Codes that a shop prints once, over HTTP: scanned by a phone, paid any number of times.

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{House, PUBLIC_URL, Party, Request, text};
use super::payment::cny;
use super::till::charge;

async fn print(shop: &Party, asked: Value) -> Value {
    let printed = shop.client.post("/v1/printed-codes", &asked).await;
    printed.created()["code"].clone()
}

/// What a phone's camera makes of a picture.
async fn scan(payer: &Party, image: Vec<u8>) -> Value {
    let scan = Request {
        body: image,
        content_type: "image/png",
        idempotency_key: None,
        ..Request::new(Method::POST, "/v1/scan")
    };
    payer.client.send(scan).await.ok()
}

#[tokio::test]
async fn a_code_at_the_till_is_paid_by_everybody_who_scans_it() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let asked = json!({
        "description": "Dumplings", "currency": "CNY", "till": {"store": "Old Street", "terminal": "till 2"},
    });
    let code = print(&shop, asked).await;
    let id = text(&code["id"]);
    assert_eq!(code["link"], format!("{PUBLIC_URL}/c/{id}"));
    for (number, form) in [(1, "link"), (2, "emvco")] {
        let image = format!("/v1/printed-codes/{id}/code.png?form={form}");
        let image = shop.client.get(&image).await.bytes;
        let payer = house.wallet(&["CNY"], 10_000).await;
        let scanned = scan(&payer, image).await;
        assert_eq!(scanned["codes"][0]["printed_code"]["id"], id, "{form}");
        let pay = format!("/v1/printed-codes/{id}/pay");
        payer
            .client
            .post(&pay, &json!({}))
            .await
            .refused("amount_invalid");
        let entered = json!({"amount": cny(number * 100)});
        let paid = payer.client.post(&pay, &entered).await.ok();
        assert_eq!(paid["order"]["state"], "paid");
        assert_eq!(paid["order"]["printed_code"], id);
        assert_eq!(paid["order"]["till"]["store"], "Old Street");
        assert_eq!(paid["wallet_balance"], cny(10_000 - number * 100));
        // A retry pays nothing more, and another shop does not see the order.
        let order = format!("/v1/orders/{}", text(&paid["order"]["id"]));
        let found = shop.client.get(&order).await.ok();
        assert_eq!(found["order"]["amount"], cny(number * 100));
        house
            .merchant(&["CNY"])
            .await
            .client
            .get(&order)
            .await
            .refused("order_not_found");
    }
    let svg = format!("/v1/printed-codes/{id}/code.svg");
    let svg = shop.client.get(&svg).await;
    assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_table_has_its_price() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let code = print(
        &shop,
        json!({"description": "Table 7, the menu", "amount": cny(8_800)}),
    )
    .await;
    let path = format!("/v1/printed-codes/{}", text(&code["id"]));
    let pay = format!("{path}/pay");
    let other = json!({"amount": cny(1)});
    payer
        .client
        .post(&pay, &other)
        .await
        .refused("amount_invalid");
    let paid = payer.client.post_empty(&pay).await.ok();
    assert_eq!(paid["order"]["amount"], cny(8_800));
    payer
        .client
        .post_empty(&pay)
        .await
        .refused("insufficient_funds");

    // What the EMVCo form says is the amount, and what a till may not do with it.
    let found = payer.client.get(&path).await.ok();
    assert!(text(&found["emvco"]).contains("540588.00"), "{found}");
    let reverse = json!({"number": paid["order"]["number"]});
    let answer = shop.client.post("/v1/charges/reverse", &reverse).await;
    answer.refused("not_a_charge");

    shop.client.post_empty(&format!("{path}/retire")).await.ok();
    let again = shop.client.post_empty(&format!("{path}/retire")).await;
    assert_eq!(again.ok()["code"]["retired"], true);
    payer
        .client
        .post_empty(&pay)
        .await
        .refused("printed_code_retired");
    house.stop().await;
}

#[tokio::test]
async fn a_merchant_sees_its_own_codes_page_by_page() {
    let house = House::start().await;
    let (shop, other) = (
        house.merchant(&["CNY"]).await,
        house.merchant(&["CNY"]).await,
    );
    let mut ids = Vec::new();
    for table in 1..=5 {
        let asked = json!({"description": format!("Table {table}"), "currency": "CNY"});
        ids.push(text(&print(&shop, asked).await["id"]).to_owned());
    }
    let path = format!("/v1/printed-codes/{}", ids[0]);
    other
        .client
        .get(&path)
        .await
        .refused("printed_code_not_found");
    let retire = format!("{path}/retire");
    other
        .client
        .post_empty(&retire)
        .await
        .refused("printed_code_not_found");
    let house = house.restart().await;
    let shop = shop.at(&house);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("/v1/printed-codes?limit=2{cursor}");
        let page = shop.client.get(&page).await.ok();
        let data = page["data"].as_array().unwrap();
        seen.extend(data.iter().map(|one| text(&one["id"]).to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    assert_eq!(
        other.at(&house).client.get("/v1/printed-codes").await.ok()["data"],
        json!([])
    );
    house.stop().await;
}

#[tokio::test]
async fn what_cannot_be_printed_is_told_why() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    for (asked, wanted) in [
        (json!({"description": "x"}), "field_invalid"),
        (
            json!({"description": "x", "currency": "CNY", "amount": cny(1)}),
            "field_invalid",
        ),
        (
            json!({"description": "", "currency": "CNY"}),
            "field_invalid",
        ),
        (
            json!({"description": "x", "currency": "CNY", "till": {"store": "x".repeat(26)}}),
            "field_invalid",
        ),
        (
            json!({"description": "x", "currency": "USD"}),
            "currency_not_held",
        ),
        (
            json!({"description": "x", "currency": "XXQ"}),
            "unknown_currency",
        ),
        (
            json!({"description": "x", "amount": cny(0)}),
            "amount_invalid",
        ),
        (
            json!({"description": "x", "amount": cny(-5)}),
            "amount_invalid",
        ),
    ] {
        let answer = shop.client.post("/v1/printed-codes", &asked).await;
        answer.refused(wanted);
    }
    // A code of a shop is no payment code of a payer.
    let code = print(&shop, json!({"description": "x", "currency": "CNY"})).await;
    charge(&shop, "A-1", 1, text(&code["id"]))
        .await
        .refused("payment_code_invalid");
    house.stop().await;
}
