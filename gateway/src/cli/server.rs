//! A gateway that runs, and a key that is known there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use gateway::sign::{Signer, ToSign};
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;
use uuid::Uuid;

use super::request::{self, ServerArgs};

/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// What a request carries.
#[derive(Debug, Default)]
pub(super) struct Sent<'a> {
    pub(super) body: Vec<u8>,
    pub(super) media: &'static str,
    pub(super) idempotency_key: Option<&'a str>,
}

/// Sends signed requests.
pub(super) struct Server {
    pub(super) url: Url,
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
        sent: Sent<'_>,
    ) -> Result<Response> {
        let url = self.url.join(target).context("the address is not one")?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970; set it")?;
        let to_sign = ToSign {
            method: method.as_str(),
            path: url.path(),
            query: url.query(),
            body: &sent.body,
            idempotency_key: sent.idempotency_key,
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
        if !sent.body.is_empty() {
            sending = sending.header("content-type", sent.media).body(sent.body);
        }
        let answer = sending.send().await;
        answer
            .with_context(|| format!("no answer from {server}: is `gateway serve` running there?"))
    }

    /// Posts JSON under a key of its own and returns the JSON that answers it. A refusal is an error.
    pub(super) async fn post(&self, target: &str, body: Option<&Value>) -> Result<Value> {
        let key = Uuid::now_v7().to_string();
        let sent = Sent {
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
            media: "application/json",
            idempotency_key: Some(&key),
        };
        answered(self.send(Method::POST, target, sent).await?).await
    }

    pub(super) async fn get(&self, target: &str) -> Result<Value> {
        answered(self.send(Method::GET, target, Sent::default()).await?).await
    }
}

async fn answered(answer: Response) -> Result<Value> {
    let status = answer.status();
    let text = answer.bytes().await.context("the answer broke off")?;
    if !status.is_success() {
        bail!("{}", refusal(&text));
    }
    serde_json::from_slice(&text).context("the answer is no JSON")
}

/// What a server said why not, in one line.
pub(super) fn refusal(text: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(text).unwrap_or_default();
    let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    match (said("code"), said("detail"), said("hint")) {
        (code, _, _) if code.is_empty() => String::from_utf8_lossy(text).into_owned(),
        (code, detail, hint) => format!("{detail} {hint} ({code})"),
    }
}
