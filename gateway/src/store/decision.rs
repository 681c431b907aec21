//! Decisions about attempts to pay, and what was said about them, as the views hold them.

use ledger::Timestamp;
use ledger::shell::Reading;
use ledger::shell::Value;
use ledger::shell::sql::{Query, Row};

use super::decode;
use super::order::sql_time;
use crate::pay::{Decision, DecisionId, KeyId, Label, WalletNo};

/// Something that was said about a decision.
#[derive(Clone, Debug)]
pub struct Remark {
    pub at: Timestamp,
    /// `fraud`, `genuine` or `note`.
    pub what: String,
    pub by: KeyId,
    pub note: String,
}

/// A decision and what it turned out to be, if anybody said.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub decision: Decision,
    pub label: Option<(Label, Timestamp)>,
}

pub async fn find(reading: &mut Reading, id: DecisionId) -> Result<Option<Labelled>, sqlx::Error> {
    let query = Query::new(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id where d.id = $1",
    )
    .bind(Value::id(id.0));
    let row = reading.connection().first(query).await?;
    row.as_ref().map(labelled).transpose()
}

/// The newest decisions about a wallet, the newest first, at most so many.
pub async fn of_wallet(
    reading: &mut Reading,
    wallet: WalletNo,
    limit: u32,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let query = Query::new(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id where d.wallet_no = $1
        order by d.at desc limit $2",
    )
    .bind(i64::from(wallet.0))
    .bind(i64::from(limit));
    let rows = reading.connection().all(query).await?;
    rows.iter().map(labelled).collect()
}

/// The decisions made in `[from, until)` behind a place among them, in order of time, at most so many.
pub async fn between(
    reading: &mut Reading,
    (from, until): (Timestamp, Timestamp),
    behind: Option<(Timestamp, DecisionId)>,
    limit: u32,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let (after, id) = behind.map_or((sql_time(from), Value::Blob([].into())), |(at, id)| {
        (sql_time(at), Value::id(id.0))
    });
    let query = Query::new(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id
        where d.at >= $1 and d.at < $2 and (d.at, d.id) > ($3, $4) order by d.at, d.id limit $5",
    )
    .bind(sql_time(from))
    .bind(sql_time(until))
    .bind(after)
    .bind(id)
    .bind(i64::from(limit));
    let rows = reading.connection().all(query).await?;
    rows.iter().map(labelled).collect()
}

/// Everything that was said about a decision, the first first.
pub async fn remarks(reading: &mut Reading, id: DecisionId) -> Result<Vec<Remark>, sqlx::Error> {
    let query = Query::new("select * from remarks where decision_id = $1 order by at")
        .bind(Value::id(id.0));
    let rows = reading.connection().all(query).await?;
    let remark = |row: &Row| {
        Ok(Remark {
            at: decode::time(row, "at")?,
            what: decode::text(row, "what")?,
            by: KeyId(decode::id(row, "key_id")?),
            note: decode::text(row, "note")?,
        })
    };
    rows.iter().map(remark).collect()
}

pub(super) fn decision(row: &Row) -> Result<Decision, sqlx::Error> {
    let bytes: Vec<u8> = row.get("decision")?;
    postcard::from_bytes(&bytes).map_err(|_| decode::wrong("decision"))
}

pub(super) fn labelled(row: &Row) -> Result<Labelled, sqlx::Error> {
    let named: Option<String> = row.get("label")?;
    let label = named.as_deref().map(label).transpose()?;
    let at = row.get::<Option<u64>>("labelled_at")?.map(Timestamp);
    Ok(Labelled {
        decision: decision(row)?,
        label: label.zip(at),
    })
}

fn label(name: &str) -> Result<Label, sqlx::Error> {
    let found = Label::ALL.into_iter().find(|label| label.name() == name);
    found.ok_or_else(|| decode::wrong("label"))
}

/// The labels of the decisions made in `[from, until)`.
pub async fn labels(
    reading: &mut Reading,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(DecisionId, Label)>, sqlx::Error> {
    let query = Query::new(
        "select d.id, l.label from labels l join decisions d on d.id = l.decision_id
        where d.at >= $1 and d.at < $2",
    )
    .bind(sql_time(from))
    .bind(sql_time(until));
    let rows = reading.connection().all(query).await?;
    let one = |row: &Row| {
        let id = DecisionId(decode::id(row, "id")?);
        Ok((id, label(&decode::text(row, "label")?)?))
    };
    rows.iter().map(one).collect()
}

/// How many decisions there are.
pub async fn count(reading: &mut Reading) -> Result<u64, sqlx::Error> {
    let query = Query::new("select count(*) as many from decisions");
    let row = reading.connection().first(query).await?;
    let many = row
        .map(|row| decode::number::<i64>(&row, "many"))
        .transpose()?;
    Ok(many.unwrap_or_default().unsigned_abs())
}
