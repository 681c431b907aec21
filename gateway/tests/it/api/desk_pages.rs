//! The analysts' pages, as a browser without a script sees them.

use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::house::{House, text};
use super::payment::order;

/// A browser that keeps one cookie and follows nothing by itself.
struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

struct Page {
    status: StatusCode,
    location: String,
    html: String,
}

impl Browser {
    fn new(house: &House) -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none());
        Self {
            http: client.build().unwrap(),
            base: format!("http://{}", house.address),
            cookie: String::new(),
        }
    }

    async fn see(&mut self, request: RequestBuilder) -> Page {
        let request = request.header("cookie", &self.cookie);
        let response = request.send().await.unwrap();
        let header = |name| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        if let Some(cookie) = header(SET_COOKIE) {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
            assert!(cookie.contains("; Secure"), "the public address is https");
            cookie
                .split(';')
                .next()
                .unwrap()
                .clone_into(&mut self.cookie);
        }
        Page {
            status: response.status(),
            location: header(LOCATION).unwrap_or_default(),
            html: response.text().await.unwrap(),
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.base));
        self.see(request).await
    }

    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self
            .form(path, fields)
            .header("sec-fetch-site", "same-origin");
        self.see(request).await
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let request = self.http.post(format!("{}{path}", self.base));
        let form = "application/x-www-form-urlencoded";
        request.header("content-type", form).body(body.finish())
    }

    async fn sign_in(&mut self, key: &Value) -> Page {
        let fields = [
            ("key_id", text(&key["id"])),
            ("secret", text(&key["secret"])),
        ];
        self.send("/analyst/sign-in", &fields).await
    }
}

/// The key that a page's form carries.
fn form_of(html: &str) -> String {
    let (_, rest) = html
        .split_once("name=\"form\" value=\"")
        .expect("a form has a key");
    rest.split('"').next().unwrap().to_owned()
}

async fn analysts_key(house: &House) -> Value {
    let asked = json!({"role": "analyst"});
    house.operator.post("/v1/keys", &asked).await.created()
}

#[tokio::test]
async fn only_an_analysts_key_opens_the_desk() {
    let house = House::start().await;
    let mut browser = Browser::new(&house);
    for path in ["/analyst", "/analyst/rules", "/analyst/cases/dec_1"] {
        let page = browser.get(path).await;
        assert_eq!(
            (page.status, page.location.as_str()),
            (StatusCode::SEE_OTHER, "/analyst/sign-in")
        );
    }
    let key = analysts_key(&house).await;
    let bank = house
        .operator
        .post("/v1/keys", &json!({"role": "bank"}))
        .await
        .created();
    let wrong = json!({"id": key["id"], "secret": "sk_wrong"});
    let nobody = json!({"id": "not a key", "secret": "sk_wrong"});
    for key in [&bank, &wrong, &nobody] {
        let page = browser.sign_in(key).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(browser.cookie.is_empty());
        assert!(!page.html.contains("sk_"), "a secret is not shown again");
    }
    let page = browser.sign_in(&key).await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, "/analyst")
    );
    assert!(
        browser
            .get("/analyst")
            .await
            .html
            .contains("Nothing waits here.")
    );

    // Another site's form does nothing, whatever cookie comes along.
    let form = [("form", "1"), ("when", "true"), ("act", "propose")];
    let foreign = browser
        .form("/analyst/rules", &form)
        .header("sec-fetch-site", "cross-site");
    assert_eq!(browser.see(foreign).await.status, StatusCode::FORBIDDEN);
    let foreign = browser
        .form("/analyst/rules", &form)
        .header("origin", "https://evil.example");
    assert_eq!(browser.see(foreign).await.status, StatusCode::FORBIDDEN);

    // A session ends when its key is revoked.
    let revoke = format!("/v1/keys/{}/revoke", text(&key["id"]));
    house.operator.post_empty(&revoke).await.ok();
    assert_eq!(browser.get("/analyst").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.sign_in(&key).await.status, StatusCode::FORBIDDEN);
    house.stop().await;
}

#[tokio::test]
async fn whoever_guesses_keys_keeps_no_analyst_out() {
    let house = House::start().await;
    let key = analysts_key(&house).await;
    let wrong = json!({"id": key["id"], "secret": "sk_wrong"});
    let mut stranger = Browser::new(&house);
    for _ in 0..40 {
        let page = stranger.sign_in(&wrong).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let page = Browser::new(&house).sign_in(&key).await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, "/analyst")
    );
    house.stop().await;
}

