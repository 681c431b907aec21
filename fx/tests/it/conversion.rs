//! Rates as text, and conversions against fractions of unbounded integers.

use fx::{Conversion, ConversionError, Currency, Money, Rate, RateError, Rounding};
use num_bigint::BigInt;
use proptest::prelude::*;

use crate::oracle::Fraction;
use crate::{CASES, any_amount, any_currency, any_rate, market_rate, rate};

const CNY: Currency = Currency::CNY;
const EUR: Currency = Currency::EUR;
const JPY: Currency = Currency::JPY;
const USD: Currency = Currency::USD;
const RULES: [Rounding; 4] = [
    Rounding::HalfEven,
    Rounding::HalfUp,
    Rounding::Down,
    Rounding::Up,
];

#[test]
fn rates_are_read_and_shown_exactly() {
    let check = |text: &str, scaled: u64, shown: &str| {
        let rate = Rate::parse(text).unwrap();
        assert_eq!(
            (rate.scaled(), rate.to_string().as_str()),
            (scaled, shown),
            "{text}"
        );
    };
    check("7.4326", 74_326_000_000, "7.4326");
    check("136", 1_360_000_000_000, "136");
    check("136.0", 1_360_000_000_000, "136");
    check("0.5446000000", 5_446_000_000, "0.5446");
    check("0.0000000001", 1, "0.0000000001");
    check("1836200", 18_362_000_000_000_000, "1836200");
    check("1844674407.3709551615", u64::MAX, "1844674407.3709551615");
    let refused = |text: &str, expected: fn(String) -> RateError| {
        assert_eq!(Rate::parse(text), Err(expected(text.to_owned())), "{text}");
    };
    for text in [
        "", ".", "1.", ".5", "-1.1", "+1.1", "1e3", "1,5", " 1", "N/A", "NaN", "inf", "1.2.3", "１",
    ] {
        refused(text, |text| RateError::Syntax { text });
    }
    refused("1.00000000001", |text| RateError::Precision { text });
    for text in ["0", "0.0", "1844674407.3709551616", "99999999999"] {
        refused(text, |text| RateError::Range { text });
    }
}

#[test]
fn the_middle_of_a_market_is_exact_or_even() {
    let check = |bid: u64, ask: u64, middle: u64| {
        let of = |scaled| Rate::from_scaled(scaled).unwrap();
        assert_eq!(Rate::middle(of(bid), of(ask)), of(middle));
        assert_eq!(Rate::middle(of(ask), of(bid)), of(middle));
    };
    check(10, 20, 15);
    check(10, 10, 10);
    check(10, 11, 10);
    check(11, 12, 12);
    check(1, 2, 2);
    check(u64::MAX - 1, u64::MAX, u64::MAX - 1);
    check(1, u64::MAX, 1 << 63);
}

#[test]
fn conversions_count_in_minor_units() {
    let check = |text: &str, base: Currency, quote: Currency, amount: &str, expected: &str| {
        let conversion = Conversion::at(rate(text), base, quote);
        let amount = Money::parse(amount, base).unwrap();
        let converted = conversion.convert(amount, Rounding::HalfEven).unwrap();
        assert_eq!(converted.to_string(), expected);
    };
    check("7.4326", EUR, CNY, "100.00", "743.26 CNY");
    check("175.68", EUR, JPY, "100.00", "17568 JPY");
    check("175.68", EUR, JPY, "-100.00", "-17568 JPY");
    check("0.3071", USD, Currency::KWD, "1.00", "0.307 KWD");
    check("0.0057", JPY, EUR, "100", "0.57 EUR");
    check(
        "0.0001",
        Currency::own("POINTS", 0).unwrap(),
        CNY,
        "12345",
        "1.23 CNY",
    );
}

#[test]
fn a_cross_rounds_once() {
    // 0.05 USD is 0.0447... EUR; rounding that to 0.04 EUR first would lose a tenth of the rupiah.
    let to_eur = Conversion::at(rate("1.1172"), EUR, USD).inverse();
    let to_idr = Conversion::at(rate("20275.17"), EUR, Currency::IDR);
    let cross = to_eur.then(&to_idr).unwrap();
    let cents = Money::parse("0.05", USD).unwrap();
    assert_eq!(
        cross
            .convert(cents, Rounding::HalfEven)
            .unwrap()
            .to_string(),
        "907.41 IDR"
    );
    let rounded = to_eur.convert(cents, Rounding::HalfEven).unwrap();
    assert_eq!(
        to_idr
            .convert(rounded, Rounding::HalfEven)
            .unwrap()
            .to_string(),
        "811.01 IDR"
    );
    assert_eq!(
        cross.rate(Rounding::HalfEven),
        Some(rate("18148.2008592911"))
    );
    assert_eq!(
        cross.inverse().rate(Rounding::Down),
        Some(rate("0.0000551018"))
    );
}

