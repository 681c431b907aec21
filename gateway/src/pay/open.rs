//! Opening merchants, wallets and endpoints, and topping wallets up.

use fx::{Currency, Money};
use ledger::{Account, NewAccount, Timestamp, TransactionId};

use super::endpoint::Endpoint;
use super::id::{EndpointId, MerchantId, WalletId};
use super::message::{Event, Outcome};
use super::party::{Fee, Merchant, NewMerchant, Wallet};
use super::recipe::{self, PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::state::Payments;

/// Enough for every currency a shop may want to price in; few enough that opening stays small.
pub(super) const CURRENCIES_MAX: usize = 32;
/// A merchant's systems that want to hear of its orders.
pub(crate) const ENDPOINTS_MAX: usize = 16;

type Decided = Result<Outcome, Refusal>;

impl Payments {
    pub(super) fn register_asset(&self, currency: Currency, events: &mut Vec<Event>) -> Decided {
        let mut postings = Vec::new();
        self.ledger.register_asset(currency, &mut postings)?;
        events.extend(postings.into_iter().map(Event::Ledger));
        Ok(Outcome::Done)
    }

    pub(super) fn open_merchant(&self, asked: &NewMerchant, events: &mut Vec<Event>) -> Decided {
        if asked.fee.basis_points > Fee::BASIS_POINTS_MAX {
            return Err(terms("the fee is above the whole amount"));
        }
        if self.merchants.contains_key(&asked.id) {
            return Err(Refusal::IdTaken);
        }
        let no = self.next_merchant_no();
        let accounts = self.open_accounts(Role::Merchant(no), &asked.currencies, events)?;
        let merchant = Merchant {
            no,
            id: asked.id,
            name: asked.name.clone(),
            city: asked.city.clone(),
            country: asked.country,
            category: asked.category,
            currencies: asked.currencies.clone(),
            fee: asked.fee,
        };
        events.push(Event::MerchantOpened(merchant.clone()));
        Ok(Outcome::Merchant { merchant, accounts })
    }

    pub(super) fn open_wallet(
        &self,
        id: WalletId,
        holder: &str,
        currencies: &[Currency],
        events: &mut Vec<Event>,
    ) -> Decided {
        if self.wallets.contains_key(&id) {
            return Err(Refusal::IdTaken);
        }
        let no = self.next_wallet_no();
        let accounts = self.open_accounts(Role::Wallet(no), currencies, events)?;
        let wallet = Wallet {
            no,
            id,
            holder: holder.to_owned(),
            currencies: currencies.to_vec(),
        };
        events.push(Event::WalletOpened(wallet.clone()));
        Ok(Outcome::Wallet { wallet, accounts })
    }

    /// Opens the owner's account in each currency, and the house's own where this is the first use.
    fn open_accounts(
        &self,
        owner: Role,
        currencies: &[Currency],
        events: &mut Vec<Event>,
    ) -> Result<Vec<Account>, Refusal> {
        if currencies.is_empty() || currencies.len() > CURRENCIES_MAX {
            return Err(terms("one to thirty-two currencies are needed"));
        }
        let mut opening: Vec<NewAccount> = Vec::new();
        for (position, currency) in currencies.iter().enumerate() {
            if self.ledger.currencies().resolve(currency.code()) != Ok(*currency) {
                return Err(Refusal::CurrencyUnknown {
                    code: currency.code().to_owned(),
                });
            }
            if currencies[..position].contains(currency) {
                return Err(terms("a currency is named twice"));
            }
            let roles = [Role::Bank, Role::Fees, Role::Transit, owner];
            opening.extend(roles.map(|role| role.terms(*currency)));
        }
        let mut opened = Vec::new();
        let numbers = self.ledger.open(&opening, &mut opened)?;
        events.extend(opened.into_iter().map(Event::Ledger));
        let owned = numbers.iter().zip(&opening).skip(3).step_by(4);
        Ok(owned.map(|(no, new)| Account::opened(*no, *new)).collect())
    }

    pub(super) fn add_endpoint(&self, endpoint: &Endpoint, events: &mut Vec<Event>) -> Decided {
        if !self.merchants.contains_key(&endpoint.merchant) {
            return Err(Refusal::MerchantNotFound);
        }
        if self.endpoints.contains_key(&endpoint.id) {
            return Err(Refusal::IdTaken);
        }
        if self.endpoints_of(endpoint.merchant).count() >= ENDPOINTS_MAX {
            return Err(Refusal::EndpointsTooMany);
        }
        events.push(Event::EndpointAdded(endpoint.clone()));
        Ok(Outcome::Endpoints(vec![endpoint.clone()]))
    }

    pub(super) fn remove_endpoint(
        &self,
        id: EndpointId,
        merchant: MerchantId,
        events: &mut Vec<Event>,
    ) -> Decided {
        let owned = self
            .endpoints
            .get(&id)
            .is_some_and(|endpoint| endpoint.merchant == merchant);
        if !owned {
            return Err(Refusal::EndpointNotFound);
        }
        events.push(Event::EndpointRemoved(id));
        Ok(Outcome::Done)
    }

    pub(super) fn top_up(
        &self,
        at: Timestamp,
        transaction: TransactionId,
        wallet: WalletId,
        amount: Money,
        reference: &str,
        events: &mut Vec<Event>,
    ) -> Decided {
        let wallet = self.wallets.get(&wallet).ok_or(Refusal::WalletNotFound)?;
        if amount.amount <= 0 {
            return Err(Refusal::AmountInvalid);
        }
        let role = Role::Wallet(wallet.no);
        if !wallet.currencies.contains(&amount.currency) {
            return Err(not_held(amount.currency));
        }
        let posting = recipe::top_up(transaction, wallet.no, amount, reference);
        let balances = self.post(at, posting, [role, Role::Bank], amount.currency, events)?;
        Ok(Outcome::ToppedUp {
            amount,
            balance: balances[0],
        })
    }

    pub(super) fn find_asset(&self, code: &str) -> Decided {
        let resolved = self.ledger.currencies().resolve(code);
        resolved
            .map(Outcome::Asset)
            .map_err(|_| Refusal::CurrencyUnknown {
                code: code.to_owned(),
            })
    }

    pub(super) fn find_merchant(&self, id: MerchantId) -> Decided {
        let merchant = self
            .merchants
            .get(&id)
            .ok_or(Refusal::MerchantNotFound)?
            .clone();
        let accounts = self.accounts_of(Role::Merchant(merchant.no), &merchant.currencies);
        Ok(Outcome::Merchant { merchant, accounts })
    }

    pub(super) fn find_wallet(&self, id: WalletId) -> Decided {
        let wallet = self
            .wallets
            .get(&id)
            .ok_or(Refusal::WalletNotFound)?
            .clone();
        let accounts = self.accounts_of(Role::Wallet(wallet.no), &wallet.currencies);
        Ok(Outcome::Wallet { wallet, accounts })
    }

    /// The books in sum, with what lies at the bank and what the house has earned.
    pub(super) fn trial_balance(&self) -> Outcome {
        let sums = self.ledger.trial_balance();
        let ours = sums.iter().filter(|sum| sum.book == PAYMENTS_BOOK);
        let currencies: Vec<Currency> = ours.map(|sum| sum.currency).collect();
        let roles = [Role::Bank, Role::Fees];
        let house = roles
            .map(|role| self.accounts_of(role, &currencies))
            .concat();
        Outcome::TrialBalance { sums, house }
    }

    pub(super) fn accounts_of(&self, role: Role, currencies: &[Currency]) -> Vec<Account> {
        let account = |currency: &Currency| {
            self.ledger
                .account(PAYMENTS_BOOK, role.account(*currency))
                .copied()
        };
        currencies.iter().filter_map(account).collect()
    }
}

pub(super) fn not_held(currency: Currency) -> Refusal {
    Refusal::CurrencyNotHeld {
        code: currency.code().to_owned(),
    }
}

pub(super) fn terms(what: &str) -> Refusal {
    Refusal::TermsInvalid {
        what: what.to_owned(),
    }
}