#[tokio::test]
async fn two_analysts_publish_a_rule_and_release_a_payment_without_a_script() {
    let house = House::start().await;
    let (mut one, mut other) = (Browser::new(&house), Browser::new(&house));
    let (first, second) = (analysts_key(&house).await, analysts_key(&house).await);
    one.sign_in(&first).await;
    other.sign_in(&second).await;
    let shop = house.merchant(&["CNY"]).await;
    let payer = house.wallet(&["CNY"], 100_000).await;
    let id = order(&shop, "before", 2_000).await;
    payer
        .client
        .post_empty(&format!("/v1/orders/{id}/pay"))
        .await
        .ok();

    // A condition is tried, corrected and proposed.
    let typo = one
        .send(
            "/analyst/rules",
            &[("form", "1"), ("when", "amounnt > 5.0"), ("act", "test")],
        )
        .await;
    assert!(typo.html.contains("line 1, column 1"), "{}", typo.html);
    let form = form_of(&typo.html);
    let fields = |act| {
        [
            ("form", form.as_str()),
            ("when", "amount > 1000.0"),
            ("act", act),
        ]
    };
    let tested = one.send("/analyst/rules", &fields("test")).await;
    assert!(tested.html.contains("Of 1 attempts"), "{}", tested.html);
    assert!(tested.html.contains("Others disturbed: 1 (100 %), 20.00"));
    let proposed = one.send("/analyst/rules", &fields("propose")).await;
    assert!(proposed.html.contains("somebody else approves it"));
    // Pressed twice, it is proposed once; and whoever approves it sees what it changes.
    one.send("/analyst/rules", &fields("propose")).await;
    let seen = other.get("/analyst/rules").await.html;
    assert_eq!(seen.matches("Adds tried_1.").count(), 1, "{seen}");
    let (_, rest) = seen.split_once("action=\"/analyst/rules/").unwrap();
    let draft = format!("/analyst/rules/{}", rest.split('"').next().unwrap());
    let form = form_of(&seen);
    let own = one
        .send(&draft, &[("form", &form), ("act", "approve")])
        .await;
    assert!(own.html.contains("Who proposed it cannot approve it"));
    let approved = other
        .send(&draft, &[("form", &form), ("act", "approve")])
        .await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER);
    assert!(
        other
            .get("/analyst/rules")
            .await
            .html
            .contains("Version 1, since")
    );

    // By the API it is made to hold money, and a case comes up.
    let client = (house.client(&first), house.client(&second));
    let rule = json!({"name": "large", "when": "amount > 1000.0", "action": "review", "because": "Large <b>"});
    let drafted = client
        .0
        .post("/v1/rules/drafts", &json!({"rules": [rule]}))
        .await
        .created();
    let approve = format!("/v1/rules/drafts/{}/approve", text(&drafted["draft"]["id"]));
    let seen = other.get("/analyst/rules").await.html;
    assert!(seen.contains("Removes tried_1."), "{seen}");
    let late = json!({"rules": [], "note": "Too late"});
    client.0.post("/v1/rules/drafts", &late).await.created();
    client.1.post_empty(&approve).await.ok();
    let seen = other.get("/analyst/rules").await.html;
    assert!(seen.contains("propose it again"), "{seen}");
    let id = order(&shop, "held", 2_000).await;
    let waits = payer
        .client
        .post(
            &format!("/v1/orders/{id}/pay"),
            &json!({"device": "phone-7"}),
        )
        .await
        .json();
    let case = format!("/analyst/cases/{}", text(&waits["pending"]["decision"]));
    let queue = one.get("/analyst").await.html;
    assert!(queue.contains(&case), "{queue}");
    let page = one.get(&case).await.html;
    assert!(
        page.contains("Large &#60;b&#62;"),
        "what people write is text: {page}"
    );
    let form = form_of(&page);
    let release = [
        ("form", form.as_str()),
        ("act", "release"),
        ("note", "known"),
    ];
    for _ in 0..2 {
        // Pressed twice, it happens once.
        assert_eq!(
            one.send(&case, &release).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let page = one.get(&case).await.html;
    assert!(page.contains("settled") && page.contains("known"), "{page}");
    let form = form_of(&page);
    let again = one
        .send(&case, &[("form", &form), ("act", "release"), ("note", "")])
        .await;
    assert!(again.html.contains("The payment does not wait for this"));
    assert!(page.contains("phone-7"), "the device is named: {page}");
    for act in ["fraud", "note", "freeze", "block_device"] {
        let form = form_of(&one.get(&case).await.html);
        let said = [("form", form.as_str()), ("act", act), ("note", "stolen")];
        assert_eq!(
            one.send(&case, &said).await.status,
            StatusCode::SEE_OTHER,
            "{act}"
        );
    }
    let page = one.get(&case).await.html;
    assert!(
        page.contains("Unfreeze the wallet") && page.contains("<strong>fraud</strong>"),
        "{page}"
    );
    let lists = client.0.get("/v1/lists?list=block").await.ok();
    assert_eq!(lists["entries"][0]["subject"], json!({"device": "phone-7"}));
    let report = one.get("/analyst/report").await.html;
    assert!(report.contains("Fraud report"), "{report}");
    let missing = one.get("/analyst/cases/dec_1").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    one.send("/analyst/sign-out", &[]).await;
    assert_eq!(one.get("/analyst").await.status, StatusCode::SEE_OTHER);
    house.stop().await;
}
