//! How ticks enter a book: checked, and held when they jump.
//!
//! What: every tick must be a price in the book's pivot, uncrossed, and newer than what its source
//! said before. A live one must also be near that; a jump is held until it is explained:
//!
//! | what comes next | then |
//! |---|---|
//! | the same source returns to where it was | the jump was a glitch and is forgotten |
//! | another source is, or arrives, where it jumped to | both are the price |
//! | an operator confirms or discards | as they say |
//! | more ticks from the same source, near the jump | the newest is held; one voice stays one voice |
//!
//! While a price is held nobody gets a quote in its currency, also not from another source: it may
//! be the other one that is wrong.

use std::collections::BTreeMap;

use crate::rate_book::Prices;
use crate::source::{Point, Series, Source};
use crate::{Currency, Leg, Rate, RateBook, Tick, Timestamp};

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is the price now.
    Taken,
    /// It moved this far, beyond the band; quoting in its currency stops until a second source
    /// agrees or an operator decides.
    Held { moved_bps: u32 },
    /// It moved beyond the band and another source agrees, so both are the price now.
    Confirmed { moved_bps: u32 },
}

/// Why a tick is not in the book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    #[error("no source is called {name:?}; add it first")]
    Source { name: String },
    #[error("a source called {name:?} is in the book already")]
    SourceTaken { name: String },
    #[error(
        "{base}/{quote} is not a price in {pivot}; send prices against {pivot}, or use a book of \
         another pivot"
    )]
    NotInPivot {
        base: Currency,
        quote: Currency,
        pivot: Currency,
    },
    #[error("{base}/{quote} is crossed: the bid {bid} is above the ask {ask}; check the feed")]
    Crossed {
        base: Currency,
        quote: Currency,
        bid: Rate,
        ask: Rate,
    },
    #[error("{base}/{quote} of {time} is not newer than what {source_name} said before ({newest})")]
    NotNewer {
        base: Currency,
        quote: Currency,
        source_name: String,
        time: Timestamp,
        newest: Timestamp,
    },
    #[error("{base}/{quote} of {time} is in the future, it is {now}; check the sender's clock")]
    Future {
        base: Currency,
        quote: Currency,
        time: Timestamp,
        now: Timestamp,
    },
    #[error("{source_name} has no held price of {currency}")]
    NothingHeld {
        source_name: String,
        currency: Currency,
    },
}

impl RateBook {
    /// How far ahead of ours a sender's clock may run.
    pub const CLOCK_ALLOWANCE_SECONDS: u32 = 5;

    /// Adds a source, less preferred than those before it.
    pub fn add_source(&mut self, source: Source) -> Result<(), TickError> {
        if self.sources().any(|known| known.name == source.name) {
            return Err(TickError::SourceTaken { name: source.name });
        }
        self.sources.push(Prices {
            source,
            series: BTreeMap::new(),
        });
        Ok(())
    }

    /// Takes a live tick, or holds it when it jumps further than the source is believed.
    pub fn accept(
        &mut self,
        source: &str,
        tick: &Tick,
        now: Timestamp,
    ) -> Result<Accepted, TickError> {
        let (index, currency) = self.admit(source, tick)?;
        let Tick {
            base, quote, time, ..
        } = *tick;
        if time > now.plus_secs(Self::CLOCK_ALLOWANCE_SECONDS) {
            return Err(TickError::Future {
                base,
                quote,
                time,
                now,
            });
        }
        let point = Point::of(tick, self.pivot);
        let band_bps = self.sources[index].source.limits_of(currency).band_bps;
        let series = self.sources[index].series.entry(currency).or_default();
        let moved_bps = series
            .points
            .back()
            .map_or(0, |last| last.distance_bps(&point));
        if moved_bps > band_bps {
            let agreeing = self.agreeing(index, currency, &point, now);
            if agreeing.is_empty() {
                self.hold(index, currency, point);
                return Ok(Accepted::Held { moved_bps });
            }
            self.take(index, currency, point);
            self.release(&agreeing, currency);
            return Ok(Accepted::Confirmed { moved_bps });
        }
        let agreeing = self.agreeing(index, currency, &point, now);
        self.take(index, currency, point);
        self.release(&agreeing, currency);
        Ok(Accepted::Taken)
    }

