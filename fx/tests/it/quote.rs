//! Quotes: both sides exact, the house never loses to rounding, and no circle of exchanges gains.

use fx::{
    Currency, Freshness, Limits, Money, PriceError, Quote, QuoteError, Rate, RateBook, Rounding,
    Side, Source, Terms, Tick, Tier, Timestamp,
};
use num_bigint::BigInt;
use proptest::prelude::*;

use crate::oracle::Fraction;
use crate::{CASES, market_rate, rate};

const CNY: Currency = Currency::CNY;
const EUR: Currency = Currency::EUR;
const IDR: Currency = Currency::IDR;
const JPY: Currency = Currency::JPY;
const KWD: Currency = Currency::KWD;
const USD: Currency = Currency::USD;
const NOW: Timestamp = Timestamp(1_793_366_100_000_000_000);

/// A book in euros with these prices, each as currency, rate, and whether the currency is the base.
fn book(prices: &[(Currency, Rate, bool)]) -> RateBook {
    let mut book = RateBook::new(EUR, 0);
    let limits = Limits {
        freshness: Freshness::Within { seconds: 60 },
        band_bps: 0,
    };
    book.add_source(Source::new("desk", limits)).unwrap();
    for &(currency, mid, is_base) in prices {
        let (base, quote) = if is_base {
            (currency, EUR)
        } else {
            (EUR, currency)
        };
        book.accept(
            "desk",
            &Tick {
                base,
                quote,
                bid: mid,
                ask: mid,
                time: NOW,
            },
            NOW,
        )
        .unwrap();
    }
    book
}

fn ecb_book() -> RateBook {
    book(&[
        (USD, rate("1.1172"), false),
        (CNY, rate("7.4326"), false),
        (JPY, rate("175.68"), false),
        (IDR, rate("20275.17"), false),
    ])
}

fn quote(side: Side, amount: Money, other: Currency, tier: &Tier) -> Result<Quote, QuoteError> {
    ecb_book().quote(side, amount, other, tier, NOW)
}

fn retail() -> Tier {
    Tier::new("retail", 30)
}

#[test]
fn either_side_can_be_named() {
    let check =
        |side: Side, amount: &str, currency: Currency, other: Currency, expected: [&str; 5]| {
            let amount = Money::parse(amount, currency).unwrap();
            let quote = quote(side, amount, other, &retail()).unwrap();
            let Terms {
                sell,
                buy,
                valuation,
                spread,
                residual,
                ..
            } = quote.terms();
            assert_eq!(
                [sell, buy, valuation, spread, residual].map(ToString::to_string),
                expected
            );
            assert!(quote.terms().is_consistent());
        };
    // 100 USD are 665.2882... CNY at the middle, 663.2924... after 30 basis points.
    let expected = [
        "100.00 USD",
        "663.29 CNY",
        "665.29 CNY",
        "2.00 CNY",
        "0.00 CNY",
    ];
    check(Side::Sell, "100.00", USD, CNY, expected);
    let expected = [
        "100.00 USD",
        "663.29 CNY",
        "99.70 USD",
        "0.30 USD",
        "0.00 USD",
    ];
    check(Side::Buy, "663.29", CNY, USD, expected);
    let expected = ["1.00 CNY", "23 JPY", "24 JPY", "0 JPY", "1 JPY"];
    check(Side::Sell, "1.00", CNY, JPY, expected);
    let expected = ["0.01 USD", "1 JPY", "0.01 USD", "0.00 USD", "0.00 USD"];
    check(Side::Buy, "1", JPY, USD, expected);
    let expected = [
        "0.01 USD",
        "180.93 IDR",
        "181.48 IDR",
        "0.54 IDR",
        "0.01 IDR",
    ];
    check(Side::Sell, "0.01", USD, IDR, expected);
}

