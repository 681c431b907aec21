//! Payments that look risky: where money is real they wait for their payer or for an analyst.

use gateway::config::{Config, Fallback, RiskMode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{House, Party, text};
use super::payment::order;

/// A house in which every score counts.
async fn careful_house() -> House {
    House::start_in(tempfile::tempdir().unwrap(), |config| Config {
        risk: RiskMode::Act,
        risk_fallback: Fallback::Challenge,
        ..config
    })
    .await
}

/// Pays again and again within seconds, which is noticed sooner or later; returns the payment that waits.
async fn pay_until_it_waits(shop: &Party, payer: &Party) -> Value {
    for number in 0..200 {
        let id = order(shop, &format!("N-{number}"), 100).await;
        let answer = payer
            .client
            .post_empty(&format!("/v1/orders/{id}/pay"))
            .await;
        if answer.status == StatusCode::ACCEPTED {
            return answer.json();
        }
        answer.ok();
    }
    panic!("200 payments in a few seconds were nothing special");
}

#[tokio::test]
async fn a_hundred_dollars_are_more_than_a_hundred_yuan() {
    let house = House::start_in(tempfile::tempdir().unwrap(), |config| Config {
        risk_rates: vec!["MILES=0.05".parse().unwrap()],
        ..config
    })
    .await;
    let miles = json!({"code": "MILES", "decimals": 0});
    house.operator.post("/v1/assets", &miles).await.created();
    let shop = house.merchant(&["CNY", "USD", "MILES"]).await;
    let analyst = house.analyst().await;
    for (number, amount, currency) in [(1, 10_000, "CNY"), (2, 10_000, "USD"), (3, 100, "MILES")] {
        let payer = house.wallet(&[currency], 1_000_000).await;
        let money = json!({"amount": amount, "currency": currency});
        let order =
            json!({"number": format!("N-{number}"), "amount": money, "description": "Dumplings"});
        let created = shop.client.post("/v1/orders", &order).await.created();
        let pay = format!("/v1/orders/{}/pay", text(&created["order"]["id"]));
        payer.client.post_empty(&pay).await.ok();
    }
    house.views_catch_up().await;
    let labels = analyst.get("/v1/labels.csv").await;
    let labels = String::from_utf8(labels.bytes).unwrap();
    let amounts: Vec<&str> = labels
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap())
        .collect();
    assert_eq!(amounts, ["10000", "66528", "500"], "{labels}");
    house.stop().await;
}

