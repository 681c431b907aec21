//! What was done in the name of the house.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Ask, Parameters, Replied, Schemas, named};
use super::page::{page, slice};
use super::wire::{Page, SequenceToken, Time};
use crate::app::views_problem;
use crate::pay::KeyId;
use crate::store::act::{self, Act};
use crate::store::page::List;

/// Something that an operator or a bank did, or was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Act)]
pub(super) struct ActShown {
    at: Time,
    /// The key that signed the request.
    by: KeyId,
    /// Such as `merchant_opened`, `key_made`, `key_revoked`, `fees_set`, `money_moved`, `refused`.
    #[schema(example = "merchant_opened")]
    what: String,
    /// What it was done to, or by which code it was refused.
    #[schema(example = "mer_0197a3e5c4b17f20a1b2c3d4e5f60718")]
    subject: String,
    /// Where in the journal it stands.
    sequence: SequenceToken,
}

impl From<Act> for ActShown {
    fn from(act: Act) -> Self {
        Self {
            at: Time(act.at),
            by: act.by,
            what: act.what,
            subject: act.subject,
            sequence: SequenceToken(act.sequence),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ActsAsked {
    /// Only what this key signed.
    by: Option<KeyId>,
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    at_least: Option<SequenceToken>,
}

impl Parameters for ActsAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<KeyId>(schemas);
        named::<SequenceToken>(schemas);
    }
}

pub(super) async fn list(ask: Ask<(), ActsAsked>) -> Replied<Page<ActShown>> {
    let asked = ask.query;
    let slice = slice(asked.limit, asked.cursor.as_deref(), List::Acts)?;
    let at_least = asked.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let (acts, next) = act::list(&mut reading, asked.by, slice)
        .await
        .map_err(|error| views_problem(&error))?;
    let shown = acts.into_iter().map(Into::into).collect();
    Ok(page(shown, next, reading.watermark()))
}
