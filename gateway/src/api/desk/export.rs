//! Attempts with what they turned out to be, as a file that trains a model.

use axum::body::Bytes;
use ledger::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::ask::{Ask, Csv, Parameters, Reply, Schemas, named};
use super::super::wire::Time;
use crate::app::{App, views_problem};
use crate::pay::DecisionId;
use crate::problem::Problem;
use crate::report::attempts::{COLUMNS, line, row};
use crate::store::decision::{self, Labelled};

/// Rows in one answer: some fifteen megabytes. The next begins at the time of the last.
const ROWS_MAX: usize = 100_000;
/// Rows read at a time.
const PAGE: u32 = 2_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportAsked {
    /// Attempts made at this time or later; all, if left out.
    from: Option<Time>,
    /// Attempts made before this time; all, if left out.
    until: Option<Time>,
    /// Only attempts that somebody has labelled. Otherwise what nobody has labelled counts as genuine, as in life.
    #[serde(default)]
    labelled: bool,
}

impl Parameters for ExportAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<Time>(schemas);
    }
}

pub(super) async fn labels(ask: Ask<(), ExportAsked>) -> Result<Reply<Csv>, Problem> {
    let asked = ask.query;
    let from = asked.from.map_or(Timestamp::ZERO, |time| time.0);
    let until = asked.until.map_or(Timestamp(u64::MAX), |time| time.0);
    let mut text = COLUMNS.join(",") + "\n";
    let mut rows = 0;
    let mut behind: Option<(Timestamp, DecisionId)> = None;
    while rows < ROWS_MAX {
        let page = page(&ask.app, (from, until), behind).await?;
        let Some(last) = page.last() else {
            break;
        };
        behind = Some((last.decision.at, last.decision.id));
        for one in &page {
            if one.label.is_some() || !asked.labelled {
                text.push_str(&line(&row(one)));
                rows += 1;
            }
        }
    }
    Ok(Reply::new(Csv(Bytes::from(text))))
}

async fn page(
    app: &App,
    span: (Timestamp, Timestamp),
    behind: Option<(Timestamp, DecisionId)>,
) -> Result<Vec<Labelled>, Problem> {
    let mut reading = app.read_views(None).await?;
    let read = decision::between(&mut reading, span, behind, PAGE).await;
    read.map_err(|error| views_problem(&error))
}
