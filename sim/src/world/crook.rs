//! Who lives from other people's money: a few for every town, each with a scheme.
//!
//! | scheme | what it does |
//! |---|---|
//! | card testing | many payments of next to nothing, to see whether a stolen wallet works |
//! | stolen wallet | a few large payments from a phone that its owner never had |
//! | mule | money that came in this moment leaves as a whole, to a shop that only mules know |

use fx::{Currency, Money};
use rand::Rng as _;

use super::stream::{Actor, stream};
use super::{Person, Shop};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    CardTesting,
    StolenWallet,
    Mule,
}

impl Scheme {
    pub(crate) const ALL: [Self; 3] = [Self::CardTesting, Self::StolenWallet, Self::Mule];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CardTesting => "card testing",
            Self::StolenWallet => "stolen wallets",
            Self::Mule => "mules",
        }
    }
}

/// Somebody with a scheme, and all that they will try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crook {
    pub number: u32,
    pub scheme: Scheme,
    pub device: String,
    /// What is in the wallet they have got hold of.
    pub purse: Money,
    /// What they try to take, one after the other.
    pub tries: Vec<Money>,
}

impl Crook {
    pub(crate) fn new(seed: u64, number: u32) -> Self {
        let mut chance = stream(seed, Actor::Crook, u64::from(number));
        let scheme = Scheme::ALL[number as usize % Scheme::ALL.len()];
        let cny = |amount| Money::new(amount, Currency::CNY);
        let (purse, tries) = match scheme {
            Scheme::CardTesting => {
                let tries = chance.random_range(8..=14);
                let tries = (0..tries).map(|_| chance.random_range(100..300));
                (50_000, tries.collect::<Vec<i64>>())
            }
            Scheme::StolenWallet => {
                let tries = (0..3).map(|_| chance.random_range(60_000..120_000));
                (400_000, tries.collect())
            }
            Scheme::Mule => {
                let purse = chance.random_range(250_000..900_000);
                (purse, vec![purse / 100 * 99])
            }
        };
        Self {
            number,
            scheme,
            device: format!("burner-{:06x}", chance.random_range(0..0x0100_0000)),
            purse: cny(purse),
            tries: tries.into_iter().map(cny).collect(),
        }
    }

    pub(crate) fn person(&self) -> Person {
        Person {
            holder: format!("customer-x{:04}", self.number),
            savings: vec![self.purse],
        }
    }
}

/// The shop that crooks pay: it looks like any other.
pub(crate) fn fence() -> Shop {
    Shop {
        name: "Golden Gate Trading".to_owned(),
        city: "Chengdu",
        currency: Currency::CNY,
        fee_basis_points: 60,
        price: super::town::PriceRange {
            least: 100,
            most: 900_000,
        },
        goods: &["gift cards"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_has_the_same_crooks_with_the_same_intents() {
        for number in 0..9 {
            let crook = Crook::new(7, number);
            assert_eq!(crook, Crook::new(7, number));
            assert_ne!(crook.device, Crook::new(8, number).device);
            let wanted: i64 = crook.tries.iter().map(|money| money.amount).sum();
            assert!(wanted <= crook.purse.amount, "{crook:?}");
        }
    }
}
