//! A gateway in this process, for requests as a fuzzer makes them.
//!
//! ```text
//! ROLE METHOD TARGET
//! BODY
//! ```
//!
//! A role is `operator`, `analyst`, `merchant`, `wallet` or `ledger`; whoever asks signs well, because signatures have a
//! check of their own. `{merchant}`, `{wallet}`, `{payee}` and `{order}` stand for ids that are there.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, Uri};
use gateway::api;
use gateway::app::App;
use gateway::config::Config;
use gateway::sign::{Signer, ToSign};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_service::Service as _;

/// Of an answer. Streams that follow what happens never end.
const ANSWER_WAIT_MAX: Duration = Duration::from_millis(200);
const ANSWER_BYTES_MAX: usize = 64 << 20;

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("threads can be started");
    runtime.block_on(House::start()).with(runtime)
});

struct House {
    runtime: Option<Runtime>,
    router: Router,
    signers: Vec<(&'static str, Signer)>,
    ids: Vec<(&'static str, String)>,
    asked: AtomicU64,
    _directory: TempDir,
}

/// The request in some bytes, if there is one: it is answered, and not by an error of ours.
pub(crate) fn ask(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, body) = bytes.split_at(end.unwrap_or(bytes.len()));
    let body = body.get(1..).unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let mut words = line.splitn(3, ' ');
    let (Some(role), Some(method), Some(target)) = (words.next(), words.next(), words.next())
    else {
        return;
    };
    let of = &*HOUSE;
    let body = match std::str::from_utf8(body) {
        Ok(text) => of.placed(text).into_bytes(),
        Err(_) => body.to_owned(),
    };
    let runtime = of.runtime.as_ref().expect("it runs");
    let answered = runtime.block_on(of.send(role, method, &of.placed(target), body));
    if let Some((status, answer)) = answered {
        let ours = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
        let answer = String::from_utf8_lossy(&answer);
        assert!(!ours, "{line}: {status} {answer}");
    }
}

impl House {
    async fn start() -> Self {
        let directory = TempDir::new().expect("there is room");
        let config = Config::in_directory(directory.path());
        let app = App::start(&config).await.expect("it starts").app;
        let key = std::fs::read(directory.path().join("operator.key")).expect("it is written");
        let key: Value = serde_json::from_slice(&key).expect("it is JSON");
        let mut house = Self {
            runtime: None,
            router: api::router(app),
            signers: vec![("operator", signer(&key["key_id"], &key["secret"]))],
            ids: Vec::new(),
            asked: AtomicU64::new(0),
            _directory: directory,
        };
        house.furnish().await;
        house
    }

    fn with(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Somebody of each role, an order, and accounts.
    async fn furnish(&mut self) {
        let shop = r#"{"name": "Dumplings", "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": 60}"#;
        let shop = self.must("operator", "/v1/merchants", shop).await;
        self.name("merchant", &shop["merchant"]["id"]);
        for name in ["wallet", "payee"] {
            let wallet = r#"{"holder": "customer-1", "currencies": ["CNY", "USD"]}"#;
            let wallet = self.must("operator", "/v1/wallets", wallet).await;
            self.name(name, &wallet["wallet"]["id"]);
        }
        let top_up =
            r#"{"amount": {"amount": 1000000000, "currency": "CNY"}, "reference": "transfer 1"}"#;
        let path = "/v1/wallets/{wallet}/top-ups";
        self.must("operator", path, top_up).await;
        let book = r#"{"name": "Tea House Books", "offset_minutes": 480}"#;
        let book = self.must("operator", "/v1/books", book).await;
        self.name("book", &book["book"]["id"]);
        for (role, path, body) in [
            ("merchant", "/v1/merchants/{merchant}/keys", ""),
            ("wallet", "/v1/wallets/{wallet}/keys", ""),
            ("ledger", "/v1/books/{book}/keys", ""),
            ("analyst", "/v1/keys", r#"{"role": "analyst"}"#),
        ] {
            let key = self.must("operator", path, body).await;
            self.signers
                .push((role, signer(&key["id"], &key["secret"])));
        }
        let accounts = r#"{"accounts": [
            {"name": "assets:bank:cny", "kind": "asset", "currency": "CNY"},
            {"name": "customers:alice", "kind": "liability", "currency": "CNY"},
            {"name": "shops:tea", "kind": "liability", "currency": "CNY"}]}"#;
        self.must("ledger", "/v1/ledger/accounts", accounts).await;
        let order = r#"{"number": "A-1", "amount": {"amount": 1250, "currency": "CNY"}, "description": "Dumplings"}"#;
        let order = self.must("merchant", "/v1/orders", order).await;
        self.name("order", &order["order"]["id"]);
    }

    fn name(&mut self, name: &'static str, id: &Value) {
        let id = id.as_str().expect("it has an id").to_owned();
        self.ids.push((name, id));
    }

    async fn must(&self, role: &str, target: &str, body: &str) -> Value {
        let body = self.placed(body).into_bytes();
        let target = self.placed(target);
        let sent = self.send(role, "POST", &target, body).await;
        let (status, answer) = sent.expect("it is a request");
        let text = String::from_utf8_lossy(&answer);
        assert!(status.is_success(), "{target}: {status} {text}");
        serde_json::from_slice(&answer).expect("it is JSON")
    }

    /// A text with ids in place of their names.
    fn placed(&self, text: &str) -> String {
        let ids = self.ids.iter();
        ids.fold(text.to_owned(), |text, (name, id)| {
            text.replace(&format!("{{{name}}}"), id)
        })
    }

    async fn send(
        &self,
        role: &str,
        method: &str,
        target: &str,
        body: Vec<u8>,
    ) -> Option<(StatusCode, Vec<u8>)> {
        let signer = self.signers.iter().find(|(of, _)| *of == role);
        let uri: Uri = target.parse().ok()?;
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let (mut nonce, mut key) = (String::new(), String::new());
        write!(nonce, "nonce-{number}").ok()?;
        write!(key, "key-{number}").ok()?;
        let mut request = Request::builder().method(method).uri(&uri);
        if let Some((_, signer)) = signer {
            let to_sign = ToSign {
                method,
                path: uri.path(),
                query: uri.query(),
                body: &body,
                idempotency_key: Some(&key),
            };
            let signed = signer.sign(&to_sign, now(), &nonce).ok()?;
            for (name, value) in signed.iter() {
                request = request.header(name, value);
            }
        }
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body)).ok()?;
        let Ok(response) = self.router.clone().call(request).await;
        let status = response.status();
        let whole = to_bytes(response.into_body(), ANSWER_BYTES_MAX);
        let answer = tokio::time::timeout(ANSWER_WAIT_MAX, whole).await;
        let answer = answer.map_or_else(|_| Vec::new(), |read| read.unwrap_or_default().into());
        Some((status, answer))
    }
}

fn signer(id: &Value, secret: &Value) -> Signer {
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    Signer::new(text(id), text(secret).as_bytes())
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.expect("it is after 1970").as_secs();
    i64::try_from(seconds).expect("it is long before the end of time")
}
