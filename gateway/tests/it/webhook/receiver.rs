//! A shop's server, on a free port of this machine.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use gateway::webhook::{Endpoint, ID_HEADER};
use tokio::net::TcpListener;

use super::endpoint;

/// What a receiver answers to its nth request, counted from 0.
pub(super) type Answer = Pin<Box<dyn Future<Output = StatusCode> + Send>>;

/// A shop's server.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    pub(super) async fn start(
        answer: impl Fn(usize) -> Answer + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let handle = move |headers: HeaderMap, body: Bytes| {
            let number = {
                let mut seen = record.lock().unwrap();
                seen.push((headers, body));
                seen.len() - 1
            };
            let answer = answer(number);
            async move {
                let status = answer.await;
                // Where a redirect would lead: to this receiver again, which would count it.
                (status, [(header::LOCATION, "/redirected")]).into_response()
            }
        };
        tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(any(handle)))
                .await
                .unwrap();
        });
        Self { address, seen }
    }

    pub(super) async fn answering(statuses: &'static [u16]) -> Self {
        Self::start(move |number| {
            let status = *statuses.get(number).unwrap_or(&200);
            Box::pin(async move { StatusCode::from_u16(status).unwrap() })
        })
        .await
    }

    pub(super) fn endpoint(&self, id: &str) -> Endpoint {
        endpoint(id, &format!("http://{}/hooks?shop=7", self.address))
    }

    pub(super) fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.seen.lock().unwrap().clone()
    }

    /// The ids of the webhooks that came, in order.
    pub(super) fn ids(&self) -> Vec<String> {
        let id =
            |(headers, _): &(HeaderMap, Bytes)| headers[ID_HEADER].to_str().unwrap().to_owned();
        self.seen().iter().map(id).collect()
    }
}