#[tokio::test]
async fn a_payer_confirms_what_looks_risky_with_a_pin() {
    let house = careful_house().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let pin_path = format!("/v1/wallets/{}/pin", payer.id);
    for pin in ["12345", "111111", "12345a", "1234567890123"] {
        let answer = payer.client.post(&pin_path, &json!({"pin": pin})).await;
        answer.refused("pin_invalid");
    }
    let set = payer
        .client
        .post(&pin_path, &json!({"pin": "271828"}))
        .await;
    assert_eq!(set.ok()["pin"], true);

    let waits = pay_until_it_waits(&shop, &payer).await;
    assert_eq!(waits["pending"]["standing"], "awaiting_confirmation");
    assert_eq!(waits["order"]["state"], "open");
    assert!(waits["wallet_balance"].is_null());
    let decision = text(&waits["pending"]["decision"]);
    let confirm = format!("/v1/decisions/{decision}/confirm");
    let wrong = payer.client.post(&confirm, &json!({"pin": "314159"})).await;
    wrong.refused("proof_wrong");
    let paid = payer
        .client
        .post(&confirm, &json!({"pin": "271828"}))
        .await
        .ok();
    assert_eq!(paid["order"]["state"], "paid");
    assert_eq!(
        paid["order"]["payment"]["transaction"],
        decision.replace("dec_", "txn_")
    );
    let again = payer.client.post(&confirm, &json!({"pin": "271828"})).await;
    again.refused("decision_not_pending");

    // The payer sees how it ended, the operator also why it was asked.
    let path = format!("/v1/decisions/{decision}");
    let own = payer.client.get(&path).await.ok();
    assert_eq!(own["standing"], "settled");
    assert_eq!(
        own["resolution"],
        json!({
            "by": "payer", "proof": "pin", "at": own["resolution"]["at"], "note": ""
        })
    );
    assert!(own["risk"].is_null());
    let explained = house.operator.get(&path).await.ok();
    assert_eq!(explained["risk"]["verdict"], "challenge");
    let reasons = explained["risk"]["reasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|reason| text(&reason["text"]).contains("attempts in the last"))
    );
    let other = house.wallet(&["CNY"], 0).await;
    other.client.get(&path).await.refused("decision_not_found");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_payer_confirms_with_a_device_that_signs_this_very_payment() {
    let house = careful_house().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let devices = format!("/v1/wallets/{}/devices", payer.id);
    let phone = payer
        .client
        .post(&devices, &json!({"name": "phone"}))
        .await
        .created();
    let waits = pay_until_it_waits(&shop, &payer).await;
    let decision = text(&waits["pending"]["decision"]);
    let confirm = format!("/v1/decisions/{decision}/confirm");
    let signed = |text_to_sign: &str| json!({"device": phone["id"], "signature": hmac(text(&phone["secret"]), text_to_sign)});
    let other = payer
        .client
        .post(&confirm, &signed("another payment"))
        .await;
    other.refused("proof_wrong");
    let unreadable = json!({"device": phone["id"], "signature": "not base64!"});
    payer
        .client
        .post(&confirm, &unreadable)
        .await
        .refused("field_invalid");
    let proof = signed(text(&waits["pending"]["text_to_sign"]));
    let paid = payer.client.post(&confirm, &proof).await.ok();
    assert_eq!(paid["order"]["state"], "paid");

    let path = format!("{devices}/remove");
    let change = format!("{}\n1\nremove_device {}", payer.id, text(&phone["id"]));
    let removal = json!({"device": phone["id"], "proof": signed(&change)});
    let removed = payer.client.post(&path, &removal).await.ok();
    assert_eq!(removed["devices"], json!([]));
    house.stop().await;
}

/// A thief has the wallet's key, which pays, and wants to confirm too.
#[tokio::test]
async fn a_stolen_key_does_not_change_what_a_payer_confirms_with() {
    let house = careful_house().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let wallet = format!("/v1/wallets/{}", payer.id);
    let (pin, devices) = (format!("{wallet}/pin"), format!("{wallet}/devices"));
    let first = json!({"pin": "271828"});
    payer.client.post(&pin, &first).await.ok();
    let phone = json!({"name": "phone", "proof": {"pin": "271828"}});
    let phone = payer.client.post(&devices, &phone).await.created();
    let waits = pay_until_it_waits(&shop, &payer).await;
    let decision = text(&waits["pending"]["decision"]);
    let confirm = format!("/v1/decisions/{decision}/confirm");

    let remove = format!("{devices}/remove");
    for (path, change) in [
        (&pin, json!({"pin": "314159"})),
        (&devices, json!({"name": "thief's"})),
        (&remove, json!({"device": phone["id"]})),
    ] {
        let answer = payer.client.post(path, &change).await;
        answer.refused("proof_needed");
    }
    let mut seen = json!({"pin": "314159"});
    seen["proof"] = json!({"device": phone["id"], "signature": hmac("sk_", "anything")});
    payer.client.post(&pin, &seen).await.refused("proof_wrong");
    let reset = format!("{wallet}/step-ups/reset");
    let answer = payer.client.post_empty(&reset).await;
    answer.refused("forbidden_role");

    // The holder changes the PIN with the phone, once with each signature.
    let secret = text(&phone["secret"]).to_owned();
    let change = hmac(&secret, &format!("{}\n2\nset_pin 161803", payer.id));
    let proof = json!({"device": phone["id"], "signature": change});
    let change = json!({"pin": "161803", "proof": proof});
    let changed = payer.client.post(&pin, &change).await.ok();
    assert_eq!(changed["changes"], 3);
    let again = payer.client.post(&pin, &change).await;
    again.refused("proof_wrong");

    // An operator resets it; what waits stays unconfirmed.
    let reset = house.operator.post_empty(&reset).await.ok();
    assert_eq!(
        (&reset["pin"], &reset["devices"]),
        (&json!(false), &json!([]))
    );
    let early = payer.client.post(&pin, &first).await;
    early.refused("confirmations_pending");
    let late = payer.client.post(&confirm, &first).await;
    late.refused("proof_wrong");
    house.assert_books_balance().await;
    house.stop().await;
}

pub(super) fn hmac(secret: &str, message: &str) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn the_scorer_remembers_over_a_restart_and_without_its_file() {
    let house = careful_house().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let waits = pay_until_it_waits(&shop, &payer).await;
    let before = score(&house, &waits).await;
    let mut house = house;
    for lose_the_file in [false, true] {
        let directory = house.stop().await;
        if lose_the_file {
            std::fs::remove_file(directory.path().join("profiles.saved")).unwrap();
        }
        house = House::start_in(directory, |config| Config {
            risk: RiskMode::Act,
            ..config
        })
        .await;
        let (shop, payer) = (shop.at(&house), payer.at(&house));
        let id = order(&shop, &format!("R-{lose_the_file}"), 100).await;
        let paid = payer
            .client
            .post_empty(&format!("/v1/orders/{id}/pay"))
            .await;
        assert_eq!(
            paid.status,
            StatusCode::ACCEPTED,
            "who paid so often is still known"
        );
        assert!(score(&house, &paid.json()).await >= before);
    }
    house.stop().await;
}

async fn score(house: &House, waits: &Value) -> u64 {
    let path = format!("/v1/decisions/{}", text(&waits["pending"]["decision"]));
    let explained = house.operator.get(&path).await.ok();
    explained["risk"]["score_ppm"].as_u64().unwrap()
}