    /// Takes history that has been checked elsewhere: in order of time, without asking the band.
    pub fn import<'a>(
        &mut self,
        source: &str,
        ticks: impl IntoIterator<Item = &'a Tick>,
    ) -> Result<(), TickError> {
        for tick in ticks {
            let (index, currency) = self.admit(source, tick)?;
            self.take(index, currency, Point::of(tick, self.pivot));
        }
        Ok(())
    }

    /// The prices that wait for a decision, with the source of each.
    pub fn held(&self) -> Vec<Leg> {
        let mut held = Vec::new();
        for Prices { source, series } in &self.sources {
            for (currency, series) in series {
                let leg = series
                    .held
                    .map(|point| point.leg(*currency, self.pivot, &source.name));
                held.extend(leg);
            }
        }
        held
    }

    /// An operator's decision that a held price is right.
    pub fn confirm(&mut self, source: &str, currency: Currency) -> Result<(), TickError> {
        let (index, point) = self.find_held(source, currency)?;
        self.take(index, currency, point);
        Ok(())
    }

    /// An operator's decision that a held price is wrong; the one before it stands again.
    pub fn discard(&mut self, source: &str, currency: Currency) -> Result<(), TickError> {
        let (index, _) = self.find_held(source, currency)?;
        self.sources[index].series.entry(currency).or_default().held = None;
        Ok(())
    }

    /// What every tick must be, live or historic: a price in the pivot, uncrossed, newer than the
    /// last.
    fn admit(&self, source: &str, tick: &Tick) -> Result<(usize, Currency), TickError> {
        let index = self.find_source(source)?;
        let Tick {
            base,
            quote,
            bid,
            ask,
            time,
        } = *tick;
        let pivot = self.pivot;
        let currency = match (base == pivot, quote == pivot) {
            (true, false) => quote,
            (false, true) => base,
            _ => return Err(TickError::NotInPivot { base, quote, pivot }),
        };
        if bid > ask {
            return Err(TickError::Crossed {
                base,
                quote,
                bid,
                ask,
            });
        }
        let series = self.sources[index].series.get(&currency);
        match series.and_then(Series::newest_time) {
            Some(newest) if time <= newest => {
                let source_name = source.to_owned();
                Err(TickError::NotNewer {
                    base,
                    quote,
                    source_name,
                    time,
                    newest,
                })
            }
            _ => Ok((index, currency)),
        }
    }

    /// The other sources whose fresh or held price is within both bands of this one.
    fn agreeing(
        &self,
        index: usize,
        currency: Currency,
        point: &Point,
        now: Timestamp,
    ) -> Vec<usize> {
        let own_band_bps = self.sources[index].source.limits_of(currency).band_bps;
        let agrees = |other: &usize| {
            let Prices { source, series } = &self.sources[*other];
            let limits = source.limits_of(currency);
            let Some(series) = series.get(&currency) else {
                return false;
            };
            let is_fresh = |other: &&Point| limits.freshness.allows(other.time, now);
            let stands = series
                .held
                .as_ref()
                .or(series.points.back())
                .filter(is_fresh);
            // A source with a wide band must not vouch for one with a narrow band.
            let band_bps = limits.band_bps.min(own_band_bps);
            stands.is_some_and(|stands| stands.distance_bps(point) <= band_bps)
        };
        (0..self.sources.len())
            .filter(|&other| other != index)
            .filter(agrees)
            .collect()
    }

    /// Takes what the agreeing sources hold.
    fn release(&mut self, agreeing: &[usize], currency: Currency) {
        for &index in agreeing {
            let held = self.sources[index]
                .series
                .get(&currency)
                .and_then(|series| series.held);
            if let Some(point) = held {
                self.take(index, currency, point);
            }
        }
    }

    fn take(&mut self, index: usize, currency: Currency, point: Point) {
        let Prices { source, series } = &mut self.sources[index];
        series
            .entry(currency)
            .or_default()
            .push(point, source.history_max);
    }

    fn hold(&mut self, index: usize, currency: Currency, point: Point) {
        self.sources[index].series.entry(currency).or_default().held = Some(point);
    }

    fn find_source(&self, name: &str) -> Result<usize, TickError> {
        let index = self.sources().position(|source| source.name == name);
        index.ok_or_else(|| TickError::Source {
            name: name.to_owned(),
        })
    }

    fn find_held(&self, source: &str, currency: Currency) -> Result<(usize, Point), TickError> {
        let index = self.find_source(source)?;
        let series = self.sources[index].series.get(&currency);
        match series.and_then(|series| series.held) {
            Some(point) => Ok((index, point)),
            None => Err(TickError::NothingHeld {
                source_name: source.to_owned(),
                currency,
            }),
        }
    }
}
