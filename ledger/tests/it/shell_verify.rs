//! Verify finds any one value that was changed, and says where.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fx::Currency;
use ledger::shell::{LedgerAudit, LedgerView, Place, Report, Settings, Store, verify};
use ledger::{
    AccountId, AccountKind, Book, Command, Fingerprint, Ledger, Limits, NewAccount, NewPosting,
    NewTransaction, OnceKey, Remember, Sequence, Submission, TransactionId, Unique,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use crate::shell_fixture::PATIENCE;

const BOOK: Book = Book(1);

fn accounts() -> Submission<Ledger> {
    let account = |id, kind, limits| NewAccount {
        book: BOOK,
        id: AccountId(id),
        currency: Currency::iso("CNY").expect("it is in ISO 4217"),
        kind,
        limits,
    };
    Submission::new(Command::Open(vec![
        account(1, AccountKind::Asset, Limits::NONE),
        account(2, AccountKind::Liability, Limits::NO_OVERDRAFT),
        account(3, AccountKind::Liability, Limits::NO_OVERDRAFT),
    ]))
}

fn transfer(id: u128, debit: u128, credit: u128, amount: i64) -> Submission<Ledger> {
    let transaction = NewTransaction {
        id: TransactionId(id),
        kind: 7,
        reference: Some(format!("order {id}").into()),
        postings: vec![NewPosting {
            debit: AccountId(debit),
            credit: AccountId(credit),
            amount,
        }],
    };
    Submission::new(Command::Post {
        book: BOOK,
        transactions: vec![transaction],
    })
    .once(Unique {
        key: OnceKey { scope: 1, key: id },
        fingerprint: Fingerprint(amount.unsigned_abs().into()),
        remember: Remember::Always,
    })
}

async fn check(directory: &Path) -> Result<Report> {
    let report = verify(directory, LedgerView::default(), LedgerAudit::default());
    Ok(report.await?)
}

/// A ledger with a little of everything, shut down well.
async fn written(directory: &Path) -> Result<()> {
    let settings = Settings {
        batch_events_max: 4,
        evict_events: 4,
        checkpoint_events: 6,
        ..Settings::default()
    };
    for round in 0..2_u128 {
        let store = Store::open(directory, LedgerView::default(), settings.clone()).await?;
        let handle = store.handle();
        handle.submit(accounts()).await?;
        for n in 0..2 {
            let id = 100 + round * 10 + n;
            handle.submit(transfer(id, 1, 2, 1_000)).await?;
            handle.submit(transfer(id + 1_000, 2, 3, 300)).await?;
        }
        handle.submit(transfer(999, 3, 2, 1_000_000)).await?;
        let durable = handle.status().durable;
        ensure!(
            handle.projected_at_least(durable, PATIENCE).await,
            "the views follow"
        );
        store.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_good_directory_is_clean() -> Result<()> {
    let directory = tempfile::tempdir()?;
    written(directory.path()).await?;
    let report = check(directory.path()).await?;
    ensure!(report.is_clean(), "{:?}", report.difference);
    ensure!(report.views_at == Some(report.head.sequence), "{report:?}");
    ensure!((report.epoch, report.events) == (2, 3 + 8), "{report:?}");
    ensure!(report.checkpoints > 4, "{report:?}");
    Ok(())
}

async fn connect(file: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file);
    Ok(options.connect().await?)
}

/// Every value of a table, as the statement that changes it.
async fn changes(connection: &mut SqliteConnection, table: &str) -> Result<Vec<(String, String)>> {
    let columns: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select name, pk from pragma_table_info('{table}')"
    )))
    .fetch_all(&mut *connection)
    .await?;
    let keys = columns
        .iter()
        .filter(|(_, pk)| *pk > 0)
        .map(|(name, _)| name.as_str());
    let keys: Vec<&str> = keys.collect();
    let selected: Vec<String> = keys.iter().map(|key| format!("quote({key})")).collect();
    let query = format!("select {} from {table}", selected.join(", "));
    let rows = sqlx::query(AssertSqlSafe(query))
        .fetch_all(&mut *connection)
        .await?;
    let mut changes = Vec::new();
    for row in rows {
        let mut places = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            places.push(format!("{key} = {}", row.try_get::<String, _>(position)?));
        }
        for (column, _) in &columns {
            // The last byte of a blob, the last letter of a text, a number one up.
            let change = format!(
                "update {table} set {column} = case typeof({column})
                 when 'integer' then {column} + 1
                 when 'null' then 1
                 when 'text' then {column} || 'x'
                 else cast(substr({column}, 1, length({column}) - 1)
                      || case when hex(substr({column}, -1)) = '00' then x'01' else x'00' end
                      as blob) end
                 where {}",
                places.join(" and ")
            );
            changes.push((change, format!("{table}.{column}")));
        }
    }
    Ok(changes)
}

