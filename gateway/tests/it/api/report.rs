//! The fraud report: over the API, and from the command line beside a gateway that runs.

use std::process::Command;

use serde_json::{Value, json};

use super::house::{House, Request, text};
use super::payment::order;
use crate::database;

#[tokio::test]
async fn the_report_says_what_was_caught_and_what_was_missed() {
    let house = House::start().await;
    let (analyst, other) = (house.analyst().await, house.analyst().await);
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    let rules = json!([
        {"name": "large", "when": "amount > 1000.0", "action": "deny", "because": "Large"},
        {"name": "odd", "when": "amount == 333.0", "action": "deny", "because": "Odd", "shadow": true}
    ]);
    let draft = analyst
        .post("/v1/rules/drafts", &json!({"rules": rules}))
        .await
        .created();
    let path = format!("/v1/rules/drafts/{}/approve", text(&draft["draft"]["id"]));
    other.post_empty(&path).await.ok();
    // Two large ones are denied, of which one was genuine; of the small ones a fraud of 3.33 is missed.
    for (number, amount) in [
        ("A", 5_000),
        ("B", 7_000),
        ("C", 333),
        ("D", 400),
        ("E", 500),
    ] {
        let id = order(&shop, number, amount).await;
        let answer = payer
            .client
            .post_empty(&format!("/v1/orders/{id}/pay"))
            .await;
        if amount > 1_000 {
            answer.refused("risk_denied");
        } else {
            answer.ok();
        }
    }
    house.views_catch_up().await;
    let cases = analyst.get("/v1/labels.csv").await;
    for line in String::from_utf8(cases.bytes).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let label = match cells[2] {
            "5000" | "333" => "fraud",
            "7000" => "genuine",
            _ => continue,
        };
        let path = format!("/v1/cases/{}/label", cells[10]);
        analyst.post(&path, &json!({"label": label})).await.ok();
    }

    house.views_catch_up().await;
    let found = analyst.get("/v1/reports/fraud").await.ok();
    assert_eq!(found["cut"], false);
    let report = &found["report"];
    let split = |frauds: (u64, u64), others: (u64, u64)| {
        json!({
            "frauds": {"attempts": frauds.0, "amount": frauds.1},
            "others": {"attempts": others.0, "amount": others.1}
        })
    };
    assert_eq!(report["all"], split((2, 5_333), (3, 7_900)));
    assert_eq!(report["labelled"], 3);
    assert_eq!(report["prevented"], split((1, 5_000), (1, 7_000)));
    assert_eq!(report["moved"], split((1, 333), (2, 900)));
    assert_eq!(
        (&report["precision_ppm"], &report["recall_ppm"]),
        (&json!(500_000), &json!(500_000))
    );
    let rule = |table: &str, name: &str| {
        let mut rules = report[table].as_array().unwrap().iter();
        rules.find(|rule| rule["name"] == name).unwrap().clone()
    };
    assert_eq!(
        report["recall_by_amount_ppm"],
        5_000 * 1_000_000_u64 / 5_333
    );
    assert_eq!(report["by_kind"][0]["name"], "payment");
    assert_eq!(report["by_kind"][0]["frauds"]["attempts"], 2);
    assert_eq!(found["drifted"], json!([]), "no model decides");
    assert_eq!(rule("by_rule", "large")["frauds"]["attempts"], 1);
    assert_eq!(rule("by_shadow_rule", "odd")["frauds"]["amount"], 333);
    let wrong = "/v1/reports/fraud?from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z";
    analyst.get(wrong).await.refused("parameter_invalid");
    payer
        .client
        .get("/v1/reports/fraud")
        .await
        .refused("forbidden_role");

    // The command line says the same of the same data.
    let data = house.data().to_owned();
    let told = gateway(&[
        "report",
        "fraud",
        "--data",
        data.to_str().unwrap(),
        "--from",
        "2026-01-01",
    ]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(&told, report);
    let csv = gateway(&["report", "fraud", "--data", data.to_str().unwrap(), "--csv"]);
    for line in [
        "rule,large,1,5000,1,7000,",
        "figure,precision_ppm,,,,,500000",
        "figure,labelled,,,,,3",
    ] {
        assert!(csv.lines().any(|found| found == line), "{csv}");
    }
    let curve = csv.lines().filter(|line| line.starts_with("curve,"));
    assert_eq!(curve.count(), report["curve"].as_array().unwrap().len());
    let html = gateway(&[
        "report",
        "fraud",
        "--data",
        data.to_str().unwrap(),
        "--html",
    ]);
    assert!(
        html.contains("<td>large</td><td>1</td><td>1</td>"),
        "{html}"
    );
    // Without bounds it says from when to when there were attempts.
    let year = &text(&report["first"])[..4];
    assert!(html.contains(&format!(" {year}, ")) && !html.contains(" 1970, "));
    assert!(report["first"].as_str() < report["last"].as_str());
    assert!(html.contains("<polyline") && !html.contains("<script") && !html.contains("http://"));
    house.stop().await;
}

/// What analysts labelled trains a model: from a file of either form, and from what the gateway lived through.
#[tokio::test]
async fn what_was_labelled_trains_the_next_model() {
    let house = House::start().await;
    let analyst = house.analyst().await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 1_000_000).await;
    for number in 0..40 {
        let amount = if number % 4 == 0 {
            50_000
        } else {
            100 + number
        };
        let id = order(&shop, &format!("N-{number}"), amount).await;
        let path = format!("/v1/orders/{id}/pay");
        payer.client.post_empty(&path).await.ok();
    }
    house.views_catch_up().await;
    let attempts = analyst.get("/v1/labels.csv").await;
    for line in String::from_utf8(attempts.bytes).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[2] == "50000" {
            let path = format!("/v1/cases/{}/label", cells[10]);
            analyst.post(&path, &json!({"label": "fraud"})).await.ok();
        }
    }
    house.views_catch_up().await;

    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let data = house.data().to_str().unwrap().to_owned();
    let [csv, parquet, few] = ["attempts.csv", "attempts.parquet", "few.csv"].map(at);
    for file in [&csv, &parquet] {
        gateway(&["fraud", "export", "--data", &data, "-o", file]);
    }
    let line = ["fraud", "export", "--data", &data, "--labelled", "-o", &few];
    gateway(&line);
    let over_the_api = analyst.get("/v1/labels.csv").await;
    assert_eq!(std::fs::read(&csv).unwrap(), over_the_api.bytes);
    let few = std::fs::read_to_string(&few).unwrap();
    assert_eq!(few.lines().count(), 1 + 10);

    let mut models = Vec::new();
    for source in [&csv, &parquet, &data] {
        let model = at("model.json");
        gateway(&["fraud", "train", "--data", source, "-o", &model]);
        let text = std::fs::read_to_string(&model).unwrap();
        let trained = fraud::Model::from_json(&text).unwrap();
        assert_eq!(trained.trained_on, (40, 10), "{source}");
        models.push(text);
    }
    assert!(models[0] == models[1], "both forms teach the same");
    let upload = Request {
        body: models[2].clone().into_bytes(),
        ..Request::post("/v1/models", &json!({}))
    };
    let added = analyst.send(upload).await.created();
    assert_eq!(
        (&added["model"]["rows"], &added["model"]["frauds"]),
        (&json!(40), &json!(10))
    );
    house.stop().await;
}

fn gateway(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let output = database::tell(&mut command, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}
