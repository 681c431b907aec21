//! What can be asked of the ledger, what can happen in it, and what it answers.

use fx::Currency;
use serde::{Deserialize, Serialize};

use crate::core::{
    Account, AccountId, AccountNo, AccountState, Balance, Book, Limits, NewAccount, NewPosting,
    NewTransaction, Rejection, Transaction, TransactionNo,
};
use crate::machine::Refusable;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    RegisterAsset(Currency),
    Open(Vec<NewAccount>),
    /// All transactions or none.
    Post {
        book: Book,
        transactions: Vec<NewTransaction>,
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
}

/// Variants are only ever added at the end: their place is their number in the journal.
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
}

/// Variants are only ever added at the end: their place is their number in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    Opened(Vec<AccountNo>),
    /// The first transaction's number (the others follow) and the balances of what was touched.
    Posted {
        first: TransactionNo,
        balances: Vec<(AccountNo, Balance)>,
    },
    Accounts(Vec<Account>),
    Refused(Rejection),
}

impl Refusable for Outcome {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl Command {
    /// About how many bytes the command holds in memory.
    pub(super) fn weight(&self) -> usize {
        let parts = match self {
            Self::Open(accounts) => accounts.len() * size_of::<NewAccount>(),
            Self::Post { transactions, .. } => transactions
                .iter()
                .map(|transaction| {
                    size_of::<NewTransaction>()
                        + transaction.postings.len() * size_of::<NewPosting>()
                        + transaction.reference.as_ref().map_or(0, |text| text.len())
                })
                .sum(),
            Self::Balances { accounts, .. } => accounts.len() * size_of::<AccountId>(),
            Self::RegisterAsset(_) | Self::SetLimits { .. } | Self::SetState { .. } => 0,
        };
        size_of::<Self>() + parts
    }
}
