//! A second ledger that is obviously right: ordered maps, a full copy for every try, every fault
//! written down before one is chosen. Slow, and of no other use than to disagree with the first.

use std::collections::BTreeMap;

use fx::Currency;
use ledger::core::{
    AccountName, BookSettings, Changes, Class, Description, Hold, NamedAccount, VelocityLimit,
    VelocityOf,
};
use ledger::{
    Account, AccountId, AccountNo, AccountState, Balance, Book, Command, Limits, NewAccount,
    NewPosting, Outcome, Reason, Rejection, Sequence, Timestamp, TransactionId,
};

pub(crate) type Name = (Book, AccountId);

#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    assets: BTreeMap<String, Currency>,
    pub(crate) accounts: BTreeMap<Name, Account>,
    pub(crate) names: BTreeMap<Name, AccountName>,
    /// All transactions there ever were, the first at 0.
    pub(crate) transactions: Vec<Past>,
    /// All holds there ever were.
    pub(crate) holds: BTreeMap<(Book, TransactionId), Pending>,
    offsets: BTreeMap<Book, BookSettings>,
    closed_before: BTreeMap<Book, Timestamp>,
    account_velocity: BTreeMap<Name, Vec<VelocityLimit>>,
    class_velocity: BTreeMap<(Book, Class), Vec<VelocityLimit>>,
    /// Everything that was ever counted.
    pub(crate) movements: Vec<Movement>,
    /// The row of the journal that is being written.
    pub(crate) sequence: Sequence,
}

/// A transaction that was posted.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) book: Book,
    pub(crate) postings: Vec<NewPosting>,
    pub(crate) reversed: Vec<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) hold: Hold,
    /// What is still held, by the accounts' names.
    pub(crate) postings: Vec<NewPosting>,
    pub(crate) changed: Sequence,
    /// Whether it has left memory, so that its id looks free.
    pub(crate) gone: bool,
}

/// What a transaction or a hold moved on an account that was counted.
#[derive(Clone, Debug)]
pub(crate) struct Movement {
    pub(crate) account: Name,
    pub(crate) day: i32,
    pub(crate) hold: Option<TransactionId>,
    pub(crate) count: [u64; 2],
    pub(crate) amount: [i128; 2],
}

/// A reason with its place; the smallest one is given.
pub(crate) type Fault = (Reason, u32, u32, Option<AccountId>);

