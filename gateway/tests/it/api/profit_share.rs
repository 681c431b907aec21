//! Profit sharing, over HTTP.

use serde_json::{Value, json};

use super::house::{House, text};
use super::payment::{cny, order};
use super::receiver::Receiver;

fn sharing(number: &str, shares: &Value) -> Value {
    json!({"number": number, "currency": "CNY", "shares": shares})
}

#[tokio::test]
async fn a_shop_shares_with_a_rider_and_a_landlord_and_both_see_why() {
    let house = House::start().await;
    let (shop, landlord) = (
        house.merchant(&["CNY"]).await,
        house.merchant(&["CNY"]).await,
    );
    let payer = house.wallet(&["CNY"], 100_000).await;
    let rider = house.wallet(&["CNY"], 0).await;
    let id = order(&shop, "A-1", 10_000).await;
    let shares = format!("/v1/orders/{id}/shares");
    let asked = sharing(
        "S-1",
        &json!([
            {"to_merchant": landlord.id, "amount": 2_000, "description": "Rent"},
            {"to_wallet": rider.id, "amount": 500, "description": "Delivery"},
        ]),
    );
    shop.client
        .post(&shares, &asked)
        .await
        .refused("order_not_paid");
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    let mut receiver = Receiver::for_merchant(&shop.client).await;
    let shared = shop.client.post(&shares, &asked).await.created();
    assert_eq!(shared["merchant_balance"], cny(9_940 - 2_500));
    // The number names it: asked again with another key it is the same, and for something else it is refused.
    let again = shop.client.post(&shares, &asked).await.created();
    assert_eq!(again["shares"], shared["shares"]);
    let other = sharing(
        "S-1",
        &json!([{"to_wallet": rider.id, "amount": 1, "description": "Delivery"}]),
    );
    shop.client
        .post(&shares, &other)
        .await
        .refused("sharing_number_used");
    let more = sharing(
        "S-2",
        &json!([{"to_wallet": rider.id, "amount": 501, "description": "Tip"}]),
    );
    let problem = shop
        .client
        .post(&shares, &more)
        .await
        .refused("shares_too_large");
    assert!(text(&problem["detail"]).contains("At most 500"));
    let heard = receiver.next().await;
    assert_eq!(heard.body["type"], "order.shared");
    assert_eq!(heard.body["data"]["order"]["shared"], cny(2_500));

    house.views_catch_up().await;
    let seen = landlord.client.get("/v1/profit-shares").await.ok();
    assert_eq!(seen["data"][0], shared["shares"][0]);
    let path = format!(
        "/v1/transactions/{}",
        text(&shared["shares"][0]["transaction"])
    );
    rider
        .client
        .get(&path)
        .await
        .refused("transaction_not_found");
    let told = landlord.client.get(&path).await.ok();
    let posting = &told["transaction"]["postings"][0];
    assert_eq!(
        posting["text"],
        "20.00 CNY from the merchant to the merchant that has a share: its share of the order"
    );
    assert_eq!(posting["debit"]["merchant"], shop.id.as_str());
    assert_eq!(posting["credit"]["merchant"], landlord.id.as_str());
    let statement = format!("/v1/wallets/{}/transactions", rider.id);
    let lines = rider.client.get(&statement).await.ok();
    assert_eq!(lines["data"][0]["kind"], "profit_share");
    assert_eq!(lines["data"][0]["share"], shared["shares"][1]["id"]);

    let house = house.restart().await;
    let (shop, landlord, rider) = (shop.at(&house), landlord.at(&house), rider.at(&house));
    let back = |amount| json!({"share": shared["shares"][0]["id"], "amount": cny(amount)});
    let path = format!("{shares}/return");
    rider
        .client
        .post(&path, &back(1))
        .await
        .refused("share_not_found");
    let returned = landlord.client.post(&path, &back(1_500)).await.ok();
    assert_eq!(returned["share"]["returned"], cny(1_500));
    assert_eq!(returned["balance"], cny(500));
    landlord
        .client
        .post(&path, &back(501))
        .await
        .refused("share_return_too_large");
    let listed = shop.client.get(&shares).await.ok();
    assert_eq!(listed["data"][0]["returned"], cny(1_500));
    rider.client.get(&shares).await.refused("forbidden_role");
    landlord
        .client
        .get(&shares)
        .await
        .refused("order_not_found");
    let found = shop.client.get(&format!("/v1/orders/{id}")).await.ok();
    assert_eq!(found["order"]["shared"], cny(1_000));
    let seen = payer
        .at(&house)
        .client
        .get(&format!("/v1/orders/{id}"))
        .await
        .ok();
    assert!(
        seen["order"]["shared"].is_null(),
        "the payer sees none of it"
    );
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_sharing_that_cannot_be_is_refused_with_the_reason() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let foreigner = house.wallet(&["USD"], 0).await;
    let id = order(&shop, "A-1", 10_000).await;
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();
    let path = format!("/v1/orders/{id}/shares");
    let to = |share: Value| sharing("S-1", &json!([share]));
    for (asked, code) in [
        (sharing("S-1", &json!([])), "sharing_invalid"),
        (
            to(json!({"amount": 1, "description": "x"})),
            "field_invalid",
        ),
        (
            to(
                json!({"to_wallet": payer.id, "to_merchant": shop.id, "amount": 1, "description": "x"}),
            ),
            "field_invalid",
        ),
        (
            to(json!({"to_wallet": payer.id, "amount": 1, "description": ""})),
            "field_invalid",
        ),
        (
            to(json!({"to_wallet": payer.id, "amount": -1, "description": "x"})),
            "amount_invalid",
        ),
        (
            to(json!({"to_merchant": shop.id, "amount": 1, "description": "x"})),
            "sharing_invalid",
        ),
        (
            to(json!({"to_wallet": foreigner.id, "amount": 1, "description": "x"})),
            "currency_not_taken",
        ),
    ] {
        shop.client.post(&path, &asked).await.refused(code);
    }
    let other = house.merchant(&["CNY"]).await;
    let fine = to(json!({"to_wallet": payer.id, "amount": 1, "description": "x"}));
    other
        .client
        .post(&path, &fine)
        .await
        .refused("order_not_found");
    shop.client.post(&path, &fine).await.created();
    house.assert_books_balance().await;
    house.stop().await;
}
