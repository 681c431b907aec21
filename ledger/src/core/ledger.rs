//! The ledger's state, how it decides and how it evolves.

use fx::{Currencies, Currency};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::core::draft::Draft;
use crate::core::{
    Account, AccountId, AccountNo, AccountState, Balance, Book, Limits, NewAccount, NewPosting,
    NewTransaction, POSTINGS_PER_COMMAND_MAX, POSTINGS_PER_TRANSACTION_MAX, Posting,
    REFERENCE_BYTES_MAX, Reason, Rejection, Transaction, TransactionNo,
};
use crate::machine::{Answer, Cold, Machine, Moment, Refusable, Sequence};
use crate::time::Timestamp;

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

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Ledger {
    currencies: Currencies,
    accounts: Vec<Account>,
    numbers: HashMap<(Book, AccountId), AccountNo>,
    transactions: u64,
}

/// The ledger as a snapshot keeps it: without the index, which follows from the accounts.
#[derive(Serialize, Deserialize)]
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

impl From<Ledger> for Saved {
    fn from(ledger: Ledger) -> Self {
        let Ledger {
            currencies,
            accounts,
            transactions,
            ..
        } = ledger;
        Self {
            currencies,
            accounts,
            transactions,
        }
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

    /// Decides to register an asset of one's own. Registering it again is no event.
    pub fn register_asset(
        &self,
        currency: Currency,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        match self.currencies.resolve(currency.code()) {
            Ok(known) if known == currency => Ok(()),
            Ok(_) => Err(Rejection::new(Reason::AssetExists)),
            Err(_) => {
                events.push(Event::AssetRegistered(currency));
                Ok(())
            }
        }
    }

    /// Decides to open accounts, all or none. An account that is open on the same terms is no event.
    pub fn open(
        &self,
        new: &[NewAccount],
        events: &mut Vec<Event>,
    ) -> Result<Vec<AccountNo>, Rejection> {
        let mut opening: Vec<&NewAccount> = Vec::new();
        let mut numbers = Vec::with_capacity(new.len());
        for account in new {
            if !account.limits.is_valid() {
                return Err(Rejection::new(Reason::LimitsInvalid).of_account(account.id));
            }
            let earlier = opening
                .iter()
                .position(|o| (o.book, o.id) == (account.book, account.id));
            let same = match (self.account(account.book, account.id), earlier) {
                (Some(open), _) => (open.terms() == *account).then_some(open.no),
                (None, Some(at)) => (opening[at] == account).then(|| self.number_after(at)),
                (None, None) => {
                    opening.push(account);
                    Some(self.number_after(opening.len() - 1))
                }
            };
            let exists = Rejection::new(Reason::AccountExists).of_account(account.id);
            numbers.push(same.ok_or(exists)?);
        }
        events.extend(opening.into_iter().map(|account| Event::Opened(*account)));
        Ok(numbers)
    }

    fn number_after(&self, more: usize) -> AccountNo {
        AccountNo(u32::try_from(self.accounts.len() + more).expect("fewer than 2^32 accounts"))
    }

    /// Decides to post transactions, all or none, and returns the balances of what they touch.
    pub fn post(
        &self,
        book: Book,
        transactions: &[NewTransaction],
        events: &mut Vec<Event>,
    ) -> Result<Vec<(AccountNo, Balance)>, Rejection> {
        check_sizes(transactions)?;
        let mut draft = Draft::new(&self.accounts);
        let start = events.len();
        for (position, new) in (0..).zip(transactions) {
            let postings = match self.resolve(book, position, new) {
                Ok(postings) => postings,
                Err(rejection) => {
                    events.truncate(start);
                    return Err(rejection);
                }
            };
            if let Err(rejection) = draft.add(position, &postings) {
                events.truncate(start);
                return Err(rejection);
            }
            let transaction = Transaction {
                no: TransactionNo(self.transactions + u64::from(position) + 1),
                id: new.id,
                kind: new.kind,
                reference: new.reference.clone(),
                postings,
            };
            events.push(Event::Posted { book, transaction });
        }
        Ok(draft.balances())
    }

    /// Finds the accounts of a transaction's postings and checks all that does not need balances.
    fn resolve(
        &self,
        book: Book,
        transaction: u32,
        new: &NewTransaction,
    ) -> Result<Vec<Posting>, Rejection> {
        let mut postings = Vec::with_capacity(new.postings.len());
        let mut worst: Option<Rejection> = None;
        for (position, posting) in (0..).zip(&new.postings) {
            match self.resolve_posting(book, posting) {
                Ok(posting) => postings.push(posting),
                Err(rejection) => {
                    let rejection = Rejection {
                        transaction,
                        posting: position,
                        ..rejection
                    };
                    worst = Some(worst.map_or(rejection, |worst| worst.min(rejection)));
                }
            }
        }
        worst.map_or(Ok(postings), Err)
    }

    fn resolve_posting(&self, book: Book, new: &NewPosting) -> Result<Posting, Rejection> {
        if new.amount <= 0 {
            return Err(Rejection::new(Reason::AmountNotPositive));
        }
        if new.debit == new.credit {
            return Err(Rejection::new(Reason::SameAccount).of_account(new.debit));
        }
        let find = |id| {
            self.account(book, id)
                .ok_or(Rejection::new(Reason::AccountNotFound).of_account(id))
        };
        let (debit, credit) = (find(new.debit)?, find(new.credit)?);
        if debit.currency != credit.currency {
            return Err(Rejection::new(Reason::AssetsDiffer).of_account(new.credit));
        }
        for account in [debit, credit] {
            if account.state == AccountState::Closed {
                return Err(Rejection::new(Reason::AccountClosed).of_account(account.id));
            }
        }
        let passes = |account: &Account, side_is_debit: bool| {
            let into = account.kind.is_debit_normal() == side_is_debit;
            if into {
                account.state.lets_in()
            } else {
                account.state.lets_out()
            }
        };
        for (account, side_is_debit) in [(debit, true), (credit, false)] {
            if !passes(account, side_is_debit) {
                return Err(Rejection::new(Reason::AccountFrozen).of_account(account.id));
            }
        }
        Ok(Posting {
            debit: debit.no,
            credit: credit.no,
            amount: new.amount,
        })
    }

    pub fn set_limits(
        &self,
        book: Book,
        id: AccountId,
        limits: Limits,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        if !limits.is_valid() {
            return Err(Rejection::new(Reason::LimitsInvalid).of_account(id));
        }
        let account = self.find(book, id)?;
        if account.limits != limits {
            events.push(Event::LimitsSet {
                account: account.no,
                limits,
            });
        }
        Ok(())
    }

    pub fn set_state(
        &self,
        book: Book,
        id: AccountId,
        state: AccountState,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        let account = self.find(book, id)?;
        if state == AccountState::Closed && account.net() != 0 {
            return Err(Rejection::new(Reason::BalanceNotZero).of_account(id));
        }
        if account.state != state {
            events.push(Event::StateSet {
                account: account.no,
                state,
            });
        }
        Ok(())
    }

    fn find(&self, book: Book, id: AccountId) -> Result<&Account, Rejection> {
        self.account(book, id)
            .ok_or(Rejection::new(Reason::AccountNotFound).of_account(id))
    }

    /// Folds an event; the same for a ledger that runs alone and for one inside another machine.
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

fn check_sizes(transactions: &[NewTransaction]) -> Result<(), Rejection> {
    if transactions.is_empty() {
        return Err(Rejection::new(Reason::TransactionsMissing));
    }
    let at = |reason, transaction| {
        Err(Rejection {
            transaction,
            ..Rejection::new(reason)
        })
    };
    let mut total = 0;
    for (position, transaction) in (0..).zip(transactions) {
        let postings = transaction.postings.len();
        total += postings;
        if postings == 0 {
            return at(Reason::PostingsMissing, position);
        }
        if postings > POSTINGS_PER_TRANSACTION_MAX || total > POSTINGS_PER_COMMAND_MAX {
            return at(Reason::PostingsTooMany, position);
        }
        if transaction
            .reference
            .as_ref()
            .is_some_and(|text| text.len() > REFERENCE_BYTES_MAX)
        {
            return at(Reason::ReferenceTooLong, position);
        }
    }
    Ok(())
}

impl Machine for Ledger {
    type Command = Command;
    type Event = Event;
    type Outcome = Outcome;
    /// The ledger alone needs nothing that has left memory: accounts never leave.
    type Key = ();
    type Row = ();

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
