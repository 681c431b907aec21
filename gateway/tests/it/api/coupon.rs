//! Coupons and points, over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{House, Party, text};
use super::payment::{cny, order};
use super::receiver::Receiver;

fn points(amount: i64) -> Value {
    json!({"amount": amount, "currency": "POINTS"})
}

/// A coupon of whoever's key it is: some yuan off, or a share.
pub(super) fn coupon(name: &str, off: &Value) -> Value {
    json!({
        "name": name, "off": off, "currency": "CNY", "minimum": 1_000, "stock": 3, "stacks": true,
        "until": in_a_day(),
    })
}

fn in_a_day() -> String {
    let tomorrow = chrono::Utc::now() + chrono::Duration::days(1);
    tomorrow.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A house with points, a shop with 10 percent off, and a payer with 300 points.
async fn scene() -> (House, Party, Party) {
    let house = House::start().await;
    let asset = json!({"code": "POINTS", "decimals": 0});
    house.operator.post("/v1/assets", &asset).await.created();
    let scheme = json!({
        "asset": "POINTS", "currency": "CNY", "earning": {"points": 1, "per": 100},
        "spending": {"points": 100, "worth": 100, "most_basis_points": 5_000},
    });
    let set = house.operator.post("/v1/points-schemes", &scheme).await;
    assert_eq!(set.ok()["scheme"], scheme);
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY", "POINTS"], 100_000).await;
    let gift = json!({"amount": points(300), "reference": "welcome"});
    let top_ups = format!("/v1/wallets/{}/top-ups", payer.id);
    house.operator.post(&top_ups, &gift).await.created();
    (house, shop, payer)
}

#[tokio::test]
async fn an_order_is_paid_in_parts_and_goes_back_in_parts() {
    let (house, shop, payer) = scene().await;
    let tenth = coupon(
        "Ten percent",
        &json!({"basis_points": 1_000, "most": 5_000}),
    );
    let tenth = shop.client.post("/v1/coupons", &tenth).await.created();
    assert_eq!(tenth["coupon"]["funder"], "merchant");
    let five = coupon("Five off", &json!({"amount": 500}));
    let five = house.operator.post("/v1/coupons", &five).await.created();
    let [tenth, five] = [tenth, five].map(|made| text(&made["coupon"]["id"]).to_owned());
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let usable = format!("/v1/coupons?merchant={}", shop.id);
    let listed = payer.client.get(&usable).await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);

    let id = order(&shop, "A-1", 10_000).await;
    let pay = json!({"coupons": [five, tenth], "points": 300});
    let paid = payer
        .client
        .post(&format!("/v1/orders/{id}/pay"), &pay)
        .await
        .ok();
    assert_eq!(paid["wallet_balance"], cny(100_000 - 8_200));
    let breakdown = &paid["order"]["payment"]["breakdown"];
    let expected = json!({
        "paid": cny(8_200),
        "discounts": [
            {"coupon": tenth, "name": "Ten percent", "funder": "merchant", "amount": cny(1_000)},
            {"coupon": five, "name": "Five off", "funder": "house", "amount": cny(500)},
        ],
        "points_spent": {"points": points(300), "worth": cny(300)},
        "points_earned": points(82),
    });
    assert_eq!(*breakdown, expected);
    let heard = receiver.next().await;
    assert_eq!(
        heard.body["data"]["order"]["payment"]["breakdown"],
        expected
    );
    assert_eq!(
        heard.body["data"]["order"]["payment"]["fee"],
        cny(54),
        "0.6 % of 90.00"
    );

    house.views_catch_up().await;
    let transaction = format!(
        "/v1/transactions/{}",
        text(&paid["order"]["payment"]["transaction"])
    );
    let told = shop.client.get(&transaction).await.ok();
    let told: Vec<&str> = told["transaction"]["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| text(&posting["text"]))
        .collect();
    assert_eq!(
        told,
        [
            "81.46 CNY from the payer's wallet to the merchant: 82.00 CNY less the fee",
            "0.54 CNY from the payer's wallet to the house: its fee of 0.6 % on 90.00 CNY, rounded half to even",
            "8.00 CNY from the house's promotions to the merchant: what the house's coupons and the points are worth",
            "300 POINTS from the payer's wallet to the house's promotions: points that are spent",
            "82 POINTS from the house's promotions to the payer's wallet: points that the payment earns",
        ]
    );

    // A third of it goes back; then everything has left memory, and the rest does.
    let refunds = format!("/v1/orders/{id}/refunds");
    let part =
        |number: &str, amount| json!({"number": number, "amount": cny(amount), "reason": "cold"});
    let third = shop
        .client
        .post(&refunds, &part("R-1", 3_333))
        .await
        .created();
    let back = &third["refund"]["breakdown"];
    assert_eq!(back["paid"], cny(2_734));
    let house = house.restart().await;
    let (shop, payer) = (shop.at(&house), payer.at(&house));
    let rest = shop
        .client
        .post(&refunds, &part("R-2", 6_667))
        .await
        .created();
    let back = &rest["refund"]["breakdown"];
    assert_eq!(back["paid"], cny(8_200 - 2_734));
    assert_eq!(rest["merchant_balance"], cny(0));
    let wallet = payer.client.get(&format!("/v1/wallets/{}", payer.id)).await;
    assert_eq!(wallet.ok()["balances"], json!([cny(100_000), points(300)]));
    // With all of the money, the coupon is back too.
    let found = payer.client.get(&format!("/v1/coupons/{five}")).await.ok();
    assert_eq!(found["coupon"]["used"], 0);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn coupons_are_their_makers_and_run_until_they_are_withdrawn() {
    let (house, shop, payer) = scene().await;
    let other = house.merchant(&["CNY"]).await;
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let asked = coupon(name, &json!({"amount": 10}));
        let made = shop.client.post("/v1/coupons", &asked).await.created();
        ids.push(text(&made["coupon"]["id"]).to_owned());
    }
    let first = shop.client.get("/v1/coupons?limit=2").await.ok();
    let next = format!("/v1/coupons?limit=2&cursor={}", text(&first["next_cursor"]));
    let rest = shop.client.get(&next).await.ok();
    assert_eq!(rest["data"][0]["id"], ids[2].as_str());
    assert!(rest["next_cursor"].is_null());
    let nowhere = "/v1/coupons/cpn_00000000000000000000000000000000";
    shop.client.get(nowhere).await.refused("coupon_not_found");
    let path = format!("/v1/coupons/{}", ids[0]);
    other.client.get(&path).await.refused("coupon_not_found");
    let withdraw = format!("{path}/withdraw");
    other
        .client
        .post_empty(&withdraw)
        .await
        .refused("coupon_not_found");
    house
        .operator
        .post_empty(&withdraw)
        .await
        .refused("coupon_not_found");
    payer
        .client
        .post_empty(&withdraw)
        .await
        .refused("forbidden_role");
    payer
        .client
        .get("/v1/coupons")
        .await
        .refused("parameter_invalid");
    let withdrawn = shop.client.post_empty(&withdraw).await.ok();
    assert_eq!(withdrawn["coupon"]["state"], "withdrawn");
    let id = order(&shop, "A-1", 2_000).await;
    let pay = format!("/v1/orders/{id}/pay");
    let with =
        |coupons: &[&String], points: Option<i64>| json!({"coupons": coupons, "points": points});
    for (body, code) in [
        (with(&[&ids[0]], None), "coupon_not_valid"),
        (with(&[&ids[1], &ids[1]], None), "coupons_do_not_stack"),
        (with(&[], Some(50)), "points_invalid"),
        (with(&[], Some(0)), "field_invalid"),
        (with(&[&ids[1]; 5], None), "field_invalid"),
    ] {
        payer.client.post(&pay, &body).await.refused(code);
    }
    let paid = payer
        .client
        .post(&pay, &with(&[&ids[1], &ids[2]], None))
        .await;
    assert_eq!(paid.status, StatusCode::OK);
    for (off, code) in [
        (json!({}), "field_invalid"),
        (json!({"amount": 1, "basis_points": 1}), "field_invalid"),
        (json!({"amount": 0}), "terms_invalid"),
    ] {
        let asked = coupon("none", &off);
        shop.client.post("/v1/coupons", &asked).await.refused(code);
    }
    let abroad = json!({"name": "x", "off": {"amount": 1}, "currency": "USD", "stock": 1, "until": in_a_day()});
    shop.client
        .post("/v1/coupons", &abroad)
        .await
        .refused("currency_not_held");
    house.assert_books_balance().await;
    house.stop().await;
}
