//! The pages, asked for as a browser asks.

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Client, Server, Starting};

/// A gateway with a shop, and somebody who looks at its pages.
struct Visit {
    server: Server,
    http: reqwest::Client,
    operator: Client,
    shop: Client,
    _data: TempDir,
}

struct Page {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn must_say(&self, what: &str) {
        assert!(
            self.text.contains(what),
            "{what:?} is not on the page:\n{}",
            self.text
        );
    }

    fn must_not_say(&self, what: &str) {
        assert!(
            !self.text.contains(what),
            "{what:?} is on the page:\n{}",
            self.text
        );
    }

    /// The values of an attribute, in the order of the page.
    fn all(&self, attribute: &str) -> Vec<&str> {
        let begins = format!(" {attribute}=\"");
        let values = self.text.split(&begins).skip(1);
        values.filter_map(|rest| rest.split('"').next()).collect()
    }
}

impl Visit {
    async fn new() -> Self {
        Self::to(Starting::new, "Old Street Dumplings").await
    }

    async fn to(start: impl FnOnce(&Path) -> Starting, shop: &str) -> Self {
        let data = TempDir::new().unwrap();
        let server = start(data.path()).up().await;
        let operator = Client::operator(data.path());
        let new = json!({"name": shop, "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": 60});
        let made = operator.post(&server.url, "/v1/merchants", new).await;
        let keys = format!("/v1/merchants/{}/keys", text(&made["merchant"]["id"]));
        let key = operator.post(&server.url, &keys, Value::Null).await;
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            server,
            http,
            operator,
            shop: Client::of_key(&key),
            _data: data,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Page {
            status,
            headers,
            text: answer.text().await.unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(format!("{}{path}", self.server.url)))
            .await
    }

    async fn post(&self, path: &str) -> Page {
        self.send(self.http.post(format!("{}{path}", self.server.url)))
            .await
    }

    async fn order(&self, number: &str, description: &str, expires_in_s: u32) -> String {
        let new = json!({
            "number": number, "amount": {"amount": 1250, "currency": "CNY"}, "description": description,
            "expires_in_s": expires_in_s,
        });
        let made = self.shop.post(&self.server.url, "/v1/orders", new).await;
        text(&made["order"]["id"])
    }

