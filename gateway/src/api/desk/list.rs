//! Lists: who is refused, let through or watched, whatever the model says.

use ledger::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::ask::{Ask, Json, Parameters, Replied, Reply, Schemas};
use super::super::check::Check;
use super::super::wire::{SequenceToken, Time};
use super::note;
use crate::app::Done;
use crate::pay::desk::{Command, Entry, List, Outcome, Subject};
use crate::pay::{KeyId, MerchantId, WalletId};
use crate::problem::{Code, Problem};

/// Entries shown at a time.
const SHOWN_MAX: usize = 1_000;
const DEVICE_CHARS_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ListWord {
    /// Is refused.
    Block,
    /// Is let through without asking the model.
    Allow,
    /// Is shown to analysts, and otherwise treated like anybody.
    Watch,
}

impl From<ListWord> for List {
    fn from(word: ListWord) -> Self {
        match word {
            ListWord::Block => Self::Block,
            ListWord::Allow => Self::Allow,
            ListWord::Watch => Self::Watch,
        }
    }
}

impl From<List> for ListWord {
    fn from(list: List) -> Self {
        match list {
            List::Block => Self::Block,
            List::Allow => Self::Allow,
            List::Watch => Self::Watch,
        }
    }
}

/// Who or what is on a list: one of the three.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = ListSubject, example = json!({"device": "phone-5f3a"}))]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    wallet: Option<WalletId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<MerchantId>,
    /// By the name that payments bring along.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

impl SubjectShown {
    fn read(self) -> Result<Subject, Problem> {
        let mut check = Check::default();
        if let Some(device) = &self.device {
            check.text("/subject/device", device, DEVICE_CHARS_MAX);
        }
        check.done()?;
        match (self.wallet, self.merchant, self.device) {
            (Some(id), None, None) => Ok(Subject::Wallet(id)),
            (None, Some(id), None) => Ok(Subject::Merchant(id)),
            (None, None, Some(name)) => Ok(Subject::Device(name)),
            _ => Err(Problem::field(
                Code::FieldInvalid,
                "/subject",
                "names one of wallet, merchant and device",
            )),
        }
    }

    fn of(subject: &Subject) -> Self {
        let mut shown = Self::default();
        match subject {
            Subject::Wallet(id) => shown.wallet = Some(*id),
            Subject::Merchant(id) => shown.merchant = Some(*id),
            Subject::Device(name) => shown.device = Some(name.clone()),
        }
        shown
    }
}

/// One entry of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListEntry)]
pub(super) struct EntryShown {
    #[schema(inline)]
    list: ListWord,
    subject: SubjectShown,
    /// The last moment it counts; for ever, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    /// The key of who put it there.
    by: KeyId,
    at: Time,
    note: String,
}

impl From<&Entry> for EntryShown {
    fn from(entry: &Entry) -> Self {
        Self {
            list: entry.list.into(),
            subject: SubjectShown::of(&entry.subject),
            until: entry.until.map(Time),
            by: entry.by,
            at: Time(entry.at),
            note: entry.note.clone(),
        }
    }
}

/// The lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListsFound {
    entries: Vec<EntryShown>,
    /// How many there are in all; at most 1000 are shown.
    total: usize,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListsAsked {
    /// Only entries of this list.
    #[param(inline)]
    list: Option<ListWord>,
}

impl Parameters for ListsAsked {
    fn schemas(_: &mut Schemas) {}
}

pub(super) async fn find(ask: Ask<(), ListsAsked>) -> Replied<ListsFound> {
    let desk = ask.app.desk().await?;
    let list = ask.query.list.map(List::from);
    let wanted = |entry: &&Entry| list.is_none_or(|list| list == entry.list);
    let entries = desk.entries.values().filter(wanted);
    let found = ListsFound {
        total: entries.clone().count(),
        entries: entries.take(SHOWN_MAX).map(Into::into).collect(),
    };
    Ok(Reply::new(Json(found)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewListEntry, example = json!({
    "list": "block", "subject": {"device": "phone-5f3a"}, "until": "2027-01-31T00:00:00Z", "note": "Three stolen wallets"
}))]
#[serde(deny_unknown_fields)]
pub(super) struct EntryAsked {
    #[schema(inline)]
    list: ListWord,
    subject: SubjectShown,
    /// The last moment it counts; for ever, if left out.
    until: Option<Time>,
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// An entry after the change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryChanged {
    entry: EntryShown,
    sequence: SequenceToken,
}

pub(super) async fn enter(ask: Ask<(), (), Json<EntryAsked>>) -> Replied<EntryChanged> {
    let by = ask.caller()?.key;
    let Json(asked) = ask.body;
    let command = Command::Enter {
        list: asked.list.into(),
        subject: asked.subject.read()?,
        until: asked.until.map(|until| Timestamp(until.0.0)),
        by,
        note: note("/note", asked.note)?,
    };
    let (done, outcome) = ask.app.at_desk(command, ask.once).await?;
    changed(&done, &outcome)
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StruckListEntry, example = json!({"list": "block", "subject": {"device": "phone-5f3a"}}))]
#[serde(deny_unknown_fields)]
pub(super) struct StrikeAsked {
    #[schema(inline)]
    list: ListWord,
    subject: SubjectShown,
}

pub(super) async fn strike(ask: Ask<(), (), Json<StrikeAsked>>) -> Replied<EntryChanged> {
    let by = ask.caller()?.key;
    let Json(asked) = ask.body;
    let command = Command::Strike {
        list: asked.list.into(),
        subject: asked.subject.read()?,
        by,
    };
    let (done, outcome) = ask.app.at_desk(command, ask.once).await?;
    changed(&done, &outcome)
}

fn changed(done: &Done, outcome: &Outcome) -> Replied<EntryChanged> {
    let Outcome::Entry(entry) = outcome else {
        return done.clone().unexpected();
    };
    let changed = EntryChanged {
        entry: entry.into(),
        sequence: SequenceToken(done.sequence),
    };
    Ok(Reply::done(done, Json(changed)))
}
