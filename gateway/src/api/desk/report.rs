//! The fraud report, over the API.

use ledger::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::super::wire::Time;
use super::model::{FeatureDrift, drifted, thousandths};
use crate::app::views_problem;
use crate::problem::{Code, Problem};
use crate::report::{Builder, FraudReport};
use crate::store::decision;

/// Attempts that a report over the API looks at; the command line has no bound.
const ATTEMPTS_MAX: u64 = 1_000_000;
/// Attempts read at a time.
const PAGE: u32 = 5_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportAsked {
    /// Attempts made at this time or later; all, if left out.
    from: Option<Time>,
    /// Attempts made before this time; all, if left out.
    until: Option<Time>,
}

impl Parameters for ReportAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<Time>(schemas);
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportFound {
    report: FraudReport,
    /// How far scores have moved since the training of the model that decides, as in `GET /v1/models`; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_drift_milli: Option<i64>,
    /// The features that moved most.
    drifted: Vec<FeatureDrift>,
    /// Whether there were more than the million attempts that are looked at.
    cut: bool,
}

pub(super) async fn fraud(ask: Ask<(), ReportAsked>) -> Replied<ReportFound> {
    let asked = ask.query;
    let (from, until) = (
        asked.from.map(|time| time.0),
        asked.until.map(|time| time.0),
    );
    let span = (
        from.unwrap_or(Timestamp::ZERO),
        until.unwrap_or(Timestamp(i64::MAX.cast_unsigned())),
    );
    if span.0 >= span.1 {
        let detail = "from is not before until.";
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let now = ask.app.handle.status().durable;
    ask.app.read_views(Some(now)).await?;
    let (mut builder, mut behind, mut seen) = (Builder::default(), None, 0);
    let cut = loop {
        let mut reading = ask.app.read_views(None).await?;
        let page = decision::between(&mut reading, span, behind, PAGE).await;
        let page = page.map_err(|error| views_problem(&error))?;
        drop(reading);
        let Some(last) = page.last() else {
            break false;
        };
        behind = Some((last.decision.at, last.decision.id));
        for one in &page {
            builder.add(one);
        }
        seen += page.len() as u64;
        if seen >= ATTEMPTS_MAX {
            break true;
        }
    };
    let report = builder.finish(from, until);
    Ok(Reply::new(Json(ReportFound {
        report,
        model_drift_milli: ask.app.risk.drift().map(thousandths),
        drifted: drifted(&ask.app.risk),
        cut,
    })))
}
