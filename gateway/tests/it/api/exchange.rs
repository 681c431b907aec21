//! Exchange over HTTP: rates come in, prices are locked, money is converted and explained.

use std::time::Duration;

use gateway::config::{Config, ExchangeArgs};
use reqwest::Method;
use serde_json::{Value, json};

use super::house::{Answer, House, Request, text};

/// A price as a desk says it: one euro in a currency.
pub(super) fn line(currency: &str, price: &str) -> String {
    format!(r#"{{"base":"EUR","quote":"{currency}","bid":"{price}","ask":"{price}"}}"#)
}

pub(super) async fn feed(house: &House, source: &str, body: String) -> Answer {
    let request = Request {
        body: body.into_bytes(),
        content_type: "application/x-ndjson",
        idempotency_key: None,
        ..Request::new(Method::POST, &format!("/v1/rates?source={source}"))
    };
    house.operator.send(request).await
}

pub(super) fn sell_for(amount: i64, currency: &str, other: &str) -> Value {
    json!({"sell": {"amount": amount, "currency": currency}, "buy": {"currency": other}})
}

#[tokio::test]
async fn a_wallet_converts_at_a_locked_price_and_the_transaction_is_explained() {
    let house = House::start().await;
    let ann = house.wallet(&["CNY", "USD"], 100_000).await;
    let asked = sell_for(10_000, "CNY", "USD");
    let early = ann.client.post("/v1/quotes", &asked).await;
    early.refused("rate_unknown");
    let rates = format!("{}\n{}\n", line("CNY", "8"), line("USD", "1.12"));
    let taken = feed(&house, "desk", rates).await.ok();
    assert_eq!(taken["taken"], 2, "{taken}");

    let key = "0197a3e5-c4b1-7f20-a1b2-c3d4e5f60718";
    let request = || Request::post("/v1/quotes", &asked).key(key);
    let quote = ann.client.send(request()).await.created();
    // 100.00 CNY are 12.50 EUR, which are 14.00 USD; half a percent are 0.07.
    assert_eq!(quote["quote"]["worth"]["amount"], 1_400);
    assert_eq!(quote["quote"]["buy"]["amount"], 1_393);
    assert_eq!(quote["quote"]["spread"]["amount"], 7);
    assert_eq!(quote["quote"]["path"].as_array().unwrap().len(), 2);
    // The price has moved meanwhile, but who asks again gets the first answer.
    feed(&house, "desk", line("USD", "1.13")).await.ok();
    let again = ann.client.send(request()).await.created();
    assert_eq!(again, quote);

    let id = text(&quote["quote"]["id"]);
    let other = house.wallet(&["CNY", "USD"], 100_000).await;
    let path = format!("/v1/quotes/{id}/convert");
    other
        .client
        .post_empty(&path)
        .await
        .refused("quote_not_found");
    let converted = ann.client.post_empty(&path).await.created();
    assert_eq!(converted["balances"][0]["amount"], 90_000);
    assert_eq!(converted["balances"][1]["amount"], 1_393);
    ann.client.post_empty(&path).await.refused("quote_used");

    house.views_catch_up().await;
    let transaction = text(&converted["quote"]["transaction"]);
    let explained = ann
        .client
        .get(&format!("/v1/transactions/{transaction}"))
        .await
        .ok();
    let texts: Vec<&str> = explained["transaction"]["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|posting| text(&posting["text"]))
        .collect();
    assert_eq!(
        texts,
        [
            "100.00 CNY from the wallet to the house's position",
            "0.07 USD from the house's position to the house's earnings by exchange: the spread of its quote",
            "13.93 USD from the house's position to the wallet",
        ]
    );
    let statement = ann
        .client
        .get(&format!("/v1/wallets/{}/transactions", ann.id))
        .await
        .ok();
    assert_eq!(statement["data"][0]["kind"], "conversion");

    let positions = house.operator.get("/v1/positions").await.ok();
    let of = |currency: &str| {
        let all = positions["positions"].as_array().unwrap();
        let found = all
            .iter()
            .find(|one| one["position"]["currency"] == currency);
        found.unwrap()["position"]["amount"].as_i64().unwrap()
    };
    assert_eq!((of("CNY"), of("USD")), (10_000, -1_400));
    house.assert_books_balance().await;

    // A quote outlives the process, and a price does not.
    let quote = ann.client.post("/v1/quotes", &asked).await.created();
    let house = house.restart().await;
    let ann = ann.at(&house);
    ann.client
        .post("/v1/quotes", &asked)
        .await
        .refused("rate_unknown");
    let path = format!("/v1/quotes/{}/convert", text(&quote["quote"]["id"]));
    ann.client.post_empty(&path).await.created();
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_price_that_jumps_stops_quotes_until_it_is_confirmed() {
    let house = House::start().await;
    let ann = house.wallet(&["CNY", "EUR"], 100_000).await;
    let asked = sell_for(10_000, "CNY", "EUR");
    feed(&house, "desk", line("CNY", "8")).await.ok();
    ann.client.post("/v1/quotes", &asked).await.created();
    let taken = feed(&house, "desk", line("CNY", "9")).await.ok();
    assert_eq!(taken["held"], json!(["CNY"]), "{taken}");
    ann.client
        .post("/v1/quotes", &asked)
        .await
        .refused("rate_disputed");
    let settle =
        |decision: &str| json!({"source": "desk", "currency": "CNY", "decision": decision});
    let discarded = house
        .operator
        .post("/v1/rates/held", &settle("discard"))
        .await
        .ok();
    assert_eq!(discarded["rates"][0]["rate"]["mid"], "8");
    let none = house
        .operator
        .post("/v1/rates/held", &settle("confirm"))
        .await;
    none.refused("rate_source_unknown");
    // A second source that says the same is believed.
    feed(&house, "desk", line("CNY", "9")).await.ok();
    let second = feed(&house, "stream", line("CNY", "9.01")).await.ok();
    assert_eq!(second["taken"], 1);
    let quote = ann.client.post("/v1/quotes", &asked).await.created();
    assert_eq!(quote["quote"]["worth"]["amount"], 1_111);
    house.stop().await;
}

#[tokio::test]
async fn a_price_is_good_for_its_time_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    let brief = |config| Config {
        exchange: ExchangeArgs {
            fx_lock_secs: 1,
            fx_fresh_secs: 1,
            ..ExchangeArgs::default()
        },
        ..config
    };
    let house = House::start_in(directory, brief).await;
    let ann = house.wallet(&["CNY", "EUR"], 100_000).await;
    let asked = sell_for(10_000, "CNY", "EUR");
    feed(&house, "desk", line("CNY", "8")).await.ok();
    let quote = ann.client.post("/v1/quotes", &asked).await.created();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    ann.client
        .post("/v1/quotes", &asked)
        .await
        .refused("rate_stale");
    let path = format!("/v1/quotes/{}", text(&quote["quote"]["id"]));
    let convert = format!("{path}/convert");
    ann.client
        .post_empty(&convert)
        .await
        .refused("quote_expired");
    let found = ann.client.get(&path).await.ok();
    assert_eq!(found["quote"]["state"], "expired");
    house.stop().await;
}

#[tokio::test]
async fn files_of_the_central_bank_are_read_as_they_are() {
    let house = House::start().await;
    let csv = "Date,USD,JPY,CNY,ISK,\n\
        2026-01-30,1.1919,183.44,8.2826,145.0,\n\
        2026-01-29,1.1968,183.42,8.3208,N/A,\n";
    let taken = feed(&house, "ecb", csv.to_owned()).await.ok();
    assert_eq!(taken["taken"], 7, "{taken}");
    let again = feed(&house, "ecb", csv.to_owned()).await.ok();
    assert_eq!((&again["taken"], &again["known"]), (&json!(0), &json!(7)));
    let rates = house.operator.get("/v1/rates").await.ok();
    // These are months old, so they are no price any more, and the list says so.
    assert!(
        text(&rates["rates"][0]["detail"]).contains("stale"),
        "{rates}"
    );
    for (source, body) in [
        ("ecb", "not,a,file"),
        ("desk", "{\"base\":\"EUR\"}"),
        ("desk", "EUR/USD 1.2"),
    ] {
        feed(&house, source, body.to_owned())
            .await
            .refused("rates_invalid");
    }
    house.stop().await;
}

#[tokio::test]
async fn mistakes_in_a_question_for_a_price_are_named() {
    let house = House::start().await;
    let ann = house.wallet(&["CNY", "EUR", "USD"], 100_000).await;
    feed(&house, "desk", line("CNY", "8")).await.ok();
    for (asked, code) in [
        (
            json!({"sell": {"currency": "CNY"}, "buy": {"currency": "EUR"}}),
            "field_invalid",
        ),
        (
            json!({"sell": {"amount": 1, "currency": "CNY"}, "buy": {"amount": 1, "currency": "EUR"}}),
            "field_invalid",
        ),
        (sell_for(0, "CNY", "EUR"), "amount_invalid"),
        (sell_for(1, "CNY", "EUR"), "amount_too_small"),
        (sell_for(100, "CNY", "CNY"), "same_currency"),
        (sell_for(100, "CNY", "USD"), "rate_unknown"),
        (sell_for(100, "CNY", "GBP"), "currency_not_held"),
        (sell_for(100, "CNY", "XYZ"), "unknown_currency"),
    ] {
        ann.client.post("/v1/quotes", &asked).await.refused(code);
    }
    let limited = json!({"currency": "CNY", "limit": 5_000});
    house
        .operator
        .post("/v1/positions/limits", &limited)
        .await
        .ok();
    let beyond = ann
        .client
        .post("/v1/quotes", &sell_for(5_001, "CNY", "EUR"))
        .await;
    beyond.refused("position_reached");
    ann.client
        .post("/v1/quotes", &sell_for(5_000, "CNY", "EUR"))
        .await
        .created();
    house.stop().await;
}
