//! Cases: decisions that analysts are shown, by the money at risk.

use fraud::Role;
use ledger::Timestamp;
use ledger::shell::Reading;
use ledger::shell::Value;
use ledger::shell::sql::Query;

use super::decision::{Labelled, labelled};
use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{Decision, KeyId, Standing};

/// Which cases are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Money is on hold for them.
    Waiting,
    /// Nobody has said what they were.
    Unlabelled,
    All,
}

const SELECT: &str = "select d.decision, l.label, l.at as labelled_at from cases c
    join decisions d on d.id = c.id left join labels l on l.decision_id = c.id";

/// Cases, those with the most money at risk first.
pub async fn queue(
    reading: &mut Reading,
    wanted: Wanted,
    slice: Slice,
) -> Result<(Vec<Labelled>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new(SELECT);
    match wanted {
        Wanted::Waiting => {
            query
                .push(" where c.standing = ")
                .push_bind(Standing::InReview.name());
        }
        Wanted::Unlabelled => {
            query.push(" where l.label is null");
        }
        Wanted::All => {
            query.push(" where c.at_risk >= 0");
        }
    }
    if let Some(after) = slice.after {
        let at_risk = i64::try_from(after.first).unwrap_or(i64::MAX);
        query.push(" and (c.at_risk, c.id) < (").push_bind(at_risk);
        query
            .push(", ")
            .push_bind(Value::id(after.second))
            .push(")");
    }
    query
        .push(" order by c.at_risk desc, c.id desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let cases: Result<Vec<Labelled>, _> = rows.iter().map(labelled).collect();
    Ok(slice.cut(cases?, |last| Cursor {
        list: List::Cases,
        first: last.decision.at_risk().unsigned_abs(),
        second: last.decision.id.0,
    }))
}

/// Other cases of the same payer, payee, device or place, the newest first, at most so many.
pub async fn neighbours(
    reading: &mut Reading,
    of: &Decision,
    limit: u32,
) -> Result<Vec<Labelled>, sqlx::Error> {
    let mut query = Query::new(SELECT);
    let mut joint = " where (";
    for role in [Role::Payer, Role::Payee, Role::Device, Role::Place] {
        if let Some(key) = of.scored.attempt.entity(role) {
            query.push(joint).push("c.").push(role.name()).push(" = ");
            query.push_bind(key.0.cast_signed());
            joint = " or ";
        }
    }
    query.push(") and c.id <> ").push_bind(Value::id(of.id.0));
    query
        .push(" order by c.at desc limit ")
        .push_bind(i64::from(limit));
    let rows = reading.connection().all(query).await?;
    rows.iter().map(labelled).collect()
}

/// Something that analysts changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub at: Timestamp,
    pub what: String,
    pub subject: String,
    pub by: Option<KeyId>,
    pub note: String,
    /// Rules as they were published, as JSON.
    pub detail: Option<String>,
}

/// What analysts changed, the newest first.
pub async fn history(
    reading: &mut Reading,
    slice: Slice,
) -> Result<(Vec<Change>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new("select * from desk_history");
    if let Some(after) = slice.after {
        let at = i64::try_from(after.first).unwrap_or(i64::MAX);
        query.push(" where at < ").push_bind(at);
    }
    query
        .push(" order by at desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        changes.push(Change {
            at: decode::time(row, "at")?,
            what: decode::text(row, "what")?,
            subject: decode::text(row, "subject")?,
            by: decode::id_or_none(row, "key_id")?.map(KeyId),
            note: decode::text(row, "note")?,
            detail: row.get("detail")?,
        });
    }
    Ok(slice.cut(changes, |last| Cursor {
        list: List::Changes,
        first: last.at.0,
        second: 0,
    }))
}