#[test]
fn the_terms_name_their_prices_and_can_be_checked() {
    let quote = quote(Side::Sell, Money::new(10_000, USD), CNY, &retail()).unwrap();
    let terms = quote.terms();
    assert_eq!(
        terms.path.iter().map(|leg| leg.mid).collect::<Vec<_>>(),
        [rate("1.1172"), rate("7.4326")]
    );
    assert_eq!(
        terms.mid().unwrap().rate(Rounding::HalfEven),
        Some(rate("6.6528822055"))
    );
    assert_eq!(
        terms.client().unwrap().rate(Rounding::Down),
        Some(rate("6.6329235588"))
    );
    assert_eq!((terms.tier.as_str(), terms.spread_bps), ("retail", 30));
    let bytes = postcard::to_stdvec(&quote).unwrap();
    assert_eq!(postcard::from_bytes::<Quote>(&bytes), Ok(quote.clone()));
    let altered: [fn(&mut Terms); 6] = [
        |terms| terms.buy.amount += 1,
        |terms| terms.spread.amount += 1,
        |terms| terms.spread_bps -= 1,
        |terms| terms.path.swap(0, 1),
        |terms| terms.path.truncate(1),
        |terms| terms.fixed = Side::Buy,
    ];
    for (index, alter) in altered.into_iter().enumerate() {
        let mut terms = terms.clone();
        alter(&mut terms);
        assert!(!terms.is_consistent(), "alteration {index} goes unnoticed");
    }
}

#[test]
fn a_quote_is_good_once_and_for_a_while() {
    let seconds = |count| NOW.plus_secs(count);
    let fresh = || quote(Side::Sell, Money::new(10_000, USD), CNY, &retail()).unwrap();
    assert_eq!(fresh().terms().expires_at, seconds(60));
    let mut used = fresh();
    assert_eq!(used.redeem(seconds(59)), Ok(()));
    assert_eq!(
        used.redeem(seconds(59)),
        Err(QuoteError::Used {
            used_at: seconds(59)
        })
    );
    assert_eq!(
        used.check(seconds(61)),
        Err(QuoteError::Used {
            used_at: seconds(59)
        })
    );
    assert_eq!(used.used_at(), Some(seconds(59)));
    let mut late = fresh();
    let expired = Err(QuoteError::Expired {
        expires_at: seconds(60),
        now: seconds(60),
    });
    assert_eq!(late.redeem(seconds(60)), expired);
    assert_eq!(late.used_at(), None);
    let tier = Tier {
        lock_seconds: 3600,
        ..retail()
    };
    let long = quote(Side::Sell, Money::new(10_000, USD), CNY, &tier).unwrap();
    assert_eq!(long.check(seconds(3599)), Ok(()));
}

#[test]
fn what_cannot_be_quoted_says_why() {
    let refused = |result: Result<Quote, QuoteError>, words: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(words), "{message:?} lacks {words:?}");
    };
    let dollars = |amount| Money::new(amount, USD);
    let sell = |amount, other| quote(Side::Sell, amount, other, &retail());
    refused(sell(dollars(100), USD), "USD is on both sides");
    refused(sell(dollars(0), CNY), "0.00 USD cannot be exchanged");
    refused(sell(dollars(-100), CNY), "-1.00 USD cannot be exchanged");
    refused(
        sell(Money::new(1, IDR), USD),
        "0.01 IDR in USD is less than one minor unit",
    );
    refused(sell(dollars(i64::MAX), IDR), "is more IDR than 64 bits");
    refused(
        quote(Side::Buy, Money::new(i64::MAX, USD), JPY, &retail()),
        "is more JPY than",
    );
    refused(sell(dollars(100), KWD), "no source prices KWD in EUR");
    let kuna = Currency::historic("HRK").unwrap();
    refused(sell(dollars(100), kuna), "HRK (Kuna) was withdrawn");
    refused(sell(Money::new(100, kuna), USD), "HRK (Kuna) was withdrawn");
    let tier = |spread_bps, lock_seconds| Tier {
        spread_bps,
        lock_seconds,
        ..retail()
    };
    let with = |tier| quote(Side::Sell, dollars(100), CNY, &tier);
    refused(
        with(tier(5_001, 60)),
        "a spread is at most 5000 basis points, not 5001",
    );
    refused(with(tier(30, 0)), "locked for 1 to 86400 seconds, not 0");
    refused(
        with(tier(30, 86_401)),
        "locked for 1 to 86400 seconds, not 86401",
    );
    let later = NOW.plus_secs(61);
    let stale = ecb_book().quote(Side::Sell, dollars(100), CNY, &retail(), later);
    assert!(
        matches!(stale, Err(QuoteError::Price(PriceError::Stale { .. }))),
        "{stale:?}"
    );
}

#[derive(Debug, Clone)]
struct Market {
    prices: Vec<(Currency, Rate, bool)>,
}

