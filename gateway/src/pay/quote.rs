//! Quotes: a price that is locked for one wallet, and the conversion that uses it up.
//!
//! Whoever keeps the rates works the terms out; here they are checked, kept and used once. What the customer named and
//! what that is worth at the middle price go into and out of the house's *position*; the spread is what the house earns,
//! and what rounding leaves has an account of its own. So each currency balances by itself.
//!
//! How far a position may go is a limit of its account in the ledger, so no number of quotes at once can pass it.
//!
//! The transaction that converts has the bits of the quote's own id, since a quote is used once.

use fx::{Currency, Money, Side, Terms};
use ledger::{Account, Answer, Cold, Limits, Reason, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::checkout::short;
use super::id::{QuoteId, WalletId, WalletNo};
use super::message::{ColdKey, ColdRow, Event, Outcome};
use super::open::not_held;
use super::recipe::{self, PAYMENTS_BOOK, Role};
use super::refusal::Refusal;
use super::shelf::Shelved;
use super::state::Payments;

/// Quotes that one wallet may have open: more than anybody compares, and too few to fill a machine with.
pub const QUOTES_OPEN_MAX: u32 = 20;

type Decided = Result<Outcome, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuoteState {
    Open,
    Used,
    Expired,
}

impl QuoteState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub id: QuoteId,
    pub wallet: WalletId,
    pub wallet_no: WalletNo,
    pub terms: Terms,
    pub state: QuoteState,
    pub created_at: Timestamp,
    /// The last moment it can be used.
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

impl Quote {
    /// The transaction that converts.
    pub const fn transaction(&self) -> TransactionId {
        TransactionId(self.id.0)
    }

    fn must_be_open(&self, at: Timestamp) -> Result<(), Refusal> {
        match self.state {
            QuoteState::Used => Err(Refusal::QuoteUsed),
            QuoteState::Open if at <= self.expires_at => Ok(()),
            QuoteState::Open | QuoteState::Expired => Err(Refusal::QuoteExpired),
        }
    }

    /// The quote when its time is over.
    pub(super) fn expired(&self) -> Self {
        Self {
            state: QuoteState::Expired,
            ..self.clone()
        }
    }
}

impl Shelved for Quote {
    type Id = QuoteId;

    fn id(&self) -> QuoteId {
        self.id
    }

    fn due(&self) -> Option<Timestamp> {
        (!self.is_finished()).then_some(self.expires_at)
    }

    fn is_finished(&self) -> bool {
        self.state != QuoteState::Open
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQuote {
    pub id: QuoteId,
    pub wallet: WalletId,
    pub sell: Currency,
    pub buy: Currency,
    /// Without them it is looked whether there may be a quote, and nothing is locked: terms are worked out for who may
    /// have them, and not again for who asks again.
    pub terms: Option<Terms>,
}

impl Payments {
    /// A quote that is open or has just ended.
    pub fn quote_in_memory(&self, id: QuoteId) -> Option<&Quote> {
        self.quotes.get(id)
    }

    pub(super) fn lock_quote(
        &self,
        at: Timestamp,
        new: &NewQuote,
        events: &mut Vec<Event>,
    ) -> Decided {
        let wallet = self
            .wallets
            .get(&new.wallet)
            .ok_or(Refusal::WalletNotFound)?;
        for currency in [new.sell, new.buy] {
            if !wallet.currencies.contains(&currency) {
                return Err(not_held(currency));
            }
        }
        let open = self.quotes_open.get(&wallet.id).copied();
        if open.unwrap_or_default() >= QUOTES_OPEN_MAX {
            return Err(Refusal::QuotesOpenTooMany);
        }
        let Some(terms) = &new.terms else {
            return Ok(Outcome::MayQuote);
        };
        let currencies = (terms.sell.currency, terms.buy.currency);
        if currencies != (new.sell, new.buy) || !terms.is_consistent() {
            return Err(Refusal::TermsInvalid {
                what: "the amounts do not follow from the price".to_owned(),
            });
        }
        self.must_fit_positions(terms)?;
        self.open_exchange(terms, events)?;
        let lock_nanos = terms.expires_at.0.saturating_sub(terms.quoted_at.0);
        let quote = Quote {
            id: new.id,
            wallet: wallet.id,
            wallet_no: wallet.no,
            terms: terms.clone(),
            state: QuoteState::Open,
            created_at: at,
            expires_at: at.plus_nanos(lock_nanos),
            used_at: None,
        };
        events.push(Event::QuoteChanged(Box::new(quote.clone())));
        Ok(Outcome::Quote(Box::new(quote)))
    }

    /// Opens the house's accounts of exchange where this is their first use.
    fn open_exchange(&self, terms: &Terms, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let currencies = [terms.sell.currency, terms.buy.currency];
        let accounts = currencies.map(|currency| {
            Role::EXCHANGE
                .map(|role| role.terms(currency))
                .into_iter()
                .filter(|new| self.ledger.account(PAYMENTS_BOOK, new.id).is_none())
        });
        let opening: Vec<_> = accounts.into_iter().flatten().collect();
        let mut opened = Vec::new();
        self.ledger.open(&opening, &mut opened)?;
        events.extend(opened.into_iter().map(Event::Ledger));
        Ok(())
    }

    /// Converts at the price of a quote, which is used up.
    pub(super) fn convert(
        &self,
        at: Timestamp,
        quote: &Quote,
        wallet: WalletId,
        events: &mut Vec<Event>,
    ) -> Decided {
        if quote.wallet != wallet {
            return Err(Refusal::QuoteNotFound);
        }
        quote.must_be_open(at)?;
        let posting = recipe::conversion(quote.transaction(), quote.wallet_no, &quote.terms);
        let role = Role::Wallet(quote.wallet_no);
        let accounts =
            [quote.terms.sell, quote.terms.buy].map(|money| role.account(money.currency));
        let [sold, bought] = self
            .post_to(at, posting, accounts, events)
            .map_err(|refusal| short(beyond(refusal), Refusal::InsufficientFunds))?;
        let quote = Box::new(Quote {
            state: QuoteState::Used,
            used_at: Some(at),
            ..quote.clone()
        });
        events.push(Event::QuoteChanged(quote.clone()));
        Ok(Outcome::Converted {
            quote,
            sold,
            bought,
        })
    }

    /// Refuses a quote that could not be used as positions stand.
    fn must_fit_positions(&self, terms: &Terms) -> Result<(), Refusal> {
        let (taken, given) = position_moves(terms);
        for (amount, sign) in [(taken, 1), (given, -1)] {
            let id = Role::Position.account(amount.currency);
            let Some(account) = self.ledger.account(PAYMENTS_BOOK, id) else {
                continue;
            };
            let after = account.net() + sign * i128::from(amount.amount);
            let Limits { minimum, maximum } = account.limits;
            let too_low = sign < 0 && minimum.is_some_and(|minimum| after < i128::from(minimum));
            let too_high = sign > 0 && maximum.is_some_and(|maximum| after > i128::from(maximum));
            if too_low || too_high {
                return Err(position_reached(amount.currency.code()));
            }
        }
        Ok(())
    }

    /// Sets how far the house's position in a currency may go, either way.
    pub(super) fn limit_position(
        &self,
        currency: Currency,
        limit: Option<i64>,
        events: &mut Vec<Event>,
    ) -> Decided {
        if limit.is_some_and(|limit| limit < 0) {
            return Err(Refusal::AmountInvalid);
        }
        self.find_asset(currency.code())?;
        let limits = Limits {
            minimum: limit.map(|limit| -limit),
            maximum: limit,
        };
        let terms = Role::Position.terms(currency);
        let mut made = Vec::new();
        let account = if let Some(account) = self.ledger.account(PAYMENTS_BOOK, terms.id) {
            self.ledger
                .set_limits(PAYMENTS_BOOK, terms.id, limits, &mut made)?;
            Account { limits, ..*account }
        } else {
            let new = ledger::NewAccount { limits, ..terms };
            let numbers = self.ledger.open(&[new], &mut made)?;
            Account::opened(numbers[0], new)
        };
        events.extend(made.into_iter().map(Event::Ledger));
        Ok(Outcome::Positions(vec![account]))
    }

    /// The house's accounts of exchange, in all currencies that were ever exchanged.
    pub(super) fn positions(&self) -> Outcome {
        let sums = self.ledger.trial_balance();
        let ours = sums.iter().filter(|sum| sum.book == PAYMENTS_BOOK);
        let currencies: Vec<Currency> = ours.map(|sum| sum.currency).collect();
        let accounts = Role::EXCHANGE.map(|role| self.accounts_of(role, &currencies));
        Outcome::Positions(accounts.concat())
    }

    /// Decides with a quote at hand, or says that it must be brought along.
    pub(super) fn with_quote(
        &self,
        id: QuoteId,
        cold: &Cold<ColdKey, ColdRow>,
        decide: impl FnOnce(&Quote) -> Decided,
    ) -> Answer<Outcome, ColdKey> {
        if let Some(quote) = self.quotes.get(id) {
            return Answer::Decided(decide(quote).into());
        }
        let key = ColdKey::Quote(id);
        match cold.rows.get(&key) {
            Some(Some(ColdRow::Quote(quote))) => Answer::Decided(decide(quote).into()),
            Some(_) => Answer::Decided(Outcome::Refused(Refusal::QuoteNotFound)),
            None => Answer::Missing(vec![key]),
        }
    }
}

/// What the house takes into its position, and what it gives out of it: the side that was named, and what that is worth.
pub(super) fn position_moves(terms: &Terms) -> (Money, Money) {
    match terms.fixed {
        Side::Sell => (terms.sell, terms.valuation),
        Side::Buy => (terms.valuation, terms.buy),
    }
}

/// Says of a limit of a position what it means.
fn beyond(refusal: Refusal) -> Refusal {
    let Refusal::Ledger(rejection) = refusal else {
        return refusal;
    };
    let role = rejection.account.and_then(Role::of_account);
    match (rejection.reason, role) {
        (Reason::BelowMinimum | Reason::AboveMaximum, Some((Role::Position, code))) => {
            position_reached(&code)
        }
        _ => Refusal::Ledger(rejection),
    }
}

fn position_reached(code: &str) -> Refusal {
    Refusal::PositionReached {
        code: code.to_owned(),
    }
}
