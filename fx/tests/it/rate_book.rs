//! What a book takes, holds, refuses and answers.

use fx::{
    Accepted, Currency, Freshness, Limits, Money, PriceError, Rate, RateBook, Source, Tick,
    TickError, Timestamp,
};
use proptest::prelude::*;

use crate::oracle::Fraction;
use crate::{CASES, market_rate, rate};

const CNY: Currency = Currency::CNY;
const EUR: Currency = Currency::EUR;
const GBP: Currency = Currency::GBP;
const JPY: Currency = Currency::JPY;
const USD: Currency = Currency::USD;
const START: u64 = 1_793_366_100;

fn at(second: u64) -> Timestamp {
    Timestamp((START + second) * 1_000_000_000)
}

fn tick(base: Currency, quote: Currency, bid: &str, ask: &str, second: u64) -> Tick {
    Tick {
        base,
        quote,
        bid: rate(bid),
        ask: rate(ask),
        time: at(second),
    }
}

/// A book in dollars with a desk (believed up to 2 %) and a second source (5 %), fresh for a
/// minute.
fn book() -> RateBook {
    let mut book = RateBook::new(USD, 300);
    for (name, band_bps) in [("desk", 200), ("second", 500)] {
        let limits = Limits {
            freshness: Freshness::Within { seconds: 60 },
            band_bps,
        };
        book.add_source(Source::new(name, limits)).unwrap();
    }
    book
}

impl Dealer for RateBook {
    fn says(&mut self, source: &str, tick: &Tick) -> Accepted {
        self.accept(source, tick, tick.time).unwrap()
    }

    fn price(&self, currency: Currency, second: u64) -> Result<String, PriceError> {
        let mid = self.mid(USD, currency, at(second))?;
        let path: Vec<String> = mid.path.iter().map(ToString::to_string).collect();
        Ok(path.join(", "))
    }
}

trait Dealer {
    fn says(&mut self, source: &str, tick: &Tick) -> Accepted;
    fn price(&self, currency: Currency, second: u64) -> Result<String, PriceError>;
}

#[test]
fn a_cross_shows_the_path_that_it_took() {
    let mut book = book();
    book.says("desk", &tick(GBP, USD, "1.3398", "1.3402", 0));
    book.says("desk", &tick(USD, JPY, "157.20", "157.30", 1));
    let mid = book.mid(GBP, JPY, at(2)).unwrap();
    let path: Vec<String> = mid.path.iter().map(ToString::to_string).collect();
    assert_eq!(
        path,
        [
            "1 GBP = 1.34 USD (desk, 2026-10-30T13:15:00Z)",
            "1 USD = 157.25 JPY (desk, 2026-10-30T13:15:01Z)",
        ]
    );
    assert_eq!(mid.conversion.fraction(), (42143, 20_000));
    assert_eq!(
        book.value(Money::new(100, GBP), JPY, at(2)),
        Ok(Money::new(211, JPY))
    );
    assert_eq!(
        book.value(Money::new(211, JPY), GBP, at(2)),
        Ok(Money::new(100, GBP))
    );
    assert_eq!(
        book.value(Money::new(5, GBP), GBP, at(2)),
        Ok(Money::new(5, GBP))
    );
    assert_eq!(book.mid(GBP, USD, at(2)).unwrap().path.len(), 1);
    assert_eq!(book.currencies().collect::<Vec<_>>(), [GBP, JPY]);
}

#[test]
fn the_first_fresh_source_gives_the_price_as_it_was_known_then() {
    let mut book = book();
    book.says("second", &tick(USD, CNY, "6.65", "6.65", 0));
    book.says("desk", &tick(USD, CNY, "6.66", "6.66", 10));
    book.says("desk", &tick(USD, CNY, "6.67", "6.67", 20));
    let price = |second| book.price(CNY, second);
    assert!(matches!(
        book.mid(USD, CNY, Timestamp(0)),
        Err(PriceError::Unknown { .. })
    ));
    assert!(price(5).unwrap().contains("6.65 CNY (second"));
    assert!(price(15).unwrap().contains("6.66 CNY (desk"));
    assert!(price(80).unwrap().contains("6.67 CNY (desk"));
    let Err(PriceError::Stale {
        source_name, time, ..
    }) = price(81)
    else {
        panic!("{:?}", price(81))
    };
    assert_eq!((source_name.as_str(), time), ("desk", at(20)));
    assert!(matches!(
        price(u64::from(u32::MAX)),
        Err(PriceError::Stale { .. })
    ));
    // When the desk is silent the second source stands in.
    book.says("second", &tick(USD, CNY, "6.68", "6.68", 90));
    assert!(book.price(CNY, 91).unwrap().contains("6.68 CNY (second"));
}

