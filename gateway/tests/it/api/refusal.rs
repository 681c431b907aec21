//! Bad requests of every kind: each is told its code, and nothing happens.

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{House, Party, Request, text};
use super::payment::{cny, order};

/// A house in which something could go wrong, and what it looks like as long as nothing did.
pub(super) struct Scene {
    pub(super) house: House,
    pub(super) shop: Party,
    other_shop: Party,
    pub(super) payer: Party,
    pub(super) order: String,
    before: Value,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let house = House::start().await;
        let shop = house.merchant(&["CNY", "JPY"]).await;
        let other_shop = house.merchant(&["CNY"]).await;
        let payer = house.wallet(&["CNY"], 10_000).await;
        let order = order(&shop, "A-1", 1_000).await;
        let before = look(&house, &shop, &payer).await;
        Self {
            house,
            shop,
            other_shop,
            payer,
            order,
            before,
        }
    }

    /// An order with this body is refused, and the field at fault is named.
    async fn refuses_order(&self, body: &str, code: &str, pointer: &str) {
        let request = Request {
            body: body.as_bytes().to_vec(),
            ..Request::new(Method::POST, "/v1/orders")
        };
        let problem = self.shop.client.send(request).await.refused(code);
        let at = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(at, pointer, "{body}: {problem}");
    }

    /// Nothing has happened, and the order can still be paid.
    pub(super) async fn unchanged(self) {
        assert_eq!(
            look(&self.house, &self.shop, &self.payer).await,
            self.before
        );
        let pay = format!("/v1/orders/{}/pay", self.order);
        self.payer.client.post_empty(&pay).await.ok();
        self.house.assert_books_balance().await;
        self.house.stop().await;
    }
}

/// Everything that a request could have changed. The journal's place is part of it: not even a record was written.
async fn look(house: &House, shop: &Party, payer: &Party) -> Value {
    let sequence = house.operator.get("/v1/trial-balance").await.ok();
    let list = format!("/v1/orders?at_least={}", text(&sequence["sequence"]));
    json!({
        "books": sequence,
        "orders": shop.client.get(&list).await.ok()["data"],
        "wallet": payer.client.get(&format!("/v1/wallets/{}", payer.id)).await.ok()["balances"],
        "endpoints": shop.client.get("/v1/webhook-endpoints").await.ok()["data"],
    })
}

