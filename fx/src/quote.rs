//! A price for one customer: locked for a while, good once, exact on both sides.
//!
//! What: the customer names one side, what they give or what they get; the quote computes the other
//! from the middle price less the spread of their tier. It rounds once, against the customer, by
//! less than one minor unit of the computed side: down what they get, up what they give.
//!
//! How the margin is shown: the *valuation* is the named side at the middle price, half-even. What
//! lies between it and the computed side is the spread, plus a residual of rounding that is zero or
//! one:
//!
//! | named | customer gives | customer gets | always |
//! |---|---|---|---|
//! | what they give | as named | valuation - spread - residual | all of the margin is in what they get |
//! | what they get | valuation + spread + residual | as named | all of it is in what they give |
//!
//! So the position accounts move by the named side and the valuation, the spread is revenue, the
//! residual has an account of its own, and each currency balances by itself.
//!
//! Inverse consistent: both directions use the same exact fraction. Naming what one was quoted to
//! give for an amount gets at least that amount, and never more for less.
//!
//! Limits: a quote knows nothing of who may use it, nor of the exposure of all quotes together;
//! that is for whoever keeps them.

use serde::{Deserialize, Serialize};

use crate::conversion::BPS;
use crate::rate_book::{Leg, Mid};
use crate::{
    Conversion, ConversionError, Currency, CurrencyError, Money, MoneyError, PriceError, RateBook,
    Rounding, Timestamp,
};

/// What a group of customers pays, and how long a price is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    pub name: String,
    /// Off the middle price, in basis points, on whichever side the customer did not name.
    pub spread_bps: u32,
    pub lock_seconds: u32,
}

/// The side of an exchange, seen from the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// What the customer gives.
    Sell,
    /// What the customer gets.
    Buy,
}

/// What was agreed. Nothing in it changes after it is quoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the customer gives.
    pub sell: Money,
    /// What the customer gets.
    pub buy: Money,
    /// The side that the customer named.
    pub fixed: Side,
    /// The named side at the middle price, in the other currency, half-even.
    pub valuation: Money,
    /// Our revenue, in the currency of the valuation.
    pub spread: Money,
    /// What rounding took from the customer beyond the spread: zero or one minor unit.
    pub residual: Money,
    pub tier: String,
    pub spread_bps: u32,
    /// The published prices that it rests on.
    pub path: Vec<Leg>,
    pub quoted_at: Timestamp,
    /// The first moment at which it no longer holds.
    pub expires_at: Timestamp,
}

/// Terms that can be used once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    terms: Terms,
    used_at: Option<Timestamp>,
}

/// Why there is no quote, or why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    #[error("{0} is on both sides; an exchange needs two currencies")]
    SameCurrency(Currency),
    #[error("{0} cannot be exchanged; name an amount above zero")]
    Amount(Money),
    #[error("{amount} in {to} is less than one minor unit; exchange a larger amount")]
    TooSmall { amount: Money, to: Currency },
    #[error(
        "tier {name}: a spread is at most {} basis points, not {spread_bps}",
        Tier::SPREAD_BPS_MAX
    )]
    Spread { name: String, spread_bps: u32 },
    #[error(
        "tier {name}: a price is locked for 1 to {} seconds, not {lock_seconds}",
        Tier::LOCK_SECONDS_MAX
    )]
    Lock { name: String, lock_seconds: u32 },
    #[error(transparent)]
    Currency(#[from] CurrencyError),
    #[error(transparent)]
    Price(#[from] PriceError),
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the quote expired at {expires_at}, it is {now}; ask for a new one")]
    Expired {
        expires_at: Timestamp,
        now: Timestamp,
    },
    #[error("the quote was used at {used_at}; ask for a new one")]
    Used { used_at: Timestamp },
}

impl Tier {
    /// Beyond half the price it is no longer an exchange.
    pub const SPREAD_BPS_MAX: u32 = 5_000;
    pub const LOCK_SECONDS: u32 = 60;
    /// A day: the longest lock that payment systems offer.
    pub const LOCK_SECONDS_MAX: u32 = 86_400;

    /// A tier whose prices hold for a minute.
    pub fn new(name: &str, spread_bps: u32) -> Self {
        Self {
            name: name.to_owned(),
            spread_bps,
            lock_seconds: Self::LOCK_SECONDS,
        }
    }

    fn check(&self) -> Result<(), QuoteError> {
        let Self {
            name,
            spread_bps,
            lock_seconds,
        } = self.clone();
        if spread_bps > Self::SPREAD_BPS_MAX {
            return Err(QuoteError::Spread { name, spread_bps });
        }
        if !(1..=Self::LOCK_SECONDS_MAX).contains(&lock_seconds) {
            return Err(QuoteError::Lock { name, lock_seconds });
        }
        Ok(())
    }
}

impl RateBook {
    /// A quote for an amount on one side, with another currency on the other.
    pub fn quote(
        &self,
        fixed: Side,
        amount: Money,
        other: Currency,
        tier: &Tier,
        now: Timestamp,
    ) -> Result<Quote, QuoteError> {
        tier.check()?;
        if amount.currency == other {
            return Err(QuoteError::SameCurrency(other));
        }
        if amount.amount <= 0 {
            return Err(QuoteError::Amount(amount));
        }
        require_active(amount.currency)?;
        require_active(other)?;
        let (from, to) = match fixed {
            Side::Sell => (amount.currency, other),
            Side::Buy => (other, amount.currency),
        };
        let mid = self.mid(from, to, now)?;
        let priced = price(fixed, amount, &mid.conversion, tier.spread_bps)?;
        let (given, gotten) = match fixed {
            Side::Sell => (amount, priced.computed),
            Side::Buy => (priced.computed, amount),
        };
        let Mid { path, .. } = mid;
        let terms = Terms {
            sell: given,
            buy: gotten,
            fixed,
            valuation: priced.valuation,
            spread: priced.spread,
            residual: priced.residual,
            tier: tier.name.clone(),
            spread_bps: tier.spread_bps,
            path,
            quoted_at: now,
            expires_at: now.plus_secs(tier.lock_seconds),
        };
        Ok(Quote {
            terms,
            used_at: None,
        })
    }
}

impl Quote {
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    pub fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }

    /// Whether it can be used now.
    pub fn check(&self, now: Timestamp) -> Result<(), QuoteError> {
        let expires_at = self.terms.expires_at;
        match self.used_at {
            Some(used_at) => Err(QuoteError::Used { used_at }),
            None if now >= expires_at => Err(QuoteError::Expired { expires_at, now }),
            None => Ok(()),
        }
    }

    /// Uses it up.
    pub fn redeem(&mut self, now: Timestamp) -> Result<(), QuoteError> {
        self.check(now)?;
        self.used_at = Some(now);
        Ok(())
    }
}

