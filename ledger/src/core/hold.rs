//! Holds: pending transactions that count against what is available until they are captured,
//! released or expire.
//!
//! Open holds are in memory. A finished one stays until its view is written and then leaves; whoever
//! names it afterwards brings its row along. The caller's id names a hold; that it is never used
//! twice is the business of the *once* index, so only holds in memory are looked through for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::{AccountNo, Book, Day, Posting, Reason, TransactionId};
use crate::machine::Sequence;
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldState {
    Open,
    /// Used up.
    Captured,
    /// Given back on command, with or without earlier captures.
    Released,
    /// Given back because its time was over.
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub book: Book,
    pub id: TransactionId,
    pub kind: u16,
    /// What is still held by each posting, also where it is nothing any more.
    pub postings: Vec<Posting>,
    /// When what is still held expires.
    pub due: Option<Timestamp>,
    /// The accounts for which it was counted against velocity limits, and on which day.
    pub counted: Vec<(AccountNo, Day)>,
    /// Whether anything was captured yet.
    pub captured: bool,
    pub state: HoldState,
}

impl Hold {
    pub(super) fn remaining(&self) -> Vec<i64> {
        self.postings.iter().map(|posting| posting.amount).collect()
    }

    /// Why a hold that is finished cannot be touched any more.
    pub(super) const fn finished(&self) -> Option<Reason> {
        match self.state {
            HoldState::Open => None,
            HoldState::Captured => Some(Reason::HoldCaptured),
            HoldState::Released => Some(Reason::HoldReleased),
            HoldState::Expired => Some(Reason::HoldExpired),
        }
    }

    /// Takes what was captured off what is held.
    pub(super) fn take(&mut self, amounts: &[i64]) {
        for (posting, amount) in self.postings.iter_mut().zip(amounts) {
            posting.amount -= amount;
        }
        self.captured = true;
        if self.postings.iter().all(|posting| posting.amount == 0) {
            self.state = HoldState::Captured;
        }
    }

    /// Ends the hold; nothing is held any more.
    pub(super) fn give_back(&mut self, state: HoldState) {
        for posting in &mut self.postings {
            posting.amount = 0;
        }
        self.state = state;
    }
}

/// A hold in memory, and in which row it was last changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    hold: Hold,
    changed: Sequence,
}

type Name = (Book, TransactionId);

/// The holds in memory: all open ones, and those whose end has not left for the views.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub(super) struct Holds {
    kept: BTreeMap<Name, Kept>,
    /// Whether any has ever left: until then, what is not here is nowhere.
    left: bool,
    #[serde(skip)]
    due: BTreeSet<(Timestamp, Name)>,
    #[serde(skip)]
    finished: BTreeSet<(Sequence, Name)>,
}

/// The holds as a snapshot keeps them: the two orders follow from the holds.
#[derive(Deserialize)]
struct Saved {
    kept: BTreeMap<Name, Kept>,
    left: bool,
}

impl From<Saved> for Holds {
    fn from(saved: Saved) -> Self {
        let mut holds = Self {
            left: saved.left,
            ..Self::default()
        };
        for kept in saved.kept.into_values() {
            holds.put(kept.hold, kept.changed);
        }
        holds
    }
}

impl Holds {
    pub(super) fn get(&self, book: Book, id: TransactionId) -> Option<&Hold> {
        self.kept.get(&(book, id)).map(|kept| &kept.hold)
    }

    pub(super) const fn any_left(&self) -> bool {
        self.left
    }

    /// Puts a hold as it now stands.
    pub(super) fn put(&mut self, hold: Hold, changed: Sequence) {
        let name = (hold.book, hold.id);
        let is_open = hold.state == HoldState::Open;
        if let Some(due) = hold.due {
            if is_open {
                self.due.insert((due, name));
            } else {
                self.due.remove(&(due, name));
            }
        }
        if !is_open {
            self.finished.insert((changed, name));
        }
        self.kept.insert(name, Kept { hold, changed });
    }

    /// The open holds that are due, in order of (due, book, id).
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = &Hold> {
        let due = self.due.iter().take_while(move |(due, _)| *due <= at);
        due.filter_map(|(_, name)| self.kept.get(name).map(|kept| &kept.hold))
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn evict(&mut self, through: Sequence) {
        while let Some(&(changed, name)) = self.finished.first()
            && changed <= through
        {
            self.finished.pop_first();
            self.kept.remove(&name);
            self.left = true;
        }
    }
}
