//! A second ledger that is obviously right: ordered maps, a full copy for every try, every fault
//! written down before one is chosen. Slow, and of no other use than to disagree with the first.

use std::collections::BTreeMap;

use fx::Currency;
use ledger::{
    Account, AccountId, AccountNo, AccountState, Balance, Book, Command, Limits, NewAccount,
    NewPosting, NewTransaction, Outcome, Reason, Rejection, Timestamp, TransactionNo,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    assets: BTreeMap<String, Currency>,
    accounts: BTreeMap<(Book, AccountId), Account>,
    transactions: u64,
}

/// A reason with its place; the smallest one is given.
type Fault = (Reason, u32, u32, Option<AccountId>);

/// The first fault in order of precedence; of equals the one written down first.
fn foremost(faults: &[Fault]) -> Result<(), Rejection> {
    let first = faults
        .iter()
        .min_by_key(|fault| (fault.0, fault.1, fault.2));
    match first {
        None => Ok(()),
        Some(&(reason, transaction, posting, account)) => Err(Rejection {
            reason,
            transaction,
            posting,
            account,
        }),
    }
}

impl Oracle {
    /// All accounts, in order of number.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let mut accounts: Vec<Account> = self.accounts.values().copied().collect();
        accounts.sort_by_key(|account| account.no);
        accounts
    }

    pub(crate) fn run(&mut self, _at: Timestamp, command: &Command) -> Outcome {
        let mut next = self.clone();
        match next.attempt(command) {
            Ok(outcome) => {
                *self = next;
                outcome
            }
            Err(rejection) => Outcome::Refused(rejection),
        }
    }

    fn attempt(&mut self, command: &Command) -> Result<Outcome, Rejection> {
        match command {
            Command::RegisterAsset(currency) => self.register(*currency),
            Command::Open(accounts) => self.open(accounts),
            Command::Post { book, transactions } => self.post(*book, transactions),
            Command::SetLimits {
                book,
                account,
                limits,
            } => self.set_limits((*book, *account), *limits),
            Command::SetState {
                book,
                account,
                state,
            } => self.set_state((*book, *account), *state),
            Command::Balances { book, accounts } => {
                let mut found = Vec::new();
                for id in accounts {
                    found.push(*self.find((*book, *id))?);
                }
                Ok(Outcome::Accounts(found))
            }
        }
    }

    fn find(&self, name: (Book, AccountId)) -> Result<&Account, Rejection> {
        let missing = Rejection::new(Reason::AccountNotFound).of_account(name.1);
        self.accounts.get(&name).ok_or(missing)
    }

    fn register(&mut self, currency: Currency) -> Result<Outcome, Rejection> {
        if currency.is_iso() {
            return Ok(Outcome::Done);
        }
        let code = currency.code().to_owned();
        match self.assets.get(&code) {
            Some(known) if *known != currency => Err(Rejection::new(Reason::AssetExists)),
            _ => {
                self.assets.insert(code, currency);
                Ok(Outcome::Done)
            }
        }
    }

    fn open(&mut self, new: &[NewAccount]) -> Result<Outcome, Rejection> {
        let mut faults = Vec::new();
        let mut numbers = Vec::new();
        if new.len() > ledger::core::ACCOUNTS_PER_COMMAND_MAX {
            faults.push((Reason::AccountsTooMany, 0, 0, None));
        }
        for (position, new) in (0..).zip(new) {
            let mut fault = |reason| faults.push((reason, 0, position, Some(new.id)));
            let name = (new.book, new.id);
            let no = AccountNo(u32::try_from(self.accounts.len()).unwrap());
            if let Some(account) = self.accounts.get(&name) {
                if account.terms() != *new {
                    fault(Reason::AccountExists);
                }
                numbers.push(account.no);
                continue;
            }
            let registered = self.assets.get(new.currency.code());
            if !new.currency.is_iso() && registered != Some(&new.currency) {
                fault(Reason::AssetNotRegistered);
            }
            if is_crossed(new.limits) {
                fault(Reason::LimitsInvalid);
            }
            self.accounts.insert(name, opened(no, new));
            numbers.push(no);
        }
        foremost(&faults)?;
        Ok(Outcome::Opened(numbers))
    }

    fn set_limits(
        &mut self,
        name: (Book, AccountId),
        limits: Limits,
    ) -> Result<Outcome, Rejection> {
        if is_crossed(limits) {
            return Err(Rejection::new(Reason::LimitsInvalid).of_account(name.1));
        }
        self.find(name)?;
        self.accounts.get_mut(&name).unwrap().limits = limits;
        Ok(Outcome::Done)
    }

    fn set_state(
        &mut self,
        name: (Book, AccountId),
        state: AccountState,
    ) -> Result<Outcome, Rejection> {
        let account = self.find(name)?;
        if state == AccountState::Closed && net(account) != 0 {
            return Err(Rejection::new(Reason::BalanceNotZero).of_account(name.1));
        }
        self.accounts.get_mut(&name).unwrap().state = state;
        Ok(Outcome::Done)
    }

    fn post(&mut self, book: Book, transactions: &[NewTransaction]) -> Result<Outcome, Rejection> {
        if transactions.is_empty() {
            return Err(Rejection::new(Reason::TransactionsMissing));
        }
        let mut faults = Vec::new();
        let mut total = 0;
        for (number, transaction) in (0..).zip(transactions) {
            total += transaction.postings.len();
            faults.extend(self.faults_of(book, number, transaction, total));
        }
        foremost(&faults)?;
        for (number, transaction) in (0..).zip(transactions) {
            self.move_money(book, number, &transaction.postings)?;
        }
        let first = TransactionNo(self.transactions + 1);
        self.transactions += transactions.len() as u64;
        let mut balances: Vec<(AccountNo, Balance)> = Vec::new();
        for posting in transactions.iter().flat_map(|new| &new.postings) {
            for id in [posting.debit, posting.credit] {
                let account = self.accounts[&(book, id)];
                if balances.iter().all(|(no, _)| *no != account.no) {
                    balances.push((account.no, account.balance));
                }
            }
        }
        Ok(Outcome::Posted { first, balances })
    }

    /// Everything that is wrong with a transaction before any balance is looked at.
    fn faults_of(&self, book: Book, number: u32, new: &NewTransaction, total: usize) -> Vec<Fault> {
        let mut faults = Vec::new();
        if new.postings.is_empty() {
            faults.push((Reason::PostingsMissing, number, 0, None));
        }
        if new.postings.len() > 256 || total > 8_190 {
            faults.push((Reason::PostingsTooMany, number, 0, None));
        }
        if new.reference.as_ref().is_some_and(|text| text.len() > 280) {
            faults.push((Reason::ReferenceTooLong, number, 0, None));
        }
        for (position, posting) in (0..).zip(&new.postings) {
            for (reason, account) in self.faults_of_posting(book, posting) {
                faults.push((reason, number, position, account));
            }
        }
        faults
    }

    fn faults_of_posting(
        &self,
        book: Book,
        posting: &NewPosting,
    ) -> Vec<(Reason, Option<AccountId>)> {
        let mut faults = Vec::new();
        if posting.amount < 1 {
            faults.push((Reason::AmountNotPositive, None));
        }
        if posting.debit == posting.credit {
            faults.push((Reason::SameAccount, Some(posting.debit)));
        }
        let sides = [(posting.debit, true), (posting.credit, false)];
        let mut currencies = Vec::new();
        for (id, is_debit) in sides {
            let Some(account) = self.accounts.get(&(book, id)) else {
                faults.push((Reason::AccountNotFound, Some(id)));
                continue;
            };
            currencies.push(account.currency);
            if account.state == AccountState::Closed {
                faults.push((Reason::AccountClosed, Some(id)));
            }
            let raises = is_debit == account.kind.is_debit_normal();
            let frozen = match account.state {
                AccountState::Open => false,
                AccountState::FrozenIn => raises,
                AccountState::FrozenOut => !raises,
                AccountState::Frozen | AccountState::Closed => true,
            };
            if frozen {
                faults.push((Reason::AccountFrozen, Some(id)));
            }
        }
        if currencies.len() == 2 && currencies[0] != currencies[1] {
            faults.push((Reason::AssetsDiffer, Some(posting.credit)));
        }
        faults
    }

    fn move_money(
        &mut self,
        book: Book,
        number: u32,
        postings: &[NewPosting],
    ) -> Result<(), Rejection> {
        let before = self.accounts.clone();
        for posting in postings {
            let amount = i128::from(posting.amount);
            let debit = self.accounts.get_mut(&(book, posting.debit)).unwrap();
            debit.balance.debits += amount;
            let credit = self.accounts.get_mut(&(book, posting.credit)).unwrap();
            credit.balance.credits += amount;
        }
        let mut faults = Vec::new();
        for (position, posting) in (0..).zip(postings) {
            for id in [posting.debit, posting.credit] {
                let name = (book, id);
                for reason in worsened(&before[&name], &self.accounts[&name]) {
                    faults.push((reason, number, position, Some(id)));
                }
            }
        }
        foremost(&faults)
    }
}

