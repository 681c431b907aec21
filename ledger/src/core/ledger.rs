//! The ledger's state, how it decides and how it evolves.

use std::collections::BTreeMap;

use fx::{Currencies, Currency};
use serde::{Deserialize, Serialize};

use crate::core::hold::Holds;
use crate::core::reversal::Reversals;
use crate::core::velocity::Velocities;
use crate::core::{
    Account, AccountId, AccountName, AccountNo, Balance, Book, BookTerms, Command, Event, Hold,
    HoldState, Key, Outcome, Posting, Reason, Rejection, Row, Transaction, TransactionId,
};
use crate::lookup::Positions;
use crate::machine::{Answer, Cold, Machine, Moment, Sequence};
use crate::time::Timestamp;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct Ledger {
    pub(super) currencies: Currencies,
    pub(super) accounts: Vec<Account>,
    pub(super) transactions: u64,
    pub(super) books: BTreeMap<Book, BookTerms>,
    pub(super) holds: Holds,
    pub(super) reversals: Reversals,
    pub(super) velocities: Velocities,
    pub(super) names: BTreeMap<AccountNo, AccountName>,
    #[serde(skip)]
    numbers: Positions,
}

/// The ledger as a snapshot keeps it: without the index, which follows from the accounts.
#[derive(Deserialize)]
struct Saved {
    currencies: Currencies,
    accounts: Vec<Account>,
    transactions: u64,
    books: BTreeMap<Book, BookTerms>,
    holds: Holds,
    reversals: Reversals,
    velocities: Velocities,
    names: BTreeMap<AccountNo, AccountName>,
}

impl From<Saved> for Ledger {
    fn from(saved: Saved) -> Self {
        let mut numbers = Positions::default();
        for account in &saved.accounts {
            put(&mut numbers, &saved.accounts, account);
        }
        Self {
            currencies: saved.currencies,
            accounts: saved.accounts,
            transactions: saved.transactions,
            books: saved.books,
            holds: saved.holds,
            reversals: saved.reversals,
            velocities: saved.velocities,
            names: saved.names,
            numbers,
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
        let number = self
            .numbers
            .find(&(book, id), |number| name(&self.accounts, number))?;
        Some(at(&self.accounts, number))
    }

    /// Reads what looking for this account will read.
    fn foresee_account(&self, book: Book, id: AccountId) -> u64 {
        let guess = self.numbers.guess(&(book, id));
        glance(guess.map(|number| at(&self.accounts, number)))
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

    /// A hold that is open, or that ended lately.
    pub fn hold(&self, book: Book, id: TransactionId) -> Option<&Hold> {
        self.holds.get(book, id)
    }

    /// Folds an event; the same for a ledger that runs alone and for one inside another machine.
    /// The row of the journal says when what the event ends may leave memory.
    #[expect(
        clippy::missing_panics_doc,
        reason = "an event that contradicts the checks means a corrupt journal, and that must stop the process"
    )]
    pub fn fold_at(&mut self, sequence: Sequence, event: &Event) {
        match event {
            Event::AssetRegistered(currency) => {
                self.currencies
                    .register(*currency)
                    .expect("a registered asset was checked");
            }
            Event::Opened(new) => {
                let no = self.number_after(0);
                let account = Account::opened(no, *new);
                self.accounts.push(account);
                put(&mut self.numbers, &self.accounts, &account);
            }
            Event::Posted { transaction, .. } => self.fold_posted(transaction),
            Event::LimitsSet { account, limits } => self.account_mut(*account).limits = *limits,
            Event::StateSet { account, state } => self.account_mut(*account).state = *state,
            Event::Held { hold, .. } => {
                self.change_held(&hold.postings, 1);
                self.holds.put(Hold::clone(hold), sequence);
            }
            Event::Captured {
                book,
                hold,
                amounts,
                ..
            } => self.fold_captured(sequence, (*book, *hold), amounts),
            Event::Released { book, hold, .. } => {
                self.fold_given_back(sequence, (*book, *hold), HoldState::Released);
            }
            Event::Expired { book, hold, .. } => {
                self.fold_given_back(sequence, (*book, *hold), HoldState::Expired);
            }
            Event::Reversed {
                transaction,
                reversed,
                ..
            } => self.reversals.put(*transaction, reversed.clone(), sequence),
            Event::Counted { account, counter } => {
                self.velocities.set_counter(*account, **counter);
            }
            Event::AccountVelocitySet { account, limits } => {
                self.velocities.set_account(*account, limits);
            }
            Event::ClassVelocitySet {
                book,
                class,
                limits,
            } => self.velocities.set_class(*book, *class, limits),
            Event::ClassSet { account, class } => self.account_mut(*account).class = *class,
            Event::BookSet { book, settings } => {
                self.books.entry(*book).or_default().settings = settings.clone();
            }
            Event::PeriodClosed { book, before } => {
                self.books.entry(*book).or_default().closed_before = *before;
            }
            Event::Named { account, name } => {
                self.names.insert(*account, name.clone());
            }
            // These are for the views.
            Event::Detailed { .. } | Event::Described { .. } => {}
        }
    }

