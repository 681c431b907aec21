//! Deciding on what accounts there are and on what terms: assets, opening, limits, states.

use fx::{Currencies, Currency};

use crate::core::rejection::Foremost;
use crate::core::{
    ACCOUNTS_PER_COMMAND_MAX, AccountId, AccountNo, AccountState, Balance, Book, Description,
    Event, Ledger, Limits, NewAccount, Reason, Rejection,
};
use crate::lookup::Lookup;

impl Ledger {
    /// Decides to register an asset of one's own. Registering it again is no event, and neither is
    /// registering an ISO currency, which needs none.
    pub fn register_asset(
        &self,
        currency: Currency,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        if currency.is_iso() {
            return Ok(());
        }
        match self.currencies.resolve(currency.code()) {
            Ok(known) if known == currency => Ok(()),
            Ok(_) => Err(Rejection::new(Reason::AssetExists)),
            Err(_) if self.currencies.iter().count() >= Currencies::ASSETS_MAX => {
                Err(Rejection::new(Reason::AssetsTooMany))
            }
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
        let room = (u32::MAX as usize).saturating_sub(self.accounts.len());
        if new.len() > room.min(ACCOUNTS_PER_COMMAND_MAX) {
            return Err(Rejection::new(Reason::AccountsTooMany));
        }
        let mut opening: Vec<NewAccount> = Vec::new();
        let mut places = Lookup::default();
        let mut numbers = Vec::with_capacity(new.len());
        let mut foremost = Foremost::default();
        for (position, account) in (0..).zip(new) {
            let name = (account.book, account.id);
            let known = match (self.account(account.book, account.id), places.get(&name)) {
                (Some(open), _) => Some((open.terms(), open.no)),
                (None, Some(&place)) => Some((opening[place], self.number_after(place))),
                (None, None) => None,
            };
            let refuse = |reason| {
                Rejection::new(reason)
                    .at(0, position)
                    .of_account(account.id)
            };
            match known {
                Some((terms, no)) if terms == *account => numbers.push(no),
                Some(_) => foremost.note(refuse(Reason::AccountExists)),
                None => {
                    if let Some(reason) = self.check_terms(account) {
                        foremost.note(refuse(reason));
                    }
                    places.insert(name, opening.len());
                    numbers.push(self.number_after(opening.len()));
                    opening.push(*account);
                }
            }
        }
        foremost.or(())?;
        events.extend(opening.into_iter().map(Event::Opened));
        Ok(numbers)
    }

    fn check_terms(&self, account: &NewAccount) -> Option<Reason> {
        let currency = account.currency;
        if !currency.is_iso() && self.currencies.resolve(currency.code()) != Ok(currency) {
            Some(Reason::AssetNotRegistered)
        } else if !account.limits.is_valid() {
            Some(Reason::LimitsInvalid)
        } else {
            None
        }
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
        if state == AccountState::Closed && account.held != Balance::default() {
            return Err(Rejection::new(Reason::HoldsOpen).of_account(id));
        }
        if account.state != state {
            events.push(Event::StateSet {
                account: account.no,
                state,
            });
        }
        Ok(())
    }

    /// Decides what an account says about itself.
    pub fn describe(
        &self,
        book: Book,
        id: AccountId,
        description: &Description,
        events: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        if let Some(reason) = description.fault() {
            return Err(Rejection::new(reason).of_account(id));
        }
        events.push(Event::Described {
            account: self.find(book, id)?.no,
            description: description.clone(),
        });
        Ok(())
    }
}
