//! A few seconds of the town over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{signal, start, summary};

const SMALL: [&str; 8] = [
    "--listen",
    "127.0.0.1:0",
    "--shops",
    "6",
    "--people",
    "20",
    "--customers",
    "8",
];

fn flags<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.into_iter().chain(more.iter().copied()).collect()
}

fn all_is_well(summary: &Value) {
    assert!(summary["payments"].as_u64() > Some(0), "{summary}");
    assert_eq!(summary["journal"]["verified"], true, "{summary}");
    assert_eq!(summary["faults"], serde_json::json!([]), "{summary}");
    for some in ["transfers", "charges", "reversals"] {
        assert!(summary[some].as_u64() > Some(0), "{some} in {summary}");
    }
    assert!(
        summary["refused"]["payment_code_used"].as_u64() > Some(0),
        "{summary}"
    );
    let webhooks = &summary["webhooks"];
    assert!(webhooks["due"].as_u64() > Some(0), "{summary}");
    assert_eq!(webhooks["due"], webhooks["delivered"], "{summary}");
    let caught = &summary["caught"];
    assert_eq!(caught["crooks"], 9, "{summary}");
    assert_eq!(caught["false_alarms"], 0, "{summary}");
    let schemes = caught["schemes"].as_array().unwrap();
    for scheme in schemes {
        let stopped = scheme["denied"].as_u64().unwrap() + scheme["held"].as_u64().unwrap();
        assert!(stopped > 0, "{summary}");
    }
    for (currency, sum) in summary["trial_balance"].as_object().unwrap() {
        assert_eq!(sum, 0, "{currency} in {summary}");
    }
}

#[test]
fn a_town_over_http_balances_verifies_and_tells_its_shops() {
    let directory = TempDir::new().unwrap();
    all_is_well(&summary(
        directory.path(),
        &flags(&["--seconds", "2", "--exit"]),
    ));
}

#[test]
fn its_doors_stay_open_until_it_is_interrupted() {
    let (mut sim, mut lines) = start(&flags(&["--seconds", "1"]));
    let door = lines
        .find_map(|line| {
            let address = line.trim().strip_prefix("everyone")?.trim().to_owned();
            Some(address)
        })
        .expect("it says where its doors are");
    let page = get(&door, "/healthz");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    signal(&sim, "INT");
    assert!(sim.wait().unwrap().success());
}

/// The whole program is killed, gateway and town at once; then it goes on with what was there.
#[test]
fn a_town_that_is_killed_leaves_books_that_balance() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    for life_ms in [1_500, 900, 2_100] {
        let (mut sim, _lines) = start(&flags(&["--seconds", "60", "--data", data]));
        std::thread::sleep(Duration::from_millis(life_ms));
        signal(&sim, "KILL");
        sim.wait().unwrap();
    }
    all_is_well(&summary(
        directory.path(),
        &flags(&["--seconds", "1", "--exit", "--data", data]),
    ));
}

/// What a door answers.
fn get(door: &str, path: &str) -> String {
    let host = door.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the door is open");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
