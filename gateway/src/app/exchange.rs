//! Exchange: the rates at hand, and prices locked by them.
//!
//! Rates are kept in memory alone: a price that was used is in the journal with the quote it was used for, and one that
//! nobody used is worth nothing a minute later. After a start there is no price until a source says one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fx::{
    Accepted, Currency, EcbCsv, EcbXml, Feed, FeedError, Freshness, Leg, Limits, Money, NdjsonFeed,
    PriceError, QuoteError, RateBook, Side, Source, Terms, Tick, TickError, Tier, Timestamp,
};
use ledger::{Remember, Submission, Unique};

use super::{App, Done, unix_now};
use crate::config::ExchangeArgs;
use crate::pay::{Command, NewQuote, Outcome};
use crate::problem::{Code, Problem};

/// How far two fresh sources may differ, in basis points, before neither is believed.
const DIVERGENCE_BPS: u32 = 100;
/// How far a fixing may be from the one before: the franc moved 15.6 % in one, in January 2015.
const ECB_BAND_BPS: u32 = 2_000;
pub(crate) const ECB: &str = "ecb";
/// Sources whose prices come one by one, the most preferred first: people at a desk, and a machine.
const LIVE: [&str; 2] = ["desk", "stream"];
const TIER: &str = "standard";

/// What every currency costs at this moment.
#[derive(Debug)]
pub(crate) struct Rates {
    book: Mutex<RateBook>,
    tier: Tier,
}

/// What became of the prices in a text.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    pub taken: u32,
    /// Not newer than what the source said before.
    pub known: u32,
    /// Moved further than is believed at once.
    pub held: Vec<Currency>,
    /// Why others were not taken.
    pub refused: Vec<String>,
    /// Codes that are no currency known here.
    pub ignored: Vec<String>,
}

impl Fed {
    fn note(&mut self, currency: Currency, result: Result<Accepted, TickError>) {
        match result {
            Ok(Accepted::Taken | Accepted::Confirmed { .. }) => self.taken += 1,
            Ok(Accepted::Held { .. }) => self.held.push(currency),
            Err(TickError::NotNewer { .. }) => self.known += 1,
            Err(error) => self.refused.push(error.to_string()),
        }
    }
}

impl Rates {
    pub(super) fn new(settings: &ExchangeArgs) -> Self {
        let mut book = RateBook::new(settings.fx_pivot, DIVERGENCE_BPS);
        let live = Limits {
            freshness: Freshness::Within {
                seconds: settings.fx_fresh_secs,
            },
            band_bps: settings.fx_band_bps,
        };
        let fixings = Limits {
            freshness: Freshness::ECB,
            band_bps: ECB_BAND_BPS,
        };
        let sources = LIVE.map(|name| Source::new(name, live));
        for source in sources.into_iter().chain([Source::new(ECB, fixings)]) {
            let added = book.add_source(source);
            debug_assert!(added.is_ok(), "the sources have different names");
        }
        let tier = Tier {
            name: TIER.to_owned(),
            spread_bps: settings.fx_spread_bps,
            lock_seconds: settings.fx_lock_secs,
        };
        Self {
            book: Mutex::new(book),
            tier,
        }
    }

