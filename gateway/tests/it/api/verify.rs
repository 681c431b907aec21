//! Any one value that is changed in a copy of everything that is kept is found.
//!
//! A house in which a little of everything happened is written to a database. Then one value of one row is changed, for
//! some columns of every table in turn, and `verify` must find it. Which rows and columns is drawn anew each time; with
//! `JIAOZI_LONG=1` it is every column of several rows.

use std::collections::BTreeMap;

use gateway::audit;
use ledger::shell::sql::{Database, Query, Row, Session};
use ledger::shell::{Value, Wanted};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use super::lived;
use crate::chance::{long, seed};
use crate::database;

/// Rows of which each column is changed, in each table.
const ROWS: usize = 1;
const ROWS_LONG: usize = 12;
/// Of these, in each table, the short version tries so many.
const CHANGES: usize = 3;

/// The columns of all tables: table, column, and its place in the key or 0.
const COLUMNS_OF_FILES: &str = "select t.name, c.name, c.pk
    from sqlite_schema t, pragma_table_info(t.name) c
    where t.type = 'table' and t.name not like 'sqlite%' order by t.name, c.cid";
const COLUMNS_ON_SERVER: &str = "select c.table_name::text, c.column_name::text,
        coalesce(k.ordinal_position, 0)::bigint
    from information_schema.columns c left join information_schema.key_column_usage k
        on k.table_schema = c.table_schema and k.table_name = c.table_name
        and k.column_name = c.column_name
    where c.table_schema = current_schema() order by c.table_name, c.ordinal_position";

/// The columns of a table, each with its place in the key or 0.
type Columns = Vec<(String, i64)>;

/// A value in a row that has this key, and what it becomes.
struct Change<'a> {
    table: &'a str,
    column: &'a str,
    key: Vec<(&'a str, Value)>,
    from: Value,
    to: Value,
}

impl Change<'_> {
    fn statement(&self, value: &Value, key: &[(&str, Value)]) -> Query {
        let places = (2..).zip(key);
        let places: Vec<String> = places
            .map(|(no, (name, _))| format!("{name} = ${no}"))
            .collect();
        let (table, column, places) = (self.table, self.column, places.join(" and "));
        let sql = format!("update {table} set {column} = $1 where {places}");
        let query = Query::new(sql.leak()).bind(value.clone());
        key.iter()
            .fold(query, |query, (_, value)| query.bind(value.clone()))
    }

    fn make(&self) -> Query {
        self.statement(&self.to, &self.key)
    }

    fn undo(&self) -> Query {
        let mut key = self.key.clone();
        for (name, value) in &mut key {
            if *name == self.column {
                *value = self.to.clone();
            }
        }
        self.statement(&self.from, &key)
    }
}

/// A value that is a little different.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => 1_i64.into(),
        Value::Integer(number) => (number ^ 1).into(),
        Value::Text(text) => format!("{text}x").into(),
        Value::Blob(bytes) => {
            let mut bytes = bytes.to_vec();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(0),
            }
            bytes.into()
        }
    }
}

async fn tables(session: &mut Session, is_server: bool) -> BTreeMap<String, Columns> {
    let query = Query::new(if is_server {
        COLUMNS_ON_SERVER
    } else {
        COLUMNS_OF_FILES
    });
    let mut connection = session.connection().await.unwrap();
    let found: Vec<(String, String, i64)> = connection.all_as(query).await.unwrap();
    let mut tables = BTreeMap::<String, Columns>::new();
    for (table, column, place) in found {
        tables.entry(table).or_default().push((column, place));
    }
    tables
}

/// For some rows of a table, a change of each of their columns.
fn changes<'a>(
    (table, columns): (&'a str, &'a Columns),
    found: &[Row],
    rows: usize,
    dice: &mut StdRng,
) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for _ in 0..rows.min(found.len()) {
        let row: BTreeMap<&str, &Value> =
            found[dice.random_range(0..found.len())].columns().collect();
        let in_key = columns.iter().filter(|(_, place)| *place > 0);
        let in_key = in_key.map(|(name, _)| (name.as_str(), row[name.as_str()].clone()));
        let key: Vec<(&str, Value)> = in_key.collect();
        for (column, _) in columns {
            let from = row[column.as_str()];
            changes.push(Change {
                table,
                column,
                key: key.clone(),
                from: from.clone(),
                to: changed(from),
            });
        }
    }
    changes
}

async fn is_clean(database: &Database) -> bool {
    match audit::verify(database, Wanted::default()).await {
        Ok(report) => report.is_clean(),
        // What cannot be read at all is found too.
        Err(_) => false,
    }
}

/// Changes values of all tables in turn, and tells how many there were.
async fn change_each(database: &Database, area: &'static str, dice: &mut StdRng) -> usize {
    let mut session = Session::new(database.area(area));
    let mut tried = 0;
    for (table, columns) in &tables(&mut session, database.is_server()).await {
        let all = Query::new(format!("select * from {table}").leak());
        let found = session.connection().await.unwrap().all(all).await.unwrap();
        assert!(!found.is_empty(), "nothing is in {table}");
        let rows = if long() { ROWS_LONG } else { ROWS };
        let mut changes = changes((table, columns), &found, rows, dice);
        while !long() && changes.len() > CHANGES {
            changes.swap_remove(dice.random_range(0..changes.len()));
        }
        for change in changes {
            let mut connection = session.connection().await.unwrap();
            // Text where a number must be is refused by the database itself, and so is a key that is there.
            let Ok(concerned) = connection.run(change.make()).await else {
                continue;
            };
            let what = format!("{:?}", change.make());
            assert_eq!(concerned, 1, "{what}");
            assert!(!is_clean(database).await, "not found: {what}");
            assert_eq!(connection.run(change.undo()).await.unwrap(), 1, "{what}");
            tried += 1;
        }
    }
    session.close().await.unwrap();
    assert!(is_clean(database).await, "all is as it was");
    tried
}

async fn any_change_is_found(directory: TempDir) {
    let seed = seed();
    println!(
        "seed {seed}; repeat with: JIAOZI_SEED={seed} cargo test -p gateway --test it api::verify -- --nocapture"
    );
    let mut dice = StdRng::seed_from_u64(seed);
    let directory = lived::everything(directory).await;
    let data = directory.path();
    let database: Database = match database::noted(data) {
        Some(url) => url.parse().unwrap(),
        None => data.into(),
    };
    let report = audit::verify(&database, Wanted::default()).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.difference);
    let mut tried = 0;
    for area in ["journal", "views"] {
        tried += change_each(&database, area, &mut dice).await;
    }
    println!("{tried} changes were made");
    assert!(tried > 60, "only {tried} changes were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_value_that_is_changed_is_found() {
    let directory = TempDir::new().unwrap();
    database::in_files(directory.path());
    any_change_is_found(directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_value_that_is_changed_on_postgresql_is_found() {
    let directory = TempDir::new().unwrap();
    database::on_server(directory.path()).await;
    any_change_is_found(directory).await;
}
