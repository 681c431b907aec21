//! The least that a server of signed JSON does: check who asks, read the body, and write it back.
//!
//! The signature, the digest and the nonce are checked by the same code as the gateway's; nothing is looked up but the key
//! in a table, nothing is kept but the nonce.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::client::unix_seconds;
use crate::sign::{NonceWindow, Presented, SignatureError, SignedHead, SigningKey};

/// Where it listens for what.
pub(super) const PATH: &str = "/v1/orders";
const BODY_BYTES_MAX: usize = 64 << 10;

/// An order, as a client sends it and as it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) number: String,
    pub(super) amount: Amount,
    pub(super) description: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amount {
    pub(super) amount: i64,
    pub(super) currency: String,
}

struct Echo {
    keys: HashMap<String, SigningKey>,
    nonces: NonceWindow,
}

/// Answers whoever has one of these keys until the task is ended.
pub(super) async fn serve(
    listener: TcpListener,
    keys: HashMap<String, SigningKey>,
) -> io::Result<()> {
    let echo = Echo {
        keys,
        nonces: NonceWindow::default(),
    };
    let router = Router::new()
        .route(PATH, post(answer))
        .with_state(Arc::new(echo));
    let listener = listener.tap_io(|stream| {
        // As the gateway does; without it nothing is measured but the kernel's patience.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    axum::serve(listener, router).await
}

async fn answer(State(echo): State<Arc<Echo>>, request: Request) -> Response {
    match echo.back(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(Refused) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Whoever asks wrongly: a load does not.
struct Refused;

impl From<SignatureError> for Refused {
    fn from(_: SignatureError) -> Self {
        Self
    }
}

impl Echo {
    async fn back(&self, request: Request) -> Result<Vec<u8>, Refused> {
        let (parts, body) = request.into_parts();
        let head = SignedHead {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
        };
        let now = unix_seconds();
        let presented = Presented::read(&head, now)?;
        let key = self.keys.get(presented.key_id).ok_or(Refused)?;
        presented.verify(key)?;
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Refused)?;
        presented.verify_body(&body)?;
        self.nonces.admit(presented.key_id, presented.nonce, now)?;
        let order: Order = serde_json::from_slice(&body).map_err(|_| Refused)?;
        serde_json::to_vec(&order).map_err(|_| Refused)
    }
}
