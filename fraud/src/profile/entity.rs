//! The history of one entity in one role.
//!
//! An attempt enters the windows the moment it is scored and leaves them if it is cancelled. What
//! is slow to change (usual amounts, counterparties, the first and the last time) learns only from money that moved.

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::labels::{Known, Labels, Record};
use super::recent::{Event, Recent};
use super::ring::Ring;
use super::sources::Sources;
use super::table::Worth;
use super::usual::Usual;

pub(crate) const MINUTE: u32 = 60;
pub(crate) const HOUR: u32 = 3600;
pub(crate) const DAY: u32 = 86_400;

/// Days kept: those of the longest window, which is 35 days, and the running day.
const DAYS: usize = 36;

/// How much happened in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) count: u32,
    pub(crate) amount: i64,
}

/// What a day left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) amount: i64,
    pub(crate) count: u32,
    pub(crate) unusual: u16,
    pub(crate) failed: u16,
    pub(crate) known: u16,
    pub(crate) frauds: u16,
    /// Those of the frauds whose amount was ordinary for whoever paid.
    pub(crate) ordinary_frauds: u16,
}

impl Day {
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0 && self.known == 0 && self.failed == 0 && self.unusual == 0
    }

    const fn add(&mut self, amount: i64) {
        self.count = self.count.saturating_add(1);
        self.amount = self.amount.saturating_add(amount);
    }

    const fn remove(&mut self, amount: i64) {
        self.count = self.count.saturating_sub(1);
        self.amount = self.amount.saturating_sub(amount);
    }

    /// Counts a known attempt in the place of what was known of it before.
    fn know(&mut self, former: Option<Known>, now: Known) {
        if let Some(former) = former {
            self.known = self.known.saturating_sub(1);
            self.frauds = self.frauds.saturating_sub(u16::from(former.fraud));
            let telling = u16::from(former.fraud && former.ordinary);
            self.ordinary_frauds = self.ordinary_frauds.saturating_sub(telling);
        }
        self.known = self.known.saturating_add(1);
        self.frauds = self.frauds.saturating_add(u16::from(now.fraud));
        let telling = u16::from(now.fraud && now.ordinary);
        self.ordinary_frauds = self.ordinary_frauds.saturating_add(telling);
    }
}

/// Finer buckets, for an entity with more events in a day than [`Recent`] holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Busy {
    pub(crate) minutes: Ring<Volume, 61, MINUTE>,
    pub(crate) hours: Ring<Volume, 25, HOUR>,
}

/// The history of one entity in one role.
///
/// The order of its parts is that of memory: what is read for every attempt lies together, and each part
/// begins with what is read of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct Entity {
    pub(crate) first_at: u32,
    pub(crate) last_at: u32,
    pub(crate) settled: u32,
    pub(crate) lost_at: u32,
    /// Steps to the nearest known fraud of others through settled payments, and when that fraud was.
    taint: (u8, u32),
    pub(crate) labels: Labels,
    pub(crate) busy: Option<Box<Busy>>,
    /// Whose money it holds; only kept of those who are paid.
    pub(crate) sources: Sources,
    pub(crate) recent: Recent,
    pub(crate) days: Ring<Day, DAYS, DAY>,
    pub(crate) others: Distinct,
    pub(crate) usual: Usual,
    /// What `labels` is made of; only kept of those of whom something is known.
    record: Option<Box<Record>>,
}

impl Entity {
    /// Too far from any known fraud to matter.
    pub(crate) const FAR: u8 = 3;
    /// How long a fraud taints: without an end, in time everyone would be near one.
    const TAINTED: u32 = 30 * DAY;

    pub(crate) fn new(at: u32) -> Self {
        Self {
            first_at: at,
            last_at: at,
            settled: 0,
            taint: (Self::FAR, 0),
            labels: Labels::default(),
            usual: Usual::new(),
            recent: Recent::new(),
            lost_at: 0,
            days: Ring::new(),
            others: Distinct::new(),
            busy: None,
            sources: Sources::default(),
            record: None,
        }
    }

    /// The most memory it takes beside itself.
    pub(crate) const BYTES_BESIDE_MAX: usize = size_of::<Busy>() + size_of::<Record>();

    /// The memory it takes beside itself.
    pub(crate) fn bytes_beside(&self) -> usize {
        let busy = self.busy.as_ref().map_or(0, |_| size_of::<Busy>());
        busy + self.record.as_ref().map_or(0, |_| size_of::<Record>())
    }

    /// Asks for the memory of all that an attempt at this moment reads and of what it teaches when the money has moved.
    pub(crate) fn prefetch(&self, now: u32) {
        prefetch_index(std::slice::from_ref(self), 0);
        prefetch_index(std::slice::from_ref(&self.sources), 0);
        self.recent.prefetch();
        self.days.prefetch(now);
        self.others.prefetch();
        self.usual.prefetch();
    }

