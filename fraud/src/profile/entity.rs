//! The history of one entity in one role.
//!
//! An attempt enters the windows the moment it is scored and leaves them if it is cancelled. What
//! is slow to change (usual amounts, counterparties, the last time) learns only from money that moved.

use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::recent::{Event, Recent};
use super::ring::Ring;
use super::sources::Sources;
use super::table::Worth;
use super::usual::Usual;
use crate::attempt::Label;

pub(crate) const MINUTE: u32 = 60;
pub(crate) const HOUR: u32 = 3600;
pub(crate) const DAY: u32 = 86_400;

/// Days kept: windows of 28 days that end a week ago, and the running day.
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
}

/// Finer buckets, for an entity with more events in a day than [`Recent`] holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Busy {
    pub(crate) minutes: Ring<Volume, 61, MINUTE>,
    pub(crate) hours: Ring<Volume, 25, HOUR>,
}

/// What is known for certain about past attempts of an entity, in the order of those attempts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Labels {
    /// The second of the newest labelled attempt.
    pub(crate) last_at: u32,
    /// Whether that one was fraud.
    pub(crate) last_fraud: bool,
    /// How many frauds in a row up to that one, and the second of the first of them.
    pub(crate) run: u16,
    pub(crate) run_since: u32,
    /// Genuine attempts since the last fraud.
    pub(crate) genuine_since: u16,
    pub(crate) first_fraud_at: u32,
    pub(crate) last_fraud_at: u32,
    pub(crate) frauds: u32,
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
    /// Steps to the nearest known fraud through settled payments, and when that fraud was.
    taint: (u8, u32),
    pub(crate) labels: Labels,
    pub(crate) busy: Option<Box<Busy>>,
    /// Whose money it holds; only kept of those who are paid.
    pub(crate) sources: Sources,
    pub(crate) recent: Recent,
    pub(crate) days: Ring<Day, DAYS, DAY>,
    pub(crate) others: Distinct,
    pub(crate) usual: Usual,
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
        }
    }

    /// The most memory it takes beside itself.
    pub(crate) const BYTES_BESIDE_MAX: usize = size_of::<Busy>();

    /// The memory it takes beside itself.
    pub(crate) fn bytes_beside(&self) -> usize {
        self.busy.as_ref().map_or(0, |_| Self::BYTES_BESIDE_MAX)
    }

    /// Reads a little of each part. Among a million profiles every part is a wait for memory; done for all
    /// participants of an attempt before any is used, the waits overlap.
    pub(crate) fn touch(&self) -> u32 {
        self.last_at
            ^ self.recent.touch()
            ^ self.days.touch()
            ^ u32::from(self.usual.mean() > 0.0)
            ^ u32::from(self.others.estimate(self.last_at) > 0.0)
    }

    /// Reads a little of what is only written when money has moved, for the same reason.
    pub(crate) fn touch_learned(&self) -> u32 {
        self.usual.touch() ^ self.others.touch()
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

    /// Takes a reserved attempt out of every window and remembers that it failed.
    pub(crate) fn cancel(&mut self, event: Event) {
        self.recent.remove(event);
        if let Some(busy) = &mut self.busy {
            busy.remove(event);
        }
        if let Some(day) = self.days.slot(event.at) {
            day.remove(event.amount);
        }
        self.fail(event.at);
    }

    /// Remembers an attempt that failed without having been reserved here.
    pub(crate) fn fail(&mut self, at: u32) {
        if let Some(day) = self.days.slot(at) {
            day.failed = day.failed.saturating_add(1);
        }
    }

    /// Learns from money that moved.
    pub(crate) fn settle(&mut self, event: Event) {
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

    /// Learns what a past attempt turned out to be, and whether its amount was ordinary for whoever paid.
    pub(crate) fn label(&mut self, at: u32, label: Label, ordinary: bool) {
        let fraud = label == Label::Fraud;
        if let Some(day) = self.days.slot(at) {
            day.known = day.known.saturating_add(1);
            day.frauds = day.frauds.saturating_add(u16::from(fraud));
            let telling = u16::from(fraud && ordinary);
            day.ordinary_frauds = day.ordinary_frauds.saturating_add(telling);
        }
        self.labels.learn(at, fraud);
        if fraud {
            self.come_near((0, at), at);
        }
    }

    /// Steps to the nearest known fraud of the last thirty days; 0 is one of its own.
    pub(crate) fn distance(&self, now: u32) -> u8 {
        if now.saturating_sub(self.taint.1) > Self::TAINTED {
            Self::FAR
        } else {
            self.taint.0
        }
    }

    /// What a payment with this entity brings others near to.
    pub(crate) fn nearness(&self, now: u32) -> (u8, u32) {
        (
            self.distance(now).saturating_add(1).min(Self::FAR),
            self.taint.1,
        )
    }

    /// Learns of a fraud that is nearer, or as near and newer, than the one it knew.
    pub(crate) fn come_near(&mut self, (steps, at): (u8, u32), now: u32) {
        let known = self.distance(now);
        if steps < known || (steps == known && at > self.taint.1) {
            self.taint = (steps, at);
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

impl Labels {
    fn learn(&mut self, at: u32, fraud: bool) {
        if fraud {
            self.frauds = self.frauds.saturating_add(1);
            self.first_fraud_at = if self.first_fraud_at == 0 {
                at
            } else {
                self.first_fraud_at.min(at)
            };
            self.last_fraud_at = self.last_fraud_at.max(at);
        }
        if at < self.last_at {
            return;
        }
        self.last_at = at;
        self.last_fraud = fraud;
        if fraud && self.run == 0 {
            self.run_since = at;
        }
        self.run = if fraud { self.run.saturating_add(1) } else { 0 };
        self.genuine_since = if fraud {
            0
        } else {
            self.genuine_since.saturating_add(1)
        };
    }
}
