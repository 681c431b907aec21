//! The lines of an exported book.
//!
//! | `type` | what it is | in an import |
//! |---|---|---|
//! | `ledger` | the first line: format, book, place in the journal | its format is checked |
//! | `account` | an account, opened | opened without limits |
//! | `transaction` | a transaction; with `reverses` or `captures` its postings follow from `amounts` | posted under the same id |
//! | `hold` | amounts put aside | held, with its expiry if that is still to come |
//! | `release` | what was left of a hold, given back | given back |
//! | `class` | velocity limits of a class | set |
//! | `state` | an account as it stands at the end | limits and state are set, the balance is compared |
//! | `period` | up to when the book is closed | closed |
//! | `end` | the last line: how many there are before it | nothing |
//!
//! Limits come last, so that history is not refused by limits that were set later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::super::wire::{AskedAmount, SequenceToken, Time};
use super::super::asked::PostingAsked;
use super::super::shown::{AccountLimits, Described, Kind, State, VelocityLimit};
use crate::pay::{HoldName, TransactionName};

/// The only format there is.
pub(super) const FORMAT: u16 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    Ledger(Head),
    Account(AccountLine),
    Transaction(TransactionLine),
    Hold(HoldLine),
    Release(ReleaseLine),
    Class(ClassLine),
    State(StateLine),
    Period(PeriodLine),
    End(End),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub format: u16,
    pub book: String,
    pub offset_minutes: i16,
    pub sequence: SequenceToken,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountLine {
    pub name: String,
    pub kind: Kind,
    pub currency: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransactionLine {
    pub id: TransactionName,
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
    pub recorded_at: Time,
    pub effective_at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<TransactionName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransactionName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captures: Option<HoldName>,
    /// Minor units of each posting of what it reverses or captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amounts: Option<Vec<i64>>,
    pub postings: Vec<PostingAsked>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldLine {
    pub id: HoldName,
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
    pub created_at: Time,
    /// Only while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    pub postings: Vec<PostingAsked>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseLine {
    pub hold: HoldName,
    pub at: Time,
    /// Whether it expired by itself.
    #[serde(default)]
    pub expired: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassLine {
    pub class: u16,
    pub velocity: Vec<VelocityLimit>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateLine {
    pub account: String,
    /// On the account's normal side; left out when it is beyond 64 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<AskedAmount>,
    #[serde(default)]
    pub limits: AccountLimits,
    pub state: State,
    #[serde(default)]
    pub class: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub velocity: Vec<VelocityLimit>,
    #[serde(default)]
    pub description: Described,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeriodLine {
    pub closed_before: Time,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub lines: u64,
    pub transactions: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_strictly_and_written_as_they_are_read() {
        for text in [
            r#"{"type":"account","name":"assets:bank","kind":"asset","currency":"CNY"}"#,
            r#"{"type":"release","hold":"hld_0197a3e5c4b17f20a1b2c3d4e5f60718","at":"2026-01-31T08:00:00.000000Z","expired":true}"#,
            r#"{"type":"end","lines":7,"transactions":3}"#,
        ] {
            let line: Line = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
        }
        for text in [
            "{}",
            r#"{"type":"nothing"}"#,
            r#"{"type":"end","lines":7}"#,
            r#"{"type":"end","lines":7,"transactions":3,"more":1}"#,
            r#"{"type":"account","name":"a","kind":"animal","currency":"CNY"}"#,
        ] {
            assert!(serde_json::from_str::<Line>(text).is_err(), "{text}");
        }
    }
}
