//! The analysts' desk: rules that two people publish, lists, cases, labels, models.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::house::{Client, House, Party, Request, text};
use super::payment::order;

/// A rule that holds for every payment over ten yuan, and what it does.
pub(super) fn large(action: &str) -> Value {
    json!({
        "name": "large", "when": "amount > 1000.0", "action": action,
        "because": "More than the shop ever charges", "priority": 5
    })
}

pub(super) async fn publish(author: &Client, approver: &Client, rules: &Value) -> Value {
    let draft = author
        .post(
            "/v1/rules/drafts",
            &json!({"rules": rules, "note": "for a test"}),
        )
        .await
        .created();
    let path = format!("/v1/rules/drafts/{}/approve", text(&draft["draft"]["id"]));
    approver.post_empty(&path).await.ok()
}

pub(super) async fn pay(
    shop: &Party,
    payer: &Party,
    number: &str,
    amount: i64,
) -> super::house::Answer {
    let id = order(shop, number, amount).await;
    let body = json!({"device": "phone-1"});
    payer
        .client
        .post(&format!("/v1/orders/{id}/pay"), &body)
        .await
}

#[tokio::test]
async fn rules_are_checked_at_their_place_and_published_by_two() {
    let house = House::start().await;
    let (author, other) = (house.analyst().await, house.analyst().await);
    let wrong = json!({"rules": [
        large("deny"),
        {"name": "typo", "when": "amount > 5.0 &&\n payer.count_10mm > 3.0", "action": "deny", "because": "x"},
        {"name": "Bad name", "when": "1.0 + true", "action": "review", "because": ""},
        {"name": "on_block_list", "when": "true", "action": "allow", "because": "mine"}
    ]});
    let checked = author.post("/v1/rules/check", &wrong).await.ok();
    assert_eq!(checked["sound"], false);
    let errors = checked["errors"].as_array().unwrap();
    let at = |pointer: &str| {
        let found = errors.iter().find(|error| error["pointer"] == pointer);
        text(&found.unwrap_or_else(|| panic!("{pointer}: {checked}"))["detail"]).to_owned()
    };
    assert!(
        at("/rules/1/when").starts_with("line 2, column 7: "),
        "{}",
        at("/rules/1/when")
    );
    assert!(
        at("/rules/1/when").contains("payer.count_10m"),
        "the nearest is suggested"
    );
    at("/rules/2/name");
    at("/rules/2/because");
    at("/rules/2/when");
    at("/rules/3/name");
    let refused = author.post("/v1/rules/drafts", &wrong).await;
    assert_eq!(
        refused.refused("rules_invalid")["errors"],
        checked["errors"]
    );

    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let drafted = json!({"rules": [large("deny")], "note": "nobody eats that much"});
    let draft = author.post("/v1/rules/drafts", &drafted).await.created();
    let approve = format!("/v1/rules/drafts/{}/approve", text(&draft["draft"]["id"]));
    author.post_empty(&approve).await.refused("same_person");
    house
        .operator
        .post_empty(&approve)
        .await
        .refused("forbidden_role");
    pay(&shop, &payer, "before", 5_000).await.ok();
    let late = author.post("/v1/rules/drafts", &drafted).await.created();
    let published = other.post_empty(&approve).await.ok();
    assert_eq!(published["version"]["version"], 1);
    pay(&shop, &payer, "after", 5_000)
        .await
        .refused("risk_denied");
    pay(&shop, &payer, "small", 500).await.ok();
    // What was written against older rules is not published over newer ones.
    let late = format!("/v1/rules/drafts/{}", text(&late["draft"]["id"]));
    other
        .post_empty(&format!("{late}/approve"))
        .await
        .refused("draft_outdated");
    other.post_empty(&format!("{late}/discard")).await.ok();

    // In shadow a rule only tells; and the earlier version comes back at once.
    let mut shadow = large("deny");
    shadow["shadow"] = true.into();
    publish(&author, &other, &json!([shadow])).await;
    let paid = pay(&shop, &payer, "shadow", 5_000).await.ok();
    let decision = text(&paid["order"]["payment"]["transaction"]).replace("txn_", "dec_");
    let explained = author.get(&format!("/v1/decisions/{decision}")).await.ok();
    assert_eq!(explained["risk"]["shadow"], json!(["large"]));
    assert_eq!(explained["risk"]["rules_version"], 2);
    author
        .post("/v1/rules/restore", &json!({"version": 9}))
        .await
        .refused("version_not_found");
    let restored = author
        .post("/v1/rules/restore", &json!({"version": 1}))
        .await
        .ok();
    assert_eq!(
        (
            &restored["version"]["version"],
            &restored["version"]["restores"]
        ),
        (&json!(3), &json!(1))
    );
    pay(&shop, &payer, "restored", 5_000)
        .await
        .refused("risk_denied");

    // Rules outlive a restart.
    let directory = house.stop().await;
    let house = House::start_in(directory, |config| config).await;
    let (shop, payer) = (shop.at(&house), payer.at(&house));
    pay(&shop, &payer, "restarted", 5_000)
        .await
        .refused("risk_denied");
    let rules = author.at(house.address).get("/v1/rules").await.ok();
    assert_eq!(
        (
            &rules["running"],
            rules["versions"].as_array().unwrap().len()
        ),
        (&json!(3), 3)
    );
    assert_eq!(rules["drafts"], json!([]));
    let history = author
        .at(house.address)
        .get("/v1/desk/history?limit=1")
        .await
        .ok();
    assert_eq!(history["data"][0]["what"], "rules_restored");
    house.stop().await;
}

