//! What the pages load: part of the binary, named by its content, so that a browser may keep it for ever and a new
//! version is a new address.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ledger::shell::chain::hex;
use sha2::{Digest, Sha256};

use super::missing;
use crate::app::App;

pub(super) struct Asset {
    path: String,
    media: &'static str,
    text: &'static str,
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "page",
        "css",
        "text/css; charset=utf-8",
        include_str!("../../assets/page.css"),
    )
});
pub(super) static CHECKOUT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "checkout",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/checkout.js"),
    )
});
pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_str!("../../assets/icon.svg"),
    )
});

/// Where assets are.
const FOLDER: &str = "/assets/";
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Bytes of the digest that stand in a name: two versions of one file never share eight.
const NAMED_BYTES: usize = 8;

impl Asset {
    fn new(stem: &str, ending: &str, media: &'static str, text: &'static str) -> Self {
        let version = hex(&Sha256::digest(text)[..NAMED_BYTES]);
        Self {
            path: format!("{FOLDER}{stem}-{version}.{ending}"),
            media,
            text,
        }
    }

    /// The address on this server.
    pub(super) fn url(&self) -> &str {
        &self.path
    }
}

pub(super) async fn serve(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let assets = [&STYLE, &CHECKOUT, &ICON];
    match assets
        .into_iter()
        .find(|asset| asset.path.strip_prefix(FOLDER) == Some(name.as_str()))
    {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(asset.media)),
                (header::CACHE_CONTROL, KEEP),
            ];
            (headers, asset.text).into_response()
        }
        None => missing(&app, "Not found", "There is nothing at this address."),
    }
}
