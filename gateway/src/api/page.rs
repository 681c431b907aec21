//! Paged lists: what is asked of them, and how they answer.

use ledger::Sequence;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ask::{Json, Parameters, Reply, Schemas, named};
use super::wire::{Page, SequenceToken};
use crate::problem::{Code, Problem};
use crate::store::Cursor;
use crate::store::page::{List, ROWS_DEFAULT, ROWS_MAX, Slice};

/// What every list takes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageAsked {
    /// How many to show, 1 to 100; 20 when not given.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Wait until the list shows what was written at this place in the journal.
    pub at_least: Option<SequenceToken>,
}

impl Parameters for PageAsked {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

/// What a read of one thing from the views takes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AtLeast {
    /// Wait until the views show what was written at this place in the journal.
    pub at_least: Option<SequenceToken>,
}

impl Parameters for AtLeast {
    fn schemas(schemas: &mut Schemas) {
        named::<SequenceToken>(schemas);
    }
}

/// What to show of a list.
pub(super) fn slice(
    limit: Option<u32>,
    cursor: Option<&str>,
    list: List,
) -> Result<Slice, Problem> {
    let rows = limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&rows) {
        let detail = format!("limit is a number from 1 to {ROWS_MAX}.");
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let read = |text| {
        Cursor::read(text, list)
            .ok_or_else(|| Problem::new(Code::CursorInvalid, "The cursor is not one of this list."))
    };
    let after = cursor.map(read).transpose()?;
    Ok(Slice { after, rows })
}

pub(super) fn page<T>(
    data: Vec<T>,
    next: Option<Cursor>,
    sequence: Sequence,
) -> Reply<Json<Page<T>>> {
    let page = Page {
        data,
        next_cursor: next.map(Cursor::write),
        sequence: SequenceToken(sequence),
    };
    Reply::as_of(sequence, Json(page))
}