/// Five currencies of exponents 0 to 8 with any market prices, quoted either way round.
fn any_market() -> impl Strategy<Value = Market> {
    let points = Currency::own("POINTS", 0).expect("an asset");
    let coins = Currency::own("COINS", 8).expect("an asset");
    let currencies = [USD, JPY, KWD, points, coins];
    prop::collection::vec((market_rate(), any::<bool>()), currencies.len()).prop_map(
        move |prices| {
            let with_currency = |(currency, (rate, is_base))| (currency, rate, is_base);
            Market {
                prices: currencies
                    .into_iter()
                    .zip(prices)
                    .map(with_currency)
                    .collect(),
            }
        },
    )
}

impl Market {
    fn book(&self) -> RateBook {
        book(&self.prices)
    }

    fn currency(&self, index: usize) -> Currency {
        match self.prices.get(index % (self.prices.len() + 1)) {
            Some((currency, ..)) => *currency,
            None => EUR,
        }
    }

    /// What one minor unit is worth in minor units of the pivot.
    fn worth(&self, currency: Currency) -> Fraction {
        match self.prices.iter().find(|(known, ..)| *known == currency) {
            Some(&(_, rate, true)) => Fraction::at(rate, currency, EUR),
            Some(&(_, rate, false)) => Fraction::at(rate, EUR, currency).inverse(),
            None => Fraction::new(1, 1),
        }
    }

    /// Minor units of `to` per minor unit of `from`, at the middle.
    fn mid(&self, from: Currency, to: Currency) -> Fraction {
        self.worth(from).times(&self.worth(to).inverse())
    }
}

/// Two different currencies of a market, by index.
fn any_pair() -> impl Strategy<Value = (usize, usize)> {
    (0_usize..6, 1_usize..6).prop_map(|(first, offset)| (first, (first + offset) % 6))
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Sell), Just(Side::Buy)]
}