    /// Nothing that holds the lock can leave the book half changed.
    fn book(&self) -> MutexGuard<'_, RateBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tier(&self) -> &Tier {
        &self.tier
    }

    pub(crate) fn pivot(&self) -> Currency {
        self.book().pivot()
    }

    /// Takes lines of prices from a source that says them one by one.
    pub(crate) fn take_live(&self, source: &str, text: &str) -> Result<Fed, FeedError> {
        let now = now();
        let mut feed = NdjsonFeed::new(source, fx::Currencies::default()).received_at(now);
        // The last line may have been sent without its end.
        let reading = feed.read(&format!("{}\n", text.trim_end_matches('\n')))?;
        let (mut book, mut taken) = (self.book(), Fed::default());
        for tick in &reading.ticks {
            let result = book.accept(source, tick, now);
            taken.note(priced(tick, book.pivot()), result);
        }
        Ok(taken)
    }

    /// Takes a file of the European Central Bank. What is older than the newest day in it is history, which is not
    /// asked how far it moved.
    pub(crate) fn take_fixings(&self, text: &str) -> Result<Fed, FeedError> {
        let reading = if text.trim_start().starts_with('<') {
            EcbXml.read(text)?
        } else {
            EcbCsv.read(text)?
        };
        let (mut book, now) = (self.book(), now());
        let newest = reading.ticks.iter().map(|tick| tick.time).max();
        let mut taken = Fed {
            ignored: reading.ignored,
            ..Fed::default()
        };
        for tick in &reading.ticks {
            let result = if Some(tick.time) == newest {
                book.accept(ECB, tick, now)
            } else {
                book.import(ECB, [tick]).map(|()| Accepted::Taken)
            };
            taken.note(priced(tick, book.pivot()), result);
        }
        Ok(taken)
    }

    /// Says of a price that is held that it is right, or wrong.
    pub(crate) fn settle(
        &self,
        source: &str,
        currency: Currency,
        is_right: bool,
    ) -> Result<(), TickError> {
        let mut book = self.book();
        if is_right {
            book.confirm(source, currency)
        } else {
            book.discard(source, currency)
        }
    }

    pub(crate) fn held(&self) -> Vec<Leg> {
        self.book().held()
    }

    /// The price of each currency that was ever priced, or why it has none now.
    pub(crate) fn prices(&self) -> Vec<(Currency, Result<Leg, PriceError>)> {
        let (book, now) = (self.book(), now());
        let pivot = book.pivot();
        let price = |currency| {
            let mid = book.mid(currency, pivot, now);
            let unknown = PriceError::Unknown {
                currency,
                pivot,
                at: now,
            };
            let leg = mid.and_then(|mid| mid.path.into_iter().next().ok_or(unknown));
            (currency, leg)
        };
        book.currencies().map(price).collect()
    }

    /// What an amount is worth in the currency of the rates, if there is a price.
    pub(crate) fn value(&self, amount: Money) -> Option<Money> {
        let book = self.book();
        book.value(amount, book.pivot(), now()).ok()
    }

    fn terms(&self, fixed: Side, amount: Money, other: Currency) -> Result<Terms, QuoteError> {
        let quote = self.book().quote(fixed, amount, other, &self.tier, now())?;
        Ok(quote.terms().clone())
    }
}

impl App {
    /// Locks a price for a wallet: what it names on one side, in exchange for the other currency.
    pub(crate) async fn lock_quote(
        &self,
        new: NewQuote,
        (fixed, amount): (Side, Money),
        once: Unique,
    ) -> Result<Done, Problem> {
        let other = match fixed {
            Side::Sell => new.buy,
            Side::Buy => new.sell,
        };
        let look = Unique {
            remember: Remember::Successes,
            ..once
        };
        let looked = Submission::new(Command::LockQuote(new.clone())).once(look);
        let looked = self.submit(looked).await?;
        match looked.outcome {
            Outcome::MayQuote => {
                let terms = self.rates.terms(fixed, amount, other);
                let terms = Some(terms.map_err(|error| no_quote(&error))?);
                let lock = Command::LockQuote(NewQuote { terms, ..new });
                self.command(lock, [once]).await
            }
            Outcome::Refused(refusal) if !looked.again => {
                self.command(Command::Refuse(refusal), [once]).await
            }
            _ => Done::of(looked),
        }
    }
}

/// The currency that a tick prices.
fn priced(tick: &Tick, pivot: Currency) -> Currency {
    if tick.base == pivot {
        tick.quote
    } else {
        tick.base
    }
}

fn now() -> Timestamp {
    Timestamp(unix_now().0)
}

/// Why there is no price, in the words of the catalogue.
fn no_quote(error: &QuoteError) -> Problem {
    let code = match error {
        QuoteError::SameCurrency(_) => Code::SameCurrency,
        QuoteError::TooSmall { .. } => Code::AmountTooSmall,
        QuoteError::Amount(_) => Code::AmountInvalid,
        QuoteError::Money(_)
        | QuoteError::Conversion(_)
        | QuoteError::Price(PriceError::Conversion(_)) => Code::AmountOutOfRange,
        QuoteError::Price(PriceError::Unknown { .. }) | QuoteError::Currency(_) => {
            Code::RateUnknown
        }
        QuoteError::Price(PriceError::Stale { .. }) => Code::RateStale,
        QuoteError::Price(PriceError::Held { .. } | PriceError::Divergent { .. }) => {
            Code::RateDisputed
        }
        QuoteError::Spread { .. }
        | QuoteError::Lock { .. }
        | QuoteError::Expired { .. }
        | QuoteError::Used { .. } => return Problem::internal(error),
    };
    Problem::new(code, crate::api::refused::sentence(&error.to_string()))
}
