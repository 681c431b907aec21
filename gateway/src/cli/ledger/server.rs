//! The gateway that has the book, and the key that speaks for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use gateway::sign::{Signer, ToSign};
use reqwest::{Client, Method, Response, Url};
use uuid::Uuid;

use crate::cli::request::{self, ServerArgs};

/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// Sends signed requests.
pub(super) struct Server {
    url: Url,
    signer: Signer,
    http: Client,
}

impl Server {
    pub(super) fn new(args: &ServerArgs) -> Result<Self> {
        let key = request::key(&args.key_file)?;
        Ok(Self {
            url: args.url.clone(),
            signer: Signer::new(key.key_id, key.secret.as_bytes()),
            http: Client::builder().read_timeout(SILENCE_MAX).build()?,
        })
    }

    pub(super) async fn send(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Result<Response> {
        let url = self.url.join(target).context("the address is not one")?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970; set it")?;
        let to_sign = ToSign {
            method: method.as_str(),
            path: url.path(),
            query: url.query(),
            body: &body,
            idempotency_key: None,
        };
        let nonce = Uuid::new_v4().to_string();
        let headers = self
            .signer
            .sign(&to_sign, now.as_secs().try_into()?, &nonce)?;
        let server = url.origin().ascii_serialization();
        let mut sending = self.http.request(method, url);
        for (name, value) in headers.iter() {
            sending = sending.header(name, value);
        }
        if !body.is_empty() {
            sending = sending
                .header("content-type", "application/x-ndjson")
                .body(body);
        }
        let answer = sending.send().await;
        answer
            .with_context(|| format!("no answer from {server}: is `gateway serve` running there?"))
    }
}

/// What a server said why not, in one line.
pub(super) fn refusal(text: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    match (said("code"), said("detail"), said("hint")) {
        (code, _, _) if code.is_empty() => String::from_utf8_lossy(text).into_owned(),
        (code, detail, hint) => format!("{detail} {hint} ({code})"),
    }
}
