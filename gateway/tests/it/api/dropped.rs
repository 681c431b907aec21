//! What becomes of a request whose caller stops waiting in the middle of it.

use std::task::Poll;

use axum::body::Body;
use gateway::app;
use gateway::pay::{Command, KeyId, Outcome};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tower_service::Service as _;

use super::house::{Client, House, Request, text};
use super::payment::order;

/// A request that goes on for so many steps and is then dropped.
async fn cut_off(house: &House, client: &Client, request: Request, steps: usize) {
    let mut asked = axum::http::Request::builder()
        .method(request.method.clone())
        .uri(&request.path)
        .body(Body::from(request.body.clone()))
        .unwrap();
    *asked.headers_mut() = request.headers(&client.signer);
    let mut answering = Box::pin(app::router(house.app.clone()).call(asked));
    let mut left = steps;
    std::future::poll_fn(|context| {
        left -= 1;
        match answering.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// Whether the machine says that a key was revoked. It is asked through the queue, behind whatever is in there.
async fn is_revoked(house: &House, id: &str) -> bool {
    let id: KeyId = id.parse().unwrap();
    let found = house.app.look_up(Command::FindKey(id)).await.unwrap();
    matches!(found.outcome, Outcome::KeyOnTerms(key, _) if key.revoked)
}

#[tokio::test]
async fn a_revoked_key_is_refused_though_nobody_waited_for_the_answer() {
    let house = House::start().await;
    let mut revoked = 0;
    for steps in 1..=4 {
        let shop = house.merchant(&["CNY"]).await;
        shop.client.get("/v1/orders").await.ok();
        let key = shop.client.signer.key_id().to_owned();
        let revoke = Request::new(Method::POST, &format!("/v1/keys/{key}/revoke"));
        cut_off(&house, &house.operator, revoke, steps).await;
        let answer = shop.client.get("/v1/orders").await;
        if is_revoked(&house, &key).await {
            revoked += 1;
            let answer = shop.client.get("/v1/orders").await;
            answer.refused("key_revoked");
        } else {
            answer.ok();
        }
    }
    assert!(revoked > 0, "no revocation came so far");
    house.stop().await;
}

/// Two requests pay the same order at the same time. One is refused as the order is paid, so that the journal says
/// nothing of it, and its caller has gone by then.
#[tokio::test]
async fn an_attempt_counts_no_more_though_nobody_waited_for_its_end() {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 10_000).await;
    let (author, approver) = (house.analyst().await, house.analyst().await);
    let rule = json!({
        "name": "twice", "when": "payer.count_10m > 1.5", "action": "review", "because": "Paid more than once",
    });
    let drafted = author
        .post("/v1/rules/drafts", &json!({"rules": [rule]}))
        .await
        .created();
    let approve = format!("/v1/rules/drafts/{}/approve", text(&drafted["draft"]["id"]));
    approver.post_empty(&approve).await.ok();

    let first = order(&shop, "first", 100).await;
    let path = format!("/v1/orders/{first}/pay");
    payer.client.get(&format!("/v1/orders/{first}")).await.ok();
    // The first step of each looks whether the order can be paid, the second gives the command.
    let pay = || Request::new(Method::POST, &path);
    tokio::join!(
        cut_off(&house, &payer.client, pay(), 2),
        cut_off(&house, &payer.client, pay(), 2),
    );
    // Both are through the queue once somebody who came later is.
    let paid = house
        .operator
        .get(&format!("/v1/orders/{first}"))
        .await
        .ok();
    assert_eq!(paid["order"]["state"], "paid");
    let second = order(&shop, "second", 100).await;
    let path = format!("/v1/orders/{second}/pay");
    let answer = payer.client.post_empty(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    house.stop().await;
}
