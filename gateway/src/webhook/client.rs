//! Sends one webhook: an HTTP/1.1 POST with a time limit, that follows no redirect and uses no proxy.

use std::{error::Error, io, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    http::{HeaderValue, Method, Request, header},
};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

use super::{
    AddressError, Delivery, Endpoint, Reach, Settings,
    address::NameLookup,
    signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
};

/// The most of an answer's body that is read, only so that the connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error("the receiver did not answer in time")]
    Timeout,
    #[error("the receiver could not be reached: {0}")]
    Connection(String),
    #[error("the webhook may not go there: {0}")]
    Address(#[from] AddressError),
    #[error("the webhook cannot be put into a request: {0}")]
    Request(String),
    #[error("the receiver is down, and the webhook has waited for too long")]
    Expired,
}

impl Failure {
    /// Whether it speaks of the receiver as a whole rather than of this one webhook.
    pub(super) fn is_of_the_receiver(&self) -> bool {
        match self {
            Self::Status(status) => *status >= 500 || *status == 429,
            Self::Timeout | Self::Connection(_) | Self::Address(_) => true,
            Self::Request(_) | Self::Expired => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: HyperClient<HttpsConnector<HttpConnector<NameLookup>>, Full<Bytes>>,
    reach: Reach,
    timeout: Duration,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let mut tcp = HttpConnector::new_with_resolver(NameLookup(settings.reach));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.timeout));
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(&settings.extra_roots))
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.endpoint_under_way_max)
            .build(connector);
        Ok(Self {
            http,
            reach: settings.reach,
            timeout: settings.timeout,
        })
    }

    /// Makes one attempt at the time `now_s` (Unix seconds). A status from 200 to 299 is success.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        delivery: &Delivery,
        now_s: i64,
    ) -> Result<u16, Failure> {
        // A host that is an address never comes to the resolver, so it is looked at here.
        self.reach.check(&endpoint.url)?;
        let request = request(endpoint, delivery, now_s)?;
        match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<u16, Failure> {
        let answer = self
            .http
            .request(request)
            .await
            .map_err(|error| failure(&error))?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > ANSWER_BYTES_MAX {
                break;
            }
        }
        if status.is_success() {
            Ok(status.as_u16())
        } else {
            Err(Failure::Status(status.as_u16()))
        }
    }
}

fn request(
    endpoint: &Endpoint,
    delivery: &Delivery,
    now_s: i64,
) -> Result<Request<Full<Bytes>>, Failure> {
    let signature = sign(&endpoint.secrets, &delivery.id, now_s, &delivery.body);
    Request::builder()
        .method(Method::POST)
        .uri(endpoint.url.as_str())
        .header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
        .header(
            header::USER_AGENT,
            HeaderValue::from_static("Jiaozi-Webhooks/1"),
        )
        .header(ID_HEADER, &*delivery.id)
        .header(TIMESTAMP_HEADER, now_s)
        .header(SIGNATURE_HEADER, signature)
        .body(Full::new(delivery.body.clone()))
        .map_err(|error| Failure::Request(error.to_string()))
}

/// The certificate authorities that this machine trusts, and those that the operator adds. With none at all only
/// webhooks over https fail, each saying why.
fn roots(extra: &[Vec<u8>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(native.certs);
    if added == 0 {
        tracing::warn!(errors = ?native.errors, "this machine trusts no certificate authority; install ca-certificates");
    }
    roots.add_parsable_certificates(extra.iter().map(|der| CertificateDer::from(der.as_slice())));
    roots
}

/// The innermost cause says it best, and tells whether it was our own refusal.
fn failure(error: &(dyn Error + 'static)) -> Failure {
    let chain = || std::iter::successors(Some(error), |&error| error.source());
    let refused = chain().find_map(|cause| {
        let cause = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => inner as &(dyn Error + 'static),
            None => cause,
        };
        cause.downcast_ref::<AddressError>().copied()
    });
    match refused {
        Some(refused) => Failure::Address(refused),
        None => Failure::Connection(chain().last().map_or_else(String::new, ToString::to_string)),
    }
}