fn is_crossed(limits: Limits) -> bool {
    matches!((limits.minimum, limits.maximum), (Some(low), Some(high)) if low > high)
}

fn opened(no: AccountNo, new: &NewAccount) -> Account {
    Account {
        no,
        book: new.book,
        id: new.id,
        currency: new.currency,
        kind: new.kind,
        limits: new.limits,
        state: AccountState::Open,
        balance: Balance::default(),
    }
}

fn net(account: &Account) -> i128 {
    let Balance { debits, credits } = account.balance;
    if account.kind.is_debit_normal() {
        debits - credits
    } else {
        credits - debits
    }
}

/// The limits that an account is beyond after a transaction, and further beyond than before it.
pub(crate) fn worsened(before: &Account, after: &Account) -> Vec<Reason> {
    let beyond = |account: &Account| {
        let below = after
            .limits
            .minimum
            .map_or(0, |min| i128::from(min) - net(account));
        let above = after
            .limits
            .maximum
            .map_or(0, |max| net(account) - i128::from(max));
        (below.max(0), above.max(0))
    };
    let ((below, above), (below_now, above_now)) = (beyond(before), beyond(after));
    let mut reasons = Vec::new();
    if below_now > below {
        reasons.push(Reason::BelowMinimum);
    }
    if above_now > above {
        reasons.push(Reason::AboveMaximum);
    }
    reasons
}
