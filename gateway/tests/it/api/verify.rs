//! Any one value that is changed in a copy of everything on disk is found.
//!
//! A house with orders, refunds, books and holds is written to disk. Then one value of one row is changed, for some
//! columns of every table of both databases in turn, and `verify` must find it. Which rows and columns is drawn anew each
//! time; with `JIAOZI_LONG=1` it is every column of several rows.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use gateway::audit;
use ledger::shell::Wanted;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::house::{House, text};
use super::ledger::tenant::{Tenant, posting};

/// Rows of which each column is changed, in each table.
const ROWS: usize = 1;
const ROWS_LONG: usize = 12;
/// Of these, in each table, the short version tries so many.
const CHANGES: usize = 3;

/// A house with something in as many tables as can be, shut down well.
async fn written() -> tempfile::TempDir {
    let house = House::start().await;
    let shop = house.merchant(&["CNY"]).await;
    let wallet = house.wallet(&["CNY"], 100_000).await;
    let endpoint = json!({"url": "http://127.0.0.1:9/hook"});
    shop.client
        .post("/v1/webhook-endpoints", &endpoint)
        .await
        .created();
    for number in 0..4 {
        let order = json!({
            "number": format!("A-{number}"),
            "amount": {"amount": 1_250 + number, "currency": "CNY"},
            "description": "Dumplings",
        });
        let order = shop.client.post("/v1/orders", &order).await.created();
        let id = text(&order["order"]["id"]).to_owned();
        if number > 0 {
            wallet
                .client
                .post_empty(&format!("/v1/orders/{id}/pay"))
                .await;
        }
        if number > 2 {
            let refund = json!({"number": "R-1", "amount": {"amount": 100, "currency": "CNY"}});
            shop.client
                .post(&format!("/v1/orders/{id}/refunds"), &refund)
                .await;
        }
    }
    let tea = Tenant::open(&house).await;
    let client = &tea.client;
    let sold = json!({
        "reference": "Pot of tea",
        "metadata": {"table": "4"},
        "effective_at": "2020-01-15T00:00:00Z",
        "postings": [posting("assets:bank", "customers:alice", 1_000)],
    });
    let sold = client
        .post("/v1/ledger/transactions", &sold)
        .await
        .created();
    let held = json!({"postings": [posting("customers:alice", "income:fees", 300)]});
    let held = client.post("/v1/ledger/holds", &held).await.created();
    let capture = format!("/v1/ledger/holds/{}/capture", text(&held["id"]));
    client
        .post(&capture, &json!({"amounts": [100]}))
        .await
        .created();
    let reverse = format!("/v1/ledger/transactions/{}/reverse", text(&sold["id"]));
    client
        .post(&reverse, &json!({"amounts": [10]}))
        .await
        .created();
    let change = json!({"limits": {"minimum": -5}, "description": {"reference": "VIP"}});
    client
        .post("/v1/ledger/accounts/customers:alice", &change)
        .await
        .ok();
    for _ in 0..20 {
        tea.pay("assets:bank", "customers:bob", 3).await;
    }
    house.stop().await
}

async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    options.connect().await.unwrap()
}

async fn tables(file: &Path) -> Vec<String> {
    let mut connection = connect(file).await;
    let names = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by name";
    let names = sqlx::query_scalar(names)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    names
}

/// For some rows of a table and each of their columns, the statement that changes the value.
async fn changes(file: &Path, table: &str, rows: usize, dice: &mut StdRng) -> Vec<String> {
    let mut connection = connect(file).await;
    let columns = format!("select name, pk from pragma_table_info('{table}')");
    let columns: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(columns))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let keys = columns.iter().filter(|(_, pk)| *pk > 0);
    let keys: Vec<&str> = keys.map(|(name, _)| name.as_str()).collect();
    let quoted: Vec<String> = keys.iter().map(|key| format!("quote({key})")).collect();
    let query = format!("select {} from {table}", quoted.join(", "));
    let found = sqlx::query(AssertSqlSafe(query))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let mut changes = Vec::new();
    for _ in 0..rows.min(found.len()) {
        let row = &found[dice.random_range(0..found.len())];
        let places: Vec<String> = (0..keys.len())
            .map(|at| format!("{} = {}", keys[at], row.get::<String, _>(at)))
            .collect();
        for (column, _) in &columns {
            changes.push(format!(
                "update {table} set {column} = case typeof({column})
                 when 'integer' then {column} + 1
                 when 'null' then 1
                 when 'text' then {column} || 'x'
                 else cast(substr({column}, 1, length({column}) - 1)
                      || case when hex(substr({column}, -1)) = '00' then x'01' else x'00' end as blob) end
                 where {}",
                places.join(" and ")
            ));
        }
    }
    changes
}

fn seed() -> u64 {
    let given = std::env::var("JIAOZI_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    given.unwrap_or_else(|| u64::from(now.subsec_nanos()))
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_value_that_is_changed_is_found() {
    let seed = seed();
    println!(
        "seed {seed}; repeat with: JIAOZI_SEED={seed} cargo test -p gateway --test it api::verify -- --nocapture"
    );
    let mut dice = StdRng::seed_from_u64(seed);
    let long = std::env::var("JIAOZI_LONG").is_ok_and(|long| long == "1");
    let directory = written().await;
    let report = audit::verify(directory.path(), Wanted::default())
        .await
        .unwrap();
    assert!(report.is_clean(), "{:?}", report.difference);
    let (mut tried, mut empty) = (0, Vec::new());
    let rows = if long { ROWS_LONG } else { ROWS };
    for file in ["journal.db", "views.db"] {
        let file = directory.path().join(file);
        let good = fs::read(&file).unwrap();
        for table in tables(&file).await {
            let mut changes = changes(&file, &table, rows, &mut dice).await;
            if changes.is_empty() {
                empty.push(table);
            }
            while !long && changes.len() > CHANGES {
                changes.swap_remove(dice.random_range(0..changes.len()));
            }
            for change in changes {
                fs::write(&file, &good).unwrap();
                let mut connection = connect(&file).await;
                // Text where a number must be is refused by the database itself, and so is a key that is there.
                let done = sqlx::query(AssertSqlSafe(change.clone()))
                    .execute(&mut connection)
                    .await;
                connection.close().await.unwrap();
                if done.is_err() {
                    continue;
                }
                tried += 1;
                match audit::verify(directory.path(), Wanted::default()).await {
                    Ok(report) => assert!(!report.is_clean(), "seed {seed}: not found: {change}"),
                    // What cannot be read at all is found too.
                    Err(error) => println!("{error}"),
                }
            }
        }
        fs::write(&file, &good).unwrap();
    }
    assert!(
        tried > 60,
        "only {tried} changes were tried; nothing is in {empty:?}"
    );
}