    async fn state(&self, order: &str) -> String {
        let asked = self.get(&format!("/c/{order}/state")).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        text(&serde_json::from_str::<Value>(&asked.text).unwrap()["state"])
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}

#[tokio::test]
async fn a_checkout_tells_an_order_through_its_life() {
    let visit = Visit::new().await;
    let order = visit.order("A-1", "Dumplings, two baskets", 7200).await;
    let path = format!("/c/{order}");

    let page = visit.get(&path).await;
    assert_eq!(page.status, 200);
    for what in [
        "Old Street Dumplings",
        "12.50",
        "CNY",
        "Dumplings, two baskets",
        "A-1",
        "<svg",
        "test mode",
    ] {
        page.must_say(what);
    }
    assert_eq!(visit.state(&order).await, "open");

    let pressed = visit.post(&format!("{path}/pay")).await;
    assert_eq!(
        (pressed.status, pressed.header("location")),
        (303, path.as_str())
    );
    assert_eq!(visit.state(&order).await, "paid");
    let page = visit.get(&path).await;
    page.must_say("data-state=\"paid\"");
    page.must_say("12.50 CNY");
    page.must_not_say("simulated");

    // A second press is no second payment.
    assert_eq!(visit.post(&format!("{path}/pay")).await.status, 303);
    let books = visit
        .operator
        .get(&visit.server.url, "/v1/trial-balance")
        .await;
    assert_eq!(books["lines"][0]["debits"], 2 * 1250, "{books}");

    let refund = |number: &str, amount: i64| json!({"number": number, "amount": {"amount": amount, "currency": "CNY"}, "reason": "cold"});
    let refunds = format!("/v1/orders/{order}/refunds");
    visit
        .shop
        .post(&visit.server.url, &refunds, refund("R-1", 250))
        .await;
    let page = visit.get(&path).await;
    page.must_say("data-state=\"partly_refunded\"");
    page.must_say("2.50 CNY");
    page.must_say("10.00 CNY");
    visit
        .shop
        .post(&visit.server.url, &refunds, refund("R-2", 1000))
        .await;
    visit.get(&path).await.must_say("data-state=\"refunded\"");
}

#[tokio::test]
async fn the_link_of_a_printed_code_says_who_is_paid_and_can_be_printed() {
    let visit = Visit::new().await;
    let url = &visit.server.url;
    let print = |asked: Value| visit.shop.post(url, "/v1/printed-codes", asked);
    let table = json!({
        "description": "Table 7, the menu", "amount": {"amount": 8800, "currency": "CNY"},
        "till": {"store": "Old Street", "terminal": "<b>7</b>"},
    });
    let table = text(&print(table).await["code"]["id"]);
    let till = json!({"description": "Dumplings", "currency": "CNY"});
    let till = text(&print(till).await["code"]["id"]);
    for (code, says) in [(&table, "88.00"), (&till, "enter the amount in CNY")] {
        for page in [format!("/c/{code}"), format!("/c/{code}/stand")] {
            let page = visit.get(&page).await;
            assert_eq!(page.status, 200);
            for what in ["Old Street Dumplings", says, "<svg"] {
                page.must_say(what);
            }
            page.must_not_say("<b>7</b>");
        }
        let stand = visit.get(&format!("/c/{code}/stand")).await;
        stand.must_say(&format!("/c/{code}"));
    }
    let retire = format!("/v1/printed-codes/{table}/retire");
    visit.shop.post(url, &retire, Value::Null).await;
    for page in [format!("/c/{table}"), format!("/c/{table}/stand")] {
        let page = visit.get(&page).await;
        page.must_say("This code is not used any more");
        page.must_not_say("88.00");
    }
    for nothing in [
        "/c/cod_00000000000000000000000000000000",
        "/c/ord_1/stand",
        "/c/x/stand",
    ] {
        let page = visit.get(nothing).await;
        assert_eq!(page.status, 404, "{nothing}");
        page.must_say("<h1 ");
    }
}

#[tokio::test]
async fn what_cannot_be_paid_any_more_says_so() {
    let visit = Visit::new().await;
    let closed = visit.order("A-1", "Tea", 7200).await;
    visit
        .shop
        .post(
            &visit.server.url,
            &format!("/v1/orders/{closed}/close"),
            Value::Null,
        )
        .await;
    let expired = visit.order("A-2", "Tea", 1).await;
    while visit.state(&expired).await == "open" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (order, state) in [(&closed, "closed"), (&expired, "expired")] {
        let page = visit.get(&format!("/c/{order}")).await;
        page.must_say(&format!("data-state=\"{state}\""));
        page.must_not_say("<form");
        // Whoever still has the open page before them and presses is told the same.
        let pressed = visit.post(&format!("/c/{order}/pay")).await;
        pressed.must_say(&format!("data-state=\"{state}\""));
        assert_eq!(&visit.state(order).await, state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_page_can_be_is_a_page_that_says_so() {
    let visit = Visit::new().await;
    for (method, path, status) in [
        ("GET", "/c/%ff", 422),
        ("GET", "/assets/%ff", 422),
        ("PUT", "/c/x", 405),
        ("DELETE", "/", 405),
        ("GET", "/c/ord_1/pay", 405),
    ] {
        let url = format!("{}{path}", visit.server.url);
        let page = visit
            .send(visit.http.request(method.parse().unwrap(), url))
            .await;
        assert!(
            page.status == status || page.status == 400,
            "{method} {path}: {}",
            page.status
        );
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{method} {path}"
        );
        page.must_say("<h1 ");
    }
}

#[tokio::test]
async fn an_address_that_nothing_has_is_a_page_for_browsers_and_a_problem_for_programs() {
    let visit = Visit::new().await;
    for path in ["/nowhere", "/v1/nowhere", "/docs/nowhere"] {
        let request = || visit.http.get(format!("{}{path}", visit.server.url));
        let accepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let page = visit.send(request().header("accept", accepts)).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.header("content-security-policy").contains("'none'"));
        page.must_say("There is nothing at this address");
        for accepts in ["*/*", "application/json"] {
            let told = visit.send(request().header("accept", accepts)).await;
            let problem: Value = serde_json::from_str(&told.text).unwrap();
            assert_eq!(
                (told.status, &problem["code"], &problem["detail"]),
                (
                    404,
                    &json!("not_found"),
                    &json!(format!("There is nothing at {path}."))
                )
            );
            assert_eq!(told.header("content-type"), "application/problem+json");
            assert_eq!(told.header("request-id"), problem["request_id"]);
        }
    }
}

#[tokio::test]
async fn an_unknown_order_is_a_page_that_says_so() {
    let visit = Visit::new().await;
    for id in [
        "ord_00000000000000000000000000000000",
        "ord_1",
        "%F0%9F%A5%9F",
        "a%2Fb",
    ] {
        let page = visit.get(&format!("/c/{id}")).await;
        assert_eq!(page.status, 404, "{id}");
        page.must_say("No such order");
        assert_eq!(
            visit.post(&format!("/c/{id}/pay")).await.status,
            404,
            "{id}"
        );
        let state = visit.get(&format!("/c/{id}/state")).await;
        assert_eq!(
            (state.status, state.header("content-type")),
            (404, "application/problem+json"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn what_a_shop_writes_is_text_and_nothing_else() {
    let name = "<script>alert(1)</script>\" onload='x' &amp;";
    let visit = Visit::to(Starting::new, name).await;
    let order = visit
        .order("A-1", "</title><img src=x onerror=alert(2)>{{7*7}}", 7200)
        .await;
    for _ in 0..2 {
        let page = visit.get(&format!("/c/{order}")).await;
        for markup in ["<script>", "<img", "onload='"] {
            page.must_not_say(markup);
        }
        page.must_say("{{7*7}}");
        assert_eq!(page.text.matches("</title>").count(), 1);
        visit.post(&format!("/c/{order}/pay")).await;
    }
}

#[tokio::test]
async fn a_live_gateway_simulates_nobody() {
    let live = |data: &Path| {
        Starting::with(
            data,
            &["--mode", "live", "--public-url", "https://pay.example"],
        )
    };
    let visit = Visit::to(live, "Old Street Dumplings").await;
    let order = visit.order("A-1", "Tea", 7200).await;
    let page = visit.get(&format!("/c/{order}")).await;
    for what in ["test mode", "simulated", "<form"] {
        page.must_not_say(what);
    }
    visit.get("/").await.must_not_say("<form");
    for path in ["/demo".to_owned(), format!("/c/{order}/pay")] {
        let answer = visit.post(&path).await;
        assert!(
            matches!(answer.status, 404 | 405),
            "{path}: {}",
            answer.status
        );
    }
    assert_eq!(visit.state(&order).await, "open");
}

#[tokio::test]
async fn every_page_is_guarded_and_loads_only_what_is_here() {
    let visit = Visit::new().await;
    let order = visit.order("A-1", "Tea", 7200).await;
    let open = format!("/c/{order}");
    for path in ["/", "/docs", "/docs/errors", &open, "/c/nothing"] {
        let page = visit.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for what in [
            "<!doctype html>",
            "<html lang=\"en\">",
            "name=\"viewport\"",
            "<h1",
        ] {
            page.must_say(what);
        }
        for forbidden in [" style=", "<style", "javascript:", " onclick=", "<script>"] {
            page.must_not_say(forbidden);
        }
        for address in [page.all("src"), page.all("href")].concat() {
            if let Some(asset) = address.strip_prefix("/assets/") {
                let asset = visit.get(&format!("/assets/{asset}")).await;
                assert_eq!(asset.status, 200, "{address}");
                assert!(
                    asset.header("cache-control").contains("immutable"),
                    "{address}"
                );
            }
        }
        let loaded = page
            .text
            .split("<link")
            .skip(1)
            .chain(page.text.split("<script").skip(1));
        for tag in loaded {
            let tag = tag.split('>').next().unwrap();
            assert!(tag.contains("=\"/assets/"), "{path} loads {tag}");
        }
    }
    assert_eq!(visit.get("/assets/page.css").await.status, 404);
}

#[tokio::test]
async fn the_documentation_describes_every_route_and_every_code() {
    let visit = Visit::new().await;
    let document: Value = serde_json::from_str(&visit.get("/openapi.json").await.text).unwrap();
    let (docs, errors) = (visit.get("/docs").await, visit.get("/docs/errors").await);
    let ids = docs.all("id");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        docs.must_say(path);
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            assert!(
                ids.contains(&operation["operationId"].as_str().unwrap()),
                "{method} {path}"
            );
        }
    }
    assert!(operations > 10, "only {operations} operations");
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(ids.contains(&name.as_str()), "schema {name}");
    }
    for code in gateway::problem::Code::ALL {
        errors.must_say(&format!("id=\"{}\"", code.as_str()));
    }
    let codes = errors.all("id");
    for link in [docs.all("href"), errors.all("href")].concat() {
        let here = link
            .strip_prefix('#')
            .is_none_or(|id| ids.contains(&id) || codes.contains(&id));
        let there = link
            .strip_prefix("/docs/errors#")
            .is_none_or(|code| codes.contains(&code));
        assert!(here && there, "{link} leads nowhere");
    }
}

#[tokio::test]
async fn the_home_page_makes_an_order_to_try() {
    let visit = Visit::new().await;
    visit.get("/").await.must_say("action=\"/demo\"");
    let first = visit.post("/demo").await;
    assert_eq!(first.status, 303);
    visit
        .get(first.header("location"))
        .await
        .must_say("Pay as a simulated customer");
    // One shop, another order.
    let second = visit.post("/demo").await;
    assert_ne!(first.header("location"), second.header("location"));
}
