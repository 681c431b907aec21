//! What must not hold up payments: rules written badly or on purpose, and many attempts at the same moment.

use gateway::config::{Config, Fallback, RiskMode};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::desk::publish;
use super::house::{House, Party, text};
use super::payment::order;

fn rule(name: &str, when: &str) -> Value {
    json!({"name": name, "when": when, "action": "deny", "because": "It holds"})
}

/// Pays orders all at the same moment; how many were answered with each status.
async fn pay_at_once(payer: &Party, orders: &[String]) -> (usize, usize) {
    let mut paying = JoinSet::new();
    for id in orders {
        let (client, path) = (payer.client.clone(), format!("/v1/orders/{id}/pay"));
        paying.spawn(async move { client.post_empty(&path).await });
    }
    let answers = paying.join_all().await;
    let of = |status| answers.iter().filter(|one| one.status == status).count();
    (of(StatusCode::OK), of(StatusCode::FORBIDDEN))
}

async fn orders(shop: &Party, name: &str, many: usize) -> Vec<String> {
    let mut orders = Vec::new();
    for number in 0..many {
        orders.push(order(shop, &format!("{name}-{number}"), 100).await);
    }
    orders
}

/// None of these is run: each is refused with its place, whoever approves what.
#[tokio::test]
async fn rules_that_repeat_or_never_end_are_refused() {
    let house = House::start().await;
    let author = house.analyst().await;
    let thousand = vec!["7"; 1_000].join(",");
    let many: Vec<Value> = (0..25)
        .map(|place| rule(&format!("r{place}"), &format!("amount in [{thousand}]")))
        .collect();
    let absurd = [
        (
            json!([rule("loops", "[1, 2].all(x, x > 0)")]),
            "/rules/0/when",
        ),
        (
            json!([rule("long", &"amount > 1 || ".repeat(1_000))]),
            "/rules/0/when",
        ),
        (json!([rule("deep", &"(".repeat(4_000))]), "/rules/0/when"),
        (json!([rule("deeper", &"[".repeat(4_000))]), "/rules/0/when"),
        (json!(many), "/rules"),
    ];
    for (rules, pointer) in absurd {
        let drafted = json!({"rules": rules, "note": "absurd"});
        let problem = author.post("/v1/rules/drafts", &drafted).await;
        let problem = problem.refused("rules_invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        let tried = json!({"rules": rules});
        let answer = author.post("/v1/rules/backtest", &tried).await;
        answer.refused("rules_invalid");
    }
    house.stop().await;
}

/// What divides by nought is false, and the longest rules that are allowed take their time without taking everybody's.
#[tokio::test]
async fn payments_go_on_under_rules_that_divide_by_nought_and_ask_all_they_may() {
    let house = House::start().await;
    let (author, approver) = (house.analyst().await, house.analyst().await);
    let thousand = vec!["7"; 1_000].join(",");
    let mut rules: Vec<Value> = (0..19)
        .map(|place| rule(&format!("long_{place}"), &format!("amount in [{thousand}]")))
        .collect();
    for (name, when) in [
        ("divides", "amount / 0.0 > 0.0 || amount / 0.0 <= 0.0"),
        (
            "divides_by_none",
            "amount / (payer.count_1d - payer.count_1d) != 7.0",
        ),
        ("remains", "amount % 0.0 >= 0.0 || -(amount % 0.0) > 1.0"),
        (
            "overflows",
            "amount * 1e308 * 1e308 - amount * 1e308 * 1e308 == 0.0",
        ),
    ] {
        rules.push(rule(name, when));
    }
    publish(&author, &approver, &json!(rules)).await;

    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let orders = orders(&shop, "N", 60).await;
    assert_eq!(pay_at_once(&payer, &orders).await, (60, 0));
    let models = author.get("/v1/models").await.ok();
    assert_eq!(models["unscored"], 0, "each was scored in time: {models}");
    house.assert_books_balance().await;
    house.stop().await;
}

/// A limit on how often somebody pays holds to the attempt, also when all come before the first is through.
#[tokio::test]
async fn attempts_at_the_same_moment_see_one_another() {
    let house = House::start_in(tempfile::tempdir().unwrap(), |config| Config {
        risk: RiskMode::Watch,
        risk_fallback: Fallback::Deny,
        ..config
    })
    .await;
    let (author, approver) = (house.analyst().await, house.analyst().await);
    let limit = rule("five_a_minute", "payer.count_1m >= 5.0");
    publish(&author, &approver, &json!([limit])).await;
    let shop = house.merchant(&["CNY"]).await;
    for round in 0..3 {
        let payer = house.wallet(&["CNY"], 100_000).await;
        let orders = orders(&shop, &format!("R{round}"), 40).await;
        assert_eq!(pay_at_once(&payer, &orders).await, (5, 35));
        let wallet = payer.client.get(&format!("/v1/wallets/{}", payer.id)).await;
        let balance = &wallet.ok()["balances"][0]["amount"];
        assert_eq!(*balance, json!(100_000 - 5 * 100));
    }
    house.assert_books_balance().await;
    house.stop().await;
}

/// Whoever they are and whatever they pay with: where it happens is known, if the wallet's provider says it.
#[tokio::test]
async fn a_place_where_too_much_happens_is_stopped_and_others_are_not() {
    let house = House::start().await;
    let (author, approver) = (house.analyst().await, house.analyst().await);
    let limit = rule("two_a_place", "place.count_10m >= 2.0");
    publish(&author, &approver, &json!([limit])).await;
    let shop = house.merchant(&["CNY"]).await;
    for (place, passes) in [
        ("wtw3s", true),
        ("wtw3s", true),
        ("wtw3s", false),
        ("wtw3t", true),
    ] {
        let payer = house.wallet(&["CNY"], 1_000).await;
        let id = order(&shop, &payer.id, 100).await;
        let pay = format!("/v1/orders/{id}/pay");
        let answer = payer.client.post(&pay, &json!({"place": place})).await;
        if passes {
            answer.ok();
        } else {
            answer.refused("risk_denied");
        }
    }
    house.stop().await;
}

/// The house says from which score on a payer is asked; for transfers sooner than for payments.
#[tokio::test]
async fn what_is_done_about_scores_is_the_houses_to_say() {
    let ask_who_transfers = r#"{
        "others": {"challenge_ppm": 1000001, "review_ppm": 1000001, "deny_ppm": 1000001},
        "transfer": {"challenge_ppm": 1, "costs": {"challenge": 0}}
    }"#;
    let house = House::start_in(tempfile::tempdir().unwrap(), |config| Config {
        risk: RiskMode::Act,
        risk_policy: fraud::Policies::from_json(ask_who_transfers).unwrap(),
        ..config
    })
    .await;
    let shop = house.merchant(&["CNY"]).await;
    let (payer, friend) = (
        house.wallet(&["CNY"], 1_000_000).await,
        house.wallet(&["CNY"], 1_000_000).await,
    );
    let pin = format!("/v1/wallets/{}/pin", payer.id);
    payer
        .client
        .post(&pin, &json!({"pin": "271828"}))
        .await
        .ok();
    // Sixty payments at once are suspicious, and pass; the transfer is asked about.
    let orders = orders(&shop, "N", 60).await;
    assert_eq!(pay_at_once(&payer, &orders).await, (60, 0));
    let transfer = json!({"to": friend.id, "amount": {"amount": 90_000, "currency": "CNY"}});
    let waits = payer.client.post("/v1/transfers", &transfer).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.json());
    assert_eq!(
        text(&waits.json()["pending"]["standing"]),
        "awaiting_confirmation"
    );
    house.stop().await;
}
