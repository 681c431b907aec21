//! Any one value that is changed in a copy of everything on disk is found.
//!
//! A house in which a little of everything happened is written to disk. Then one value of one row is changed, for some
//! columns of every table of both databases in turn, and `verify` must find it. Which rows and columns is drawn anew each
//! time; with `JIAOZI_LONG=1` it is every column of several rows.

use std::fs;
use std::path::Path;

use gateway::audit;
use ledger::shell::Wanted;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::lived;
use crate::chance::{long, seed};

/// Rows of which each column is changed, in each table.
const ROWS: usize = 1;
const ROWS_LONG: usize = 12;
/// Of these, in each table, the short version tries so many.
const CHANGES: usize = 3;

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

#[tokio::test(flavor = "multi_thread")]
async fn any_one_value_that_is_changed_is_found() {
    let seed = seed();
    println!(
        "seed {seed}; repeat with: JIAOZI_SEED={seed} cargo test -p gateway --test it api::verify -- --nocapture"
    );
    let mut dice = StdRng::seed_from_u64(seed);
    let long = long();
    let directory = lived::everything().await;
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
    assert!(empty.is_empty(), "nothing is in {empty:?}");
    println!("{tried} changes were made");
    assert!(tried > 60, "only {tried} changes were made");
}