impl Terms {
    /// The middle price from what is sold to what is bought, recomputed from the path.
    pub fn mid(&self) -> Result<Conversion, ConversionError> {
        let mut conversion = Conversion::identity(self.sell.currency);
        for leg in &self.path {
            let next = if conversion.to() == leg.base {
                leg.quote
            } else {
                leg.base
            };
            conversion = conversion.then(&leg.conversion_to(next))?;
        }
        Ok(conversion)
    }

    /// The customer's price, spread included.
    pub fn client(&self) -> Result<Conversion, ConversionError> {
        self.mid()?.less(self.spread_bps)
    }

    /// Whether every amount follows from the named side, the path and the spread.
    pub fn is_consistent(&self) -> bool {
        let (amount, computed) = match self.fixed {
            Side::Sell => (self.sell, self.buy),
            Side::Buy => (self.buy, self.sell),
        };
        let mid = self.mid().ok().filter(|mid| mid.to() == self.buy.currency);
        let priced = mid.and_then(|mid| price(self.fixed, amount, &mid, self.spread_bps).ok());
        let (valuation, spread, residual) = (self.valuation, self.spread, self.residual);
        priced
            == Some(Priced {
                computed,
                valuation,
                spread,
                residual,
            })
    }
}

#[derive(PartialEq, Eq)]
struct Priced {
    computed: Money,
    valuation: Money,
    spread: Money,
    residual: Money,
}

/// The side that the customer did not name, and what lies between it and the middle price.
fn price(
    fixed: Side,
    amount: Money,
    mid: &Conversion,
    spread_bps: u32,
) -> Result<Priced, QuoteError> {
    let client = mid.less(spread_bps)?;
    let (bps, whole) = (u64::from(spread_bps), u64::from(BPS));
    let (computed, valuation, margin, share) = match fixed {
        Side::Sell => {
            let computed = client.convert(amount, Rounding::Down)?;
            let valuation = mid.convert(amount, Rounding::HalfEven)?;
            (
                computed,
                valuation,
                valuation.checked_sub(computed)?,
                (bps, whole),
            )
        }
        Side::Buy => {
            let computed = client.inverse().convert(amount, Rounding::Up)?;
            let valuation = mid.inverse().convert(amount, Rounding::HalfEven)?;
            // Of a price that includes the spread, the spread is this share of the rest.
            (
                computed,
                valuation,
                computed.checked_sub(valuation)?,
                (bps, whole - bps),
            )
        }
    };
    if computed.amount == 0 {
        return Err(QuoteError::TooSmall {
            amount,
            to: computed.currency,
        });
    }
    // The spread is what its basis points say, as long as that leaves a residual of zero or one.
    let nominal = valuation.proportion(share.0, share.1, Rounding::HalfEven)?;
    let spread = nominal.amount.clamp(margin.amount - 1, margin.amount);
    let spread = Money::new(spread, margin.currency);
    let residual = margin.checked_sub(spread)?;
    Ok(Priced {
        computed,
        valuation,
        spread,
        residual,
    })
}

/// Own assets are exchanged as long as they have a price; withdrawn currencies are not.
fn require_active(currency: Currency) -> Result<(), CurrencyError> {
    if currency.is_iso() {
        Currency::iso(currency.code()).map(|_| ())
    } else {
        Ok(())
    }
}