#[tokio::test]
async fn lists_block_allow_and_watch_until_they_end() {
    let house = House::start().await;
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let enter = |list: &str, subject: Value| json!({"list": list, "subject": subject});
    let phone = json!({"device": "phone-1"});
    let wallet = json!({"wallet": payer.id});
    analyst
        .post("/v1/lists/enter", &enter("block", phone.clone()))
        .await
        .ok();
    pay(&shop, &payer, "blocked", 500)
        .await
        .refused("risk_denied");
    let strike = json!({"list": "block", "subject": phone});
    analyst.post("/v1/lists/strike", &strike).await.ok();
    analyst
        .post("/v1/lists/strike", &strike)
        .await
        .refused("entry_not_found");
    pay(&shop, &payer, "struck", 500).await.ok();
    // What has ended counts no more, and nobody is put on a list by mistake.
    let ended = json!({"list": "block", "subject": wallet, "until": "2026-01-01T00:00:00Z"});
    let answer = analyst.post("/v1/lists/enter", &ended).await;
    answer.refused("entry_ended");
    let nobody = json!({"wallet": "wal_00000000000000000000000000000000"});
    let answer = analyst
        .post("/v1/lists/enter", &enter("block", nobody))
        .await;
    answer.refused("wallet_not_found");
    let soon = chrono::Utc::now() + chrono::TimeDelta::milliseconds(300);
    let ending = json!({"list": "block", "subject": wallet, "until": soon.to_rfc3339()});
    analyst.post("/v1/lists/enter", &ending).await.ok();
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    pay(&shop, &payer, "ended", 500).await.ok();
    // Who is allowed is not asked by the rules of lower priority; who is watched is shown to analysts.
    publish(&analyst, &other, &json!([large("deny")])).await;
    analyst
        .post("/v1/lists/enter", &enter("allow", wallet.clone()))
        .await
        .ok();
    pay(&shop, &payer, "allowed", 5_000).await.ok();
    analyst
        .post(
            "/v1/lists/enter",
            &enter("watch", json!({"merchant": shop.id})),
        )
        .await
        .ok();
    let paid = pay(&shop, &payer, "watched", 5_000).await.ok();
    let at = text(&paid["sequence"]);
    let cases = analyst
        .get(&format!("/v1/cases?show=unlabelled&at_least={at}"))
        .await
        .ok();
    let shadows: Vec<_> = cases["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| &case["risk"]["shadow"])
        .collect();
    assert!(shadows.contains(&&json!(["on_watch_list"])), "{cases}");
    let on_the_list = json!({"rules": [{
        "name": "watched", "when": "payee in lists.watch", "action": "review", "because": "Watched"
    }]});
    let tested = analyst.post("/v1/rules/backtest", &on_the_list).await.ok();
    let rules = tested["rules"].as_array().unwrap();
    let watched = rules.iter().find(|rule| rule["rule"] == "watched").unwrap();
    assert_eq!(watched["genuine"], tested["decisions"], "{tested}");
    let nobody = json!({"list": "watch", "subject": {}});
    analyst
        .post("/v1/lists/enter", &nobody)
        .await
        .refused("field_invalid");
    let lists = analyst.get("/v1/lists?list=watch").await.ok();
    assert_eq!(
        (&lists["total"], &lists["entries"][0]["subject"]),
        (&json!(1), &json!({"merchant": shop.id}))
    );
    house.stop().await;
}

#[tokio::test]
async fn an_analyst_works_the_queue_and_what_is_said_is_learned() {
    let house = House::start().await;
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    publish(&analyst, &other, &json!([large("review")])).await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let mut held = Vec::new();
    for (number, amount) in [("A", 2_000), ("B", 30_000), ("C", 5_000), ("D", 4_000)] {
        let waits = pay(&shop, &payer, number, amount).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED);
        let waits = waits.json();
        assert_eq!(waits["order"]["state"], "in_review");
        held.push((
            text(&waits["pending"]["decision"]).to_owned(),
            waits["sequence"].clone(),
        ));
    }
    // Money on hold is not there to spend, and is not with the shop yet.
    pay(&shop, &payer, "E", 900).await.ok();
    let at = text(&held[3].1);
    let queue = analyst
        .get(&format!("/v1/cases?at_least={at}&limit=3"))
        .await
        .ok();
    assert_eq!(queue["data"].as_array().unwrap().len(), 3);
    let rest = analyst
        .get(&format!(
            "/v1/cases?limit=3&cursor={}",
            text(&queue["next_cursor"])
        ))
        .await
        .ok();
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);

    let path = |place: usize, act: &str| format!("/v1/cases/{}/{act}", held[place].0);
    let released = analyst
        .post(&path(0, "release"), &json!({"note": "known customer"}))
        .await
        .ok();
    assert_eq!(released["case"]["standing"], "settled");
    assert_eq!(released["case"]["resolution"]["note"], "known customer");
    let denied = analyst.post(&path(1, "deny"), &json!({})).await.ok();
    assert_eq!(denied["case"]["standing"], "denied");
    analyst
        .post(&path(1, "release"), &json!({}))
        .await
        .refused("decision_not_pending");
    payer
        .client
        .post(&path(2, "release"), &json!({}))
        .await
        .refused("forbidden_role");

    // Many at once, and the same again under the same key.
    let bulk =
        json!({"cases": [held[1].0, held[2].0, held[3].0], "act": "deny", "note": "one ring"});
    let request = || Request::post("/v1/cases/bulk", &bulk).key("bulk-1");
    let done = analyst.send(request()).await.ok();
    let results: Vec<_> = done["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["done"])
        .collect();
    assert_eq!(results, [&json!(false), &json!(true), &json!(true)]);
    assert_eq!(done["results"][0]["code"], "decision_not_pending");
    assert_eq!(analyst.send(request()).await.ok(), done);

    let label = json!({"label": "fraud", "note": "The phone was stolen"});
    let labelled = analyst.post(&path(1, "label"), &label).await.ok();
    assert_eq!(labelled["case"]["label"], "fraud");
    analyst
        .post(&path(0, "label"), &json!({"label": "genuine"}))
        .await
        .ok();
    analyst
        .post(&path(1, "notes"), &json!({"note": "Spoke to the owner"}))
        .await
        .ok();
    analyst
        .post(&path(1, "notes"), &json!({"note": " "}))
        .await
        .refused("field_invalid");
    let case = analyst.get(&format!("/v1/cases/{}", held[1].0)).await.ok();
    let said: Vec<_> = case["remarks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["what"]))
        .collect();
    assert_eq!(said, ["fraud", "note"]);
    assert_eq!(
        case["case"]["risk"]["reasons"][0]["text"],
        "More than the shop ever charges"
    );
    assert_eq!(case["timeline"].as_array().unwrap().len(), 5);
    let neighbours = case["neighbours"].as_array().unwrap();
    assert_eq!(neighbours.len(), 3);
    assert_eq!(neighbours[0]["shares"], json!(["payer", "payee", "device"]));
    assert_eq!(case["case"]["risk"]["device"], "phone-1");
    let history = analyst.get("/v1/desk/history").await.ok();
    let done: Vec<_> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| text(&change["what"]))
        .collect();
    for what in [
        "case_released",
        "case_denied",
        "case_labelled_fraud",
        "case_noted",
    ] {
        assert!(done.contains(&what), "{what}: {history}");
    }
    let nothing = analyst
        .get("/v1/cases/dec_00000000000000000000000000000000")
        .await;
    nothing.refused("decision_not_found");

    // The labels make a file to train from, and rules are tried on them.
    let csv = analyst.get("/v1/labels.csv?labelled=true").await;
    let csv = String::from_utf8(csv.bytes).unwrap();
    let labels: Vec<_> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(labels, ["0", "1"], "{csv}");
    let all = analyst.get("/v1/labels.csv").await;
    assert_eq!(String::from_utf8(all.bytes).unwrap().lines().count(), 1 + 5);
    let tried = json!({"rules": [{
        "name": "huge", "when": "amount > 10000.0", "action": "deny", "because": "Too much"
    }, {
        "name": "often", "when": "payer.count_10m >= 2.0", "action": "deny", "because": "Too often"
    }, {
        "name": "never", "when": "amount < 0.0", "action": "deny", "because": "Less than nothing"
    }]});
    let tested = analyst.post("/v1/rules/backtest", &tried).await.ok();
    assert_eq!(
        (&tested["decisions"], &tested["labelled"]),
        (&json!(5), &json!(2))
    );
    let rule = |name: &str| {
        let mut rules = tested["rules"].as_array().unwrap().iter();
        rules.find(|rule| rule["rule"] == name).unwrap().clone()
    };
    assert_eq!(
        (&rule("huge")["frauds"], &rule("huge")["genuine"]),
        (&json!(1), &json!(0))
    );
    // A rule that would have held for nothing is not left out.
    assert_eq!(
        (&rule("never")["frauds"], &rule("never")["genuine"]),
        (&json!(0), &json!(0))
    );
    // The features are those of the time: of five attempts the last three had two or more before them.
    assert_eq!(
        (&rule("often")["frauds"], &rule("often")["genuine"]),
        (&json!(0), &json!(3))
    );
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_frozen_wallet_pays_nothing_until_it_is_let_go() {
    let house = House::start().await;
    let analyst = house.analyst().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let path = |act: &str| format!("/v1/wallets/{}/{act}", payer.id);
    let frozen = analyst
        .post(&path("freeze"), &json!({"note": "Reported stolen"}))
        .await
        .ok();
    assert_eq!(frozen["frozen"], true);
    pay(&shop, &payer, "frozen", 500)
        .await
        .refused("account_frozen");
    let top_up = json!({"amount": {"amount": 100, "currency": "CNY"}, "reference": "in"});
    house
        .operator
        .post(&path("top-ups"), &top_up)
        .await
        .created();
    analyst.post_empty(&path("unfreeze")).await.ok();
    pay(&shop, &payer, "again", 500).await.ok();
    let nobody = "/v1/wallets/wal_00000000000000000000000000000000/freeze";
    analyst.post_empty(nobody).await.refused("wallet_not_found");
    house.stop().await;
}

#[tokio::test]
async fn a_frozen_merchant_is_paid_by_nobody_and_still_refunds() {
    let house = House::start().await;
    let analyst = house.analyst().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let paid = order(&shop, "before", 500).await;
    let pay_for = |id: &str| format!("/v1/orders/{id}/pay");
    payer.client.post_empty(&pay_for(&paid)).await.ok();
    let open = order(&shop, "open", 700).await;
    let path = |act: &str| format!("/v1/merchants/{}/{act}", shop.id);
    let frozen = analyst
        .post(&path("freeze"), &json!({"note": "Sells what it has not"}))
        .await
        .ok();
    assert_eq!(frozen["frozen"], true);

    let refused = payer.client.post_empty(&pay_for(&open)).await;
    refused.refused("merchant_frozen");
    let new = json!({"number": "new", "amount": {"amount": 500, "currency": "CNY"}, "description": "tea"});
    let refused = shop.client.post("/v1/orders", &new).await;
    refused.refused("merchant_frozen");
    let back = json!({"number": "back", "amount": {"amount": 500, "currency": "CNY"}, "reason": "never came"});
    let refunds = format!("/v1/orders/{paid}/refunds");
    shop.client.post(&refunds, &back).await.created();

    analyst.post_empty(&path("unfreeze")).await.ok();
    payer.client.post_empty(&pay_for(&open)).await.ok();
    house.views_catch_up().await;
    let history = analyst.get("/v1/desk/history").await.ok();
    assert_eq!(
        (&history["data"][0]["what"], &history["data"][1]["what"]),
        (&json!("merchant_unfrozen"), &json!("merchant_frozen")),
        "{history}"
    );
    let nobody = "/v1/merchants/mer_00000000000000000000000000000000/freeze";
    let refused = analyst.post_empty(nobody).await;
    refused.refused("merchant_not_found");
    house.assert_books_balance().await;
    house.stop().await;
}

#[tokio::test]
async fn a_model_is_uploaded_by_one_and_decides_by_another() {
    let house = House::start().await;
    let (author, other) = (house.analyst().await, house.analyst().await);
    author
        .post("/v1/models", &json!({"format": 1}))
        .await
        .refused("model_invalid");
    let model = trained();
    let upload = |key: &str| Request {
        body: model.clone().into_bytes(),
        ..Request::post("/v1/models?note=first", &json!({})).key(key)
    };
    let added = author.send(upload("one")).await.created();
    assert_eq!(added["model"]["version"], 1);
    assert_eq!(added["model"]["note"], "first");
    // The same file is the same model.
    assert_eq!(
        other.send(upload("two")).await.created()["model"]["version"],
        1
    );

    let part = |version: u32, part: &str| json!({"version": version, "part": part});
    author
        .post("/v1/models/use", &part(1, "champion"))
        .await
        .refused("same_person");
    author
        .post("/v1/models/use", &part(2, "challenger"))
        .await
        .refused("model_not_found");
    author
        .post("/v1/models/use", &part(1, "challenger"))
        .await
        .ok();
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let explained = |answer: Value| {
        let transaction = text(&answer["order"]["payment"]["transaction"]).replace("txn_", "dec_");
        let author = author.clone();
        async move {
            author
                .get(&format!("/v1/decisions/{transaction}"))
                .await
                .ok()
        }
    };
    let paid = pay(&shop, &payer, "challenged", 500).await.ok();
    let decision = explained(paid).await;
    assert_eq!(decision["risk"]["model_version"], 0);
    assert!(decision["risk"]["challenger_ppm"].is_u64(), "{decision}");
    other
        .post("/v1/models/use", &part(1, "champion"))
        .await
        .ok();
    let paid = pay(&shop, &payer, "decided", 500).await.ok();
    assert_eq!(explained(paid).await["risk"]["model_version"], 1);
    let models = author.get("/v1/models").await.ok();
    assert_eq!(
        (&models["champion"], &models["challenger"]),
        (&json!(1), &json!(0)),
        "a champion is no challenger of itself"
    );
    assert!(
        models["drift_milli"].is_null(),
        "two attempts say nothing of drift"
    );

    // It decides after a restart too; when its file is lost, the scorecard does.
    let mut house = house;
    for (file_lost, version) in [(false, 1), (true, 0)] {
        let directory = house.stop().await;
        if file_lost {
            std::fs::remove_dir_all(directory.path().join("models")).unwrap();
        }
        house = House::start_in(directory, |config| config).await;
        let (shop, payer) = (shop.at(&house), payer.at(&house));
        let paid = pay(&shop, &payer, &format!("restarted-{version}"), 500)
            .await
            .ok();
        let id = text(&paid["order"]["payment"]["transaction"]).replace("txn_", "dec_");
        let decision = author
            .at(house.address)
            .get(&format!("/v1/decisions/{id}"))
            .await
            .ok();
        assert_eq!(decision["risk"]["model_version"], version);
    }
    house.stop().await;
}

/// A small model trained on attempts of two kinds.
fn trained() -> String {
    use std::fmt::Write as _;
    let mut csv = "time,label,amount,payer\n".to_owned();
    for row in 0..4_000 {
        let fraud = row % 20 == 0;
        let amount = if fraud { 90_000 + row } else { 1_000 + row };
        writeln!(
            csv,
            "{},{},{amount},p{}",
            1_700_000_000 + row * 600,
            u8::from(fraud),
            row % 97
        )
        .unwrap();
    }
    let columns = fraud::evaluate::Columns {
        time: "time".to_owned(),
        label: "label".to_owned(),
        amount: Some("amount".to_owned()),
        entities: vec![(fraud::Role::Payer, "payer".to_owned())],
        ..Default::default()
    };
    let trainer = fraud::Boosting::default();
    let model = fraud::evaluate::train(csv.as_bytes(), &columns, &trainer, 1, &mut |_| {}).unwrap();
    model.to_json()
}
