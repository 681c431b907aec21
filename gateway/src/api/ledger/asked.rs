//! Transactions and holds as callers ask for them, read into steps of the ledger.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use fx::Currency;
use ledger::core::{AccountName, Amounts, Memo, Step};
use ledger::{NewPosting, TransactionId, TransactionNo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::wire::{Amount, AskedAmount, Time};
use crate::app::App;
use crate::pay::{HoldName, TransactionName};
use crate::problem::{Code, Problem};

/// How to read the amounts of postings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AmountsAsked {
    #[default]
    Exact,
    /// What is there, at most the amount: down to the minimum of the account that gives (zero if it has none), up to
    /// the maximum of the one that takes.
    AtMost,
}

impl From<AmountsAsked> for Amounts {
    fn from(asked: AmountsAsked) -> Self {
        match asked {
            AmountsAsked::Exact => Self::Exact,
            AmountsAsked::AtMost => Self::AtMost,
        }
    }
}

/// An amount that moves from the account that is debited to the one that is credited.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NewLedgerPosting)]
#[serde(deny_unknown_fields)]
pub(super) struct PostingAsked {
    #[schema(example = "assets:bank:cny")]
    pub debit: String,
    #[schema(example = "customers:alice")]
    pub credit: String,
    #[schema(value_type = Amount)]
    pub amount: AskedAmount,
}

/// A transaction to be posted, all of it or nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NewLedgerTransaction, example = json!({
    "id": "txn_0197a3e5c4b17f20a1b2c3d4e5f60718",
    "reference": "Invoice 17",
    "postings": [
        {"debit": "assets:bank:cny", "credit": "customers:alice", "amount": {"amount": 1250, "currency": "CNY"}}
    ]
}))]
#[serde(deny_unknown_fields)]
pub(super) struct TransactionAsked {
    /// Your name for it, used once in the book; a UUIDv7 is best. One is made when you give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TransactionName>,
    /// Your own code for what kind of transaction this is.
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Box<str>>,
    /// Up to 16 pairs of texts.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
    /// When it takes effect, if not now: in the past, in a period that is not closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Time>,
    /// The transaction in whose place this one stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<TransactionName>,
    #[serde(default)]
    pub amounts: AmountsAsked,
    #[schema(min_items = 1, max_items = 256)]
    pub postings: Vec<PostingAsked>,
}

impl TransactionAsked {
    /// The step, and the accounts that it names.
    pub(super) async fn read(
        &self,
        app: &App,
        id: TransactionId,
        corrects: Option<TransactionNo>,
        pointer: &str,
    ) -> Result<Read, Problem> {
        let (postings, accounts) = postings(app, &self.postings, pointer).await?;
        let step = Step::Post {
            memo: Memo {
                id,
                kind: self.kind,
                reference: self.reference.clone(),
                metadata: self.metadata.clone(),
            },
            postings,
            amounts: self.amounts.into(),
            effective: self.effective_at.map(|time| time.0),
            corrects,
        };
        Ok(Read { step, accounts })
    }
}

/// A hold to be made: it puts amounts aside until they are captured, released or expire.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NewLedgerHold, example = json!({
    "expires_in_s": 86400,
    "postings": [
        {"debit": "customers:alice", "credit": "shops:tea", "amount": {"amount": 900, "currency": "CNY"}}
    ]
}))]
#[serde(deny_unknown_fields)]
pub(super) struct HoldAsked {
    /// Your name for it, used once in the book; a UUIDv7 is best. One is made when you give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<HoldName>,
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Box<str>>,
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
    #[serde(default)]
    pub amounts: AmountsAsked,
    #[schema(min_items = 1, max_items = 256)]
    pub postings: Vec<PostingAsked>,
    /// What is still held then is given back by itself; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub expires_in_s: Option<NonZeroU32>,
}

impl HoldAsked {
    pub(super) async fn read(&self, app: &App, id: TransactionId) -> Result<Read, Problem> {
        let (postings, accounts) = postings(app, &self.postings, "").await?;
        let step = Step::Hold {
            memo: Memo {
                id,
                kind: self.kind,
                reference: self.reference.clone(),
                metadata: self.metadata.clone(),
            },
            postings,
            amounts: self.amounts.into(),
            timeout_secs: self.expires_in_s,
        };
        Ok(Read { step, accounts })
    }
}

/// What becomes of a hold or of an earlier transaction: a transaction of its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = LedgerFollowUp, example = json!({"amounts": [500]}))]
#[serde(deny_unknown_fields)]
pub(super) struct FollowUpAsked {
    /// Your name for the transaction that this posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TransactionName>,
    #[serde(default)]
    pub kind: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Box<str>>,
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub metadata: BTreeMap<Box<str>, Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Time>,
    /// Minor units for each posting, in their order; all that remains when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amounts: Option<Vec<i64>>,
}

impl FollowUpAsked {
    pub(super) fn memo(&self, id: TransactionId) -> Memo {
        Memo {
            id,
            kind: self.kind,
            reference: self.reference.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

/// Accounts that were named, each with what the caller takes its asset to be.
pub(super) type Named = Vec<(AccountName, Option<Currency>)>;

/// A step, and the accounts that it names.
#[derive(Debug)]
pub(super) struct Read {
    pub step: Step,
    pub accounts: Named,
}

pub(super) async fn postings(
    app: &App,
    asked: &[PostingAsked],
    pointer: &str,
) -> Result<(Vec<NewPosting>, Named), Problem> {
    let mut postings = Vec::with_capacity(asked.len());
    let mut accounts = Vec::with_capacity(asked.len() * 2);
    for (position, posting) in asked.iter().enumerate() {
        let at = |field: &str| format!("{pointer}/postings/{position}/{field}");
        let debit = account_name(&posting.debit, &at("debit"))?;
        let credit = account_name(&posting.credit, &at("credit"))?;
        let money = app.money(&posting.amount, &at("amount")).await?;
        postings.push(NewPosting {
            debit: debit.id(),
            credit: credit.id(),
            amount: money.amount,
        });
        accounts.push((debit, Some(money.currency)));
        accounts.push((credit, Some(money.currency)));
    }
    Ok((postings, accounts))
}

/// An account's name that somebody sent; `pointer` says where it stood.
pub(super) fn account_name(text: &str, pointer: &str) -> Result<AccountName, Problem> {
    AccountName::new(text)
        .map_err(|error| Problem::field(Code::FieldInvalid, pointer, error.to_string()))
}
