//! What every currency costs, by source and time.
//!
//! What: a book has one *pivot*, and every price in it is between a currency and the pivot. A cross
//! is triangulated through the pivot as an exact fraction, and its path is part of the answer.
//! Sources are asked in the order in which they were added: the first with a fresh price gives it,
//! and the others may object when theirs is far away.
//!
//! Why only through the pivot: with one price per currency the cross prices multiply to one around
//! any circle. A book that also took direct cross rates would hold circles that gain, and customers
//! find them. A feed in another pivot belongs in another book.
//!
//! When it refuses: no price; a stale one; one whose last jump is held; two sources that differ too
//! much. It never forward-fills: a currency whose fixings stopped for nine years (the Icelandic
//! króna, 2008 to 2018) has no price in between.
//!
//! Limits: the book is a value. It asks no clock, keeps a bounded history per source and currency,
//! and two books fed the same ticks are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::{Point, Series, Source};
use crate::{Conversion, ConversionError, Currency, Money, Rate, Rounding, Timestamp};

/// Prices of many currencies in one pivot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateBook {
    pub(crate) pivot: Currency,
    /// In order of preference.
    pub(crate) sources: Vec<Prices>,
    /// How far fresh sources may differ, in basis points.
    divergence_bps: u32,
}

/// A source and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prices {
    pub(crate) source: Source,
    pub(crate) series: BTreeMap<Currency, Series>,
}

/// One published price that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    pub base: Currency,
    pub quote: Currency,
    pub mid: Rate,
    pub source: String,
    pub time: Timestamp,
}

/// The middle price between two currencies, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mid {
    pub conversion: Conversion,
    /// At most two legs, the first from the currency converted to the pivot.
    pub path: Vec<Leg>,
}

/// Why the book gives no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    #[error("no source prices {currency} in {pivot} at {at}")]
    Unknown {
        currency: Currency,
        pivot: Currency,
        at: Timestamp,
    },
    #[error(
        "the latest price of {currency} ({source_name}, {time}) is stale at {at}; wait for the feed, \
         or restart it"
    )]
    Stale {
        currency: Currency,
        source_name: String,
        time: Timestamp,
        at: Timestamp,
    },
    #[error(
        "{source_name} moved {currency} further than is believed at once ({time}); a second source or \
         an operator must confirm it"
    )]
    Held {
        currency: Currency,
        source_name: String,
        time: Timestamp,
    },
    #[error(
        "{left} and {right} differ by {bps} basis points on {currency}; find out which is wrong"
    )]
    Divergent {
        currency: Currency,
        left: String,
        right: String,
        bps: u32,
    },
    #[error(transparent)]
    Conversion(#[from] ConversionError),
}

impl RateBook {
    /// An empty book. Fresh sources that differ by more than `divergence_bps` on a currency stop
    /// it.
    pub fn new(pivot: Currency, divergence_bps: u32) -> Self {
        Self {
            pivot,
            sources: Vec::new(),
            divergence_bps,
        }
    }

    pub fn pivot(&self) -> Currency {
        self.pivot
    }

    /// The sources, most preferred first.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().map(|prices| &prices.source)
    }

    /// The currencies that some source has priced, ordered, without the pivot.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let priced = self
            .sources
            .iter()
            .flat_map(|prices| prices.series.keys().copied());
        priced.collect::<BTreeSet<_>>().into_iter()
    }

    /// The middle price from one currency to another as known at a moment, and its path.
    pub fn mid(&self, from: Currency, to: Currency, at: Timestamp) -> Result<Mid, PriceError> {
        let mut path = Vec::with_capacity(2);
        let mut conversion = Conversion::identity(from);
        if from == to {
            return Ok(Mid { conversion, path });
        }
        for (currency, next) in [(from, self.pivot), (to, to)] {
            if currency == self.pivot {
                continue;
            }
            let leg = self.leg(currency, at)?;
            conversion = conversion.then(&leg.conversion_to(next))?;
            path.push(leg);
        }
        Ok(Mid { conversion, path })
    }

    /// What an amount is worth in another currency: at the middle, half-even, for our own
    /// valuation.
    pub fn value(
        &self,
        amount: Money,
        currency: Currency,
        at: Timestamp,
    ) -> Result<Money, PriceError> {
        let mid = self.mid(amount.currency, currency, at)?;
        Ok(mid.conversion.convert(amount, Rounding::HalfEven)?)
    }

    /// The price of one currency in the pivot.
    fn leg(&self, currency: Currency, at: Timestamp) -> Result<Leg, PriceError> {
        let mut newest: Option<(&Source, &Point)> = None;
        let mut best: Option<(&Source, &Point)> = None;
        for Prices { source, series } in &self.sources {
            let Some(series) = series.get(&currency) else {
                continue;
            };
            if let Some(held) = series.held.filter(|held| held.time <= at) {
                let (source_name, time) = (source.name.clone(), held.time);
                return Err(PriceError::Held {
                    currency,
                    source_name,
                    time,
                });
            }
            let Some(point) = series.latest(at) else {
                continue;
            };
            if newest.is_none_or(|(_, other)| other.time < point.time) {
                newest = Some((source, point));
            }
            if !source.limits_of(currency).freshness.allows(point.time, at) {
                continue;
            }
            let Some((preferred, price)) = best else {
                best = Some((source, point));
                continue;
            };
            let bps = price.distance_bps(point);
            if bps > self.divergence_bps {
                let (left, right) = (preferred.name.clone(), source.name.clone());
                return Err(PriceError::Divergent {
                    currency,
                    left,
                    right,
                    bps,
                });
            }
        }
        match (best, newest) {
            (Some((source, point)), _) => Ok(point.leg(currency, self.pivot, &source.name)),
            (None, Some((source, point))) => {
                let (source_name, time) = (source.name.clone(), point.time);
                Err(PriceError::Stale {
                    currency,
                    source_name,
                    time,
                    at,
                })
            }
            (None, None) => Err(PriceError::Unknown {
                currency,
                pivot: self.pivot,
                at,
            }),
        }
    }
}

impl Leg {
    /// The conversion that ends in this currency, one of the two.
    pub fn conversion_to(&self, currency: Currency) -> Conversion {
        let forward = Conversion::at(self.mid, self.base, self.quote);
        if currency == self.quote {
            forward
        } else {
            forward.inverse()
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            base,
            quote,
            mid,
            source,
            time,
        } = self;
        write!(f, "1 {base} = {mid} {quote} ({source}, {time})")
    }
}