async fn every_change_is_found(file: &str, tables: &[&str]) -> Result<()> {
    let directory = tempfile::tempdir()?;
    written(directory.path()).await?;
    let path = directory.path().join(file);
    let good = std::fs::read(&path)?;
    let mut tried = 0;
    for table in tables {
        let mut connection = connect(&path).await?;
        let changes = changes(&mut connection, table)
            .await
            .with_context(|| table.to_string())?;
        ensure!(!changes.is_empty(), "there is something in {table}");
        connection.close().await?;
        for (change, what) in changes {
            std::fs::write(&path, &good)?;
            let mut connection = connect(&path).await?;
            // Text where a number must be is refused by the database itself.
            let done = sqlx::query(AssertSqlSafe(change.clone()))
                .execute(&mut connection)
                .await;
            connection.close().await?;
            if done.is_err() {
                continue;
            }
            tried += 1;
            let report = check(directory.path())
                .await
                .with_context(|| change.clone())?;
            ensure!(
                !report.is_clean(),
                "{what} was changed and not found by {change}"
            );
        }
    }
    ensure!(tried > 20, "only {tried} changes were tried");
    Ok(())
}

#[tokio::test]
async fn every_change_to_the_journal_is_found() -> Result<()> {
    every_change_is_found("journal.db", &["journal"]).await
}

#[tokio::test]
async fn every_change_to_a_view_is_found() -> Result<()> {
    let tables = [
        "accounts",
        "transactions",
        "runs",
        "blocks",
        "watermark",
        "snapshot",
    ];
    every_change_is_found("views.db", &tables).await
}

#[tokio::test]
async fn a_difference_is_named_to_the_column() -> Result<()> {
    let directory = tempfile::tempdir()?;
    written(directory.path()).await?;
    let run = |file: &'static str, change: &'static str| {
        let path = directory.path().join(file);
        async move {
            let mut connection = connect(&path).await?;
            sqlx::query(change).execute(&mut connection).await?;
            connection.close().await?;
            anyhow::Ok(())
        }
    };
    let found = async || -> Result<String> {
        let report = check(directory.path()).await?;
        Ok(report.difference.context("something differs")?.to_string())
    };
    run(
        "views.db",
        "update accounts set debits = 5 where account_no = 1",
    )
    .await?;
    let text = found().await?;
    let expected = "view accounts, account_no = 1, column debits: expected 1200, found 5";
    ensure!(text == expected, "{text}");
    run("views.db", "delete from accounts where account_no = 2").await?;
    let text = found().await?;
    ensure!(
        text == "view accounts, account_no = 2: expected a row, found none",
        "{text}"
    );
    run("journal.db", "delete from journal where seq = 4").await?;
    let report = check(directory.path()).await?;
    let place = report.difference.clone().context("a row is missing")?.place;
    let sequence = Sequence(4);
    ensure!(
        place
            == Place::Journal {
                sequence,
                record: None
            },
        "{place}"
    );
    ensure!(
        report.head.sequence == Sequence(3),
        "what is good is said: {report:?}"
    );
    Ok(())
}
