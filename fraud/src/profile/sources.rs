//! Whose money reached an entity lately, and over how many hands.
//!
//! When A pays B, B takes over A's sources, each one hand further away, and A itself at one hand. So a payment to one of
//! its own sources closes a circle: money comes back to where it was. The eight newest sources are kept; an entity that
//! many pay forgets those of the morning, a mule that few pay does not.

use serde::{Deserialize, Serialize};

use super::entity::DAY;

const KEPT: usize = 8;

/// The newest sources of an entity's money, in places that mean nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sources {
    /// Half the bits of each one's key; 0 in a free place.
    keys: [u32; KEPT],
    /// When its money last arrived.
    at: [u32; KEPT],
    hands: [u8; KEPT],
}

impl Sources {
    /// Money that went through more hands is no longer followed.
    pub(crate) const HANDS_MAX: u8 = 4;
    /// Money that came longer ago counts as the entity's own.
    const FRESH: u32 = 7 * DAY;

    /// Over how many hands money of `key` arrived in the last days; nothing if none did.
    pub(crate) fn hands_from(&self, key: u32, now: u32) -> Option<u8> {
        let place = self.place(key)?;
        self.is_fresh(place, now).then(|| self.hands[place])
    }

    /// Money of `payer` arrives, and with it that of whoever paid the payer.
    pub(crate) fn arrive(&mut self, payer: u32, behind: &Self, now: u32) {
        for place in 0..KEPT {
            let (key, hands) = (behind.keys[place], behind.hands[place]);
            if key != 0 && hands < Self::HANDS_MAX && behind.is_fresh(place, now) {
                self.put(key, hands + 1, now);
            }
        }
        self.put(payer, 1, now);
    }

    fn put(&mut self, key: u32, hands: u8, now: u32) {
        let known = self.place(key);
        let place = known.unwrap_or_else(|| {
            let oldest = (0..KEPT).min_by_key(|place| (self.keys[*place] != 0, self.at[*place]));
            oldest.unwrap_or_default()
        });
        let nearer = known.is_some() && self.is_fresh(place, now);
        self.hands[place] = if nearer {
            self.hands[place].min(hands)
        } else {
            hands
        };
        (self.keys[place], self.at[place]) = (key, now.max(self.at[place]));
    }

    fn place(&self, key: u32) -> Option<usize> {
        self.keys.iter().position(|held| *held == key)
    }

    fn is_fresh(&self, place: usize, now: u32) -> bool {
        now.saturating_sub(self.at[place]) <= Self::FRESH
    }
}
