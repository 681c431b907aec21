//! `gateway listen`: shows a shop's webhooks as they come, and passes them on to a program that is being written.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clap::Args;
use gateway::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::print;
use super::request::ServerArgs;
use super::server::{Sent, Server};

const EXAMPLES: &str = "\
For a merchant's key. A webhook endpoint is added for as long as this runs, and removed at the end (Ctrl-C). Webhooks are passed
on byte for byte with their signature, which the secret that is told verifies, and what your program answers is what the gateway
hears: an answer other than 2xx brings the webhook again. Each event is a line on standard output.

The gateway must reach this machine: one on the same machine does if it is in test mode. For another one name the address of a
tunnel or a machine that leads here, with --public-url and --bind.

Examples:
  gateway listen --key-file shop.key
  gateway listen --key-file shop.key --forward-to http://127.0.0.1:3000/hooks
  gateway listen --key-file shop.key --bind 127.0.0.1:4000 --public-url https://tunnel.example.com/hooks";

/// A little less than the gateway waits, so that it hears of it from here.
const FORWARD_WAIT_MAX: Duration = Duration::from_secs(14);

/// Show webhooks as they come, and pass them on.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Listen {
    /// Where to pass webhooks on to.
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
    /// The address and port to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// The address by which the gateway reaches this listener, if not by the one that it listens on.
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    #[command(flatten)]
    server: ServerArgs,
}

struct Forwarding {
    to: Option<Url>,
    http: Client,
}

pub(crate) async fn run(line: &Listen) -> Result<ExitCode> {
    let server = Server::new(&line.server)?;
    let listener = TcpListener::bind(line.bind)
        .await
        .with_context(|| format!("cannot listen on {}", line.bind))?;
    let address = match &line.public_url {
        Some(url) => url.clone(),
        None if is_here(&server.url) => {
            let address = listener.local_addr()?;
            Url::parse(&format!("http://{address}/"))?
        }
        None => bail!(
            "{} is another machine and cannot call this one by a local address; name one that leads here with --public-url",
            server.url.origin().ascii_serialization()
        ),
    };
    let made = server
        .post(
            "/v1/webhook-endpoints",
            Some(&json!({"url": address.as_str()})),
        )
        .await
        .context("the webhook endpoint was refused")?;
    let id = made["endpoint"]["id"].as_str().unwrap_or_default();
    let secret = made["secret"].as_str().unwrap_or_default();
    eprintln!("listening as webhook endpoint {id}; its secret is {secret}");
    let served = serve(listener, line.forward_to.clone()).await;
    let path = format!("/v1/webhook-endpoints/{id}");
    let removed = server.send(Method::DELETE, &path, Sent::default()).await?;
    if !removed.status().is_success() {
        bail!(
            "the webhook endpoint {id} could not be removed: {}",
            removed.status()
        );
    }
    eprintln!("webhook endpoint {id} is removed");
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a gateway is on this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Takes webhooks in until Ctrl-C.
async fn serve(listener: TcpListener, to: Option<Url>) -> Result<()> {
    let http = Client::builder().timeout(FORWARD_WAIT_MAX).build()?;
    let forwarding = Arc::new(Forwarding { to, http });
    let router = Router::new()
        .route("/", post(receive))
        .route("/{*path}", post(receive))
        .with_state(forwarding);
    let stop = async {
        // Without signals it ends with its terminal.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .context("the listener failed")
}

async fn receive(
    State(forwarding): State<Arc<Forwarding>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let answered = forwarding.pass_on(&headers, body.clone()).await;
    let status = answered
        .as_ref()
        .map_or(StatusCode::BAD_GATEWAY, |status| *status);
    let outcome = match (&forwarding.to, &answered) {
        (None, _) => String::new(),
        (Some(_), Ok(status)) => format!("  -> {status}"),
        (Some(_), Err(error)) => format!("  -> {error:#}"),
    };
    let shown = print(&format!("{}{outcome}\n", line_of(&headers, &body)));
    if shown.is_err() {
        // Nobody reads any more; the gateway keeps what it could not tell.
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    status
}

impl Forwarding {
    /// What the program answered.
    async fn pass_on(&self, headers: &HeaderMap, body: Bytes) -> Result<StatusCode> {
        let Some(to) = &self.to else {
            return Ok(StatusCode::NO_CONTENT);
        };
        let mut sending = self
            .http
            .post(to.clone())
            .header("content-type", "application/json")
            .body(body);
        for name in [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER] {
            if let Some(value) = headers.get(name) {
                sending = sending.header(name, value);
            }
        }
        Ok(sending.send().await.context("no answer")?.status())
    }
}

/// An event in one line: when, what, to which order.
fn line_of(headers: &HeaderMap, body: &[u8]) -> String {
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let id = headers.get(ID_HEADER).and_then(|id| id.to_str().ok());
    let order = &event["data"]["order"];
    format!(
        "{}  {}  {} {}  {}",
        text(&event["timestamp"]),
        text(&event["type"]),
        text(&order["id"]),
        text(&order["state"]),
        id.unwrap_or("?")
    )
}
