//! `gateway request`: a first signed request in one line, and later the quickest way to ask anything.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use gateway::sign::{SignedHeaders, Signer, ToSign};
use reqwest::{Method, Url};
use serde::Deserialize;
use uuid::Uuid;

use super::{NO, print_bytes};

const EXAMPLES: &str = "\
The key file is JSON with the members \"key_id\" and \"secret\", as `gateway serve` writes for the operator and as the
answer to making a key can be saved. Exit code 1 when the server refuses.

Examples:
  gateway request GET /v1/trial-balance --key-file jiaozi-data/operator.key
  gateway request POST /v1/orders --key-file shop.key --data @order.json
  gateway request POST /v1/scan --key-file wallet.key --data @photo.jpg --content-type image/jpeg
  gateway request GET /v1/trial-balance --key-file jiaozi-data/operator.key --curl";

/// How long an answer may take, long polls included.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(90);

/// Sign a request, send it, and print the answer.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Request {
    /// GET, POST, PUT, PATCH or DELETE.
    method: Method,
    /// The path, with its query if there is one: /v1/orders?limit=10
    path: String,
    /// The body: text, or @FILE for a file's contents.
    #[arg(short, long, value_name = "TEXT")]
    data: Option<String>,
    /// What the body is.
    #[arg(long, value_name = "MEDIA", default_value = "application/json")]
    content_type: String,
    #[command(flatten)]
    server: ServerArgs,
    /// The key that makes a retry safe; a new one for each POST when not given, and told on standard error.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Print the request as a curl command instead of sending it; good for five minutes, once.
    #[arg(long)]
    curl: bool,
}

/// Which gateway is asked, and with whose key.
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// The file of the key to sign with.
    #[arg(short, long, env = "JIAOZI_KEY_FILE", value_name = "FILE")]
    pub(super) key_file: PathBuf,
    /// The address of the gateway.
    #[arg(
        long,
        env = "JIAOZI_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(super) url: Url,
}

/// A key as it is kept in a file. The answer to making a key calls its id `id`.
#[derive(Deserialize)]
pub(super) struct KeyFile {
    #[serde(alias = "id")]
    pub(super) key_id: String,
    pub(super) secret: String,
}

/// A request, signed and ready to be sent.
struct Signed {
    url: Url,
    body: Vec<u8>,
    headers: SignedHeaders,
}

pub(crate) async fn run(request: &Request) -> Result<ExitCode> {
    let signed = sign(request)?;
    if request.curl {
        print_bytes(curl(request, &signed)?.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    send(request, signed).await
}

fn sign(request: &Request) -> Result<Signed> {
    ensure!(
        request.path.starts_with('/'),
        "the path must begin with /, as in /v1/orders"
    );
    let url = request
        .server
        .url
        .join(&request.path)
        .context("the address is not one")?;
    let key = key(&request.server.key_file)?;
    let body = body(request.data.as_deref())?;
    let made = || (request.method == Method::POST).then(|| Uuid::now_v7().to_string());
    let idempotency_key = request.idempotency_key.clone().or_else(made);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970; set it")?;
    let to_sign = ToSign {
        method: request.method.as_str(),
        path: url.path(),
        query: url.query(),
        body: &body,
        idempotency_key: idempotency_key.as_deref(),
    };
    let signer = Signer::new(key.key_id, key.secret.as_bytes());
    let headers = signer.sign(
        &to_sign,
        now.as_secs().try_into()?,
        &Uuid::new_v4().to_string(),
    )?;
    Ok(Signed { url, body, headers })
}

pub(super) fn key(file: &Path) -> Result<KeyFile> {
    let shown = file.display();
    let text = std::fs::read(file).with_context(|| format!("cannot read the key file {shown}"))?;
    serde_json::from_slice(&text).with_context(|| {
        format!("{shown} is no key file; it should be JSON such as {{\"key_id\": \"key_…\", \"secret\": \"…\"}}")
    })
}

fn body(data: Option<&str>) -> Result<Vec<u8>> {
    match data.map(|data| data.strip_prefix('@').ok_or(data)) {
        None => Ok(Vec::new()),
        Some(Err(text)) => Ok(text.as_bytes().to_vec()),
        Some(Ok(file)) => {
            std::fs::read(file).with_context(|| format!("cannot read the body from {file}"))
        }
    }
}

async fn send(request: &Request, signed: Signed) -> Result<ExitCode> {
    let server = signed.url.origin().ascii_serialization();
    let mut sending = reqwest::Client::new()
        .request(request.method.clone(), signed.url)
        .timeout(ANSWER_WAIT_MAX);
    for (name, value) in signed.headers.iter() {
        sending = sending.header(name, value);
    }
    if !signed.body.is_empty() {
        sending = sending
            .header("content-type", &request.content_type)
            .body(signed.body);
    }
    let key = signed.headers.idempotency_key.as_deref();
    let retry = key.map_or_else(String::new, |key| {
        format!("; to retry safely add --idempotency-key {key}")
    });
    let answer = sending.send().await.with_context(|| {
        format!("no answer from {server}: is `gateway serve` running there?{retry}")
    })?;
    let status = answer.status();
    eprintln!(
        "{status}{}{}",
        noted(&answer, "journal-sequence"),
        noted(&answer, "request-id")
    );
    if status.is_server_error() && !retry.is_empty() {
        eprintln!("whether it took effect may be unknown{retry}");
    }
    let bytes = answer.bytes().await.context("the answer broke off")?;
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(json) => print_bytes(format!("{json:#}\n").as_bytes())?,
        Err(_) => print_bytes(&bytes)?,
    }
    Ok(if status.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO)
    })
}

/// A header of the answer that is worth a look.
fn noted(answer: &reqwest::Response, name: &str) -> String {
    let value = answer
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    value.map_or_else(String::new, |value| format!("  {name}: {value}"))
}

fn curl(request: &Request, signed: &Signed) -> Result<String> {
    let mut command = format!("curl -X {} {}", request.method, quoted(signed.url.as_str()));
    for (name, value) in signed.headers.iter() {
        write!(command, " \\\n  -H {}", quoted(&format!("{name}: {value}")))?;
    }
    if let Some(data) = &request.data {
        let content_type = quoted(&format!("content-type: {}", request.content_type));
        // curl reads @FILE as we do.
        write!(
            command,
            " \\\n  -H {content_type} \\\n  --data-binary {}",
            quoted(data)
        )?;
    }
    command.push('\n');
    Ok(command)
}

/// A text as one word of a shell's command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
