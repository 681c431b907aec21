//! Decisions about attempts to pay, and what was said about them, as the views hold them.

use ledger::Timestamp;
use ledger::shell::Reading;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

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
    let row = sqlx::query(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id where d.id = ?",
    )
    .bind(id.0.to_be_bytes().to_vec())
    .fetch_optional(reading.connection())
    .await?;
    row.as_ref().map(labelled).transpose()
}

/// The newest decisions about a wallet, the newest first, at most so many.
pub async fn of_wallet(
    reading: &mut Reading,
    wallet: WalletNo,
    limit: u32,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let rows = sqlx::query(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id where d.wallet_no = ?
        order by d.at desc limit ?",
    )
    .bind(i64::from(wallet.0))
    .bind(i64::from(limit))
    .fetch_all(reading.connection())
    .await?;
    rows.iter().map(labelled).collect()
}

/// The decisions made in `[from, until)` behind a place among them, in order of time, at most so many.
pub async fn between(
    reading: &mut Reading,
    (from, until): (Timestamp, Timestamp),
    behind: Option<(Timestamp, DecisionId)>,
    limit: u32,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let (after, id) = behind.map_or((sql_time(from), Vec::new()), |(at, id)| {
        (sql_time(at), id.0.to_be_bytes().to_vec())
    });
    let rows = sqlx::query(
        "select d.decision, l.label, l.at as labelled_at from decisions d
        left join labels l on l.decision_id = d.id
        where d.at >= ? and d.at < ? and (d.at, d.id) > (?, ?) order by d.at, d.id limit ?",
    )
    .bind(sql_time(from))
    .bind(sql_time(until))
    .bind(after)
    .bind(id)
    .bind(i64::from(limit))
    .fetch_all(reading.connection())
    .await?;
    rows.iter().map(labelled).collect()
}

/// Everything that was said about a decision, the first first.
pub async fn remarks(reading: &mut Reading, id: DecisionId) -> Result<Vec<Remark>, sqlx::Error> {
    let rows = sqlx::query("select * from remarks where decision_id = ? order by at")
        .bind(id.0.to_be_bytes().to_vec())
        .fetch_all(reading.connection())
        .await?;
    let remark = |row: &SqliteRow| {
        Ok(Remark {
            at: decode::time(row, "at")?,
            what: decode::text(row, "what")?,
            by: KeyId(decode::id(row, "key_id")?),
            note: decode::text(row, "note")?,
        })
    };
    rows.iter().map(remark).collect()
}

pub(super) fn decision(row: &SqliteRow) -> Result<Decision, sqlx::Error> {
    let bytes: &[u8] = row.try_get("decision")?;
    postcard::from_bytes(bytes).map_err(|_| decode::wrong("decision"))
}

pub(super) fn labelled(row: &SqliteRow) -> Result<Labelled, sqlx::Error> {
    let label = row
        .try_get::<Option<&str>, _>("label")?
        .map(label)
        .transpose()?;
    let at = row.try_get::<Option<i64>, _>("labelled_at")?;
    let at = at.map(|at| Timestamp(at.unsigned_abs()));
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
    let rows = sqlx::query(
        "select d.id, l.label from labels l join decisions d on d.id = l.decision_id
        where d.at >= ? and d.at < ?",
    )
    .bind(sql_time(from))
    .bind(sql_time(until))
    .fetch_all(reading.connection())
    .await?;
    let one = |row: &SqliteRow| {
        let id = DecisionId(decode::id(row, "id")?);
        Ok((id, label(row.try_get("label")?)?))
    };
    rows.iter().map(one).collect()
}