/// The first fault in order of precedence; of equals the one written down first.
pub(crate) fn foremost(faults: &[Fault]) -> Result<(), Rejection> {
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

    pub(crate) fn run(&mut self, at: Timestamp, command: &Command) -> Outcome {
        let mut next = self.clone();
        match next.attempt(at, command) {
            Ok(outcome) => {
                *self = next;
                outcome
            }
            Err(rejection) => Outcome::Refused(rejection),
        }
    }

    fn attempt(&mut self, at: Timestamp, command: &Command) -> Result<Outcome, Rejection> {
        use Command as C;
        match command {
            C::RegisterAsset(currency) => self.register(*currency),
            C::Open(accounts) => self.open(accounts),
            C::Post { book, transactions } => self.post(at, *book, transactions),
            C::SetLimits {
                book,
                account,
                limits,
            } => self.set_limits((*book, *account), *limits),
            C::SetState {
                book,
                account,
                state,
            } => self.set_state((*book, *account), *state),
            C::Balances { book, accounts } => {
                let mut found = Vec::new();
                for id in accounts {
                    found.push(*self.find((*book, *id))?);
                }
                Ok(Outcome::Accounts(found))
            }
            C::Transact { book, steps } => self.transact(at, *book, steps),
            C::SetVelocity { book, of, limits } => self.set_velocity(*book, *of, limits),
            C::SetClass {
                book,
                account,
                class,
            } => {
                self.find((*book, *account))?;
                self.accounts.get_mut(&(*book, *account)).unwrap().class = *class;
                Ok(Outcome::Done)
            }
            C::SetBook { book, settings } => self.set_book(*book, settings),
            C::ClosePeriod { book, before } => {
                if *before > at || *before < self.closed_before(*book) {
                    return Err(Rejection::new(Reason::PeriodInvalid));
                }
                self.closed_before.insert(*book, *before);
                Ok(Outcome::Done)
            }
            C::Describe {
                book,
                account,
                description,
            } => self.describe((*book, *account), description),
            C::Holds { book, holds } => {
                let mut found = Vec::new();
                for id in holds {
                    let known = self.holds.get(&(*book, *id));
                    let pending = known.ok_or(Rejection::new(Reason::HoldNotFound))?;
                    found.push(pending.hold.clone());
                }
                Ok(Outcome::Holds(found))
            }
            C::OpenNamed { book, accounts } => self.open_named(*book, accounts),
            C::Change {
                book,
                account,
                changes,
            } => self.change(at, (*book, *account), changes),
            C::Try(command) => self.clone().attempt(at, command),
            C::Accounts { .. } | C::Named { .. } => panic!("the dice ask no such question"),
        }
    }

    fn open_named(&mut self, book: Book, accounts: &[NamedAccount]) -> Result<Outcome, Rejection> {
        let mut faults = Vec::new();
        for (position, new) in (0..).zip(accounts) {
            let name = (book, new.name.id());
            let named_so = self.names.get(&name) == Some(&new.name);
            if self.accounts.contains_key(&name) && !named_so {
                faults.push((Reason::AccountExists, 0, position, Some(name.1)));
            }
            let description = &new.description;
            for reason in text_faults(description.reference.as_deref(), &description.metadata) {
                faults.push((reason, 0, position, Some(name.1)));
            }
        }
        let terms = |new: &NamedAccount| NewAccount {
            book,
            id: new.name.id(),
            currency: new.currency,
            kind: new.kind,
            limits: new.limits,
        };
        let terms: Vec<NewAccount> = accounts.iter().map(terms).collect();
        let opened = self.open(&terms);
        if let Err(rejection) = &opened {
            let Rejection {
                reason,
                transaction,
                posting,
                account,
            } = *rejection;
            faults.push((reason, transaction, posting, account));
        }
        foremost(&faults)?;
        for new in accounts {
            self.names.insert((book, new.name.id()), new.name.clone());
        }
        opened
    }

    fn change(
        &mut self,
        at: Timestamp,
        (book, account): Name,
        changes: &Changes,
    ) -> Result<Outcome, Rejection> {
        self.find((book, account))?;
        let Changes {
            limits,
            state,
            class,
            velocity,
            description,
        } = changes.clone();
        let of = VelocityOf::Account(account);
        let steps = [
            limits.map(|limits| Command::SetLimits {
                book,
                account,
                limits,
            }),
            velocity.map(|limits| Command::SetVelocity { book, of, limits }),
            description.map(|description| Command::Describe {
                book,
                account,
                description,
            }),
            class.map(|class| Command::SetClass {
                book,
                account,
                class,
            }),
            state.map(|state| Command::SetState {
                book,
                account,
                state,
            }),
        ];
        for step in steps.into_iter().flatten() {
            self.attempt(at, &step)?;
        }
        Ok(Outcome::Accounts(vec![*self.find((book, account))?]))
    }

    fn set_velocity(
        &mut self,
        book: Book,
        of: VelocityOf,
        limits: &[VelocityLimit],
    ) -> Result<Outcome, Rejection> {
        for limit in limits {
            let bounds_nothing = limit.count_max.is_none() && limit.amount_max.is_none();
            if bounds_nothing || limit.amount_max.is_some_and(|amount| amount < 0) {
                return Err(Rejection::new(Reason::VelocityInvalid));
            }
        }
        if limits.len() > 18 {
            return Err(Rejection::new(Reason::VelocityInvalid));
        }
        match of {
            VelocityOf::Account(id) => {
                self.find((book, id))?;
                self.account_velocity.insert((book, id), limits.to_vec());
            }
            VelocityOf::Class(class) => {
                self.class_velocity.insert((book, class), limits.to_vec());
            }
        }
        Ok(Outcome::Done)
    }

    pub(crate) fn velocity_limits(&self, name: Name) -> Vec<VelocityLimit> {
        let class = (name.0, self.accounts[&name].class);
        let own = self.account_velocity.get(&name).into_iter().flatten();
        let shared = self.class_velocity.get(&class).into_iter().flatten();
        own.chain(shared).copied().collect()
    }

    fn set_book(&mut self, book: Book, settings: &BookSettings) -> Result<Outcome, Rejection> {
        if settings.name.len() > 120
            || settings.offset_minutes < -720
            || settings.offset_minutes > 840
        {
            return Err(Rejection::new(Reason::SettingsInvalid));
        }
        self.offsets.insert(book, settings.clone());
        Ok(Outcome::Done)
    }

    pub(crate) fn closed_before(&self, book: Book) -> Timestamp {
        self.closed_before.get(&book).copied().unwrap_or_default()
    }

    /// The number of the day, counted from 1970.
    pub(crate) fn day(&self, book: Book, at: Timestamp) -> i32 {
        let offset = self
            .offsets
            .get(&book)
            .map_or(0, |settings| settings.offset_minutes);
        let secs = i64::try_from(at.0 / 1_000_000_000).unwrap() + i64::from(offset) * 60;
        i32::try_from(secs.div_euclid(24 * 3_600)).unwrap()
    }

    fn describe(&mut self, name: Name, description: &Description) -> Result<Outcome, Rejection> {
        let mut faults = Vec::new();
        for reason in text_faults(description.reference.as_deref(), &description.metadata) {
            faults.push((reason, 0, 0, Some(name.1)));
        }
        foremost(&faults)?;
        self.find(name)?;
        Ok(Outcome::Done)
    }

    fn find(&self, name: Name) -> Result<&Account, Rejection> {
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

    fn set_limits(&mut self, name: Name, limits: Limits) -> Result<Outcome, Rejection> {
        if is_crossed(limits) {
            return Err(Rejection::new(Reason::LimitsInvalid).of_account(name.1));
        }
        self.find(name)?;
        self.accounts.get_mut(&name).unwrap().limits = limits;
        Ok(Outcome::Done)
    }

    fn set_state(&mut self, name: Name, state: AccountState) -> Result<Outcome, Rejection> {
        let account = self.find(name)?;
        if state == AccountState::Closed && net(account) != 0 {
            return Err(Rejection::new(Reason::BalanceNotZero).of_account(name.1));
        }
        let is_held = |pending: &Pending| {
            let mut sides = pending.postings.iter().filter(|posting| posting.amount > 0);
            let of_book = pending.hold.book == name.0;
            of_book && sides.any(|posting| posting.debit == name.1 || posting.credit == name.1)
        };
        if state == AccountState::Closed && self.holds.values().any(is_held) {
            return Err(Rejection::new(Reason::HoldsOpen).of_account(name.1));
        }
        self.accounts.get_mut(&name).unwrap().state = state;
        Ok(Outcome::Done)
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
        held: Balance::default(),
        class: Class(0),
    }
}

pub(crate) fn net(account: &Account) -> i128 {
    let Balance { debits, credits } = account.balance;
    if account.kind.is_debit_normal() {
        debits - credits
    } else {
        credits - debits
    }
}

/// The net if everything held came out that would lower it, and if all came that would raise it.
pub(crate) fn reach(account: &Account) -> (i128, i128) {
    let Balance { debits, credits } = account.held;
    if account.kind.is_debit_normal() {
        (net(account) - credits, net(account) + debits)
    } else {
        (net(account) - debits, net(account) + credits)
    }
}

/// The limits that an account is beyond after a step, and further beyond than before it.
pub(crate) fn worsened(before: &Account, after: &Account) -> Vec<Reason> {
    let beyond = |account: &Account| {
        let (lowest, highest) = reach(account);
        let minimum = after.limits.minimum.map(i128::from);
        let maximum = after.limits.maximum.map(i128::from);
        let below = minimum.map_or(0, |minimum| minimum - lowest);
        let above = maximum.map_or(0, |maximum| highest - maximum);
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

/// What is too long of what something says about itself.
pub(crate) fn text_faults(
    reference: Option<&str>,
    metadata: &BTreeMap<Box<str>, Box<str>>,
) -> Vec<Reason> {
    let mut faults = Vec::new();
    if reference.is_some_and(|text| text.len() > 280) {
        faults.push(Reason::ReferenceTooLong);
    }
    if metadata.len() > 16 {
        faults.push(Reason::MetadataTooLarge);
    }
    for (key, value) in metadata {
        if key.is_empty() || key.len() > 40 || value.len() > 200 {
            faults.push(Reason::MetadataTooLarge);
        }
    }
    faults
}