#[test]
fn limits_of_a_single_currency_override_the_source() {
    let mut book = RateBook::new(USD, 300);
    let limits = |seconds, band_bps| Limits {
        freshness: Freshness::Within { seconds },
        band_bps,
    };
    let mut source = Source::new("desk", limits(60, 200));
    source.overrides.insert(Currency::TRY, limits(10, 2_000));
    source.history_max = 2;
    book.add_source(source.clone()).unwrap();
    assert_eq!(
        book.add_source(source),
        Err(TickError::SourceTaken {
            name: "desk".to_owned()
        })
    );
    book.says("desk", &tick(USD, Currency::TRY, "40", "40", 0));
    assert_eq!(
        book.says("desk", &tick(USD, Currency::TRY, "47", "47", 1)),
        Accepted::Taken
    );
    assert!(book.price(Currency::TRY, 11).is_ok());
    assert!(matches!(
        book.price(Currency::TRY, 12),
        Err(PriceError::Stale { .. })
    ));
    // Only two ticks are kept, so what was known first is not known any more.
    assert!(book.price(Currency::TRY, 0).is_ok());
    book.says("desk", &tick(USD, Currency::TRY, "47.1", "47.1", 2));
    assert!(matches!(
        book.price(Currency::TRY, 0),
        Err(PriceError::Unknown { .. })
    ));
}

#[test]
fn a_tick_that_cannot_be_true_is_refused() {
    let mut book = book();
    book.says("desk", &tick(USD, CNY, "6.65", "6.66", 10));
    let mut refused = |source: &str, tick: &Tick, words: &str| {
        let message = book.accept(source, tick, at(20)).unwrap_err().to_string();
        assert!(message.contains(words), "{message:?} lacks {words:?}");
        assert!(
            book.import(source, [tick]).is_err() || words.contains("future"),
            "{words}"
        );
    };
    refused(
        "nobody",
        &tick(USD, CNY, "6.65", "6.66", 11),
        "no source is called \"nobody\"",
    );
    refused(
        "desk",
        &tick(EUR, CNY, "7.4", "7.5", 11),
        "EUR/CNY is not a price in USD",
    );
    refused(
        "desk",
        &tick(USD, USD, "1", "1", 11),
        "USD/USD is not a price in USD",
    );
    refused(
        "desk",
        &tick(USD, CNY, "6.67", "6.66", 11),
        "crossed: the bid 6.67 is above the ask 6.66",
    );
    refused(
        "desk",
        &tick(USD, CNY, "6.65", "6.66", 10),
        "is not newer than what desk said before",
    );
    refused("desk", &tick(USD, CNY, "6.65", "6.66", 9), "is not newer");
    refused(
        "desk",
        &tick(USD, CNY, "6.65", "6.66", 26),
        "is in the future",
    );
    assert_eq!(
        book.accept("desk", &tick(USD, CNY, "6.65", "6.66", 27), at(22)),
        Ok(Accepted::Taken)
    );
}

#[test]
fn a_glitch_is_forgotten_when_the_source_returns() {
    let mut book = book();
    book.says("desk", &tick(USD, CNY, "6.65", "6.65", 0));
    // The comma slipped: ten times as much.
    let glitch = book.says("desk", &tick(USD, CNY, "66.5", "66.5", 1));
    assert_eq!(glitch, Accepted::Held { moved_bps: 90_000 });
    assert!(matches!(book.price(CNY, 1), Err(PriceError::Held { .. })));
    assert!(
        book.price(CNY, 0).is_ok(),
        "what was known before the glitch stays known"
    );
    assert_eq!(book.held().len(), 1);
    assert_eq!(
        book.says("desk", &tick(USD, CNY, "6.66", "6.66", 2)),
        Accepted::Taken
    );
    assert!(book.price(CNY, 2).unwrap().contains("6.66"));
    assert_eq!(book.held(), []);
}

