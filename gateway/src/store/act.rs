//! What was done in the name of the house: by whom, when, and to what.
//!
//! The journal keeps the idempotency key of every request beside what the request did, and the key's scope is the number of
//! whoever signed it. So who did what need not be written down by anybody: it is read off the journal, and nothing can be
//! done without it. What analysts do is in the desk's history, with their reasons.

use ledger::shell::sql::Query;
use ledger::shell::{Column, Growth, Reading, Rows, Table, Value};
use ledger::{Place, Record, Sequence, Timestamp};

use super::decode;
use super::page::{Cursor, List, Slice};
use crate::pay::{Event, KeyId, Outcome, Payments, key};

pub(super) static ACTS: Table = Table {
    name: "acts",
    columns: &[
        Column::integer("journal_seq"),
        Column::integer("position"),
        Column::integer("at"),
        Column::blob("key_id"),
        Column::text("what"),
        Column::text("subject"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &["key_id, journal_seq, position"],
};

/// Something that the house, or a bank for it, did or was refused.
#[derive(Clone, Debug)]
pub struct Act {
    pub sequence: Sequence,
    pub position: u32,
    pub at: Timestamp,
    pub by: KeyId,
    pub what: String,
    pub subject: String,
}

/// Notes what a record did, if one of the house's keys asked for it.
pub(super) fn fold(place: Place, record: &Record<Payments>, payments: &Payments, rows: &mut Rows) {
    let Record::Command {
        at,
        uniques,
        outcome,
        events,
        ..
    } = record
    else {
        return;
    };
    let by = uniques.iter().find_map(|unique| {
        let no = key::asked_by(unique.key)?;
        payments.house_key(no)
    });
    let Some(by) = by else {
        return;
    };
    let deed = events.iter().find_map(deed);
    let deed = deed.or_else(|| events.iter().find_map(posting));
    let refused = outcome.as_ref().and_then(|outcome| match outcome {
        Outcome::Refused(refusal) => Some(("refused", refusal.code().to_owned())),
        _ => None,
    });
    let Some((what, subject)) = deed.or(refused) else {
        return;
    };
    rows.put(
        &ACTS,
        [
            place.sequence.0.into(),
            place.record.into(),
            at.0.into(),
            Value::id(by.0),
            what.into(),
            subject.as_str().into(),
        ],
    );
}

/// What an event does, in a word, and to what. Of the desk's events and of those that follow from others nothing is said.
fn deed(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::MerchantOpened(merchant) => ("merchant_opened", merchant.id.to_string()),
        Event::WalletOpened(wallet) => ("wallet_opened", wallet.id.to_string()),
        Event::KeyAdded(key) => ("key_made", key.id.to_string()),
        Event::KeyRevoked(id) => ("key_revoked", id.to_string()),
        Event::KeyTermsSet { id, .. } => ("key_terms_set", id.to_string()),
        Event::FeesChanged { merchant, .. } => ("fees_set", merchant.to_string()),
        Event::BookOpened(book) => ("book_opened", book.tenant.id.to_string()),
        Event::StepUpsChanged { wallet, .. } => ("step_ups_reset", wallet.to_string()),
        _ => return None,
    })
}

/// The same of what happened in the ledger.
fn posting(event: &Event) -> Option<(&'static str, String)> {
    let Event::Ledger(event) = event else {
        return None;
    };
    Some(match event {
        ledger::Event::AssetRegistered(currency) => {
            ("asset_registered", currency.code().to_owned())
        }
        ledger::Event::Posted { transaction, .. } => {
            let id = crate::pay::TransactionName(transaction.id.0);
            ("money_moved", id.to_string())
        }
        ledger::Event::LimitsSet { account, .. } => {
            ("limits_set", format!("account {}", account.0))
        }
        ledger::Event::StateSet { account, .. } => ("state_set", format!("account {}", account.0)),
        _ => return None,
    })
}

/// What was done, the newest first.
pub async fn list(
    reading: &mut Reading,
    by: Option<KeyId>,
    slice: Slice,
) -> Result<(Vec<Act>, Option<Cursor>), sqlx::Error> {
    let mut query = Query::new("select * from acts where journal_seq >= 0");
    if let Some(by) = by {
        query.push(" and key_id = ").push_bind(Value::id(by.0));
    }
    if let Some(after) = slice.after {
        let sequence = i64::try_from(after.first).unwrap_or(i64::MAX);
        let position = i64::try_from(after.second).unwrap_or(i64::MAX);
        query
            .push(" and (journal_seq, position) < (")
            .push_bind(sequence)
            .push(", ")
            .push_bind(position)
            .push(")");
    }
    query
        .push(" order by journal_seq desc, position desc limit ")
        .push_bind(slice.limit());
    let rows = reading.connection().all(query).await?;
    let mut acts = Vec::with_capacity(rows.len());
    for row in &rows {
        acts.push(Act {
            sequence: Sequence(decode::number(row, "journal_seq")?),
            position: decode::number(row, "position")?,
            at: decode::time(row, "at")?,
            by: KeyId(decode::id(row, "key_id")?),
            what: decode::text(row, "what")?,
            subject: decode::text(row, "subject")?,
        });
    }
    Ok(slice.cut(acts, |last| Cursor {
        list: List::Acts,
        first: last.sequence.0,
        second: last.position.into(),
    }))
}
