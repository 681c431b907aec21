//! The fraud report, over the API.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas, named};
use super::super::wire::Time;
use super::model::{FeatureDrift, drifted, thousandths};
use crate::report::FraudReport;

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
    let (report, cut) = ask.app.fraud_report(from, until).await?;
    Ok(Reply::new(Json(ReportFound {
        report,
        model_drift_milli: ask.app.risk.drift().map(thousandths),
        drifted: drifted(&ask.app.risk),
        cut,
    })))
}
