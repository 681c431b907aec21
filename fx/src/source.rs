//! Where prices come from, how long they are good for, and how far they may jump.
//!
//! What: a [`Source`] is a name with its [`Limits`], for all currencies and for single ones. Behind
//! it a series per currency keeps the accepted ticks, oldest first, and at most one that is held.
//!
//! Why a jump is held and not dropped: on 15 January 2015 the Swiss franc moved 15.6 % in one
//! fixing, and it was true. A tick beyond the band stops quoting in its currency until a second
//! source agrees or an operator decides; nobody trades on a price that is either a mistake or a
//! catastrophe.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::conversion::BPS;
use crate::{Currency, Leg, Rate, Tick, Timestamp};

/// Until when a price may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// At most this old, for prices that stream.
    Within { seconds: u32 },
    /// The latest fixing that should exist: that of the last day on which TARGET was open, where a
    /// day's fixing is due at this second after midnight, UTC.
    TargetFixing { due_second: u32 },
}

impl Freshness {
    /// ECB rates are out at about 15:00 UTC at the latest; five hours allow for a late publication.
    pub const ECB: Self = Self::TargetFixing {
        due_second: 20 * 3600,
    };

    /// Whether a price of this time may be used at `now`, which is not before it.
    pub fn allows(self, time: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Within { seconds } => now <= time.plus_secs(seconds),
            Self::TargetFixing { due_second } => {
                let today = now.day();
                let is_due = now.second_of_day() >= u64::from(due_second);
                let latest = if is_due { today } else { today.before() };
                time.day() >= latest.last_target_open()
            }
        }
    }
}

/// What a source's prices of a currency are trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub freshness: Freshness,
    /// The largest move from one tick to the next, in basis points, that is believed at once.
    pub band_bps: u32,
}

/// A source of prices and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    pub limits: Limits,
    /// Limits of single currencies, where they differ: a lira moves more than a franc.
    pub overrides: BTreeMap<Currency, Limits>,
    /// How many accepted ticks of each currency are kept; the oldest go first.
    pub history_max: usize,
}

impl Source {
    /// All ECB fixings since 1999 are 7,126 a currency.
    pub const HISTORY_MAX: usize = 10_000;

    pub fn new(name: &str, limits: Limits) -> Self {
        let (name, overrides) = (name.to_owned(), BTreeMap::new());
        Self {
            name,
            limits,
            overrides,
            history_max: Self::HISTORY_MAX,
        }
    }

    pub fn limits_of(&self, currency: Currency) -> Limits {
        self.overrides
            .get(&currency)
            .copied()
            .unwrap_or(self.limits)
    }
}

/// One price in a series; the series knows the currency and the book its pivot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) time: Timestamp,
    pub(crate) bid: Rate,
    pub(crate) ask: Rate,
    /// Whether the pivot is the base, as in EUR/USD of a book in euros.
    pub(crate) pivot_is_base: bool,
}

impl Point {
    pub(crate) fn of(tick: &Tick, pivot: Currency) -> Self {
        let Tick { bid, ask, time, .. } = *tick;
        Self {
            time,
            bid,
            ask,
            pivot_is_base: tick.base == pivot,
        }
    }

    pub(crate) fn leg(&self, currency: Currency, pivot: Currency, source: &str) -> Leg {
        let (base, quote) = if self.pivot_is_base {
            (pivot, currency)
        } else {
            (currency, pivot)
        };
        let mid = Rate::middle(self.bid, self.ask);
        Leg {
            base,
            quote,
            mid,
            source: source.to_owned(),
            time: self.time,
        }
    }

    /// How far the other price is from this one, in basis points of the lower, rounded down.
    pub(crate) fn distance_bps(&self, other: &Self) -> u32 {
        let scaled = |point: &Self| u128::from(Rate::middle(point.bid, point.ask).scaled());
        let (left, right) = if self.pivot_is_base == other.pivot_is_base {
            (scaled(self), scaled(other))
        } else {
            // One is the inverse of the other when their product is one at both scales.
            (
                scaled(self) * scaled(other),
                u128::from(Rate::SCALE) * u128::from(Rate::SCALE),
            )
        };
        let (lower, difference) = (left.min(right), left.abs_diff(right));
        let bps = difference
            .checked_mul(BPS.into())
            .map(|scaled| scaled / lower);
        bps.and_then(|bps| u32::try_from(bps).ok())
            .unwrap_or(u32::MAX)
    }
}

/// One source's prices of one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Accepted, oldest first.
    pub(crate) points: VecDeque<Point>,
    /// Moved too far and waits for a second opinion.
    pub(crate) held: Option<Point>,
}

impl Series {
    /// The newest accepted price that was known at a moment.
    pub(crate) fn latest(&self, at: Timestamp) -> Option<&Point> {
        // Nearly every question is about now.
        if let Some(newest) = self.points.back().filter(|newest| newest.time <= at) {
            return Some(newest);
        }
        let known = self.points.partition_point(|point| point.time <= at);
        self.points.get(known.checked_sub(1)?)
    }

    pub(crate) fn newest_time(&self) -> Option<Timestamp> {
        let accepted = self.points.back().map(|point| point.time);
        accepted.max(self.held.map(|point| point.time))
    }

    pub(crate) fn push(&mut self, point: Point, history_max: usize) {
        self.held = None;
        self.points.push_back(point);
        while self.points.len() > history_max.max(1) {
            self.points.pop_front();
        }
    }
}
