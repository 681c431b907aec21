//! A house in which a little of everything has happened, so that there is something in every table.

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use super::coupon::coupon;
use super::desk::{large, pay, publish};
use super::exchange::{feed, line, sell_for};
use super::house::{House, Party, text};
use super::ledger::tenant::{Tenant, posting};
use super::people::{red_packet, send};
use super::till::{Phone, charge, charge_of};

/// Lets it happen in a directory, and shuts down well.
pub(super) async fn everything(directory: TempDir) -> TempDir {
    let house = House::start_in(directory, |config| config).await;
    let asset = json!({"code": "POINTS", "decimals": 0});
    house.operator.post("/v1/assets", &asset).await.created();
    let shop = house.merchant(&["CNY"]).await;
    let ann = house.wallet(&["CNY", "USD", "POINTS"], 1_000_000).await;
    let bo = house.wallet(&["CNY"], 0).await;
    trade(&shop, &ann).await;
    let phone = at_tills(&shop, &ann).await;
    less(&house, &shop, &ann).await;
    together(&shop, &ann).await;
    passed_on(&shop, &ann, &bo).await;
    subscribed(&shop, &ann, &phone).await;
    by_reference(&house, &shop, &ann).await;
    between(&ann, &bo).await;
    convert(&house, &ann).await;
    suspect(&house, &shop, &ann).await;
    books(&house).await;
    house.stop().await
}

/// Orders, payments, refunds, and whom to tell.
async fn trade(shop: &Party, payer: &Party) {
    let mut endpoints = Vec::new();
    for number in 0..2 {
        let asked = json!({"url": format!("http://127.0.0.1:9/hook-{number}")});
        let made = shop.client.post("/v1/webhook-endpoints", &asked).await;
        endpoints.push(text(&made.created()["endpoint"]["id"]).to_owned());
    }
    let path = format!("/v1/webhook-endpoints/{}", endpoints[1]);
    assert!(shop.client.delete(&path).await.status.is_success());
    for number in 0..4 {
        let order = json!({
            "number": format!("A-{number}"),
            "amount": {"amount": 900 + number, "currency": "CNY"},
            "description": "Dumplings",
        });
        let order = shop.client.post("/v1/orders", &order).await.created();
        let path = format!("/v1/orders/{}", text(&order["order"]["id"]));
        if number > 0 {
            payer.client.post_empty(&format!("{path}/pay")).await.ok();
        }
        if number > 2 {
            let refund = json!({"number": "R-1", "reason": "cold", "amount": {"amount": 100, "currency": "CNY"}});
            let refunded = shop.client.post(&format!("{path}/refunds"), &refund).await;
            refunded.created();
        }
    }
}

/// Charges, one of them taken back, and a printed code.
async fn at_tills(shop: &Party, payer: &Party) -> Phone {
    let phone = Phone::of(payer).await;
    charge(shop, "T-1", 1_100, &phone.code()).await.created();
    charge(shop, "T-2", 1_200, &phone.code()).await.created();
    let guess = charge_of("T-3", 1, "no code");
    let guess = shop.client.post("/v1/charges", &guess).await;
    guess.refused("payment_code_invalid");
    let reverse = json!({"number": "T-2"});
    let reversed = shop.client.post("/v1/charges/reverse", &reverse).await;
    assert_eq!(reversed.ok()["order"]["state"], "reversed");
    let table = json!({"description": "Table 7", "amount": {"amount": 880, "currency": "CNY"}});
    let table = shop
        .client
        .post("/v1/printed-codes", &table)
        .await
        .created();
    let path = format!("/v1/printed-codes/{}/pay", text(&table["code"]["id"]));
    payer.client.post_empty(&path).await.ok();
    phone
}

/// An order with a coupon and points, of which a part went back.
async fn less(house: &House, shop: &Party, payer: &Party) {
    let scheme = json!({
        "asset": "POINTS", "currency": "CNY", "earning": {"points": 1, "per": 10},
        "spending": {"points": 1, "worth": 1, "most_basis_points": 5_000},
    });
    house
        .operator
        .post("/v1/points-schemes", &scheme)
        .await
        .ok();
    let asked = coupon("Five off", &json!({"amount": 500}));
    let made = house.operator.post("/v1/coupons", &asked).await.created();
    let order = json!({
        "number": "L-1", "amount": {"amount": 4_000, "currency": "CNY"}, "description": "Noodles",
    });
    let order = shop.client.post("/v1/orders", &order).await.created();
    let path = format!("/v1/orders/{}", text(&order["order"]["id"]));
    let pay = json!({"coupons": [made["coupon"]["id"]]});
    payer.client.post(&format!("{path}/pay"), &pay).await.ok();
    let refund =
        json!({"number": "L-1", "reason": "cold", "amount": {"amount": 100, "currency": "CNY"}});
    let refunded = shop.client.post(&format!("{path}/refunds"), &refund).await;
    refunded.created();
}

/// Two orders that are paid with one payment.
async fn together(shop: &Party, payer: &Party) {
    let mut orders = Vec::new();
    for number in ["M-1", "M-2"] {
        orders.push(super::payment::order(shop, number, 700).await);
    }
    let asked = json!({"orders": orders});
    let paid = payer.client.post("/v1/combined-orders", &asked).await;
    paid.created();
}

