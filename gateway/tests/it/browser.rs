//! The checkout in a real browser: Chromium, driven by chromedriver over the W3C's `WebDriver` protocol, of which a
//! handful of commands is enough.

use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::qr::{decode, find_code};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::server::{Client, Server};

/// How long a page may take to show what it must.
const PAGE_WAIT_MAX: Duration = Duration::from_secs(30);
/// A phone's window.
const PHONE: &str = "--window-size=412,915";
/// How Chromium is told that its user prefers dark pages.
const DARK: &str = "--blink-settings=preferredColorScheme=0";
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one window, and the address at which chromedriver answers for it.
struct Browser {
    session: String,
    http: reqwest::Client,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    async fn new(flags: &[&str]) -> Self {
        let (driver, address) = start_driver().await;
        let profile = TempDir::new().unwrap();
        let place = format!("--user-data-dir={}", profile.path().display());
        let flags: Vec<&str> = FLAGS
            .iter()
            .chain(flags)
            .copied()
            .chain([place.as_str()])
            .collect();
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": {"args": flags}});
        let mut browser = Self {
            session: format!("{address}/session"),
            http: reqwest::Client::new(),
            _driver: driver,
            _profile: profile,
        };
        let session = browser
            .tell("", json!({"capabilities": {"alwaysMatch": wanted}}))
            .await;
        browser.session = format!(
            "{}/{}",
            browser.session,
            session["sessionId"].as_str().unwrap()
        );
        browser
    }

    /// Gives a command of the protocol, which must succeed.
    async fn tell(&self, command: &str, with: Value) -> Value {
        let request = self
            .http
            .post(format!("{}{command}", self.session))
            .json(&with);
        value(request.send().await.unwrap(), command).await
    }

    async fn ask(&self, command: &str) -> Value {
        let request = self.http.get(format!("{}{command}", self.session));
        value(request.send().await.unwrap(), command).await
    }

    async fn goto(&self, url: &str) {
        self.tell("/url", json!({"url": url})).await;
    }

    async fn address(&self) -> String {
        text(&self.ask("/url").await)
    }

    /// Waits until an element is there, and returns its address in the protocol.
    async fn find(&self, css: &str) -> String {
        let find = json!({"using": "css selector", "value": css});
        let started = Instant::now();
        while started.elapsed() < PAGE_WAIT_MAX {
            let found = self.tell("/elements", find.clone()).await;
            if let Some(element) = found.as_array().and_then(|found| found.first()) {
                let id = element
                    .as_object()
                    .and_then(|element| element.values().next());
                return format!("/element/{}", text(id.expect("an element has an id")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("there is no {css} on {}", self.address().await);
    }

    async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.tell(&format!("{element}/click"), json!({})).await;
    }

    /// The text of an element, once it is there.
    async fn read(&self, css: &str) -> String {
        let element = self.find(css).await;
        text(&self.ask(&format!("{element}/text")).await)
    }

    /// What the codes on the screen say.
    async fn codes_on_screen(&self) -> Vec<String> {
        let picture = STANDARD
            .decode(text(&self.ask("/screenshot").await))
            .unwrap();
        decode::payloads(&picture).expect("a code on the screen")
    }

    async fn close(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }
}

/// Starts chromedriver on a port of its choice.
async fn start_driver() -> (Child, String) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver is installed: apt-get install chromium chromium-driver");
    let mut says = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = says
            .next_line()
            .await
            .unwrap()
            .expect("chromedriver says its port before it ends");
        if let Some((_, port)) = line.split_once("successfully on port ") {
            return (
                driver,
                format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
            );
        }
    }
}

async fn value(answer: reqwest::Response, command: &str) -> Value {
    let status = answer.status();
    let mut answer: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{command}: {answer:#}");
    answer["value"].take()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_customer_pays_with_one_press() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    for looks in [&[PHONE][..], &[PHONE, DARK]] {
        let browser = Browser::new(looks).await;
        browser.goto(&server.url).await;
        browser.click("form[action='/demo'] button").await;

        // The code on the screen, whether the page is light or dark, leads a phone here.
        browser.find("[data-order] .code").await;
        let here = browser.address().await;
        assert_eq!(browser.codes_on_screen().await, [here.as_str()]);
        assert!(find_code(&here).is_some(), "{here}");
        let left = browser.read(".countdown").await;
        assert!(left.starts_with("1:59:") || left == "2:00:00", "{left}");

        browser.click("form.simulated button").await;
        assert_eq!(browser.read("[data-state]").await, "Paid");
        assert_eq!(browser.address().await, here);
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_looked_at_turns_to_paid_by_itself() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path()).await;
    let url = &server.url;
    let operator = Client::operator(data.path());
    let shop =
        json!({"name": "Shop", "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": 0});
    let shop = operator.post(url, "/v1/merchants", shop).await["merchant"]["id"].clone();
    let shop = operator
        .post(
            url,
            &format!("/v1/merchants/{}/keys", text(&shop)),
            Value::Null,
        )
        .await;
    let wallet = operator
        .post(
            url,
            "/v1/wallets",
            json!({"holder": "customer", "currencies": ["CNY"]}),
        )
        .await;
    let wallet = format!("/v1/wallets/{}", text(&wallet["wallet"]["id"]));
    let amount = json!({"amount": 700, "currency": "CNY"});
    operator
        .post(
            url,
            &format!("{wallet}/top-ups"),
            json!({"amount": amount, "reference": "bank"}),
        )
        .await;
    let payer = Client::of_key(
        &operator
            .post(url, &format!("{wallet}/keys"), Value::Null)
            .await,
    );
    let order = json!({"number": "A-1", "amount": amount, "description": "Soup"});
    let order = Client::of_key(&shop).post(url, "/v1/orders", order).await;

    let browser = Browser::new(&[PHONE]).await;
    browser.goto(&text(&order["checkout_url"])).await;
    browser.find("[data-order] .code").await;
    let pay = format!("/v1/orders/{}/pay", text(&order["order"]["id"]));
    payer.post(url, &pay, json!({})).await;
    assert_eq!(browser.read("[data-state]").await, "Paid");
    browser.close().await;
}
