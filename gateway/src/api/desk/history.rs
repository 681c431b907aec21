//! What analysts changed.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::ask::{Ask, Replied};
use super::super::page::{PageAsked, page, slice};
use super::super::wire::{Page, Time};
use crate::app::views_problem;
use crate::pay::KeyId;
use crate::store::case::{self, Change};
use crate::store::page::List;

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeskChange)]
pub(super) struct ChangeShown {
    at: Time,
    /// Such as `rules_published`, `list_entered`, `model_decides`, `wallet_frozen`, `merchant_frozen`.
    #[schema(example = "rules_published")]
    what: String,
    #[schema(example = "version 3")]
    subject: String,
    /// The key of who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<KeyId>,
    note: String,
    /// Rules as they were published, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Change> for ChangeShown {
    fn from(change: Change) -> Self {
        Self {
            at: Time(change.at),
            what: change.what,
            subject: change.subject,
            by: change.by,
            note: change.note,
            detail: change.detail,
        }
    }
}

pub(super) async fn list(ask: Ask<(), PageAsked>) -> Replied<Page<ChangeShown>> {
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Changes)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let (changes, next) = case::history(&mut reading, slice)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = changes.into_iter().map(Into::into).collect();
    Ok(page(shown, next, reading.watermark()))
}