/// An order of which a part was passed on, and some of it came back.
async fn passed_on(shop: &Party, payer: &Party, rider: &Party) {
    let order = super::payment::order(shop, "P-1", 900).await;
    let path = format!("/v1/orders/{order}");
    payer.client.post_empty(&format!("{path}/pay")).await.ok();
    let share = json!({"to_wallet": rider.id, "amount": 90, "description": "Delivery"});
    let asked = json!({"number": "P-1", "currency": "CNY", "shares": [share]});
    let shared = shop.client.post(&format!("{path}/shares"), &asked).await;
    let share = shared.created()["shares"][0]["id"].clone();
    let back = json!({"share": share, "amount": {"amount": 40, "currency": "CNY"}});
    let path = format!("{path}/shares/return");
    rider.client.post(&path, &back).await.ok();
}

/// A mandate by which was debited, and one that nobody has accepted.
async fn subscribed(shop: &Party, payer: &Party, phone: &Phone) {
    let mut path = String::new();
    for number in ["G-1", "G-2"] {
        let asked = json!({
            "number": number, "description": "Films",
            "bounds": {"currency": "CNY", "per_debit": 800, "per_period": 800, "period_days": 30, "days": 365},
        });
        let made = shop.client.post("/v1/mandates", &asked).await.created();
        path = format!("/v1/mandates/{}", text(&made["mandate"]["id"]));
    }
    let seen = payer.client.get(&path).await.ok();
    let proof = phone.proof(text(&seen["text_to_sign"]));
    payer
        .client
        .post(&format!("{path}/accept"), &proof)
        .await
        .ok();
    let debit = json!({
        "number": "G-3", "amount": {"amount": 700, "currency": "CNY"}, "description": "Films in May",
    });
    let debited = shop.client.post(&format!("{path}/debits"), &debit).await;
    debited.created();
}

/// A biller that was paid.
async fn by_reference(house: &House, shop: &Party, payer: &Party) {
    let asked = json!({
        "merchant": shop.id, "name": "City Water", "category": "utility", "currency": "CNY",
        "reference": {"label": "customer number", "patterns": ["###########"], "check": "luhn"},
    });
    let made = house.operator.post("/v1/billers", &asked).await.created();
    let path = format!("/v1/billers/{}/pay", text(&made["biller"]["id"]));
    let pay = json!({"reference": "79927398713", "amount": {"amount": 640, "currency": "CNY"}});
    payer.client.post(&path, &pay).await.ok();
}

/// Transfers, red packets and a bill.
async fn between(ann: &Party, bo: &Party) {
    send(ann, bo, 500, "instant").await;
    send(ann, bo, 100, "to_accept").await;
    let packet = red_packet(ann, &[bo], 300, 1).await;
    let claim = format!("/v1/red-packets/{packet}/claim");
    bo.client.post_empty(&claim).await.ok();
    let bill = json!({
        "amount": {"amount": 100, "currency": "CNY"}, "title": "Hot pot", "among": [ann.id, bo.id],
    });
    let bill = ann.client.post("/v1/bills", &bill).await.created();
    let path = format!("/v1/bills/{}/pay", text(&bill["bill"]["id"]));
    bo.client.post_empty(&path).await.ok();
}

async fn convert(house: &House, ann: &Party) {
    let rates = format!("{}\n{}\n", line("CNY", "8"), line("USD", "1.12"));
    feed(house, "desk", rates).await.ok();
    let asked = sell_for(10_000, "CNY", "USD");
    let quote = ann.client.post("/v1/quotes", &asked).await.created();
    let path = format!("/v1/quotes/{}/convert", text(&quote["quote"]["id"]));
    ann.client.post_empty(&path).await.created();
}

/// Rules, what waits because of them, and what analysts do about it.
async fn suspect(house: &House, shop: &Party, ann: &Party) {
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    publish(&analyst, &other, &json!([large("review")])).await;
    let mut cases = Vec::new();
    for (number, amount) in [("A", 2_000), ("B", 30_000), ("C", 5_000)] {
        let waits = pay(shop, ann, number, amount).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED);
        cases.push(text(&waits.json()["pending"]["decision"]).to_owned());
    }
    for (case, act, body) in [
        (0, "release", json!({"note": "known customer"})),
        (1, "deny", json!({})),
        (1, "label", json!({"label": "fraud"})),
        (1, "notes", json!({"note": "Spoke to the owner"})),
    ] {
        let path = format!("/v1/cases/{}/{act}", cases[case]);
        analyst.post(&path, &body).await.ok();
    }
}

/// A tenant's own books.
async fn books(house: &House) {
    let tea = Tenant::open(house).await;
    let client = &tea.client;
    let sold = json!({
        "reference": "Pot of tea",
        "metadata": {"table": "4"},
        "effective_at": "2020-01-15T00:00:00Z",
        "postings": [posting("assets:bank", "customers:alice", 1_000)],
    });
    let sold = client
        .post("/v1/ledger/transactions", &sold)
        .await
        .created();
    let held = json!({"reference": "Table 4", "postings": [posting("customers:alice", "income:fees", 300)]});
    let held = client.post("/v1/ledger/holds", &held).await.created();
    let capture = format!("/v1/ledger/holds/{}/capture", text(&held["id"]));
    client
        .post(&capture, &json!({"amounts": [100]}))
        .await
        .created();
    let reverse = format!("/v1/ledger/transactions/{}/reverse", text(&sold["id"]));
    client
        .post(&reverse, &json!({"amounts": [10]}))
        .await
        .created();
    let change = json!({"limits": {"minimum": -5}, "description": {"reference": "VIP"}});
    client
        .post("/v1/ledger/accounts/customers:alice", &change)
        .await
        .ok();
    for _ in 0..20 {
        tea.pay("assets:bank", "customers:bob", 3).await;
    }
}
