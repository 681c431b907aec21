//! Signatures, nonces and idempotency keys: who is not properly known is not heard.

use gateway::sign::content_digest;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use super::house::{Answer, Client, Request};
use super::payment::cny;
use super::refusal::Scene;

type Change = fn(&mut Request, &mut HeaderMap);

/// What happens to a signed request on its way, and what is said of it.
const CHANGES: [(&str, Change); 9] = [
    ("signature_missing", |_, headers| take(headers, "signature")),
    ("signature_missing", |_, headers| headers.clear()),
    ("signature_malformed", |_, headers| {
        put(headers, "signature-input", "sig1=(");
    }),
    ("signature_malformed", |_, headers| {
        put(headers, "signature", "sig1=:?:");
    }),
    ("signature_mismatch", |request, _| request.path += "?x=1"),
    ("signature_mismatch", |_, headers| {
        put(headers, "idempotency-key", "another");
    }),
    ("content_digest_mismatch", |request, _| {
        request.body.push(b' ');
    }),
    ("signature_mismatch", |_, headers| {
        put(headers, "content-digest", &content_digest(b"{}"));
    }),
    ("signature_component_missing", |_, headers| {
        take(headers, "content-digest");
    }),
];

#[tokio::test]
async fn who_does_not_sign_properly_is_not_heard() {
    let scene = Scene::new().await;
    let shop = &scene.shop.client;
    let asked = json!({"number": "B-1", "amount": cny(1), "description": "Dumplings"});
    let request = || Request::post("/v1/orders", &asked);
    for (code, change) in CHANGES {
        let mut request = request();
        let mut headers = request.headers(&shop.signer);
        change(&mut request, &mut headers);
        shop.send_with(request, headers).await.refused(code);
    }

    let stale = Request {
        created: request().created - 301,
        ..request()
    };
    shop.send(stale).await.refused("signature_stale");
    let early = Request {
        created: request().created + 60,
        ..request()
    };
    shop.send(early).await.refused("signature_in_future");

    let unknown = Client::new(
        scene.house.address,
        "key_00000000000000000000000000000000",
        "sk_x",
    );
    unknown.send(request()).await.refused("key_unknown");
    let unknown = Client::new(scene.house.address, "nobody", "sk_x");
    unknown.send(request()).await.refused("key_unknown");
    let key_id = shop.signer.key_id().to_owned();
    let guessed = Client::new(scene.house.address, &key_id, "sk_guessed");
    guessed.send(request()).await.refused("signature_mismatch");
    scene.unchanged().await;
}

fn take(headers: &mut HeaderMap, name: &str) {
    headers.remove(name);
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).unwrap());
}

#[tokio::test]
async fn a_signature_is_good_once() {
    let scene = Scene::new().await;
    let shop = &scene.shop.client;
    let path = format!("/v1/orders/{}", scene.order);
    let send = async |nonce: &str| -> Answer {
        let request = Request {
            nonce: nonce.to_owned(),
            ..Request::new(Method::GET, &path)
        };
        shop.send(request).await
    };
    send("nonce-1").await.ok();
    send("nonce-1").await.refused("signature_replayed");
    send("nonce-2").await.ok();
    scene.unchanged().await;
}

#[tokio::test]
async fn an_effect_needs_a_key_to_be_retried_by() {
    let scene = Scene::new().await;
    let shop = &scene.shop.client;
    let asked = json!({"number": "B-1", "amount": cny(1), "description": "Dumplings"});
    let request = || Request::post("/v1/orders", &asked);
    let without = Request {
        idempotency_key: None,
        ..request()
    };
    shop.send(without).await.refused("idempotency_key_missing");
    let long = "k".repeat(129);
    shop.send(request().key(&long))
        .await
        .refused("idempotency_key_malformed");
    shop.send(request().key("two words"))
        .await
        .refused("idempotency_key_malformed");
    // A UUIDv7 made two minutes from now.
    let ahead = uuid::Timestamp::from_unix_time((request().created + 120).unsigned_abs(), 0, 0, 0);
    let ahead = uuid::Uuid::new_v7(ahead).to_string();
    shop.send(request().key(&ahead))
        .await
        .refused("idempotency_key_in_future");
    scene.unchanged().await;
}
