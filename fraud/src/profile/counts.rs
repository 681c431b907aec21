//! How much an entity did in each rolling window.
//!
//! Windows up to a day are exact to the second while the entity has at most 32 events in them, else
//! counted by minute and hour buckets; longer windows are counted by day buckets. See `ring.rs` for
//! the error of a bucketed window.

use std::cmp::Ordering;

use super::entity::{DAY, Day, Entity, HOUR, MINUTE, Volume};
use super::recent::{Event, Recent};
use super::ring::Ring;

/// The rolling windows, shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Minute,
    TenMinutes,
    Hour,
    Day,
    Week,
    Month,
}

impl Window {
    pub(crate) const ALL: [Self; 6] = [
        Self::Minute,
        Self::TenMinutes,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
    ];

    pub(crate) const fn seconds(self) -> u32 {
        match self {
            Self::Minute => MINUTE,
            Self::TenMinutes => 10 * MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
        }
    }
}

/// How many of the windows are no longer than a day.
const SHORT: usize = 4;

/// Counts, sums and known frauds of an entity as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Attempts in each window.
    pub(crate) count: [f64; 6],
    /// Their amounts.
    pub(crate) amount: [f64; 6],
    /// Different counterparties among the newest 32 attempts of the last hour and of the last day.
    pub(crate) others: [f64; 2],
    /// Unusually large settled amounts in the last fourteen days.
    pub(crate) unusual: f64,
    /// Days since the first and since the last of them.
    pub(crate) unusual_days: Option<(u32, u32)>,
    /// Attempts that failed in the last day and week.
    pub(crate) failed: [f64; 2],
    /// Labels known of attempts in the last 14 days and in the last 35.
    pub(crate) known: [f64; 2],
    /// How many of those are fraud.
    pub(crate) frauds: [f64; 2],
    /// How many of those had an amount that was ordinary for whoever paid.
    pub(crate) ordinary_frauds: [f64; 2],
}

impl Counts {
    pub(crate) fn of(entity: &Entity, now: u32) -> Self {
        let mut counts = Self::default();
        counts.short(entity, now);
        counts.long(&entity.days, now);
        counts
    }

    /// Only what happened within a day; the rest is 0.
    pub(crate) fn of_a_day(entity: &Entity, now: u32) -> Self {
        let mut counts = Self::default();
        counts.short(entity, now);
        counts
    }

    fn short(&mut self, entity: &Entity, now: u32) {
        let events = entity.recent.events();
        let (mut count, mut amount, mut window) = (0_u32, 0_i64, 0);
        let mut counts = [0_u32; SHORT];
        let mut close = |window: usize, count: u32, amount: i64| {
            counts[window] = count;
            self.count[window] = f64::from(count);
            self.amount[window] = amount as f64;
        };
        // From the newest back: a window is full when the first event comes that is too old for it.
        for event in events.iter().rev() {
            let age = now.saturating_sub(event.at);
            while window < SHORT && age >= Window::ALL[window].seconds() {
                close(window, count, amount);
                window += 1;
            }
            if window == SHORT {
                break;
            }
            count += 1;
            amount = amount.saturating_add(event.amount);
        }
        for window in window..SHORT {
            close(window, count, amount);
        }
        self.short_bucketed(entity, now);
        self.others = different(events, counts[2] as usize, counts[3] as usize);
    }

    /// Replaces each short window that has lost an event by its bucketed count.
    fn short_bucketed(&mut self, entity: &Entity, now: u32) {
        let Some(busy) = &entity.busy else { return };
        for (slot, window) in Window::ALL[..SHORT].iter().enumerate() {
            if entity.lost_at > now.saturating_sub(window.seconds()) {
                (self.count[slot], self.amount[slot]) = match window {
                    Window::Day => volume(&busy.hours, now, 24),
                    _ => volume(&busy.minutes, now, window.seconds() / MINUTE),
                };
            }
        }
    }

    /// All windows of days in one pass: a day belongs to a window of `length` days wholly if it began
    /// fewer days ago, partly if exactly that many.
    fn long(&mut self, days: &Ring<Day, 36, DAY>, now: u32) {
        let passed = f64::from(now % DAY) / f64::from(DAY);
        days.visit(now, |back, day| {
            if day.is_empty() {
                return;
            }
            let share = |length: u32| match back.cmp(&length) {
                Ordering::Less => 1.0,
                Ordering::Equal => 1.0 - passed,
                Ordering::Greater => 0.0,
            };
            for (slot, length) in [(4, 7), (5, 30)] {
                self.count[slot] += f64::from(day.count) * share(length);
                self.amount[slot] += day.amount as f64 * share(length);
            }
            self.unusual += f64::from(day.unusual) * share(14);
            if day.unusual > 0 && back < 14 {
                let (first, last) = self.unusual_days.unwrap_or((back, back));
                self.unusual_days = Some((first.max(back), last.min(back)));
            }
            for (slot, length) in [(0, 1), (1, 7)] {
                self.failed[slot] += f64::from(day.failed) * share(length);
            }
            for (slot, length) in [(0, 14), (1, 35)] {
                self.known[slot] += f64::from(day.known) * share(length);
                self.frauds[slot] += f64::from(day.frauds) * share(length);
                self.ordinary_frauds[slot] += f64::from(day.ordinary_frauds) * share(length);
            }
        });
    }
}

fn volume<const N: usize, const WIDTH: u32>(
    ring: &Ring<Volume, N, WIDTH>,
    now: u32,
    length: u32,
) -> (f64, f64) {
    let (mut count, mut amount) = (0.0, 0.0);
    ring.window(now, length, |volume, share| {
        count += f64::from(volume.count) * share;
        amount += volume.amount as f64 * share;
    });
    (count, amount)
}

/// How many different counterparties the newest `hour` and the newest `day` of the events have, the
/// newest being last. Beyond a few their keys go into a small table of their own: comparing each with each
/// is slow.
fn different(events: &[Event], hour: usize, day: usize) -> [f64; 2] {
    const PLACES: usize = 4 * Recent::CAPACITY;
    const FEW: usize = 6;
    if day <= FEW {
        let newest = &events[events.len() - day..];
        let mut new = [false; FEW];
        for (back, event) in newest.iter().rev().enumerate() {
            let later = newest.iter().rev().take(back);
            new[back] = event.other != 0 && later.into_iter().all(|it| it.other != event.other);
        }
        let many = |newest: usize| new[..newest].iter().filter(|new| **new).count();
        return [hour, day].map(|newest| many(newest) as f64);
    }
    let mut table = [0_u32; PLACES];
    let (mut many, mut in_hour) = (0_u32, 0);
    for (back, event) in events.iter().rev().take(day).enumerate() {
        let mut place = event.other as usize % PLACES;
        while table[place] != 0 && table[place] != event.other {
            place = (place + 1) % PLACES;
        }
        many += u32::from(table[place] != event.other);
        table[place] = event.other;
        if back < hour {
            in_hour = many;
        }
    }
    [in_hour, many].map(f64::from)
}
