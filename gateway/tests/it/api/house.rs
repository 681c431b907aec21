//! A gateway of its own for a test: on a random port, in a directory that goes away with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use gateway::api::{self, Route};
use gateway::app::{self, App};
use gateway::config::Config;
use gateway::sign::{Signer, ToSign};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::database;

/// The address that is in codes and links: the same after a restart, unlike the port.
pub(super) const PUBLIC_URL: &str = "https://pay.example.com";

pub(super) struct House {
    pub(super) app: Arc<App>,
    pub(super) address: SocketAddr,
    pub(super) operator: Client,
    directory: TempDir,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl House {
    pub(super) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), |config| config).await
    }

    pub(super) async fn start_in(
        directory: TempDir,
        change: impl FnOnce(Config) -> Config,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config {
            listen: address,
            public_url: Some(PUBLIC_URL.to_owned()),
            ..Config::in_directory(directory.path())
        };
        if let Some(url) = database::of(directory.path()).await {
            config.database = url.parse().unwrap();
        }
        let config = change(config);
        let app = App::start(&config).await.unwrap().app;
        let (stop, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let serve = app::serve(app.clone(), listener, until);
        let serving = tokio::spawn(async { serve.await.unwrap() });
        let operator = Client::operator(address, directory.path());
        Self {
            app,
            address,
            operator,
            directory,
            stop,
            serving,
        }
    }

    /// Ends in good order and starts again on the same data, at another port.
    pub(super) async fn restart(self) -> Self {
        let directory = self.stop().await;
        Self::start_in(directory, |config| config).await
    }

    /// Waits until the views show everything that was written before.
    pub(super) async fn views_catch_up(&self) {
        let books = self.operator.get("/v1/trial-balance").await.ok();
        let newest = text(&books["sequence"]);
        let list = format!("/v1/orders?limit=1&at_least={newest}");
        self.operator.get(&list).await.ok();
    }

    pub(super) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
        self.app.shutdown().await;
        self.directory
    }

    /// Where it keeps its data.
    pub(super) fn data(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A merchant with a fee of 0.6% and its key.
    pub(super) async fn merchant(&self, currencies: &[&str]) -> Party {
        let asked = json!({
            "name": "Old Street Dumplings",
            "city": "Hangzhou",
            "currencies": currencies,
            "fee_basis_points": 60,
        });
        let opened = self.operator.post("/v1/merchants", &asked).await.created();
        self.party("merchants", &opened["merchant"]["id"]).await
    }

    /// A wallet and its key, topped up with so many minor units of its first currency.
    pub(super) async fn wallet(&self, currencies: &[&str], amount: i64) -> Party {
        let asked = json!({"holder": "customer-1", "currencies": currencies});
        let opened = self.operator.post("/v1/wallets", &asked).await.created();
        let party = self.party("wallets", &opened["wallet"]["id"]).await;
        if amount > 0 {
            let path = format!("/v1/wallets/{}/top-ups", party.id);
            let top_up = json!({
                "amount": {"amount": amount, "currency": currencies[0]},
                "reference": "bank transfer 1",
            });
            self.operator.post(&path, &top_up).await.created();
        }
        party
    }

    /// A key of somebody who looks for fraud.
    pub(super) async fn analyst(&self) -> Client {
        let asked = json!({"role": "analyst"});
        let key = self.operator.post("/v1/keys", &asked).await.created();
        self.client(&key)
    }

    pub(super) async fn party(&self, kind: &str, id: &Value) -> Party {
        let id = id.as_str().unwrap().to_owned();
        let path = format!("/v1/{kind}/{id}/keys");
        let key = self.operator.post_empty(&path).await.created();
        Party {
            client: self.client(&key),
            id,
        }
    }

    /// A client for a key as it was answered.
    pub(super) fn client(&self, key: &Value) -> Client {
        Client::new(self.address, text(&key["id"]), text(&key["secret"]))
    }

    pub(super) async fn assert_books_balance(&self) {
        let balance = self.operator.get("/v1/trial-balance").await.ok();
        assert_eq!(balance["balances"], true, "{balance}");
    }
}

/// A merchant or a wallet with a key.
pub(super) struct Party {
    pub(super) id: String,
    pub(super) client: Client,
}

impl Party {
    /// The same party with a gateway that was started again elsewhere.
    pub(super) fn at(&self, house: &House) -> Self {
        Self {
            id: self.id.clone(),
            client: self.client.at(house.address),
        }
    }
}

pub(super) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

/// Signs requests with one key and sends them.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) signer: Signer,
    http: reqwest::Client,
}