fn any_size() -> impl Strategy<Value = i64> {
    prop_oneof![
        1_i64..1_000,
        (1_i64..=i64::MAX, 0_u32..60).prop_map(|(size, shift)| (size >> shift).max(1))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn both_sides_follow_from_the_exact_price(
        market in any_market(), side in any_side(), size in any_size(),
        (from, to) in any_pair(), spread_bps in 0_u32..=5_000,
    ) {
        let (named, other) = (market.currency(from), market.currency(to));
        let tier = Tier::new("any", spread_bps);
        let quote = market.book().quote(side, Money::new(size, named), other, &tier, NOW);
        let kept = Fraction::new(10_000 - spread_bps, 10_000);
        let (computed, valuation) = match side {
            Side::Sell => {
                let mid = market.mid(named, other).times(&Fraction::new(size, 1));
                (mid.times(&kept).round(Rounding::Down), mid.round(Rounding::HalfEven))
            }
            Side::Buy => {
                let mid = market.mid(named, other).times(&Fraction::new(size, 1));
                (mid.times(&kept.inverse()).round(Rounding::Up), mid.round(Rounding::HalfEven))
            }
        };
        let quote = match quote {
            Ok(quote) => quote,
            Err(QuoteError::TooSmall { .. }) => {
                prop_assert_eq!(computed, BigInt::from(0));
                return Ok(());
            }
            Err(QuoteError::Conversion(_)) => {
                prop_assert!(computed > BigInt::from(i64::MAX) || valuation > BigInt::from(i64::MAX));
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        let terms = quote.terms();
        let (ours, margin) = match side {
            Side::Sell => (terms.buy, terms.valuation.amount - terms.buy.amount),
            Side::Buy => (terms.sell, terms.sell.amount - terms.valuation.amount),
        };
        prop_assert_eq!(BigInt::from(ours.amount), computed);
        prop_assert_eq!(BigInt::from(terms.valuation.amount), valuation.clone());
        // The books balance to the unit, and nobody pays a negative spread.
        prop_assert_eq!(margin, terms.spread.amount + terms.residual.amount);
        // The spread is its basis points of the valuation, as nearly as a residual of 0 or 1
        // allows.
        let rest = if side == Side::Sell { 10_000 } else { 10_000 - spread_bps };
        let nominal = Fraction::new(valuation * spread_bps, rest).round(Rounding::HalfEven);
        let nearest = nominal.clamp(BigInt::from(margin - 1), BigInt::from(margin));
        prop_assert_eq!(BigInt::from(terms.spread.amount), nearest);
        prop_assert!(terms.spread.amount >= 0);
        prop_assert!((0..=1).contains(&terms.residual.amount), "{terms:?}");
        prop_assert!(terms.is_consistent());
    }

    #[test]
    fn no_exchange_gains_at_the_middle_and_rounding_takes_less_than_a_unit(
        market in any_market(), side in any_side(), size in any_size(),
        (from, to) in any_pair(), spread_bps in 0_u32..=5_000,
    ) {
        let (named, other) = (market.currency(from), market.currency(to));
        let tier = Tier::new("any", spread_bps);
        // The property above checks that what is refused is refused rightly.
        let Ok(quote) = market.book().quote(side, Money::new(size, named), other, &tier, NOW) else {
            return Ok(());
        };
        let Terms { sell, buy, .. } = quote.terms();
        let kept = Fraction::new(10_000 - spread_bps, 10_000);
        let price = market.mid(sell.currency, buy.currency).times(&kept);
        // sell * n / d is what the customer is due in the currency bought.
        let due = BigInt::from(sell.amount) * &price.numerator;
        let got = BigInt::from(buy.amount) * &price.denominator;
        prop_assert!(got <= due, "the customer gains");
        match side {
            Side::Sell => prop_assert!(due < got + price.denominator, "a unit bought is lost"),
            Side::Buy => prop_assert!(due < got + price.numerator, "a unit sold is lost"),
        }
    }

    #[test]
    fn the_two_directions_of_a_price_are_consistent(
        market in any_market(), size in any_size(), (from, to) in any_pair(), spread_bps in 0_u32..=5_000,
    ) {
        let (from, to) = (market.currency(from), market.currency(to));
        let (book, tier) = (market.book(), Tier::new("any", spread_bps));
        let Ok(forward) = book.quote(Side::Sell, Money::new(size, from), to, &tier, NOW) else {
            return Ok(());
        };
        // Naming what one was to get costs no more than what one was to give, and gets it again.
        let named = forward.terms().buy;
        let backward = book.quote(Side::Buy, named, from, &tier, NOW).expect("it was quoted before");
        prop_assert!(backward.terms().sell.amount <= size);
        let again = book.quote(Side::Sell, backward.terms().sell, to, &tier, NOW).expect("likewise");
        prop_assert_eq!(again.terms().buy, named);
        // The middle prices are inverses of each other.
        let (there, back) = (forward.terms().mid(), book.mid(to, from, NOW));
        prop_assert_eq!(there.unwrap().inverse(), back.unwrap().conversion);
    }

    #[test]
    fn no_chain_of_exchanges_comes_home_with_more(
        market in any_market(), size in any_size(), start in 0_usize..6,
        steps in prop::collection::vec((0_usize..6, any_side(), 0_u32..200), 1..12),
    ) {
        let book = market.book();
        let home = market.currency(start);
        let mut purse = Money::new(size, home);
        // What is left of the purse when an exchange does not take all of it, by value.
        let mut set_aside = Fraction::new(0, 1);
        let homeward = (start, Side::Sell, 0);
        for (index, side, spread_bps) in steps.into_iter().chain([homeward]) {
            let other = market.currency(index);
            let tier = Tier::new("any", spread_bps);
            // A step to the currency in hand, or of too little or too much, is refused and skipped.
            let Ok(sold) = book.quote(Side::Sell, purse, other, &tier, NOW) else { continue };
            // Naming the other side buys the same for less, or as much.
            let quote = match side {
                Side::Sell => sold,
                Side::Buy => book.quote(Side::Buy, sold.terms().buy, purse.currency, &tier, NOW).unwrap(),
            };
            let change = purse.amount - quote.terms().sell.amount;
            prop_assert!(change >= 0);
            set_aside = add(&set_aside, &market.worth(purse.currency).times(&Fraction::new(change, 1)));
            purse = quote.terms().buy;
        }
        let kept = market.worth(purse.currency).times(&Fraction::new(purse.amount, 1));
        let end = add(&kept, &set_aside);
        let begin = market.worth(home).times(&Fraction::new(size, 1));
        prop_assert!(end.numerator * begin.denominator <= begin.numerator * end.denominator);
        if purse.currency == home {
            prop_assert!(purse.amount <= size, "{size} became {purse}");
        }
    }
}

fn add(left: &Fraction, right: &Fraction) -> Fraction {
    Fraction::new(
        &left.numerator * &right.denominator + &right.numerator * &left.denominator,
        &left.denominator * &right.denominator,
    )
}
