//! What can be asked of the ledger, what can happen in it, and what it answers.

use fx::Currency;
use serde::{Deserialize, Serialize};

use crate::core::{
    Account, AccountId, AccountName, AccountNo, AccountState, Balance, Book, BookSettings, Changes,
    Class, Counter, Description, Details, Hold, Limits, Metadata, NamedAccount, NewAccount,
    NewTransaction, Rejection, Step, Transacted, Transaction, TransactionId, TransactionNo,
    VelocityLimit, VelocityOf,
};
use crate::few::Few;
use crate::machine::Refusable;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    RegisterAsset(Currency),
    Open(Vec<NewAccount>),
    /// All transactions or none.
    Post {
        book: Book,
        transactions: Few<NewTransaction, 1>,
    },
    SetLimits {
        book: Book,
        account: AccountId,
        limits: Limits,
    },
    SetState {
        book: Book,
        account: AccountId,
        state: AccountState,
    },
    /// A question: it changes nothing.
    Balances {
        book: Book,
        accounts: Vec<AccountId>,
    },
    /// All steps or none.
    Transact {
        book: Book,
        steps: Vec<Step>,
    },
    /// In place of the velocity limits that the account or class had.
    SetVelocity {
        book: Book,
        of: VelocityOf,
        limits: Vec<VelocityLimit>,
    },
    SetClass {
        book: Book,
        account: AccountId,
        class: Class,
    },
    SetBook {
        book: Book,
        settings: BookSettings,
    },
    /// From now on nothing takes effect before this moment any more.
    ClosePeriod {
        book: Book,
        before: Timestamp,
    },
    /// What the account says about itself; it stands in the views.
    Describe {
        book: Book,
        account: AccountId,
        description: Description,
    },
    /// A question: it changes nothing.
    Holds {
        book: Book,
        holds: Vec<TransactionId>,
    },
    /// All accounts or none.
    OpenNamed {
        book: Book,
        accounts: Vec<NamedAccount>,
    },
    /// Several changes of an account, all or none.
    Change {
        book: Book,
        account: AccountId,
        changes: Changes,
    },
    /// A dry run: the answer that the command would get now, and nothing happens.
    Try(Box<Command>),
    /// A question: everything that is known of these accounts at this moment.
    Accounts {
        book: Book,
        accounts: Vec<AccountId>,
    },
    /// The same, of accounts that are known by number.
    Named {
        book: Book,
        accounts: Vec<AccountNo>,
    },
}

impl Command {
    /// About how many bytes the command holds in memory.
    pub(super) fn weight(&self) -> usize {
        let within = match self {
            Self::Open(accounts) => size_of_val(accounts.as_slice()),
            Self::Post { transactions, .. } => {
                transactions.iter().map(NewTransaction::weight).sum()
            }
            Self::Transact { steps, .. } => steps.iter().map(Step::weight).sum(),
            Self::Balances { accounts, .. } | Self::Accounts { accounts, .. } => {
                size_of_val(accounts.as_slice())
            }
            Self::Named { accounts, .. } => size_of_val(accounts.as_slice()),
            Self::Holds { holds, .. } => size_of_val(holds.as_slice()),
            Self::SetVelocity { limits, .. } => size_of_val(limits.as_slice()),
            Self::SetBook { settings, .. } => settings.name.len(),
            Self::Describe { description, .. } => description.weight(),
            Self::OpenNamed { accounts, .. } => accounts.iter().map(NamedAccount::weight).sum(),
            Self::Change { changes, .. } => changes.weight(),
            Self::Try(command) => command.weight(),
            Self::RegisterAsset(_)
            | Self::SetLimits { .. }
            | Self::SetState { .. }
            | Self::SetClass { .. }
            | Self::ClosePeriod { .. } => 0,
        };
        size_of_val(self) + within
    }
}

/// Variants are only ever added at the end: their place is their number in the journal. What is
/// large and rare is boxed, so that a transaction is not moved around in the space of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    AssetRegistered(Currency),
    /// The account's number is the next one.
    Opened(NewAccount),
    Posted {
        book: Book,
        transaction: Transaction,
    },
    LimitsSet {
        account: AccountNo,
        limits: Limits,
    },
    StateSet {
        account: AccountNo,
        state: AccountState,
    },
    /// Follows the transaction that it is about, if there is anything to say.
    Detailed {
        transaction: TransactionNo,
        details: Details,
    },
    Held {
        hold: Box<Hold>,
        reference: Option<Box<str>>,
        metadata: Metadata,
    },
    /// Follows the transaction that posts what was captured.
    Captured {
        book: Book,
        hold: TransactionId,
        transaction: TransactionNo,
        amounts: Vec<i64>,
    },
    Released {
        book: Book,
        hold: TransactionId,
        amounts: Vec<i64>,
    },
    Expired {
        book: Book,
        hold: TransactionId,
        amounts: Vec<i64>,
    },
    /// Follows the transaction that reverses; how much of each posting has now been reversed in all.
    Reversed {
        transaction: TransactionNo,
        by: TransactionNo,
        reversed: Vec<i64>,
    },
    /// What an account under velocity limits has now moved.
    Counted {
        account: AccountNo,
        counter: Box<Counter>,
    },
    AccountVelocitySet {
        account: AccountNo,
        limits: Vec<VelocityLimit>,
    },
    ClassVelocitySet {
        book: Book,
        class: Class,
        limits: Vec<VelocityLimit>,
    },
    ClassSet {
        account: AccountNo,
        class: Class,
    },
    BookSet {
        book: Book,
        settings: BookSettings,
    },
    PeriodClosed {
        book: Book,
        before: Timestamp,
    },
    Described {
        account: AccountNo,
        description: Description,
    },
    /// Follows the opening of an account under a name.
    Named {
        account: AccountNo,
        name: AccountName,
    },
}

/// Variants are only ever added at the end: their place is their number in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Opened(Vec<AccountNo>),
    /// The first transaction's number (the others follow) and the balances of what was touched.
    Posted {
        first: TransactionNo,
        balances: Few<(AccountNo, Balance), 2>,
    },
    Accounts(Vec<Account>),
    Refused(Rejection),
    Transacted(Transacted),
    Holds(Vec<Hold>),
    Known(Vec<KnownAccount>),
}

/// An account with everything that is known of it in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    pub account: Account,
    pub name: Option<AccountName>,
    /// Its own velocity limits, then those of its class.
    pub velocity: Vec<VelocityLimit>,
    /// What was counted, up to the last day on which something was.
    pub counter: Counter,
}

impl Refusable for Outcome {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
