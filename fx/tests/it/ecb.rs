//! Our valuation on the ECB's own figures, against Python's `CurrencyConverter` on the same
//! figures.

use fx::{Currency, Day, EcbCsv, Feed, Freshness, Limits, Money, PriceError, RateBook, Source};
use num_bigint::BigInt;

const CSV: &str = include_str!("../fixtures/eurofxref_excerpt.csv");
const CONVERTED: &str = include_str!("../fixtures/currency_converter.csv");
/// The results to compare with are printed with this many decimals.
const DECIMALS: u32 = 9;

fn book() -> RateBook {
    let mut book = RateBook::new(Currency::EUR, 0);
    let limits = Limits {
        freshness: Freshness::ECB,
        band_bps: 0,
    };
    book.add_source(Source::new(EcbCsv.source(), limits))
        .unwrap();
    book.import(EcbCsv.source(), &EcbCsv.read(CSV).unwrap().ticks)
        .unwrap();
    book
}

#[test]
fn conversions_agree_with_currency_converter_to_the_minor_unit() {
    let book = book();
    let (mut agreed, mut refused) = (0, 0);
    for line in CONVERTED.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [date, amount, from, to, theirs] = fields[..] else {
            panic!("{line}")
        };
        let evening = Day::parse(date).unwrap().at(20 * 3600);
        let from = Currency::historic(from).unwrap();
        let to = Currency::historic(to).unwrap();
        let ours = book.value(Money::parse(amount, from).unwrap(), to, evening);
        if theirs == "none" {
            // They look a day up and find nothing; we find nothing, or an older fixing that is
            // stale.
            let no_price = matches!(
                ours,
                Err(PriceError::Stale { .. } | PriceError::Unknown { .. })
            );
            assert!(no_price, "{line}: {ours:?}");
            refused += 1;
        } else {
            assert_nearest(ours.unwrap(), theirs, line);
            agreed += 1;
        }
    }
    assert_eq!((agreed, refused), (600, 60));
}

/// Ours is the nearest minor unit to their unrounded floating-point result, which is itself off by
/// the float's error: a part in 10^15, allowed for as 10^-6 of a minor unit and a part in 10^12.
fn assert_nearest(ours: Money, theirs: &str, line: &str) {
    let digits: BigInt = theirs.replace('.', "").parse().unwrap();
    let exponent = u32::from(ours.currency.exponent());
    let scale = BigInt::from(10).pow(DECIMALS - exponent);
    let difference = &digits - BigInt::from(ours.amount) * &scale;
    let allowed = &scale / 2 + &scale / 1_000_000 + &digits / 1_000_000_000_000_u64 + 1;
    let size = if difference < BigInt::from(0) {
        -difference
    } else {
        difference
    };
    assert!(size <= allowed, "{line}: we say {ours}");
}

#[test]
fn a_fixing_is_good_over_the_weekend_and_stale_when_the_next_is_overdue() {
    let book = book();
    let yuan = |date: &str, second: u32| {
        let at = Day::parse(date).unwrap().at(second);
        book.value(
            Money::parse("100.00", Currency::EUR).unwrap(),
            Currency::CNY,
            at,
        )
    };
    let fresh = |date: &str, second: u32| {
        assert_eq!(
            yuan(date, second).unwrap().to_string(),
            "743.26 CNY",
            "{date} {second}"
        );
    };
    let due = 20 * 3600;
    // The last fixing is that of Friday, 30 October 2026; Monday's is due at 20:00 UTC.
    fresh("2026-10-30", due);
    fresh("2026-10-31", due);
    fresh("2026-11-01", due);
    fresh("2026-11-02", 0);
    fresh("2026-11-02", due - 1);
    assert!(matches!(
        yuan("2026-11-02", due),
        Err(PriceError::Stale { .. })
    ));
    assert!(matches!(
        yuan("2026-11-03", 0),
        Err(PriceError::Stale { .. })
    ));
}

#[test]
fn a_gap_is_never_filled_from_before_it() {
    let book = book();
    let krona = Currency::iso("ISK").unwrap();
    let value = |date: &str| {
        let at = Day::parse(date).unwrap().at(20 * 3600);
        book.value(Money::new(100, Currency::EUR), krona, at)
    };
    assert_eq!(value("2008-12-09").unwrap(), Money::new(290, krona));
    assert!(matches!(value("2008-12-10"), Err(PriceError::Stale { .. })));
    assert!(matches!(value("2013-06-03"), Err(PriceError::Stale { .. })));
    assert!(matches!(value("2018-01-31"), Err(PriceError::Stale { .. })));
    assert!(value("2018-02-01").is_ok());
    assert!(matches!(
        value("1998-12-31"),
        Err(PriceError::Unknown { .. })
    ));
}