    /// Counts an attempt in every window.
    pub(crate) fn reserve(&mut self, event: Event) {
        if let Some(day) = self.days.slot(event.at) {
            day.add(event.amount);
        }
        if let Some(busy) = &mut self.busy {
            busy.add(event);
        }
        if let Some(lost) = self.recent.insert(event) {
            self.lose(lost);
        }
    }

    /// Takes a reserved attempt out of every window.
    pub(crate) fn take_back(&mut self, event: Event) {
        self.recent.remove(event);
        if let Some(busy) = &mut self.busy {
            busy.remove(event);
        }
        if let Some(day) = self.days.slot(event.at) {
            day.remove(event.amount);
        }
    }

    /// Remembers an attempt that failed and stands in no window.
    pub(crate) fn fail(&mut self, at: u32) {
        if let Some(day) = self.days.slot(at) {
            day.failed = day.failed.saturating_add(1);
        }
    }

    /// Learns from money that moved.
    pub(crate) fn settle(&mut self, event: Event) {
        if self.settled == 0 {
            // It may have been met first in an attempt that came to nothing.
            (self.first_at, self.last_at) = (event.at, event.at);
        }
        self.settled = self.settled.saturating_add(1);
        self.first_at = self.first_at.min(event.at);
        self.last_at = self.last_at.max(event.at);
        if event.other != 0 {
            self.others.insert(event.at, event.other);
        }
        let unusual = self.usual.learn(event.amount, event.at % DAY / HOUR);
        if unusual && let Some(day) = self.days.slot(event.at) {
            day.unusual = day.unusual.saturating_add(1);
        }
    }

    /// Learns what a past attempt turned out to be, in the place of what was known of it before.
    pub(crate) fn label(&mut self, now: Known, was_fraud: Option<bool>) {
        let record = self.record.get_or_insert_with(|| Box::new(Record::new()));
        let former = record.learn(now, was_fraud);
        self.labels = record.labels();
        if let Some(day) = self.days.slot(now.at) {
            day.know(former, now);
        }
    }

    /// Steps to the nearest known fraud of the last thirty days; 0 is one of its own.
    pub(crate) fn distance(&self, now: u32) -> u8 {
        self.nearest(now).0
    }

    /// What a payment with this entity brings others near to.
    pub(crate) fn nearness(&self, now: u32) -> (u8, u32) {
        let (steps, at) = self.nearest(now);
        (steps.saturating_add(1).min(Self::FAR), at)
    }

    /// Learns of a fraud that is nearer, or as near and newer, than the one it knew.
    ///
    /// What payments have passed on of a fraud that turns out to be none cannot be called back: nobody knows any more whom
    /// it reached. It ends thirty days after that fraud, as all taint does.
    pub(crate) fn come_near(&mut self, (steps, at): (u8, u32), now: u32) {
        let known = self.nearest(now);
        if steps < known.0 || (steps == known.0 && at > known.1) {
            self.taint = (steps, at);
        }
    }

    /// Steps to the nearest known fraud of the last thirty days, and when it was.
    fn nearest(&self, now: u32) -> (u8, u32) {
        let taints = |at: u32| now.saturating_sub(at) <= Self::TAINTED;
        if self.labels.frauds > 0 && taints(self.labels.last_fraud_at) {
            (0, self.labels.last_fraud_at)
        } else if taints(self.taint.1) {
            self.taint
        } else {
            (Self::FAR, self.taint.1)
        }
    }

    fn lose(&mut self, lost: Event) {
        let newest = self
            .recent
            .events()
            .last()
            .map_or(lost.at, |event| event.at);
        // The oldest bucket that a window of a day can touch begins up to an hour before it.
        let horizon = newest.saturating_sub(DAY + HOUR);
        if self.busy.is_some() && self.lost_at.max(lost.at) <= horizon {
            self.busy = None;
        } else if self.busy.is_none() && lost.at > horizon {
            let mut busy = Box::new(Busy {
                minutes: Ring::new(),
                hours: Ring::new(),
            });
            busy.add(lost);
            self.recent
                .events()
                .iter()
                .for_each(|event| busy.add(*event));
            self.busy = Some(busy);
        }
        self.lost_at = self.lost_at.max(lost.at);
    }
}

impl Worth for Entity {
    fn last_at(&self) -> u32 {
        self.last_at
    }

    fn events(&self) -> u32 {
        self.settled
    }
}

impl Volume {
    fn add(&mut self, amount: i64) {
        self.count = self.count.saturating_add(1);
        self.amount = self.amount.saturating_add(amount);
    }

    fn remove(&mut self, amount: i64) {
        self.count = self.count.saturating_sub(1);
        self.amount = self.amount.saturating_sub(amount);
    }
}

impl Busy {
    fn add(&mut self, event: Event) {
        let slots = [self.minutes.slot(event.at), self.hours.slot(event.at)];
        slots
            .into_iter()
            .flatten()
            .for_each(|volume| volume.add(event.amount));
    }

    fn remove(&mut self, event: Event) {
        let slots = [self.minutes.slot(event.at), self.hours.slot(event.at)];
        slots
            .into_iter()
            .flatten()
            .for_each(|volume| volume.remove(event.amount));
    }
}
