//! Verify finds any one value that was changed, and says where.

use anyhow::{Context, Result, ensure};
use fx::Currency;
use ledger::shell::checkpoint::text_of_sums;
use ledger::shell::sql::{Database, Query, Session};
use ledger::shell::{
    Head, LedgerAudit, LedgerView, Place, Report, Settings, Statement, Store, Value, Wanted,
    rebuild_views, verify,
};
use ledger::{
    AccountId, AccountKind, Book, Command, Fingerprint, Ledger, Limits, NewAccount, NewPosting,
    NewTransaction, OnceKey, Remember, Sequence, Submission, TransactionId, Unique,
};

use crate::shell_fixture::{PATIENCE, Site};

on_both! {
    a_good_directory_is_clean
    every_change_to_the_journal_is_found
    every_change_to_a_view_is_found
    an_end_that_was_cut_off_is_found_by_what_was_published
    a_difference_is_named_to_the_column
}

const BOOK: Book = Book(1);

pub(crate) fn accounts() -> Submission<Ledger> {
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

pub(crate) fn transfer(id: u128, debit: u128, credit: u128, amount: i64) -> Submission<Ledger> {
    let transaction = NewTransaction {
        id: TransactionId(id),
        kind: 7,
        reference: Some(format!("order {id}").into()),
        postings: [NewPosting {
            debit: AccountId(debit),
            credit: AccountId(credit),
            amount,
        }]
        .into(),
    };
    Submission::new(Command::Post {
        book: BOOK,
        transactions: [transaction].into(),
    })
    .once(Unique {
        key: OnceKey { scope: 1, key: id },
        fingerprint: Fingerprint(amount.unsigned_abs().into()),
        remember: Remember::Always,
    })
}

async fn check(database: &Database) -> Result<Report> {
    check_against(database, Vec::new()).await
}

async fn check_against(database: &Database, statements: Vec<Statement>) -> Result<Report> {
    let (view, audit) = (LedgerView::default(), LedgerAudit::default());
    let wanted = Wanted {
        statements,
        ..Wanted::default()
    };
    Ok(verify(database, view, audit, wanted).await?)
}

/// A ledger with a little of everything, shut down well.
async fn written(database: &Database) -> Result<()> {
    let settings = Settings {
        batch_events_max: 4,
        evict_events: 4,
        checkpoint_events: 6,
        ..Settings::default()
    };
    for round in 0..2_u128 {
        let store = Store::open(database, LedgerView::default(), settings.clone()).await?;
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

async fn a_good_directory_is_clean(site: Site) -> Result<()> {
    written(&site.database()).await?;
    let report = check(&site.database()).await?;
    ensure!(report.is_clean(), "{:?}", report.difference);
    ensure!(report.views_at == Some(report.head.sequence), "{report:?}");
    ensure!((report.epoch, report.events) == (2, 3 + 8), "{report:?}");
    ensure!(report.checkpoints > 4, "{report:?}");
    Ok(())
}

/// A value that is a little different.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => 1_i64.into(),
        Value::Integer(number) => (number + 1).into(),
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

/// The statement that gives a column of one row another value.
fn update(table: &str, column: &str, value: Value, key: &[(&str, Value)]) -> Query {
    let places = (2..)
        .zip(key)
        .map(|(no, (name, _))| format!("{name} = ${no}"));
    let places: Vec<String> = places.collect();
    let sql = format!(
        "update {table} set {column} = $1 where {}",
        places.join(" and ")
    );
    let query = Query::new(sql.leak()).bind(value);
    key.iter()
        .fold(query, |query, (_, value)| query.bind(value.clone()))
}

/// Changes every value of some tables, one after the other, and back again. The key of each table
/// is as many of its first columns as are said.
async fn every_change_is_found(
    site: &Site,
    area: &'static str,
    tables: &[(&str, usize)],
) -> Result<()> {
    written(&site.database()).await?;
    let mut session = Session::new(site.database().area(area));
    let mut tried = 0;
    for (table, key_len) in tables {
        let all = Query::new(format!("select * from {table}").leak());
        let rows = session.connection().await?.all(all).await?;
        ensure!(!rows.is_empty(), "there is something in {table}");
        for row in &rows {
            let key: Vec<_> = row.columns().take(*key_len).collect();
            let key: Vec<_> = key
                .into_iter()
                .map(|(name, value)| (name, value.clone()))
                .collect();
            for (column, value) in row.columns() {
                let new = changed(value);
                let change = update(table, column, new.clone(), &key);
                let what = format!("{change:?}");
                let mut connection = session.connection().await?;
                // A number where text must be is refused by the database itself.
                let Ok(rows) = connection.run(change).await else {
                    continue;
                };
                ensure!(rows == 1, "{what} concerned {rows} rows");
                tried += 1;
                let report = check(&site.database()).await.context(what.clone())?;
                ensure!(!report.is_clean(), "{what} was not found");
                let mut key = key.clone();
                for (name, in_key) in &mut key {
                    if *name == column {
                        *in_key = new.clone();
                    }
                }
                connection
                    .run(update(table, column, value.clone(), &key))
                    .await?;
            }
        }
    }
    ensure!(tried > 20, "only {tried} changes were tried");
    let report = check(&site.database()).await?;
    ensure!(
        report.is_clean(),
        "all is as it was: {:?}",
        report.difference
    );
    Ok(())
}

async fn every_change_to_the_journal_is_found(site: Site) -> Result<()> {
    every_change_is_found(&site, "journal", &[("journal", 2)]).await
}

async fn every_change_to_a_view_is_found(site: Site) -> Result<()> {
    let tables = [
        ("accounts", 1),
        ("balances", 1),
        ("transactions", 1),
        ("runs", 1),
        ("blocks", 1),
        ("watermark", 1),
        ("snapshot_parts", 1),
    ];
    every_change_is_found(&site, "views", &tables).await
}

async fn an_end_that_was_cut_off_is_found_by_what_was_published(site: Site) -> Result<()> {
    let database = &site.database();
    written(database).await?;
    let last = check(database).await?.head.sequence;
    let published = {
        let settings = Settings::default();
        let store = Store::open(database, LedgerView::default(), settings).await?;
        let handle = store.handle();
        let durable = handle.status().durable;
        ensure!(handle.projected_at_least(durable, PATIENCE).await);
        let mut reading = handle.views().read().await?;
        let (statement, sums) = handle.statement(&mut reading).await?;
        ensure!(statement.head.sequence > last, "{statement:?}");
        let text = text_of_sums(&sums);
        ensure!(text == "1 CNY 5200 5200\n", "{text}");
        drop(reading);
        store.shutdown().await;
        statement
    };
    let report = check_against(database, vec![published]).await?;
    ensure!(report.is_clean(), "{:?}", report.difference);
    for (what, wrong) in [
        (
            "tree",
            Statement {
                root: [0; 32],
                ..published
            },
        ),
        (
            "balance",
            Statement {
                sums: [0; 32],
                ..published
            },
        ),
        (
            "row",
            Statement {
                head: Head {
                    hash: [0; 32],
                    ..published.head
                },
                ..published
            },
        ),
    ] {
        let report = check_against(database, vec![wrong]).await?;
        let text = report.difference.context("it differs")?.to_string();
        ensure!(text.contains(what), "{text}");
    }

    // Without what was published nothing is missing: the views are made anew, and all of it is clean.
    let mut session = Session::new(database.area("journal"));
    let cut = Query::new("delete from journal where seq > $1").bind(last.0);
    session.connection().await?.run(cut).await?;
    session.close().await?;
    rebuild_views(database).await?;
    ensure!(check(database).await?.is_clean(), "a clean cut");
    let report = check_against(database, vec![published]).await?;
    let text = report.difference.context("the end is missing")?.to_string();
    ensure!(text.contains("an end after row"), "{text}");
    Ok(())
}

async fn a_difference_is_named_to_the_column(site: Site) -> Result<()> {
    written(&site.database()).await?;
    let found = async || -> Result<String> {
        let report = check(&site.database()).await?;
        Ok(report.difference.context("something differs")?.to_string())
    };
    let change = "update accounts set minimum = 5 where account_no = 1";
    site.spoil("views", Query::new(change)).await?;
    let text = found().await?;
    let expected = "view accounts, account_no = 1, column minimum: expected 0, found 5";
    ensure!(text == expected, "{text}");
    let change = "update accounts set minimum = 0 where account_no = 1";
    site.spoil("views", Query::new(change)).await?;
    let change = "delete from accounts where account_no = 2";
    site.spoil("views", Query::new(change)).await?;
    let text = found().await?;
    ensure!(
        text == "view accounts, account_no = 2: expected a row, found none",
        "{text}"
    );
    let change = "delete from journal where seq = 4";
    site.spoil("journal", Query::new(change)).await?;
    let report = check(&site.database()).await?;
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
