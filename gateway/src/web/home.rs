//! The home page: what this is, and its doors.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, asset, page};
use crate::app::App;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
}

pub(super) async fn home(State(app): State<Arc<App>>) -> Response {
    page(&HomePage {
        frame: Frame::of(&app),
    })
}