#[test]
fn one_voice_stays_one_voice_and_a_second_confirms() {
    let mut book = book();
    let chf = Currency::CHF;
    book.says("desk", &tick(USD, chf, "1.02", "1.02", 0));
    book.says("second", &tick(USD, chf, "1.02", "1.02", 1));
    for second in 2..50 {
        let held = book.says("desk", &tick(USD, chf, "0.88", "0.88", second));
        assert_eq!(held, Accepted::Held { moved_bps: 1_590 });
    }
    assert!(matches!(book.price(chf, 50), Err(PriceError::Held { .. })));
    // The second source jumps too. It is held by its own band and confirmed by the first one's
    // price.
    let confirmed = book.says("second", &tick(USD, chf, "0.881", "0.881", 50));
    assert_eq!(confirmed, Accepted::Confirmed { moved_bps: 1_577 });
    assert_eq!(book.held(), []);
    assert!(book.price(chf, 51).unwrap().contains("0.88 CHF (desk"));
}

#[test]
fn a_source_with_a_wide_band_does_not_vouch_for_a_jump() {
    let mut book = book();
    book.says("second", &tick(USD, CNY, "6.65", "6.65", 0));
    book.says("desk", &tick(USD, CNY, "6.65", "6.65", 0));
    // 4 % is within the second source's band, and its price is where the desk's was.
    let held = book.says("desk", &tick(USD, CNY, "6.916", "6.916", 1));
    assert_eq!(held, Accepted::Held { moved_bps: 400 });
    // It would take another normal tick of the second source near the jump.
    assert_eq!(
        book.says("second", &tick(USD, CNY, "6.66", "6.66", 2)),
        Accepted::Taken
    );
    assert_eq!(book.held().len(), 1);
    assert_eq!(
        book.says("second", &tick(USD, CNY, "6.9", "6.9", 3)),
        Accepted::Taken
    );
    assert_eq!(book.held(), []);
    assert!(book.price(CNY, 3).unwrap().contains("6.916"));
}

#[test]
fn an_operator_decides_what_nobody_confirms() {
    let jumped = || {
        let mut book = book();
        book.says("desk", &tick(USD, CNY, "6.65", "6.65", 0));
        book.says("desk", &tick(USD, CNY, "7.00", "7.00", 1));
        book
    };
    let mut confirmed = jumped();
    confirmed.confirm("desk", CNY).unwrap();
    assert!(confirmed.price(CNY, 2).unwrap().contains("1 USD = 7 CNY"));
    let mut discarded = jumped();
    discarded.discard("desk", CNY).unwrap();
    assert!(discarded.price(CNY, 2).unwrap().contains("6.65"));
    let nothing = Err(TickError::NothingHeld {
        source_name: "desk".to_owned(),
        currency: CNY,
    });
    assert_eq!(discarded.discard("desk", CNY), nothing);
    assert_eq!(confirmed.confirm("desk", CNY), nothing);
    assert!(matches!(
        confirmed.confirm("nobody", CNY),
        Err(TickError::Source { .. })
    ));
}

#[test]
fn sources_that_differ_stop_the_currency() {
    let mut book = book();
    book.says("desk", &tick(USD, CNY, "6.65", "6.65", 0));
    book.says("second", &tick(CNY, USD, "0.1459", "0.1459", 0));
    let Err(PriceError::Divergent {
        left, right, bps, ..
    }) = book.price(CNY, 1)
    else {
        panic!("{:?}", book.price(CNY, 1));
    };
    assert_eq!(
        (left.as_str(), right.as_str(), bps),
        ("desk", "second", 306)
    );
    // As far apart as allowed is not too far.
    book.says("desk", &tick(USD, GBP, "0.75", "0.75", 1));
    book.says("second", &tick(USD, GBP, "0.7725", "0.7725", 1));
    assert!(book.price(GBP, 1).is_ok());
    // Another currency is not touched, and a stale source does not object.
    book.says("desk", &tick(USD, JPY, "157.2", "157.2", 2));
    assert!(book.price(JPY, 2).is_ok());
    book.says("desk", &tick(USD, CNY, "6.65", "6.65", 59));
    assert!(book.price(CNY, 61).unwrap().contains("desk"));
}

