//! Chats: some friends, and what one of them sends the others.

use fx::{Currency, Money};
use rand::Rng as _;
use rand::seq::SliceRandom as _;

use super::stream::{Actor, stream};
use super::town::Town;

/// As many as sit around a table.
const FRIENDS_MAX: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Money for the next one in the chat, who has it at once.
    Transfer,
    /// Money that the next one must accept.
    Offer { accepted: bool },
    /// Shares for all of them, cut by chance. Only so many look into the chat while it is open.
    RedPacket { shares: usize, looking: usize },
}

/// What happens in one chat: the first of the friends sends something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chat {
    pub number: u64,
    /// At least two, all different. The others come in the order in which they look.
    pub friends: Vec<usize>,
    pub amount: Money,
    pub sends: Sends,
}

impl Chat {
    /// The chat of this number in this town, which has at least two people: always the same.
    pub(crate) fn new(town: &Town, number: u64) -> Self {
        let mut chance = stream(town.seed, Actor::Chat, number);
        let most = town.people.len().min(FRIENDS_MAX);
        let count = chance.random_range(2..=most.max(2));
        let mut friends: Vec<usize> = (0..town.people.len()).collect();
        let (chosen, _) = friends.partial_shuffle(&mut chance, count);
        let friends = chosen.to_vec();
        let others = count - 1;
        let (sends, amount) = match chance.random_range(0..10) {
            0..4 => (Sends::Transfer, chance.random_range(500..=10_000)),
            4..6 => {
                let accepted = chance.random_bool(0.8);
                (Sends::Offer { accepted }, chance.random_range(500..=10_000))
            }
            _ => {
                let shares = chance.random_range(1..=others);
                let looking = chance.random_range(1..=others);
                let sends = Sends::RedPacket { shares, looking };
                (sends, chance.random_range(1_000..=20_000))
            }
        };
        Self {
            number,
            friends,
            amount: Money::new(amount, Currency::CNY),
            sends,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_chats_and_friends_are_different_people() {
        let chats = |seed| {
            let town = Town::new(seed, 2, 30);
            (0..300)
                .map(|number| Chat::new(&town, number))
                .collect::<Vec<_>>()
        };
        assert_eq!(chats(7), chats(7));
        assert_ne!(chats(7), chats(8));
        for chat in chats(7) {
            let different: BTreeSet<_> = chat.friends.iter().collect();
            assert_eq!(different.len(), chat.friends.len(), "{chat:?}");
            assert!((2..=FRIENDS_MAX).contains(&chat.friends.len()), "{chat:?}");
        }
    }
}
