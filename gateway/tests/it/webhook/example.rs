//! The examples in `docs/webhooks.md` hold: the receiver in Python takes what the engine sends, and nothing else.

use std::{process::Stdio, sync::Arc, time::Duration};

use gateway::webhook::{Endpoint, Failure, Next, RETRY_DELAYS, Settings, WebhookSecret, sign};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{SECRET, endpoint, outcome_of, secret, settings};
use crate::sign::examples::{block, document};

/// The receiver of the document, which is stopped when dropped.
struct PythonReceiver {
    port: u16,
    _process: Child,
}

impl PythonReceiver {
    async fn start() -> Self {
        let mut process = Command::new("python3")
            .arg("-c")
            .arg(block(&document("webhooks.md"), "python"))
            .env("WEBHOOK_SECRET", SECRET)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("python3 is needed to check the document: {error}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines
            .next_line()
            .await
            .unwrap()
            .expect("the port")
            .parse()
            .unwrap();
        Self {
            port,
            _process: process,
        }
    }
}

#[tokio::test]
async fn the_python_receiver_takes_what_is_genuine_and_nothing_else() {
    let receiver = PythonReceiver::start().await;
    let genuine = endpoint("shop", &format!("http://127.0.0.1:{}/hooks", receiver.port));
    assert_eq!(
        outcome_of(settings(), genuine.clone()).await,
        (vec![Ok(204)], Next::Delivered)
    );
    let other = WebhookSecret::from_bytes(&[9; 24]).unwrap();
    let forged = Endpoint {
        secrets: vec![other],
        ..genuine
    };
    let once = Settings {
        retry_delays: Vec::new(),
        ..settings()
    };
    let refused = (vec![Err(Failure::Status(400))], Next::GivenUp);
    assert_eq!(outcome_of(once, forged).await, refused);
}

#[test]
fn the_worked_example_is_right() {
    let document = document("webhooks.md");
    let request = block(&document, "http");
    let header = |name: &str| {
        let value = request
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.unwrap_or_else(|| panic!("the example has no {name}"))
    };
    let (_, body) = request.trim_end().split_once("\n\n").unwrap();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    let signature = sign(
        &[secret()],
        header("webhook-id"),
        timestamp,
        body.as_bytes(),
    );
    assert_eq!(signature, header("webhook-signature"));
    assert!(
        document.contains(SECRET),
        "the example's secret is not shown"
    );
}

#[test]
fn the_schedule_in_the_document_is_the_one_in_force() {
    let document = document("webhooks.md");
    let pauses: Vec<_> = document
        .lines()
        .filter_map(|line| {
            let cells: Arc<[&str]> = line.trim_matches(['|', ' ']).split(" | ").collect();
            let [attempt, pause] = cells[..] else {
                return None;
            };
            attempt
                .parse::<usize>()
                .ok()
                .filter(|attempt| *attempt > 1)?;
            let (number, unit) = pause.split_once(' ')?;
            let number = number.parse().ok()?;
            match unit {
                "seconds" => Some(Duration::from_secs(number)),
                "minutes" => Some(Duration::from_mins(number)),
                "hours" => Some(Duration::from_hours(number)),
                _ => None,
            }
        })
        .collect();
    assert_eq!(pauses, RETRY_DELAYS);
}
