//! Errands: one customer goes to one shop for one thing, and something comes of it.

use fx::Money;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::stream::{Actor, stream};
use super::town::Town;

/// What is to happen to an order. How it really ends is for the gateway to say: a payer may be out
/// of money, or look like a thief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Paid,
    /// Paid, then part of it is given back (in thousandths of the amount).
    RefundedInPart {
        per_mille: u16,
    },
    /// Paid, then given back in two parts that make the whole.
    RefundedInFull,
    /// The shop changes its mind before anyone pays.
    Closed,
    /// Closed, and the customer tries to pay all the same.
    PaidAfterClose,
    /// Nobody pays in time.
    Expired,
    /// A second customer tries to pay what is paid.
    PaidTwice,
    /// The same request to pay arrives twice, as when an answer is lost.
    Retried,
    /// Somebody without the right secret tries to pay.
    Forged,
    /// The till scans the code on the customer's phone. If the phone has none left in this minute, the customer scans.
    Scanned,
    /// The same, and a crook next door scans a photograph of the code.
    Replayed,
    /// The same, and the till does not hear that it was paid, and takes it back.
    TakenBack,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub number: u64,
    pub shop: usize,
    pub person: usize,
    /// Another customer, where the fate needs one.
    pub rival: usize,
    pub amount: Money,
    pub description: &'static str,
    pub fate: Fate,
}

/// How often each fate comes, of a thousand errands.
const FATES: [(u16, Fate); 12] = [
    (640, Fate::Paid),
    (50, Fate::RefundedInPart { per_mille: 0 }),
    (30, Fate::RefundedInFull),
    (40, Fate::Closed),
    (10, Fate::PaidAfterClose),
    (30, Fate::Expired),
    (20, Fate::PaidTwice),
    (30, Fate::Retried),
    (10, Fate::Forged),
    (100, Fate::Scanned),
    (20, Fate::Replayed),
    (20, Fate::TakenBack),
];

impl Errand {
    /// The errand of this number in this town: always the same.
    pub(crate) fn new(town: &Town, number: u64) -> Self {
        let mut chance = stream(town.seed, Actor::Errand, number);
        let shop = chance.random_range(0..town.shops.len());
        let person = chance.random_range(0..town.people.len());
        let others = (town.people.len() - 1).max(1);
        let rival = (person + chance.random_range(1..=others)) % town.people.len();
        let place = &town.shops[shop];
        let amount = chance.random_range(place.price.least..=place.price.most);
        Self {
            number,
            shop,
            person,
            rival,
            amount: Money::new(amount, place.currency),
            description: place
                .goods
                .choose(&mut chance)
                .copied()
                .unwrap_or("a thing"),
            fate: draw(&mut chance),
        }
    }

    /// The merchant's own number for the order.
    pub(crate) fn order_number(&self) -> String {
        format!("E-{:08}", self.number)
    }
}

fn draw(chance: &mut impl Rng) -> Fate {
    let mut left = chance.random_range(0..1_000);
    for (share, fate) in FATES {
        if left < share {
            return match fate {
                Fate::RefundedInPart { .. } => Fate::RefundedInPart {
                    per_mille: chance.random_range(1..=999),
                },
                other => other,
            };
        }
        left -= share;
    }
    Fate::Paid
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_shares_of_the_fates_make_a_thousand() {
        assert_eq!(FATES.iter().map(|(share, _)| share).sum::<u16>(), 1_000);
    }

    #[test]
    fn a_seed_gives_the_same_errands_and_another_seed_others() {
        let errands = |seed| {
            let town = Town::new(seed, 12, 100);
            (0..500)
                .map(|number| Errand::new(&town, number))
                .collect::<Vec<_>>()
        };
        assert_eq!(errands(7), errands(7));
        assert_ne!(errands(7), errands(8));
    }

    #[test]
    fn every_fate_comes_and_a_rival_is_somebody_else() {
        let town = Town::new(1, 12, 100);
        let errands: Vec<_> = (0..5_000)
            .map(|number| Errand::new(&town, number))
            .collect();
        let kinds: BTreeSet<_> = errands
            .iter()
            .map(|errand| std::mem::discriminant(&errand.fate))
            .map(|d| format!("{d:?}"))
            .collect();
        assert_eq!(kinds.len(), FATES.len());
        assert!(errands.iter().all(|errand| errand.rival != errand.person));
    }
}
