//! Following what happens in a book.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::tenant::{Tenant, posting};
use crate::api::house::{House, Request, text};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
const PATH: &str = "/v1/ledger/events";

/// An answer that is read as it comes.
struct Follower {
    response: reqwest::Response,
    unread: String,
}

impl Follower {
    async fn open(tenant: &Tenant, query: &str, headers: &[(&'static str, &str)]) -> Self {
        let request = Request::new(Method::GET, &format!("{PATH}{query}"));
        let mut signed = request.headers(&tenant.client.signer);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            signed.insert(HeaderName::from_static(name), value);
        }
        let url = format!("http://{}{}", tenant.client.address, request.path);
        let sent = reqwest::Client::new().get(url).headers(signed).send();
        let response = sent.await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            unread: String::new(),
        }
    }

    /// The next text up to a separator; none when the answer has ended.
    async fn next(&mut self, separator: &str) -> Option<String> {
        loop {
            if let Some(end) = self.unread.find(separator) {
                let rest = self.unread.split_off(end + separator.len());
                let mut first = std::mem::replace(&mut self.unread, rest);
                first.truncate(end);
                return Some(first);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk());
            let chunk = chunk.await.expect("something comes in time").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event, as a line.
    async fn line(&mut self) -> Option<Value> {
        let line = self.next("\n").await?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?} is no event")))
    }

    /// All lines up to the end.
    async fn lines(mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }

    /// The next server-sent event: its id and its data.
    async fn message(&mut self) -> (String, Value) {
        let message = self.next("\n\n").await.expect("the answer goes on");
        let mut lines = message.lines();
        let id = lines.next().and_then(|line| line.strip_prefix("id: "));
        let data = lines.next().and_then(|line| line.strip_prefix("data: "));
        let data = serde_json::from_str(data.unwrap()).unwrap();
        (id.unwrap().to_owned(), data)
    }
}

/// What has happened up to a place, told and ended.
async fn told(tenant: &Tenant, after: &str, at_least: &str) -> Vec<Value> {
    let query = format!("?follow=false&at_least={at_least}{after}");
    Follower::open(tenant, &query, &[]).await.lines().await
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(&event["type"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_in_order_with_the_balances_it_led_to() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
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
    let held = json!({"postings": [posting("customers:alice", "income:fees", 300)]});
    let held = client.post("/v1/ledger/holds", &held).await.created();
    let hold = format!("/v1/ledger/holds/{}", text(&held["id"]));
    let part = json!({"amounts": [100]});
    let captured = client
        .post(&format!("{hold}/capture"), &part)
        .await
        .created();
    client.post_empty(&format!("{hold}/release")).await.ok();
    let reverse = format!("/v1/ledger/transactions/{}/reverse", text(&captured["id"]));
    client.post_empty(&reverse).await.created();
    let change =
        json!({"limits": {"minimum": -5}, "state": "frozen", "description": {"reference": "VIP"}});
    let changed = client
        .post("/v1/ledger/accounts/customers:alice", &change)
        .await
        .ok();

    let events = told(&tea, "", text(&changed["sequence"])).await;
    let opened = vec!["account.opened"; 4];
    let expected = [
        "book.set",
        "transaction.posted",
        "hold.created",
        "transaction.posted",
        "hold.captured",
        "hold.released",
        "transaction.posted",
        "transaction.reversed",
        "account.limits_set",
        "account.described",
        "account.state_set",
    ];
    assert_eq!(
        types(&events),
        [&expected[..1], &opened, &expected[1..]].concat()
    );
    assert_eq!(events[1]["data"]["account"], "assets:bank");
    let post = &events[5];
    assert_eq!(post["data"]["id"], sold["id"]);
    assert_eq!(post["data"]["metadata"]["table"], "4");
    assert_eq!(post["data"]["effective_at"], "2020-01-15T00:00:00.000000Z");
    assert_eq!(
        post["data"]["postings"][0],
        posting("assets:bank", "customers:alice", 1_000)
    );
    assert_eq!(post["sequence"], sold["sequence"]);
    assert_eq!(post["balances"], sold["balances"]);
    assert_eq!(events[6]["balances"], held["balances"]);
    assert_eq!(events[8]["data"]["transaction"], captured["id"]);
    assert_eq!(events[8]["balances"], captured["balances"]);
    assert_eq!(events[9]["data"]["amounts"], json!([200]));
    assert_eq!(events[9]["balances"][0]["held_out"]["amount"], 0);
    assert_eq!(events[11]["data"]["id"], captured["id"]);

    for (place, event) in events.iter().enumerate() {
        let after = format!("&after={}", text(&event["id"]));
        let rest = told(&tea, &after, text(&changed["sequence"])).await;
        assert_eq!(rest, events[place + 1..], "after {event}");
    }
    let after = format!("&after={}", text(&sold["sequence"]));
    let rest = told(&tea, &after, text(&changed["sequence"])).await;
    assert_eq!(rest, events[6..], "after all of a place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_told_in_pieces_and_each_tenant_hears_of_its_own() {
    let house = House::start().await;
    let (tea, rice) = (Tenant::open(&house).await, Tenant::open(&house).await);
    let batch = |count| -> Value {
        let one = |n: u32| match n % 3 {
            0 => {
                json!({"metadata": {"n": n.to_string()}, "postings": [posting("assets:bank", "customers:alice", 1)]})
            }
            _ => json!({"postings": [posting("assets:bank", "customers:alice", 1)]}),
        };
        (0..count).map(one).collect()
    };
    let mut last = String::new();
    for count in [700, 800, 90] {
        for tenant in [&tea, &rice] {
            let asked = Request::post("/v1/ledger/transactions/bulk", &batch(count));
            let answer = tenant.client.send(asked).await;
            let line = answer
                .bytes
                .trim_ascii_end()
                .rsplit(|byte| *byte == b'\n')
                .next();
            let line: Value = serde_json::from_slice(line.unwrap()).unwrap();
            text(&line["sequence"]).clone_into(&mut last);
        }
    }
    let events = told(&tea, "", &last).await;
    assert_eq!(events.len(), 1 + 4 + 1_590);
    let mut balance = 0;
    for event in &events[5..] {
        balance += 1;
        assert_eq!(
            event["balances"][1]["balance"]["amount"], balance,
            "{event}"
        );
    }
    let marked = events
        .iter()
        .filter(|event| event["data"]["metadata"]["n"].is_string());
    assert_eq!(marked.count(), 234 + 267 + 30);
    let ids: Vec<(&str, u32)> = events
        .iter()
        .map(|event| {
            let (sequence, position) = text(&event["id"]).split_once('.').unwrap();
            (sequence, position.parse().unwrap())
        })
        .collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "ids only go up");
    assert_eq!(told(&rice, "", &last).await.len(), events.len());
    let empty = Tenant::empty(&house).await;
    house.views_catch_up().await;
    assert_eq!(types(&told(&empty, "", &last).await), ["book.set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_hears_of_what_happens_and_goes_on_where_it_broke_off() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    let first = tea.pay("assets:bank", "customers:alice", 10).await;
    let after = format!("?after={}", text(&first["sequence"]));
    let mut lines = Follower::open(&tea, &after, &[]).await;
    let accept = ("accept", "text/event-stream");
    let mut messages = Follower::open(&tea, &after, &[accept]).await;
    let media = messages.response.headers()["content-type"].clone();
    assert_eq!(media, "text/event-stream");

    let mut seen = String::new();
    for amount in [1, 2, 3] {
        let paid = tea.pay("assets:bank", "customers:alice", amount).await;
        let line = lines.line().await.unwrap();
        assert_eq!(line["data"]["id"], paid["id"]);
        let (id, data) = messages.message().await;
        assert_eq!((&data["id"], &data), (&Value::from(id.clone()), &line));
        seen = id;
    }
    drop(messages);
    let paid = tea.pay("assets:bank", "customers:alice", 4).await;
    let mut again = Follower::open(&tea, &after, &[accept, ("last-event-id", &seen)]).await;
    assert_eq!(again.message().await.1["data"]["id"], paid["id"]);

    assert_eq!(lines.line().await.unwrap()["data"]["id"], paid["id"]);
    house.stop().await;
    assert!(
        lines.line().await.is_none(),
        "the server's end is the answer's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_where_nothing_is_is_refused() {
    let house = House::start().await;
    let tea = Tenant::open(&house).await;
    for after in [
        "yesterday",
        "seq_0000ffffffffffffffff",
        "seq_00000000000000000001.x",
    ] {
        let path = format!("{PATH}?after={after}");
        tea.client.get(&path).await.refused("parameter_invalid");
    }
    house.operator.get(PATH).await.refused("forbidden_role");
}