    /// Folds an event without saying in which row: what it ends then stays in memory.
    pub fn fold(&mut self, event: &Event) {
        self.fold_at(Sequence(u64::MAX), event);
    }

    fn account_mut(&mut self, no: AccountNo) -> &mut Account {
        &mut self.accounts[no.index()]
    }

    fn fold_posted(&mut self, transaction: &Transaction) {
        self.transactions = transaction.no.0;
        for posting in &transaction.postings {
            let amount = i128::from(posting.amount);
            self.account_mut(posting.debit).balance.debits += amount;
            self.account_mut(posting.credit).balance.credits += amount;
        }
    }

    fn fold_captured(
        &mut self,
        sequence: Sequence,
        (book, id): (Book, TransactionId),
        amounts: &[i64],
    ) {
        let mut hold = self.open_hold(book, id);
        let captured = hold.postings.iter().zip(amounts);
        let captured: Vec<Posting> = captured
            .map(|(posting, amount)| Posting {
                amount: *amount,
                ..*posting
            })
            .collect();
        self.change_held(&captured, -1);
        hold.take(amounts);
        self.holds.put(hold, sequence);
    }

    fn fold_given_back(
        &mut self,
        sequence: Sequence,
        (book, id): (Book, TransactionId),
        state: HoldState,
    ) {
        let mut hold = self.open_hold(book, id);
        self.change_held(&hold.postings, -1);
        hold.give_back(state);
        self.holds.put(hold, sequence);
    }

    fn open_hold(&self, book: Book, id: TransactionId) -> Hold {
        let hold = self.holds.get(book, id);
        hold.expect("an open hold is in memory").clone()
    }

    fn change_held(&mut self, postings: &[Posting], sign: i128) {
        for posting in postings {
            let amount = i128::from(posting.amount) * sign;
            self.account_mut(posting.debit).held.debits += amount;
            self.account_mut(posting.credit).held.credits += amount;
        }
    }

    /// For each asset of each book: the sum of debits less the sum of credits. All are zero, always.
    pub fn trial_balance(&self) -> Vec<TrialBalance> {
        let mut sums = BTreeMap::<(Book, Currency), Balance>::new();
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

/// Puts an account, which is among the others already, into the index of their ids.
fn put(numbers: &mut Positions, accounts: &[Account], account: &Account) {
    numbers.insert(&(account.book, account.id), account.no.0, |number| {
        name(accounts, number)
    });
}

fn name(accounts: &[Account], number: u32) -> (Book, AccountId) {
    let account = at(accounts, number);
    (account.book, account.id)
}

/// The account of a number that the index knows, which is therefore there.
fn at(accounts: &[Account], number: u32) -> &Account {
    &accounts[AccountNo(number).index()]
}

/// Reads a little of each part of an account.
fn glance(account: Option<&Account>) -> u64 {
    account.map_or(0, |account| {
        let sums = account.balance.debits ^ account.held.credits;
        let lowest = account.limits.minimum.unwrap_or_default();
        u64::try_from(sums).unwrap_or_default() ^ lowest.cast_unsigned()
    })
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
    type Key = Key;
    type Row = Row;

    fn weight(command: &Command) -> usize {
        command.weight()
    }

    fn decide(
        &self,
        at: Timestamp,
        command: &Command,
        cold: &Cold<Key, Row>,
        events: &mut Vec<Event>,
    ) -> Answer<Outcome, Key> {
        match self.answer(at, command, &cold.rows, events) {
            Ok(answer) => answer,
            Err(rejection) => Answer::Decided(Outcome::Refused(rejection)),
        }
    }

    fn evolve(&mut self, moment: Moment, event: &Event) {
        self.fold_at(moment.sequence, event);
    }

    fn due(&self, at: Timestamp, limit: usize, events: &mut Vec<Event>) {
        self.expire(at, limit, events);
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.holds.next_due()
    }

    fn foresee(&self, command: &Command) -> u64 {
        let Command::Post { book, transactions } = command else {
            return 0;
        };
        let postings = transactions.iter().flat_map(|new| &new.postings);
        let ids = postings.flat_map(|posting| [posting.debit, posting.credit]);
        ids.fold(0, |seen, id| seen ^ self.foresee_account(*book, id))
    }

    fn foresee_event(&self, event: &Event) -> u64 {
        let Event::Posted { transaction, .. } = event else {
            return 0;
        };
        let postings = transaction.postings.iter();
        let numbers = postings.flat_map(|posting| [posting.debit, posting.credit]);
        numbers.fold(0, |seen, no| seen ^ glance(self.account_by_no(no)))
    }

    fn evict(&mut self, through: Sequence) {
        self.holds.evict(through);
        self.reversals.evict(through);
    }
}
