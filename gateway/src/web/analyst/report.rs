//! The fraud report, as it is printed for a file too.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};

use super::{refused, signed_in};
use crate::app::App;
use crate::problem::Problem;

/// Of all attempts; `GET /v1/reports/fraud` and `gateway report fraud` take bounds.
pub(super) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(response) = signed_in(&app, &headers).await {
        return *response;
    }
    let page = async {
        let (report, _) = app.fraud_report(None, None).await?;
        report.to_html().map_err(|error| Problem::internal(&error))
    };
    match page.await {
        Ok(page) => Html(page).into_response(),
        Err(problem) => refused(&app, &problem),
    }
}
