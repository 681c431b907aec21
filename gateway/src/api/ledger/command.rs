//! Giving a command to a book, and saying why it was refused in the caller's own words.

use fx::Currency;
use ledger::core::AccountName;
use ledger::{AccountId, Book, Command, Unique};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::ask::{Parameters, Schemas};
use super::super::refused::{code_of, refused, sentence};
use crate::app::{App, LedgerDone};
use crate::auth::Caller;
use crate::pay::{InBook, Refusal};
use crate::problem::{Code, Problem};

/// What everything that writes takes.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteAsked {
    /// `true` asks what the answer would be. Nothing happens, and the idempotency key stays free.
    pub dry_run: Option<bool>,
}

impl Parameters for WriteAsked {
    fn schemas(_: &mut Schemas) {}
}

/// What a refusal names, in the body that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One of the accounts in a list.
    Accounts,
    /// One of the postings of the only transaction.
    Postings,
    /// One of the postings of one of many transactions.
    Batch,
    /// The whole of it.
    Body,
}

/// A command to a book, before it is given.
#[derive(Debug)]
pub(super) struct Order {
    pub book: Book,
    pub command: Command,
    pub keys: Vec<Unique>,
    /// The accounts that the caller named, and what it takes their assets to be.
    pub accounts: Vec<(AccountName, Option<Currency>)>,
    pub place: Place,
    pub by_operator: bool,
}

impl Order {
    /// A command of a tenant, to be done once for this request.
    pub(super) fn new(
        caller: &Caller,
        once: Option<Unique>,
        command: Command,
    ) -> Result<Self, Problem> {
        Ok(Self {
            book: caller.book()?,
            command,
            keys: once.into_iter().collect(),
            accounts: Vec::new(),
            place: Place::Body,
            by_operator: false,
        })
    }

    pub(super) fn asked(&self) -> InBook {
        let assets = self
            .accounts
            .iter()
            .filter_map(|(name, currency)| Some((name.id(), (*currency)?)));
        InBook {
            book: self.book,
            command: self.command.clone(),
            assets: assets.collect(),
            by_operator: self.by_operator,
        }
    }

    /// Gives the command, or only asks what its answer would be.
    pub(super) async fn give(self, app: &App, asked: &WriteAsked) -> Result<LedgerDone, Problem> {
        let explained = |refusal: &Refusal| explain(refusal, self.place, &self.accounts);
        let mut in_book = self.asked();
        let committed = if asked.dry_run == Some(true) {
            in_book.command = Command::Try(Box::new(in_book.command));
            app.in_book(in_book, []).await?
        } else {
            app.in_book(in_book, self.keys.iter().copied()).await?
        };
        LedgerDone::of(committed, explained)
    }
}

/// Why a command was refused, with the field at fault.
pub(super) fn explain(
    refusal: &Refusal,
    place: Place,
    accounts: &[(AccountName, Option<Currency>)],
) -> Problem {
    let name = |id: AccountId| {
        let named = accounts.iter().find(|(name, _)| name.id() == id);
        named.map_or_else(String::new, |(name, _)| format!(" Account: {name}."))
    };
    match refusal {
        Refusal::Ledger(rejection) => {
            let text = sentence(rejection.reason.text());
            let detail = format!("{text}{}", rejection.account.map(name).unwrap_or_default());
            let (transaction, posting) = (rejection.transaction, rejection.posting);
            let code = code_of(refusal);
            match place {
                Place::Accounts => Problem::field(code, format!("/accounts/{posting}"), detail),
                Place::Postings => Problem::field(code, format!("/postings/{posting}"), detail),
                Place::Batch => {
                    Problem::field(code, format!("/{transaction}/postings/{posting}"), detail)
                }
                Place::Body => Problem::new(code, detail),
            }
        }
        Refusal::CurrencyMismatch { account, code } => Problem::new(
            Code::CurrencyMismatch,
            format!("The account does not hold {code}.{}", name(*account)),
        ),
        other => refused(other),
    }
}
