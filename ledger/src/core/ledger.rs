//! The ledger's state, how it decides and how it evolves.

use fx::{Currencies, Currency};
use serde::{Deserialize, Serialize, Serializer};

use crate::core::{
    Account, AccountId, AccountNo, Balance, Book, Command, Event, Outcome, Reason, Rejection,
    TransactionNo,
};
use crate::lookup::Lookup;
use crate::machine::{Answer, Cold, Machine, Moment, Sequence};
use crate::time::Timestamp;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Saved")]
pub struct Ledger {
    pub(super) currencies: Currencies,
    pub(super) accounts: Vec<Account>,
    numbers: Lookup<(Book, AccountId), AccountNo>,
    pub(super) transactions: u64,
}

/// The ledger as a snapshot keeps it: without the index, which follows from the accounts.
#[derive(Deserialize)]
struct Saved {
    currencies: Currencies,
    accounts: Vec<Account>,
    transactions: u64,
}

impl From<Saved> for Ledger {
    fn from(saved: Saved) -> Self {
        let numbers = saved
            .accounts
            .iter()
            .map(|a| ((a.book, a.id), a.no))
            .collect();
        let Saved {
            currencies,
            accounts,
            transactions,
        } = saved;
        Self {
            currencies,
            accounts,
            numbers,
            transactions,
        }
    }
}

/// The same fields in the same order, borrowed: a digest must not copy the accounts.
#[derive(Serialize)]
struct Saving<'a> {
    currencies: &'a Currencies,
    accounts: &'a [Account],
    transactions: u64,
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Saving {
            currencies: &self.currencies,
            accounts: &self.accounts,
            transactions: self.transactions,
        }
        .serialize(serializer)
    }
}

impl Ledger {
    /// The assets known here: ISO 4217 and those registered.
    pub fn currencies(&self) -> &Currencies {
        &self.currencies
    }

    /// All accounts, in order of number.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub fn account(&self, book: Book, id: AccountId) -> Option<&Account> {
        self.numbers
            .get(&(book, id))
            .map(|no| &self.accounts[no.index()])
    }

    pub fn account_by_no(&self, no: AccountNo) -> Option<&Account> {
        self.accounts.get(no.index())
    }

    /// How many transactions have been posted.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    pub(super) fn find(&self, book: Book, id: AccountId) -> Result<&Account, Rejection> {
        self.account(book, id)
            .ok_or(Rejection::new(Reason::AccountNotFound).of_account(id))
    }

    /// The number of the account that is opened after `more` others.
    pub(super) fn number_after(&self, more: usize) -> AccountNo {
        AccountNo(
            u32::try_from(self.accounts.len() + more).expect("the count of accounts was checked"),
        )
    }

    /// Folds an event; the same for a ledger that runs alone and for one inside another machine.
    #[expect(
        clippy::missing_panics_doc,
        reason = "an event that contradicts the checks means a corrupt journal, and that must stop the process"
    )]
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::AssetRegistered(currency) => {
                self.currencies
                    .register(*currency)
                    .expect("a registered asset was checked");
            }
            Event::Opened(new) => {
                let no = self.number_after(0);
                self.accounts.push(Account::opened(no, *new));
                self.numbers.insert((new.book, new.id), no);
            }
            Event::Posted { transaction, .. } => {
                self.transactions = transaction.no.0;
                for posting in &transaction.postings {
                    self.accounts[posting.debit.index()]
                        .balance
                        .debit(posting.amount);
                    self.accounts[posting.credit.index()]
                        .balance
                        .credit(posting.amount);
                }
            }
            Event::LimitsSet { account, limits } => {
                self.accounts[account.index()].limits = *limits;
            }
            Event::StateSet { account, state } => self.accounts[account.index()].state = *state,
        }
    }

    /// For each asset of each book: the sum of debits less the sum of credits. All are zero, always.
    pub fn trial_balance(&self) -> Vec<TrialBalance> {
        let mut sums = std::collections::BTreeMap::<(Book, Currency), Balance>::new();
        for account in &self.accounts {
            let sum = sums.entry((account.book, account.currency)).or_default();
            sum.debits += account.balance.debits;
            sum.credits += account.balance.credits;
        }
        sums.into_iter()
            .map(|((book, currency), sum)| TrialBalance {
                book,
                currency,
                sum,
            })
            .collect()
    }
}

/// The sums over all accounts of one asset in one book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialBalance {
    pub book: Book,
    pub currency: Currency,
    pub sum: Balance,
}

impl TrialBalance {
    pub const fn balances(self) -> bool {
        self.sum.debits == self.sum.credits
    }
}

impl Machine for Ledger {
    type Command = Command;
    type Event = Event;
    type Outcome = Outcome;
    /// The ledger alone needs nothing that has left memory: accounts never leave.
    type Key = ();
    type Row = ();

    fn weight(command: &Command) -> usize {
        command.weight()
    }

    fn decide(
        &self,
        _at: Timestamp,
        command: &Command,
        _cold: &Cold<(), ()>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, ()> {
        let decided = match command {
            Command::RegisterAsset(currency) => self
                .register_asset(*currency, events)
                .map(|()| Outcome::Done),
            Command::Open(accounts) => self.open(accounts, events).map(Outcome::Opened),
            Command::Post { book, transactions } => {
                let first = TransactionNo(self.transactions + 1);
                self.post(*book, transactions, events)
                    .map(|balances| Outcome::Posted { first, balances })
            }
            Command::SetLimits {
                book,
                account,
                limits,
            } => self
                .set_limits(*book, *account, *limits, events)
                .map(|()| Outcome::Done),
            Command::SetState {
                book,
                account,
                state,
            } => self
                .set_state(*book, *account, *state, events)
                .map(|()| Outcome::Done),
            Command::Balances { book, accounts } => accounts
                .iter()
                .map(|id| self.find(*book, *id).copied())
                .collect::<Result<_, _>>()
                .map(Outcome::Accounts),
        };
        Answer::Decided(decided.unwrap_or_else(Outcome::Refused))
    }

    fn evolve(&mut self, _moment: Moment, event: &Event) {
        self.fold(event);
    }

    fn due(&self, _at: Timestamp, _limit: usize, _events: &mut Vec<Event>) {}

    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    fn evict(&mut self, _through: Sequence) {}
}