#[test]
fn a_conversion_refuses_what_it_is_not_for() {
    let conversion = Conversion::at(rate("7.4326"), EUR, CNY);
    let dollars = Money::new(1, USD);
    let wrong = Err(ConversionError::Currency {
        expected: EUR,
        given: USD,
    });
    assert_eq!(conversion.convert(dollars, Rounding::Down), wrong);
    let wrong = Err(ConversionError::Currency {
        expected: EUR,
        given: CNY,
    });
    assert_eq!(conversion.then(&conversion), wrong);
    let amount = Money::new(i64::MAX, EUR);
    let overflow = Err(ConversionError::Overflow { amount, to: CNY });
    assert_eq!(conversion.convert(amount, Rounding::Down), overflow);
    let largest = Rate::from_scaled(u64::MAX).unwrap();
    let points = Currency::own("POINTS", 0).unwrap();
    let up = Conversion::at(largest, points, Currency::own("SATS", 8).unwrap());
    let more = Conversion::at(largest, up.to(), points);
    let extreme = Err(ConversionError::Extreme {
        from: points,
        to: up.to(),
    });
    assert_eq!(up.then(&more).unwrap().then(&up), extreme);
    assert_eq!(
        conversion.less(10_000),
        Err(ConversionError::Extreme { from: EUR, to: CNY })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_rate_is_read_as_it_is_shown(rate in any_rate()) {
        prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        prop_assert_eq!(postcard::from_bytes(&postcard::to_stdvec(&rate).unwrap()), Ok(rate));
    }

    #[test]
    fn one_rate_converts_as_unbounded_fractions_do(
        amount in any_amount(), rate in any_rate(), base in any_currency(), quote in any_currency(),
    ) {
        let conversion = Conversion::at(rate, base, quote);
        let exact = Fraction::at(rate, base, quote);
        check(&conversion, &exact, amount)?;
        check(&conversion.inverse(), &exact.inverse(), amount)?;
    }

    #[test]
    fn a_cross_with_a_spread_converts_as_unbounded_fractions_do(
        amount in any_amount(),
        rates in prop_oneof![(any_rate(), any_rate()), (market_rate(), market_rate())],
        inverted in (any::<bool>(), any::<bool>()),
        currencies in (any_currency(), any_currency(), any_currency()),
        spread_bps in 0_u32..5_000,
    ) {
        let (from, pivot, to) = currencies;
        let (first, first_exact) = leg(rates.0, from, pivot, inverted.0);
        let (second, second_exact) = leg(rates.1, pivot, to, inverted.1);
        let kept = Fraction::new(10_000 - spread_bps, 10_000);
        let exact = first_exact.times(&second_exact).times(&kept);
        match first.then(&second).and_then(|cross| cross.less(spread_bps)) {
            Ok(cross) => {
                check(&cross, &exact, amount)?;
                check(&cross.inverse(), &exact.inverse(), amount)?;
            }
            Err(error) => {
                // Only products that are beyond 126 bits even when reduced may be refused.
                prop_assert_eq!(error, ConversionError::Extreme { from, to });
                let part = |rate: Rate| BigInt::from(rate.scaled());
                prop_assert!(part(rates.0) * part(rates.1) > BigInt::from(1_u128 << 80));
            }
        }
    }

    #[test]
    fn there_and_back_is_the_identity(rate in any_rate(), base in any_currency(), quote in any_currency()) {
        let there = Conversion::at(rate, base, quote);
        prop_assert_eq!(there.then(&there.inverse()), Ok(Conversion::identity(base)));
        prop_assert_eq!(there.inverse().inverse(), there);
    }
}

fn leg(rate: Rate, from: Currency, to: Currency, inverted: bool) -> (Conversion, Fraction) {
    if inverted {
        (
            Conversion::at(rate, to, from).inverse(),
            Fraction::at(rate, to, from).inverse(),
        )
    } else {
        (Conversion::at(rate, from, to), Fraction::at(rate, from, to))
    }
}

fn check(conversion: &Conversion, exact: &Fraction, amount: i64) -> Result<(), TestCaseError> {
    let product = exact.times(&Fraction::new(amount, 1));
    for rule in RULES {
        let expected = i64::try_from(product.round(rule)).ok();
        let converted = conversion.convert(Money::new(amount, conversion.from()), rule);
        prop_assert_eq!(
            converted.ok().map(|money| money.amount),
            expected,
            "{:?}",
            rule
        );
    }
    Ok(())
}
