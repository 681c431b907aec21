//! The queue, by the money at risk.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::{Frame, Line, asset, page as written, refused, signed_in};
use crate::app::App;
use crate::problem::Problem;
use crate::store::Cursor;
use crate::store::case::Wanted;
use crate::store::page::{List, Slice};

const LINES: u32 = 50;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    show: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "analyst/queue.html")]
struct QueuePage {
    frame: Frame,
    tabs: [(&'static str, &'static str, bool); 3],
    show: &'static str,
    lines: Vec<Line>,
    next: Option<String>,
}

const TABS: [(&str, &str, Wanted); 3] = [
    ("waiting", "Money on hold", Wanted::Waiting),
    ("unlabelled", "Not yet labelled", Wanted::Unlabelled),
    ("all", "All cases", Wanted::All),
];

pub(super) async fn page(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = signed_in(&app, &headers).await {
        return *response;
    }
    match show(&app, &asked).await {
        Ok(page) => written(&page),
        Err(problem) => refused(&app, &problem),
    }
}

async fn show(app: &App, asked: &Asked) -> Result<QueuePage, Problem> {
    let wanted = asked.show.as_deref().unwrap_or(TABS[0].0);
    let tab = TABS.iter().find(|(name, ..)| *name == wanted);
    let (show, _, wanted) = *tab.unwrap_or(&TABS[0]);
    let after = asked.after.as_deref();
    let slice = Slice {
        after: after.and_then(|text| Cursor::read(text, List::Cases)),
        rows: LINES,
    };
    let desk = app.desk().await?;
    let (cases, next) = app.cases(wanted, slice).await?;
    Ok(QueuePage {
        frame: Frame::of(app),
        tabs: TABS.map(|(name, title, _)| (name, title, name == show)),
        show,
        lines: cases
            .iter()
            .map(|case| Line::of(app, case, &desk))
            .collect(),
        next: next.map(Cursor::write),
    })
}