#[test]
fn a_book_is_a_value() {
    let mut book = book();
    book.says("desk", &tick(USD, CNY, "6.65", "6.65", 0));
    book.says("desk", &tick(USD, CNY, "7.65", "7.65", 1));
    let bytes = postcard::to_stdvec(&book).unwrap();
    assert_eq!(postcard::from_bytes::<RateBook>(&bytes), Ok(book));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn the_guard_is_the_naive_comparison(
        before in market_rate(), after in market_rate(), near in -300_i64..300,
        inverted in (any::<bool>(), any::<bool>()), is_near in any::<bool>(),
    ) {
        let after = if is_near { moved(before, near) } else { after };
        let tick = |mid: Rate, inverted: bool, second| {
            let (base, quote) = if inverted { (CNY, USD) } else { (USD, CNY) };
            Tick { base, quote, bid: mid, ask: mid, time: at(second) }
        };
        let mut book = book();
        book.says("desk", &tick(before, inverted.0, 0));
        let outcome = book.says("desk", &tick(after, inverted.1, 1));
        let price = |rate, inverted| {
            let plain = Fraction::at(rate, USD, USD);
            if inverted { plain.inverse() } else { plain }
        };
        let change = price(before, inverted.0).inverse().times(&price(after, inverted.1));
        let (lower, higher) = if change.numerator < change.denominator {
            (change.numerator, change.denominator)
        } else {
            (change.denominator, change.numerator)
        };
        let moved = u32::try_from((higher - &lower) * 10_000 / &lower).unwrap_or(u32::MAX);
        let expected = if moved > 200 { Accepted::Held { moved_bps: moved } } else { Accepted::Taken };
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn looking_back_finds_what_was_known(
        seconds in prop::collection::btree_set(0_u64..200, 1..40), asked in 0_u64..260, history_max in 1_usize..50,
    ) {
        let limits = Limits { freshness: Freshness::Within { seconds: 60 }, band_bps: 0 };
        let mut book = RateBook::new(USD, 0);
        book.add_source(Source { history_max, ..Source::new("desk", limits) }).unwrap();
        let ticks: Vec<Tick> = seconds.iter().map(|second| {
            let mid = Rate::from_scaled(1_000_000 + second).unwrap();
            Tick { base: USD, quote: CNY, bid: mid, ask: mid, time: at(*second) }
        }).collect();
        book.import("desk", &ticks).unwrap();
        let kept = &ticks[ticks.len().saturating_sub(history_max)..];
        let known = kept.iter().rfind(|tick| tick.time <= at(asked));
        match (known, book.mid(USD, CNY, at(asked))) {
            (None, Err(PriceError::Unknown { .. })) => {}
            (Some(tick), Err(PriceError::Stale { time, .. })) => {
                prop_assert_eq!(time, tick.time);
                prop_assert!(at(asked).secs_since(time) > 60);
            }
            (Some(tick), Ok(mid)) => {
                prop_assert_eq!(mid.path[0].time, tick.time);
                prop_assert!(at(asked).secs_since(tick.time) <= 60);
            }
            (known, answer) => prop_assert!(false, "{known:?} {answer:?}"),
        }
    }
}

/// A rate this many basis points away, at least the smallest there is.
fn moved(rate: Rate, bps: i64) -> Rate {
    let scaled = u128::from(rate.scaled()) * u128::try_from(10_000 + bps).unwrap() / 10_000;
    Rate::from_scaled(u64::try_from(scaled).unwrap().max(1)).unwrap()
}
