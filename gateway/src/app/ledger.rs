//! Tenants' books: commands to the ledger, and the accounts that its answers are about.

use std::collections::BTreeSet;
use std::sync::Arc;

use fx::Currency;
use ledger::core::{AccountName, KnownAccount};
use ledger::shell::{Committed, ledger_read};
use ledger::{
    Account, AccountKind, AccountNo, Book, Sequence, Submission, TransactionId, TransactionNo,
    Unique,
};

use super::{App, views_problem};
use crate::api::refused::refused;
use crate::pay::{BookId, Command, InBook, Outcome, Refusal, TenantBook};
use crate::problem::Problem;

/// What never changes about an account: enough to say of one what happened to it.
#[derive(Debug)]
pub(crate) struct KnownFacts {
    pub no: AccountNo,
    pub name: AccountName,
    pub currency: Currency,
    pub kind: AccountKind,
}

/// What the ledger answered, which was not a refusal.
#[derive(Clone, Debug)]
pub(crate) struct LedgerDone {
    pub outcome: ledger::Outcome,
    pub sequence: Sequence,
    /// Whether this is the first answer again.
    pub again: bool,
}

impl LedgerDone {
    /// A refusal becomes the problem that `explain` makes of it.
    pub(crate) fn of(
        committed: Committed<Outcome>,
        explain: impl FnOnce(&Refusal) -> Problem,
    ) -> Result<Self, Problem> {
        let Committed {
            outcome,
            sequence,
            again,
            ..
        } = committed;
        match outcome {
            Outcome::Ledger(outcome) => Ok(Self {
                outcome,
                sequence,
                again,
            }),
            Outcome::Refused(refusal) => Err(Problem {
                again,
                ..explain(&refusal)
            }),
            other => Err(Problem::internal(&format!(
                "an outcome that does not fit a command to the ledger: {other:?}"
            ))),
        }
    }

    /// The machine answered with something that does not answer the command: a defect.
    pub(crate) fn unexpected<T>(self) -> Result<T, Problem> {
        let outcome = self.outcome;
        Err(Problem::internal(&format!(
            "an outcome that does not fit its command: {outcome:?}"
        )))
    }
}

impl App {
    /// Gives a command to a book, to be done once under each of these keys.
    pub(crate) async fn in_book(
        &self,
        asked: InBook,
        keys: impl IntoIterator<Item = Unique>,
    ) -> Result<Committed<Outcome>, Problem> {
        let submission = Submission::new(Command::Ledger(asked));
        self.submit(keys.into_iter().fold(submission, Submission::once))
            .await
    }

    /// Asks a question about a book.
    pub(crate) async fn ask_book(
        &self,
        book: Book,
        question: ledger::Command,
    ) -> Result<LedgerDone, Problem> {
        let committed = self.in_book(InBook::question(book, question), []).await?;
        LedgerDone::of(committed, refused)
    }

    pub(crate) async fn find_book(&self, id: BookId) -> Result<(TenantBook, Sequence), Problem> {
        let done = self.ask(Command::FindBook(id)).await?;
        match done.outcome {
            Outcome::Books(mut books) if books.len() == 1 => Ok((books.remove(0), done.sequence)),
            _ => done.unexpected(),
        }
    }

    /// Everything that is known of accounts by name, in the order of the names.
    pub(crate) async fn find_accounts(
        &self,
        book: Book,
        names: &[AccountName],
    ) -> Result<(Vec<KnownAccount>, Sequence), Problem> {
        let accounts = names.iter().map(AccountName::id).collect();
        let question = ledger::Command::Accounts { book, accounts };
        let done = self.ask_book(book, question).await?;
        match done.outcome {
            ledger::Outcome::Known(known) => Ok((known, done.sequence)),
            _ => done.unexpected(),
        }
    }

    /// The number of the transaction that its caller named so: looked for in the views as they are, and once more
    /// when they have caught up with all that is durable now.
    pub(crate) async fn transaction_no(
        &self,
        book: Book,
        id: TransactionId,
    ) -> Result<Option<TransactionNo>, Problem> {
        let durable = self.handle.status().durable;
        for at_least in [None, Some(durable)] {
            let mut reading = self.read_views(at_least).await?;
            let found = ledger_read::transaction::number_of(&mut reading, book, id).await;
            let found = found.map_err(|error| views_problem(&error))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What accounts of a book are, in the order of the numbers.
    pub(crate) async fn account_facts(
        &self,
        book: Book,
        numbers: &[AccountNo],
    ) -> Result<Vec<Arc<KnownFacts>>, Problem> {
        let unknown: BTreeSet<AccountNo> = numbers
            .iter()
            .filter(|no| self.accounts.get(no).is_none())
            .copied()
            .collect();
        let mut asked = Vec::new();
        if !unknown.is_empty() {
            let accounts = unknown.into_iter().collect();
            let question = ledger::Command::Named { book, accounts };
            let done = self.ask_book(book, question).await?;
            let ledger::Outcome::Known(known) = done.outcome else {
                return done.unexpected();
            };
            for known in known {
                asked.push(self.keep_facts(&known.account, known.name)?);
            }
        }
        let facts = |no: &AccountNo| {
            let fresh = || asked.iter().find(|facts| facts.no == *no).cloned();
            let found = self.accounts.get(no).or_else(fresh);
            found.ok_or_else(|| Problem::internal(&"an account of a book has no name"))
        };
        numbers.iter().map(facts).collect()
    }

    fn keep_facts(
        &self,
        account: &Account,
        name: Option<AccountName>,
    ) -> Result<Arc<KnownFacts>, Problem> {
        let facts = Arc::new(KnownFacts {
            no: account.no,
            name: name.ok_or_else(|| Problem::internal(&"an account of a book has no name"))?,
            currency: account.currency,
            kind: account.kind,
        });
        self.accounts.keep(account.no, facts.clone());
        Ok(facts)
    }
}
