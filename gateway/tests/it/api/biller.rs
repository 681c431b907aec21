//! Billers, over HTTP.

use serde_json::{Value, json};

use super::house::{House, Request, text};
use super::payment::cny;
use super::receiver::Receiver;

fn water(merchant: &str) -> Value {
    json!({
        "merchant": merchant, "name": "City Water", "category": "utility", "currency": "CNY",
        "reference": {"label": "customer number", "patterns": ["###########"], "check": "luhn"},
        "least": 100, "most": 100_000,
    })
}

#[tokio::test]
async fn a_meter_is_paid_by_its_number() {
    let house = House::start().await;
    let utility = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let mut receiver = Receiver::for_merchant(&utility.client).await;
    let made = house
        .operator
        .post("/v1/billers", &water(&utility.id))
        .await
        .created();
    let path = format!("/v1/billers/{}", text(&made["biller"]["id"]));
    assert_eq!(payer.client.get(&path).await.ok()["biller"], made["biller"]);
    let checked = payer
        .client
        .get(&format!("{path}/check?reference=7992%207398%20713"))
        .await
        .ok();
    assert_eq!(checked["reference"], "79927398713");
    let problem = payer
        .client
        .get(&format!("{path}/check?reference=79927398731"))
        .await;
    let problem = problem.refused("reference_invalid");
    assert!(text(&problem["detail"]).contains("check digits of the customer number"));

    let pay = format!("{path}/pay");
    let body = |reference: &str, amount| json!({"reference": reference, "amount": cny(amount)});
    for (reference, amount, code) in [
        ("79927398731", 8_640, "reference_invalid"),
        ("7992739871", 8_640, "reference_invalid"),
        ("79927398713", 99, "biller_amount_invalid"),
        ("79927398713", 100_001, "biller_amount_invalid"),
        ("", 8_640, "field_invalid"),
    ] {
        payer
            .client
            .post(&pay, &body(reference, amount))
            .await
            .refused(code);
    }
    let request = || Request::post(&pay, &body("7992 7398 713", 8_640)).key("may");
    let paid = payer.client.send(request()).await.ok();
    assert_eq!(paid["order"]["reference"], "79927398713");
    assert_eq!(paid["order"]["biller"], made["biller"]["id"]);
    assert_eq!(paid["wallet_balance"], cny(91_360));
    assert_eq!(
        payer.client.send(request()).await.ok()["order"],
        paid["order"]
    );
    let heard = receiver.next().await;
    assert_eq!(heard.body["data"]["order"]["reference"], "79927398713");
    assert_eq!(heard.body["data"]["order"]["payment"]["fee"], cny(52));

    let house = house.restart().await;
    let (utility, payer) = (utility.at(&house), payer.at(&house));
    let found = utility
        .client
        .get(&format!("/v1/orders/{}", text(&paid["order"]["id"])))
        .await
        .ok();
    assert_eq!(found["order"]["reference"], "79927398713");
    let retire = format!("{path}/retire");
    utility
        .client
        .post_empty(&retire)
        .await
        .refused("forbidden_role");
    assert_eq!(
        house.operator.post_empty(&retire).await.ok()["biller"]["retired"],
        true
    );
    payer
        .client
        .post(&pay, &body("79927398713", 100))
        .await
        .refused("biller_retired");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn billers_are_an_operators_to_register_and_everybodys_to_find() {
    let house = House::start().await;
    let merchant = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 0).await;
    merchant
        .client
        .post("/v1/billers", &water(&merchant.id))
        .await
        .refused("forbidden_role");
    let changed = |pointer: &str, value: Value| {
        let mut asked = water(&merchant.id);
        *asked.pointer_mut(pointer).unwrap() = value;
        asked
    };
    for (pointer, value, code) in [
        ("/name", json!(""), "field_invalid"),
        ("/category", json!("water"), "field_invalid"),
        ("/currency", json!("USD"), "currency_not_held"),
        ("/reference/check", json!("sum"), "field_invalid"),
        ("/reference/patterns", json!([]), "terms_invalid"),
        ("/reference/patterns", json!(["a"]), "terms_invalid"),
        ("/least", json!(0), "terms_invalid"),
        (
            "/merchant",
            json!("mer_00000000000000000000000000000000"),
            "merchant_not_found",
        ),
    ] {
        let asked = changed(pointer, value);
        house
            .operator
            .post("/v1/billers", &asked)
            .await
            .refused(code);
    }
    for category in ["utility", "fine", "health", "fine"] {
        let asked = changed("/category", json!(category));
        house.operator.post("/v1/billers", &asked).await.created();
    }
    let first = payer.client.get("/v1/billers?limit=3").await.ok();
    let next = format!("/v1/billers?limit=3&cursor={}", text(&first["next_cursor"]));
    let rest = payer.client.get(&next).await.ok();
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    let fines = payer.client.get("/v1/billers?category=fine").await.ok();
    assert_eq!(fines["data"].as_array().unwrap().len(), 2);
    let nowhere = "/v1/billers/blr_00000000000000000000000000000000";
    payer.client.get(nowhere).await.refused("biller_not_found");
    house.stop().await;
}
