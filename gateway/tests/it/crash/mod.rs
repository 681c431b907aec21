//! `kill -9`, again and again, under load: nothing acknowledged is lost, nothing is done twice.
//!
//! The gateway is the real binary in a process of its own. Some drivers, each with shops and orders of its own and
//! wallets in common, top wallets up, make orders, pay, close and refund them over signed HTTP, while the process is
//! killed at random moments, sometimes before it has come up again. A driver that got no answer, or "outcome unknown",
//! asks again under the same key until it knows. What was answered is noted here, outside the killed process, and the
//! money that it must have moved is computed here, in a few lines that share nothing with the product.
//!
//! After each start the orders of the last round must be there, at least as far as was acknowledged. At the end every
//! order, the number of orders, every balance and the trial balance must be exactly what was noted, and `gateway verify`
//! must find nothing.

mod book;
mod driver;

use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use self::book::{FEE_BASIS_POINTS, Noted, Totals};
use self::driver::{Driver, Party};
use super::chance::{long, seed};
use super::cli::gateway;
use super::database;
use super::server::{Client, Server, Starting};

const KILLS: usize = 10;
const KILLS_LONG: usize = 200;
const DRIVERS: usize = 8;
const WALLETS: usize = 4;
/// How long it runs before it is killed.
const LIFE_MS: std::ops::Range<u64> = 20..250;
/// One start in so many is killed before it has come up.
const STILLBORN: u32 = 4;

/// Where the gateway is at this moment, for those who drive it; `None` while it is down, and the end when it is dropped.
pub(crate) type Address = watch::Receiver<Option<String>>;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9_and_happens_once() {
    let directory = TempDir::new().unwrap();
    database::in_files(directory.path());
    survives(directory.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9_on_postgresql() {
    let directory = TempDir::new().unwrap();
    database::on_server(directory.path()).await;
    survives(directory.path()).await;
}

async fn survives(data: &Path) {
    let (seed, kills) = (seed(), if long() { KILLS_LONG } else { KILLS });
    println!(
        "seed {seed}; repeat with: JIAOZI_SEED={seed} cargo test -p gateway --test it crash -- --nocapture"
    );
    let mut random = StdRng::seed_from_u64(seed);

    let mut server = Server::start(data).await;
    let operator = Client::operator(data);
    let parties = parties(&operator, &server.url).await;
    let (address, addresses) = watch::channel(Some(server.url.clone()));
    let (stop, stopping) = watch::channel(false);
    let drivers = (0..DRIVERS).map(|no| {
        let random = StdRng::seed_from_u64(seed ^ (no as u64 + 1) << 32);
        let merchant = parties.merchants[no].clone();
        let driver = Driver::new(
            no,
            random,
            merchant,
            parties.wallets.clone(),
            operator.clone(),
        );
        tokio::spawn(driver.run(addresses.clone(), stopping.clone()))
    });
    let drivers: Vec<_> = drivers.collect();

    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(LIFE_MS))).await;
        address.send_replace(None);
        server.kill().await;
        while random.random_ratio(1, STILLBORN) {
            let starting = Starting::new(data);
            tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
            starting.kill().await;
        }
        server = Server::start(data).await;
        address.send_replace(Some(server.url.clone()));
    }

    stop.send_replace(true);
    let mut noted = Vec::new();
    for driver in drivers {
        noted.push(driver.await.expect("a driver that found nothing amiss"));
    }
    check(&operator, &server.url, &parties, &noted).await;
    server.kill().await;
    let (code, out, err) = gateway(&["verify", "--data", data.to_str().unwrap()]);
    assert_eq!(code, 0, "verify: {out}{err}");
}

struct Parties {
    /// One for each driver.
    merchants: Vec<Party>,
    wallets: Vec<Party>,
}

async fn parties(operator: &Client, url: &str) -> Parties {
    let mut parties = Parties {
        merchants: Vec::new(),
        wallets: Vec::new(),
    };
    for no in 0..DRIVERS {
        let new = json!({
            "name": format!("Shop {no}"), "city": "Hangzhou", "currencies": ["CNY"], "fee_basis_points": FEE_BASIS_POINTS,
        });
        let made = operator.post(url, "/v1/merchants", new).await;
        parties
            .merchants
            .push(party(operator, url, "merchants", &made["merchant"]["id"]).await);
    }
    for no in 0..WALLETS {
        let new = json!({"holder": format!("customer-{no}"), "currencies": ["CNY"]});
        let made = operator.post(url, "/v1/wallets", new).await;
        parties
            .wallets
            .push(party(operator, url, "wallets", &made["wallet"]["id"]).await);
    }
    parties
}

async fn party(operator: &Client, url: &str, kind: &str, id: &serde_json::Value) -> Party {
    let id = id.as_str().expect("an id").to_owned();
    let key = operator
        .post(
            url,
            &format!("/v1/{kind}/{id}/keys"),
            serde_json::Value::Null,
        )
        .await;
    Party {
        id,
        client: Client::of_key(&key),
    }
}

/// Everything that was noted is there, and nothing else.
async fn check(operator: &Client, url: &str, parties: &Parties, noted: &[Noted]) {
    let mut totals = Totals::default();
    for (noted, merchant) in noted.iter().zip(&parties.merchants) {
        for (id, order) in &noted.orders {
            let found = operator.get(url, &format!("/v1/orders/{id}")).await;
            assert_eq!(order.state(), found["order"]["state"], "{id}");
            assert_eq!(
                order.refunded,
                found["order"]["refunded"]["amount"].as_i64().unwrap(),
                "{id}"
            );
            totals.add_order(&merchant.id, order);
        }
        totals.add_top_ups(&noted.top_ups);
        let counted = count_orders(operator, url, &merchant.id).await;
        assert_eq!(counted, noted.orders.len(), "orders of {}", merchant.id);
    }
    for (kind, parties, sums) in [
        ("merchants", &parties.merchants, &totals.merchants),
        ("wallets", &parties.wallets, &totals.wallets),
    ] {
        for party in parties {
            let found = operator.get(url, &format!("/v1/{kind}/{}", party.id)).await;
            let expected = sums.get(&party.id).copied().unwrap_or_default();
            assert_eq!(
                found["balances"][0]["amount"].as_i64(),
                Some(expected),
                "balance of {}",
                party.id
            );
        }
    }
    let books = operator.get(url, "/v1/trial-balance").await;
    assert_eq!(books["balances"], true, "{books}");
    let operations: usize = noted.iter().map(|noted| noted.acknowledged).sum();
    let retried: usize = noted.iter().map(|noted| noted.retried).sum();
    println!(
        "{operations} acknowledged, {retried} of them after asking again; {} paid",
        totals.payments
    );
    assert!(
        totals.payments > 0 && retried > 0,
        "the test did not do what it is for"
    );
}

/// How many orders of a merchant there are, by the list.
async fn count_orders(operator: &Client, url: &str, merchant: &str) -> usize {
    let newest = operator.get(url, "/v1/trial-balance").await;
    let at_least = newest["sequence"].as_str().expect("a place in the journal");
    let list = format!("/v1/orders?merchant={merchant}&limit=100&at_least={at_least}");
    let (mut count, mut page) = (0, list.clone());
    loop {
        let found = operator.get(url, &page).await;
        count += found["data"].as_array().expect("a list").len();
        match found["next_cursor"].as_str() {
            Some(cursor) => page = format!("{list}&cursor={cursor}"),
            None => return count,
        }
    }
}
