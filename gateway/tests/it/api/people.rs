//! People who send each other money, over HTTP.

use gateway::config::{Config, Fallback, RiskMode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{House, Party, text};

async fn balance(of: &Party) -> i64 {
    let found = of.client.get(&format!("/v1/wallets/{}", of.id)).await.ok();
    found["balances"][0]["amount"].as_i64().unwrap()
}

pub(super) async fn send(from: &Party, to: &Party, amount: i64, mode: &str) -> Value {
    let asked = json!({
        "to": to.id, "amount": {"amount": amount, "currency": "CNY"}, "mode": mode, "note": "for the tickets",
    });
    from.client.post("/v1/transfers", &asked).await.created()
}

pub(super) async fn red_packet(from: &Party, to: &[&Party], amount: i64, shares: usize) -> String {
    let to: Vec<&str> = to.iter().map(|party| party.id.as_str()).collect();
    let asked = json!({
        "to": to, "amount": {"amount": amount, "currency": "CNY"}, "split": "lucky", "shares": shares,
    });
    let sent = from.client.post("/v1/red-packets", &asked).await.created();
    text(&sent["red_packet"]["id"]).to_owned()
}

#[tokio::test]
async fn a_transfer_is_in_both_statements_and_explained_to_both() {
    let house = House::start().await;
    let (ann, bo) = (
        house.wallet(&["CNY"], 10_000).await,
        house.wallet(&["CNY"], 0).await,
    );
    let other = house.wallet(&["CNY"], 0).await;
    let sent = send(&ann, &bo, 2_500, "instant").await;
    let id = text(&sent["transfer"]["id"]);
    let at_least = text(&sent["sequence"]);
    for (party, amount, after) in [(&ann, -2_500, 7_500), (&bo, 2_500, 2_500)] {
        let path = format!("/v1/wallets/{}/transactions?at_least={at_least}", party.id);
        let statement = party.client.get(&path).await.ok();
        let line = &statement["data"][0];
        assert_eq!(line["kind"], "transfer");
        assert_eq!(line["transfer"], id);
        assert_eq!(line["amount"]["amount"], amount);
        assert_eq!(line["balance"]["amount"], after);
        let transaction = format!("/v1/transactions/{}", text(&line["transaction"]));
        let explained = party.client.get(&transaction).await.ok();
        let posting = &explained["transaction"]["postings"][0];
        assert_eq!(posting["debit"]["wallet"], ann.id.as_str());
        assert_eq!(posting["credit"]["wallet"], bo.id.as_str());
        let told = "25.00 CNY from the sender's wallet to the receiver's wallet";
        assert_eq!(posting["text"], told);
        other
            .client
            .get(&transaction)
            .await
            .refused("transaction_not_found");
    }
    other
        .client
        .get(&format!("/v1/transfers/{id}"))
        .await
        .refused("transfer_not_found");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn lists_show_each_side_and_go_on_page_by_page() {
    let house = House::start().await;
    let (ann, bo) = (
        house.wallet(&["CNY"], 10_000).await,
        house.wallet(&["CNY"], 10_000).await,
    );
    let mut ids = Vec::new();
    for (from, to) in [(&ann, &bo), (&bo, &ann), (&ann, &bo), (&ann, &bo)] {
        let sent = send(from, to, 100, "to_accept").await;
        ids.insert(0, text(&sent["transfer"]["id"]).to_owned());
    }
    house.views_catch_up().await;
    let of = |query: &str| format!("/v1/wallets/{}/transfers?{query}", ann.id);
    let shown = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap().iter();
        data.map(|one| text(&one["id"]).to_owned()).collect()
    };
    let first = ann.client.get(&of("limit=3")).await.ok();
    let cursor = text(&first["next_cursor"]);
    let second = ann
        .client
        .get(&of(&format!("limit=3&cursor={cursor}")))
        .await
        .ok();
    assert_eq!([shown(&first), shown(&second)].concat(), ids);
    assert!(second["next_cursor"].is_null());
    let received = ann.client.get(&of("side=received")).await.ok();
    assert_eq!(shown(&received), [ids[2].clone()]);
    assert_eq!(shown(&ann.client.get(&of("side=sent")).await.ok()).len(), 3);

    let packet = red_packet(&ann, &[&ann, &bo], 100, 2).await;
    bo.client
        .post_empty(&format!("/v1/red-packets/{packet}/claim"))
        .await
        .ok();
    house.views_catch_up().await;
    for (party, side) in [(&ann, "sent"), (&ann, "received"), (&bo, "received")] {
        let path = format!("/v1/wallets/{}/red-packets?side={side}", party.id);
        let page = party.client.get(&path).await.ok();
        assert_eq!(shown(&page), std::slice::from_ref(&packet), "{side}");
        assert_eq!(page["data"][0]["claims"][0]["wallet"], bo.id.as_str());
    }
    house.stop().await;
}

#[tokio::test]
async fn what_ended_is_known_after_a_restart_and_ends_no_second_time() {
    let house = House::start().await;
    let (ann, bo) = (
        house.wallet(&["CNY"], 10_000).await,
        house.wallet(&["CNY"], 0).await,
    );
    let sent = send(&ann, &bo, 2_500, "to_accept").await;
    let accept = format!("/v1/transfers/{}/accept", text(&sent["transfer"]["id"]));
    bo.client.post_empty(&accept).await.ok();
    let packet = red_packet(&ann, &[&bo], 500, 1).await;
    let claim = format!("/v1/red-packets/{packet}/claim");
    bo.client.post_empty(&claim).await.ok();
    let open = red_packet(&ann, &[&ann, &bo], 500, 2).await;
    bo.client
        .post_empty(&format!("/v1/red-packets/{open}/claim"))
        .await
        .ok();

    let house = house.restart().await;
    let (ann, bo) = (ann.at(&house), bo.at(&house));
    bo.client
        .post_empty(&accept)
        .await
        .refused("transfer_completed");
    bo.client
        .post_empty(&claim)
        .await
        .refused("red_packet_claimed");
    let ended = ann
        .client
        .get(&format!("/v1/red-packets/{packet}"))
        .await
        .ok();
    assert_eq!(ended["red_packet"]["state"], "emptied");
    assert_eq!(ended["red_packet"]["claims"][0]["amount"]["amount"], 500);
    // What was open goes on where it was.
    let claim = format!("/v1/red-packets/{open}/claim");
    bo.client
        .post_empty(&claim)
        .await
        .refused("red_packet_claimed");
    ann.client.post_empty(&claim).await.ok();
    assert_eq!(balance(&ann).await + balance(&bo).await, 10_000);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn of_many_at_the_same_instant_each_share_goes_to_one() {
    let house = House::start().await;
    let ann = house.wallet(&["CNY"], 10_000).await;
    let mut group = Vec::new();
    for _ in 0..12 {
        group.push(house.wallet(&["CNY"], 0).await);
    }
    let members: Vec<&Party> = group.iter().collect();
    let packet = red_packet(&ann, &members, 700, 7).await;
    let claim = format!("/v1/red-packets/{packet}/claim");
    // Everybody asks twice, with keys of their own.
    let mut asking = tokio::task::JoinSet::new();
    for member in group.iter().chain(&group) {
        let (client, claim) = (member.client.clone(), claim.clone());
        asking.spawn(async move { client.post_empty(&claim).await });
    }
    let mut taken = 0;
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        if answer.status == StatusCode::OK {
            taken += 1;
        } else {
            let code = text(&answer.json()["code"]).to_owned();
            assert!(
                ["red_packet_claimed", "red_packet_empty"].contains(&code.as_str()),
                "{code}"
            );
        }
    }
    assert_eq!(taken, 7);
    let mut sum = 0;
    for member in &group {
        sum += balance(member).await;
    }
    assert_eq!(sum, 700);

    // One accepts and declines at once: one of the two counts.
    let bo = &group[0];
    let before = balance(&ann).await + balance(bo).await;
    let sent = send(&ann, bo, 1_000, "to_accept").await;
    let path = |what: &str| format!("/v1/transfers/{}/{what}", text(&sent["transfer"]["id"]));
    let (accept, decline) = (path("accept"), path("decline"));
    let (accepted, declined) = tokio::join!(
        bo.client.post_empty(&accept),
        bo.client.post_empty(&decline)
    );
    let won = [accepted.status, declined.status].map(|status| status == StatusCode::OK);
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(balance(&ann).await + balance(bo).await, before);
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn what_looks_risky_is_confirmed_by_its_sender_before_the_other_knows() {
    let house = House::start_in(tempfile::tempdir().unwrap(), |config| Config {
        risk: RiskMode::Act,
        risk_fallback: Fallback::Challenge,
        ..config
    })
    .await;
    let (ann, bo) = (
        house.wallet(&["CNY"], 1_000_000).await,
        house.wallet(&["CNY"], 0).await,
    );
    let pin = format!("/v1/wallets/{}/pin", ann.id);
    ann.client.post(&pin, &json!({"pin": "271828"})).await.ok();
    let asked = json!({"to": bo.id, "amount": {"amount": 100, "currency": "CNY"}});
    let mut waits = None;
    for _ in 0..200 {
        let answer = ann.client.post("/v1/transfers", &asked).await;
        if answer.status == StatusCode::ACCEPTED {
            waits = Some(answer.json());
            break;
        }
        answer.created();
    }
    let waits = waits.expect("200 transfers in a few seconds were nothing special");
    assert_eq!(waits["transfer"]["state"], "awaiting_confirmation");
    assert_eq!(waits["pending"]["standing"], "awaiting_confirmation");
    let path = format!("/v1/transfers/{}", text(&waits["transfer"]["id"]));
    bo.client.get(&path).await.refused("transfer_not_found");
    let decision = text(&waits["pending"]["decision"]);
    let confirm = format!("/v1/decisions/{decision}/confirm");
    let confirmed = ann
        .client
        .post(&confirm, &json!({"pin": "271828"}))
        .await
        .ok();
    assert_eq!(confirmed["transfer"]["state"], "completed");
    assert_eq!(
        bo.client.get(&path).await.ok()["transfer"]["state"],
        "completed"
    );
    let explained = house
        .operator
        .get(&format!("/v1/decisions/{decision}"))
        .await
        .ok();
    assert_eq!(explained["transfer"], waits["transfer"]["id"]);
    assert!(explained["order"].is_null());
    // The analysts' page of the case names it.
    assert_eq!(explained["risk"]["verdict"], "challenge");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn an_unreadable_wish_is_refused_field_by_field() {
    let house = House::start().await;
    let ann = house.wallet(&["CNY"], 10_000).await;
    let to = "wal_0197a3e5c4b17f20a1b2c3d4e5f60718";
    let amount = json!({"amount": 100, "currency": "CNY"});
    for (path, body, code) in [
        (
            "/v1/transfers",
            json!({"to": "bo", "amount": amount}),
            "field_invalid",
        ),
        (
            "/v1/transfers",
            json!({"to": to, "amount": amount, "note": "x".repeat(61)}),
            "field_invalid",
        ),
        (
            "/v1/transfers",
            json!({"to": to, "amount": amount, "mode": "later"}),
            "field_invalid",
        ),
        (
            "/v1/transfers",
            json!({"to": to, "amount": amount}),
            "payee_not_found",
        ),
        (
            "/v1/red-packets",
            json!({"to": [to], "amount": amount, "split": "lucky"}),
            "field_invalid",
        ),
        (
            "/v1/red-packets",
            json!({"to": [], "amount": amount, "split": "lucky", "shares": 1}),
            "shares_invalid",
        ),
        (
            "/v1/red-packets",
            json!({"to": [to], "amount": amount, "split": "lucky", "shares": 70_000}),
            "field_invalid",
        ),
    ] {
        ann.client.post(path, &body).await.refused(code);
    }
    house.stop().await;
}
