//! A merchant's server that hears of what happened, and checks every signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gateway::webhook::{ID_HEADER, WebhookSecret, verify};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::house::{Client, text};

/// A test that waits longer than this for a webhook has failed.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) struct Receiver {
    pub(super) endpoint: String,
    secret: WebhookSecret,
    heard: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    answer: Arc<AtomicU16>,
}

/// A webhook whose signature was good.
pub(super) struct Heard {
    pub(super) id: String,
    pub(super) body: Value,
}

impl Receiver {
    /// Listens on a random port and tells the gateway so, in the name of a merchant.
    pub(super) async fn for_merchant(merchant: &Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hear, heard) = mpsc::unbounded_channel();
        let answer = Arc::new(AtomicU16::new(StatusCode::NO_CONTENT.as_u16()));
        let answered = answer.clone();
        let receive = move |headers: HeaderMap, body: Bytes| async move {
            let _ = hear.send((headers, body));
            StatusCode::from_u16(answered.load(Ordering::SeqCst)).unwrap()
        };
        let router = Router::new().route("/hook", post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let asked = json!({"url": format!("http://{address}/hook")});
        let created = merchant
            .post("/v1/webhook-endpoints", &asked)
            .await
            .created();
        Self {
            endpoint: text(&created["endpoint"]["id"]).to_owned(),
            secret: WebhookSecret::parse(text(&created["secret"])).unwrap(),
            heard,
            answer,
        }
    }

    /// From now on it answers with this status.
    pub(super) fn answers(&self, status: StatusCode) {
        self.answer.store(status.as_u16(), Ordering::SeqCst);
    }

    /// The next webhook, whose signature must be good.
    pub(super) async fn next(&mut self) -> Heard {
        let heard = tokio::time::timeout(WAIT_MAX, self.heard.recv()).await;
        let (headers, body) = heard.expect("a webhook comes in time").unwrap();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(since.as_secs()).unwrap();
        verify(std::slice::from_ref(&self.secret), &headers, &body, now)
            .expect("its signature is good");
        Heard {
            id: headers[ID_HEADER].to_str().unwrap().to_owned(),
            body: serde_json::from_slice(&body).unwrap(),
        }
    }

    /// Whether nothing more has come so far.
    pub(super) fn is_silent(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}
