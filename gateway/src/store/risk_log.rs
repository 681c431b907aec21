//! What became of decisions, in the order of the journal.

use ledger::shell::Reading;
use ledger::shell::sql::{Query, Row};
use serde::{Deserialize, Serialize};

use super::decision::decision;
use super::decode;
pub use super::risk_view::{Became, named};
use crate::pay::{Decision, Label};

/// A place in the log: a row of the journal, and a position in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub row: i64,
    pub position: i64,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self {
        row: 0,
        position: -1,
    };
}

/// One entry, with the decision that it is about as it is now.
#[derive(Clone, Debug)]
pub struct Entry {
    pub place: Place,
    pub became: Became,
    pub decision: Option<Decision>,
    /// What was said of the decision before, if this is a label.
    pub was: Option<Label>,
}

/// The entries behind a place, in order, at most so many.
pub async fn after(
    reading: &mut Reading,
    place: Place,
    limit: u32,
) -> Result<Vec<Entry>, sqlx::Error> {
    let query = Query::new(
        "select r.seq, r.position, r.what, d.decision, case when r.what in ('fraud', 'genuine') then (
            select m.what from remarks m where m.decision_id = r.decision_id and m.at < r.at
            and m.what in ('fraud', 'genuine') order by m.at desc limit 1) end as was
        from risk_log r left join decisions d on d.id = r.decision_id
        where (r.seq, r.position) > ($1, $2) order by r.seq, r.position limit $3",
    )
    .bind(place.row)
    .bind(place.position)
    .bind(i64::from(limit));
    let rows = reading.connection().all(query).await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry, sqlx::Error> {
    let what = decode::text(row, "what")?;
    let became = Became::ALL.into_iter().find(|became| became.name() == what);
    let known = row.get::<Option<Vec<u8>>>("decision")?.is_some();
    let was = row.get::<Option<String>>("was")?;
    let was = was.and_then(|was| Label::ALL.into_iter().find(|label| label.name() == was));
    Ok(Entry {
        place: Place {
            row: decode::number(row, "seq")?,
            position: decode::number(row, "position")?,
        },
        became: became.ok_or_else(|| decode::wrong("what"))?,
        decision: known.then(|| decision(row)).transpose()?,
        was,
    })
}
