//! Schedules of fees, over HTTP.

use serde_json::json;

use super::house::{House, text};
use super::payment::{cny, order};
use super::till::{Phone, charge};

#[tokio::test]
async fn a_fee_follows_the_method_and_the_amount_and_is_explained_by_its_terms() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let phone = Phone::of(&payer).await;
    let fees = format!("/v1/merchants/{}/fees", shop.id);
    assert_eq!(shop.client.get(&fees).await.ok()["lines"], json!([]));
    let lines = json!({"lines": [
        {"currency": "CNY", "from": 100_000, "basis_points": 60, "most": 500},
        {"method": "payment_code", "currency": "CNY", "basis_points": 38, "fixed": 10, "least": 12, "kept": true},
    ]});
    let set = house.operator.post(&fees, &lines).await.ok();
    assert_eq!(set["lines"][1]["method"], "payment_code");
    let pay = async |number: &str, amount| {
        let id = order(&shop, number, amount).await;
        let path = format!("/v1/orders/{id}");
        payer.client.post_empty(&format!("{path}/pay")).await.ok();
        let paid = shop.client.get(&path).await.ok();
        paid["order"]["payment"]["fee"]["amount"].as_i64().unwrap()
    };
    // Below the threshold the merchant's plain 0.6 % holds.
    assert_eq!(pay("A-1", 10_000).await, 60);
    assert_eq!(pay("A-2", 100_000).await, 500);
    let charged = charge(&shop, "A-3", 10_000, &phone.code()).await.created();
    let payment = &charged["order"]["payment"];
    assert_eq!(payment["fee"], cny(48));

    // A new schedule changes nothing about what was paid: neither the explanation nor what a refund gives back.
    let none = json!({"lines": []});
    house.operator.post(&fees, &none).await.ok();
    house.views_catch_up().await;
    let transaction = format!("/v1/transactions/{}", text(&payment["transaction"]));
    let explained = shop.client.get(&transaction).await.ok();
    let told = text(&explained["transaction"]["postings"][1]["text"]);
    let wanted =
        "its fee of 0.38 % on 100.00 CNY and 0.10 CNY, at least 0.12 CNY, rounded half to even";
    assert!(told.ends_with(wanted), "{told}");
    let refunds = format!("/v1/orders/{}/refunds", text(&charged["order"]["id"]));
    let refund = json!({"number": "R-1", "amount": cny(10_000), "reason": "cold"});
    let refunded = shop.client.post(&refunds, &refund).await.created();
    assert_eq!(refunded["refund"]["fee_returned"], cny(0));
    let house = house.restart().await;
    let (shop, payer) = (shop.at(&house), payer.at(&house));
    assert_eq!(shop.client.get(&fees).await.ok()["lines"], json!([]));
    let found = payer.client.get(&format!("/v1/wallets/{}", payer.id)).await;
    assert_eq!(found.ok()["balances"][0], cny(1_000_000 - 110_000));
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_refused_with_the_reason() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let fees = format!("/v1/merchants/{}/fees", shop.id);
    for (line, wanted) in [
        (
            json!({"currency": "CNY", "basis_points": 10_001}),
            "terms_invalid",
        ),
        (
            json!({"currency": "CNY", "basis_points": 0, "fixed": -1}),
            "terms_invalid",
        ),
        (
            json!({"currency": "CNY", "basis_points": 0, "least": 2, "most": 1}),
            "terms_invalid",
        ),
        (
            json!({"currency": "USD", "basis_points": 0}),
            "currency_not_held",
        ),
        (
            json!({"currency": "XXQ", "basis_points": 0}),
            "unknown_currency",
        ),
    ] {
        let asked = json!({"lines": [line]});
        house.operator.post(&fees, &asked).await.refused(wanted);
    }
    let twice = json!({"currency": "CNY", "basis_points": 1});
    let twice = json!({"lines": [twice, twice]});
    house
        .operator
        .post(&fees, &twice)
        .await
        .refused("terms_invalid");
    let lines = json!({"lines": []});
    shop.client
        .post(&fees, &lines)
        .await
        .refused("forbidden_role");
    let other = house.merchant(&["CNY"]).await;
    other.client.get(&fees).await.refused("merchant_not_found");
    let nobody = "/v1/merchants/mer_00000000000000000000000000000000/fees";
    house
        .operator
        .post(nobody, &lines)
        .await
        .refused("merchant_not_found");
    house.stop().await;
}