/// A request, for tests that change something about it before it is sent.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
    pub(super) idempotency_key: Option<String>,
    pub(super) created: i64,
    pub(super) nonce: String,
}

impl Request {
    pub(super) fn new(method: Method, path: &str) -> Self {
        let idempotency_key = (method == Method::POST).then(|| Uuid::now_v7().to_string());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            method,
            path: path.to_owned(),
            body: Vec::new(),
            content_type: "application/json",
            idempotency_key,
            created: i64::try_from(since.as_secs()).unwrap(),
            nonce: Uuid::new_v4().to_string(),
        }
    }

    pub(super) fn post(path: &str, body: &Value) -> Self {
        Self {
            body: serde_json::to_vec(body).unwrap(),
            ..Self::new(Method::POST, path)
        }
    }

    pub(super) fn key(self, key: &str) -> Self {
        Self {
            idempotency_key: Some(key.to_owned()),
            ..self
        }
    }

    /// The headers that this request must have when it is signed by this key.
    pub(super) fn headers(&self, signer: &Signer) -> HeaderMap {
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path.as_str(), None),
        };
        let to_sign = ToSign {
            method: self.method.as_str(),
            path,
            query,
            body: &self.body,
            idempotency_key: self.idempotency_key.as_deref(),
        };
        let made = signer.sign(&to_sign, self.created, &self.nonce).unwrap();
        let mut headers = HeaderMap::new();
        made.insert_into(&mut headers).unwrap();
        headers.insert("content-type", HeaderValue::from_static(self.content_type));
        headers
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: &str, secret: &str) -> Self {
        Self {
            address,
            signer: Signer::new(key, secret.as_bytes()),
            http: reqwest::Client::new(),
        }
    }

    /// The operator's key as the start left it in its file.
    fn operator(address: SocketAddr, data: &Path) -> Self {
        let text = std::fs::read_to_string(data.join("operator.key")).unwrap();
        let key: Value = serde_json::from_str(&text).unwrap();
        Self::new(
            address,
            self::text(&key["key_id"]),
            self::text(&key["secret"]),
        )
    }

    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::new(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Request::post(path, body)).await
    }

    pub(super) async fn post_empty(&self, path: &str) -> Answer {
        self.send(Request::new(Method::POST, path)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.send(Request::new(Method::DELETE, path)).await
    }

    pub(super) async fn send(&self, request: Request) -> Answer {
        let headers = request.headers(&self.signer);
        self.send_with(request, headers).await
    }

    /// Sends a request with headers of one's own making.
    pub(super) async fn send_with(&self, request: Request, headers: HeaderMap) -> Answer {
        let url = format!("http://{}{}", self.address, request.path);
        let sent = self.http.request(request.method.clone(), url);
        let response = sent
            .headers(headers)
            .body(request.body)
            .send()
            .await
            .unwrap();
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            bytes: response.bytes().await.unwrap().to_vec(),
        };
        answer.must_be_documented(&request.method, &request.path);
        answer
    }
}

/// The route that a request goes to, if there is one.
fn route_of(method: &Method, target: &str) -> Option<Route> {
    let path = target.split('?').next().unwrap_or_default();
    let fits = |pattern: &str| {
        let (pattern, path) = (pattern.split('/'), path.split('/'));
        pattern.clone().count() == path.clone().count()
            && pattern
                .zip(path)
                .all(|(wanted, given)| wanted == "{id}" || wanted == given)
    };
    let mut routes = api::routes().into_iter();
    routes.find(|route| route.method == *method && fits(route.path))
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    /// Whatever is answered is in the documentation of its route: its status, and the code of a refusal.
    #[track_caller]
    fn must_be_documented(&self, method: &Method, target: &str) {
        let Some(route) = route_of(method, target) else {
            return;
        };
        if self.status.is_success() {
            let waits = route.may_wait && self.status == StatusCode::ACCEPTED;
            assert!(waits || self.status == route.status, "{route:?}");
            return;
        }
        let problem = self.json();
        let documented = route
            .codes()
            .iter()
            .any(|code| problem["code"] == code.as_str());
        assert!(documented, "{route:?} does not document {problem}");
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(super) fn ok(self) -> Value {
        self.of_status(StatusCode::OK)
    }

    #[track_caller]
    pub(super) fn created(self) -> Value {
        self.of_status(StatusCode::CREATED)
    }

    #[track_caller]
    fn of_status(self, status: StatusCode) -> Value {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{body}");
        self.json()
    }

    /// A refusal with this code, in its proper form.
    #[track_caller]
    pub(super) fn refused(self, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            problem["code"],
            code,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"].as_str(), self.header("request-id"));
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        assert!(!problem["hint"].as_str().unwrap().is_empty());
        problem
    }
}
