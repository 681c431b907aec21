//! Shops and people.

use fx::{Currency, Money};
use rand::Rng;
use rand::seq::IndexedRandom;

use super::stream::{Actor, stream};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shop {
    pub name: String,
    pub city: &'static str,
    pub currency: Currency,
    pub fee_basis_points: u16,
    /// What its goods cost, in minor units.
    pub price: PriceRange,
    pub goods: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PriceRange {
    pub least: i64,
    pub most: i64,
}

/// Somebody with a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub holder: String,
    /// What the wallet starts with, one amount in each of its currencies.
    pub savings: Vec<Money>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Town {
    pub seed: u64,
    pub shops: Vec<Shop>,
    pub people: Vec<Person>,
}

/// A line of business: what such shops are called and sell, and at what prices in CNY minor units.
struct Trade {
    name: &'static str,
    price: PriceRange,
    goods: &'static [&'static str],
}

const TRADES: [Trade; 6] = [
    Trade {
        name: "Noodle House",
        price: PriceRange {
            least: 900,
            most: 4_800,
        },
        goods: &[
            "beef noodles",
            "cold noodles",
            "dumplings",
            "soup of the day",
        ],
    },
    Trade {
        name: "Tea Room",
        price: PriceRange {
            least: 600,
            most: 6_000,
        },
        goods: &["jasmine tea", "milk tea", "oolong", "egg tart"],
    },
    Trade {
        name: "Fruit Stand",
        price: PriceRange {
            least: 300,
            most: 5_000,
        },
        goods: &["a bag of oranges", "half a melon", "lychees", "a pomelo"],
    },
    Trade {
        name: "Bookshop",
        price: PriceRange {
            least: 1_900,
            most: 12_800,
        },
        goods: &["a novel", "a travel guide", "a dictionary", "a comic"],
    },
    Trade {
        name: "Pharmacy",
        price: PriceRange {
            least: 800,
            most: 15_000,
        },
        goods: &["plasters", "cough syrup", "vitamins", "sun cream"],
    },
    Trade {
        name: "Bicycle Works",
        price: PriceRange {
            least: 2_000,
            most: 30_000,
        },
        goods: &["a new chain", "an inner tube", "a full service", "a bell"],
    },
];

const DISTRICTS: [&str; 8] = [
    "Harbour",
    "Lotus",
    "Old Wall",
    "River",
    "North Gate",
    "Bamboo",
    "Station",
    "Temple",
];

/// Most shops price in CNY; some across the border price in currencies with no and three decimals.
const CURRENCIES: [(Currency, &str, i64, i64); 3] = [
    (Currency::CNY, "Chengdu", 1, 1),
    (Currency::JPY, "Osaka", 1, 5),
    (Currency::KWD, "Kuwait City", 2, 5),
];

impl Town {
    pub(crate) fn new(seed: u64, shops: u32, people: u32) -> Self {
        let shops = (0..shops).map(|number| Shop::new(seed, number)).collect();
        let people = (0..people)
            .map(|number| Person::new(seed, number))
            .collect();
        Self {
            seed,
            shops,
            people,
        }
    }
}

impl Shop {
    fn new(seed: u64, number: u32) -> Self {
        let mut chance = stream(seed, Actor::Shop, u64::from(number));
        let trade = &TRADES[number as usize % TRADES.len()];
        let district = DISTRICTS
            .choose(&mut chance)
            .copied()
            .unwrap_or(DISTRICTS[0]);
        let place = match number % 8 {
            5 => 1,
            7 => 2,
            _ => 0,
        };
        let (currency, city, times, per) = CURRENCIES[place];
        let scaled = |price: i64| (price * times / per).max(1);
        let price = PriceRange {
            least: scaled(trade.price.least),
            most: scaled(trade.price.most),
        };
        Self {
            name: format!("{district} {}", trade.name),
            city,
            currency,
            fee_basis_points: chance.random_range(30..=100),
            price,
            goods: trade.goods,
        }
    }
}

impl Person {
    fn new(seed: u64, number: u32) -> Self {
        let mut chance = stream(seed, Actor::Person, u64::from(number));
        let savings = CURRENCIES
            .iter()
            .map(|(currency, _, times, per)| {
                let amount = chance.random_range(20_000..=400_000) * times / per;
                Money::new(amount, *currency)
            })
            .collect();
        Self {
            holder: format!("customer-{number:05}"),
            savings,
        }
    }
}