/// What stands for an amount, and what is said of it.
const AMOUNTS: [(&str, &str, &str); 17] = [
    (
        r#"{"amount": 0, "currency": "CNY"}"#,
        "amount_invalid",
        "/amount/amount",
    ),
    (
        r#"{"amount": -1, "currency": "CNY"}"#,
        "amount_invalid",
        "/amount/amount",
    ),
    (
        r#"{"amount": 12.5, "currency": "CNY"}"#,
        "amount_invalid",
        "/amount/amount",
    ),
    (
        r#"{"amount": 1250.0, "currency": "CNY"}"#,
        "amount_invalid",
        "/amount/amount",
    ),
    (
        r#"{"amount": "1250", "currency": "CNY"}"#,
        "amount_invalid",
        "/amount/amount",
    ),
    (
        r#"{"amount": 9223372036854775808, "currency": "CNY"}"#,
        "amount_out_of_range",
        "/amount/amount",
    ),
    (
        r#"{"amount": 1e30, "currency": "CNY"}"#,
        "amount_out_of_range",
        "/amount/amount",
    ),
    (
        r#"{"amount": null, "currency": "CNY"}"#,
        "field_invalid",
        "/amount/amount",
    ),
    (r#"{"amount": 1}"#, "field_invalid", "/amount/currency"),
    (
        r#"{"amount": 1, "currency": "CNY", "scale": 2}"#,
        "field_invalid",
        "/amount/scale",
    ),
    (
        r#"{"amount": 1, "currency": "cny"}"#,
        "unknown_currency",
        "/amount/currency",
    ),
    (
        r#"{"amount": 1, "currency": "POINTS"}"#,
        "unknown_currency",
        "/amount/currency",
    ),
    (
        r#"{"amount": 1, "currency": "XAU"}"#,
        "currency_without_minor_unit",
        "/amount/currency",
    ),
    (
        r#"{"amount": 1, "currency": "DEM"}"#,
        "unknown_currency",
        "/amount/currency",
    ),
    (
        r#"{"amount": 1, "currency": ""}"#,
        "unknown_currency",
        "/amount/currency",
    ),
    ("1250", "field_invalid", "/amount"),
    ("[]", "field_invalid", "/amount"),
];

#[tokio::test]
async fn amounts_that_are_none() {
    let scene = Scene::new().await;
    for (amount, code, pointer) in AMOUNTS {
        let body =
            format!(r#"{{"number": "B-1", "amount": {amount}, "description": "Dumplings"}}"#);
        scene.refuses_order(&body, code, pointer).await;
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn an_order_that_cannot_be() {
    let scene = Scene::new().await;
    for (body, code) in [
        ("", "malformed_json"),
        ("{", "malformed_json"),
        ("\u{feff}{}", "malformed_json"),
        ("[]", "field_invalid"),
    ] {
        scene.refuses_order(body, code, "").await;
    }
    scene.refuses_order("{}", "field_invalid", "/number").await;
    for (field, value) in [
        ("number", json!("")),
        ("number", json!("with space")),
        ("number", json!("x".repeat(65))),
        ("number", json!(17)),
        ("description", json!("")),
        ("description", json!("a\u{0}b")),
        ("description", json!("x".repeat(128))),
        ("expires_in_s", json!(0)),
        ("expires_in_s", json!(2_592_001)),
        ("expires_in_s", json!(-1)),
        ("amuont", json!(1)),
    ] {
        let mut order = json!({"number": "B-1", "amount": cny(1), "description": "Dumplings"});
        order[field] = value;
        let pointer = format!("/{field}");
        scene
            .refuses_order(&order.to_string(), "field_invalid", &pointer)
            .await;
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let scene = Scene::new().await;
    let asked = json!({"number": "", "amount": cny(1), "description": "", "expires_in_s": 0});
    let problem = scene
        .shop
        .client
        .post("/v1/orders", &asked)
        .await
        .refused("field_invalid");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| text(&error["pointer"]))
        .collect();
    assert_eq!(pointers, ["/number", "/description", "/expires_in_s"]);
    scene.unchanged().await;
}

#[tokio::test]
async fn what_is_not_yours_is_not_there() {
    let scene = Scene::new().await;
    let id = &scene.order;
    let refund = json!({"number": "R-1", "amount": cny(1), "reason": "x"});
    let stranger = &scene.other_shop.client;
    stranger
        .get(&format!("/v1/orders/{id}"))
        .await
        .refused("order_not_found");
    stranger
        .get(&format!("/v1/orders/{id}/code"))
        .await
        .refused("order_not_found");
    stranger
        .get(&format!("/v1/orders/{id}/refunds"))
        .await
        .refused("order_not_found");
    stranger
        .post_empty(&format!("/v1/orders/{id}/close"))
        .await
        .refused("order_not_found");
    stranger
        .post(&format!("/v1/orders/{id}/refunds"), &refund)
        .await
        .refused("order_not_found");
    stranger
        .get(&format!("/v1/merchants/{}", scene.shop.id))
        .await
        .refused("merchant_not_found");
    stranger
        .get(&format!("/v1/merchants/{}/transactions", scene.shop.id))
        .await
        .refused("merchant_not_found");
    let keys = format!("/v1/merchants/{}/keys", scene.shop.id);
    stranger.post_empty(&keys).await.refused("forbidden_role");
    let no_wallet = "/v1/wallets/wal_00000000000000000000000000000000";
    scene
        .payer
        .client
        .get(no_wallet)
        .await
        .refused("wallet_not_found");
    scene
        .payer
        .client
        .post_empty("/v1/orders/ord_00000000000000000000000000000000/pay")
        .await
        .refused("order_not_found");
    let no_transaction = "/v1/transactions/txn_00000000000000000000000000000000";
    scene
        .shop
        .client
        .get(no_transaction)
        .await
        .refused("transaction_not_found");
    let no_endpoint = "/v1/webhook-endpoints/whe_00000000000000000000000000000000";
    scene
        .shop
        .client
        .delete(no_endpoint)
        .await
        .refused("endpoint_not_found");

    let key = scene.shop.client.post_empty(&keys).await.created();
    let revoke = format!("/v1/keys/{}/revoke", text(&key["id"]));
    stranger.post_empty(&revoke).await.refused("key_not_found");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_role_does_only_what_it_is_for() {
    let scene = Scene::new().await;
    let (shop, payer, operator) = (
        &scene.shop.client,
        &scene.payer.client,
        &scene.house.operator,
    );
    let pay = format!("/v1/orders/{}/pay", scene.order);
    shop.post_empty(&pay).await.refused("forbidden_role");
    operator.post_empty(&pay).await.refused("forbidden_role");
    payer
        .post_empty(&format!("/v1/orders/{}/close", scene.order))
        .await
        .refused("forbidden_role");
    let top_up = json!({"amount": cny(1), "reference": "x"});
    let top_ups = format!("/v1/wallets/{}/top-ups", scene.payer.id);
    payer
        .post(&top_ups, &top_up)
        .await
        .refused("forbidden_role");
    shop.get("/v1/trial-balance")
        .await
        .refused("forbidden_role");
    scene.unchanged().await;
}

#[tokio::test]
async fn what_the_address_or_the_query_says_wrongly() {
    let scene = Scene::new().await;
    let shop = &scene.shop.client;
    for (path, code) in [
        ("/v1/orders/%FF", "parameter_invalid"),
        ("/v1/orders/17", "parameter_invalid"),
        ("/v1/orders/ord_17", "parameter_invalid"),
        (
            "/v1/orders/mer_00000000000000000000000000000000",
            "parameter_invalid",
        ),
        ("/v1/orders?limit=0", "parameter_invalid"),
        ("/v1/orders?limit=101", "parameter_invalid"),
        ("/v1/orders?limit=many", "parameter_invalid"),
        ("/v1/orders?state=cooked", "parameter_invalid"),
        ("/v1/orders?created_from=yesterday", "parameter_invalid"),
        ("/v1/orders?colour=red", "parameter_invalid"),
        ("/v1/orders?number=with%20space", "parameter_invalid"),
        ("/v1/orders?cursor=AAAA", "cursor_invalid"),
        ("/v1/orders?at_least=17", "parameter_invalid"),
        (
            "/v1/orders?at_least=seq_0000ffffffffffffffff",
            "parameter_invalid",
        ),
        ("/v1/webhook-endpoints?x=1", "parameter_invalid"),
        ("/v1/nothing", "not_found"),
        ("/V1/orders", "not_found"),
    ] {
        shop.get(path).await.refused(code);
    }
    let code = format!("/v1/orders/{}/code.svg?module_px=33", scene.order);
    shop.get(&code).await.refused("parameter_invalid");
    let put = Request::new(Method::PUT, "/v1/orders");
    let answer = shop.send(put).await;
    assert_eq!(
        answer.header("allow").map(|allow| allow.contains("POST")),
        Some(true)
    );
    answer.refused("method_not_allowed");
    scene.unchanged().await;
}

#[tokio::test]
async fn bodies_of_the_wrong_size_or_kind() {
    let scene = Scene::new().await;
    let shop = &scene.shop.client;
    let huge = Request {
        body: vec![b' '; (64 << 10) + 1],
        ..Request::new(Method::POST, "/v1/orders")
    };
    shop.send(huge).await.refused("body_too_large");
    let xml = Request {
        body: b"<order/>".to_vec(),
        content_type: "application/xml",
        ..Request::new(Method::POST, "/v1/orders")
    };
    shop.send(xml).await.refused("media_type_unsupported");
    let close = format!("/v1/orders/{}/close", scene.order);
    shop.post(&close, &json!({"why": "?"}))
        .await
        .refused("body_too_large");
    scene.unchanged().await;
}

#[tokio::test]
async fn addresses_where_webhooks_may_not_go() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::start_in(directory, |config| gateway::config::Config {
        allow_private_webhooks: false,
        ..config
    })
    .await;
    let shop = house.merchant(&["CNY"]).await;
    for url in [
        "http://shop.example.com/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest",
        "https://[::1]/hook",
        "https://user:secret@shop.example.com/hook",
        "ftp://shop.example.com/hook",
        "shop.example.com",
    ] {
        let asked = json!({"url": url});
        shop.client
            .post("/v1/webhook-endpoints", &asked)
            .await
            .refused("webhook_endpoint_invalid");
    }
    let asked = json!({"url": "https://shop.example.com/hook"});
    shop.client
        .post("/v1/webhook-endpoints", &asked)
        .await
        .created();
    house.stop().await;
}

#[tokio::test]
async fn a_closed_or_expired_order_stays_so() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let closed = order(&shop, "A-1", 1_000).await;
    shop.client
        .post_empty(&format!("/v1/orders/{closed}/close"))
        .await
        .ok();
    shop.client
        .post_empty(&format!("/v1/orders/{closed}/close"))
        .await
        .ok();
    payer
        .client
        .post_empty(&format!("/v1/orders/{closed}/pay"))
        .await
        .refused("order_closed");

    let asked = json!({"number": "A-2", "amount": cny(1), "description": "x", "expires_in_s": 1});
    let created = shop.client.post("/v1/orders", &asked).await.created();
    let expired = text(&created["order"]["id"]);
    let path = format!("/v1/orders/{expired}");
    while shop.client.get(&path).await.ok()["order"]["state"] != "expired" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    payer
        .client
        .post_empty(&format!("{path}/pay"))
        .await
        .refused("order_expired");
    shop.client
        .post_empty(&format!("{path}/close"))
        .await
        .refused("order_expired");
    let refund = json!({"number": "R-1", "amount": cny(1), "reason": "x"});
    shop.client
        .post(&format!("{path}/refunds"), &refund)
        .await
        .refused("order_not_paid");
    house.stop().await;
}
