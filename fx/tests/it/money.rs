//! Amounts: reading, writing, adding and splitting, against a naive model in wide integers.

use fx::{Currency, Money, MoneyError, Rounding};
use proptest::prelude::*;

use crate::{CASES, any_amount, any_currency};

const CNY: Currency = Currency::CNY;
const JPY: Currency = Currency::JPY;
const KWD: Currency = Currency::KWD;

#[test]
fn parses_exactly() {
    let check = |text: &str, currency: Currency, amount: i64| {
        assert_eq!(
            Money::parse(text, currency),
            Ok(Money::new(amount, currency)),
            "{text}"
        );
    };
    check("12.5", CNY, 1250);
    check("12.50", CNY, 1250);
    check("12", CNY, 1200);
    check("0", CNY, 0);
    check("-0.00", CNY, 0);
    check("-12.05", CNY, -1205);
    check("+7", CNY, 700);
    check("0007.10", CNY, 710);
    check("1250", JPY, 1250);
    check("1.234", KWD, 1234);
    check("92233720368547758.07", CNY, i64::MAX);
    check("-92233720368547758.08", CNY, i64::MIN);
    check("0.12345678", Currency::own("SATS", 8).unwrap(), 12_345_678);
}

#[test]
fn a_refused_amount_says_why() {
    let check = |text: &str, currency: Currency, words: &str| {
        let message = Money::parse(text, currency).unwrap_err().to_string();
        assert!(message.contains(words), "{text:?}: {message}");
    };
    check(
        "12.505",
        CNY,
        "\"12.505\" has 3 decimal places but CNY has 2; round it first",
    );
    check("12.500", CNY, "has 3 decimal places but CNY has 2");
    check("12.0", JPY, "has 1 decimal places but JPY has 0");
    check("92233720368547758.08", CNY, "does not fit 64 bits");
    check("-92233720368547758.09", CNY, "does not fit 64 bits");
    check(&"9".repeat(10_000), CNY, "does not fit 64 bits");
    let not_amounts = [
        "", "-", "+", ".", "1.", ".5", "--1", "+-1", "1e3", "1E3", "1_000", "1,000", "1 000", " 1",
        "1 ", "1.2.3", "0x10", "NaN", "inf", "１２", "12,5", "¥12", "1.-5", "1.+5", "\0",
    ];
    for text in not_amounts {
        check(text, CNY, "is not an amount");
    }
    let long = Money::parse(&"x".repeat(1_000_000), CNY).unwrap_err();
    assert!(long.to_string().len() < 200);
}

#[test]
fn formats_with_every_decimal_place() {
    let check = |amount: i64, currency: Currency, text: &str| {
        assert_eq!(Money::new(amount, currency).to_string(), text);
    };
    check(1250, CNY, "12.50 CNY");
    check(5, CNY, "0.05 CNY");
    check(-5, CNY, "-0.05 CNY");
    check(0, CNY, "0.00 CNY");
    check(1250, JPY, "1250 JPY");
    check(1, KWD, "0.001 KWD");
    check(i64::MAX, CNY, "92233720368547758.07 CNY");
    check(i64::MIN, CNY, "-92233720368547758.08 CNY");
}

#[test]
fn arithmetic_is_checked() {
    let yuan = |amount| Money::new(amount, CNY);
    let overflow = Err(MoneyError::Overflow { currency: CNY });
    let mixed = Err(MoneyError::Currencies {
        left: CNY,
        right: JPY,
    });
    assert_eq!(yuan(1).checked_add(yuan(2)), Ok(yuan(3)));
    assert_eq!(yuan(1).checked_sub(yuan(2)), Ok(yuan(-1)));
    assert_eq!(yuan(3).checked_mul(-2), Ok(yuan(-6)));
    assert_eq!(yuan(i64::MAX).checked_add(yuan(1)), overflow);
    assert_eq!(yuan(i64::MIN).checked_sub(yuan(1)), overflow);
    assert_eq!(yuan(i64::MIN).checked_neg(), overflow);
    assert_eq!(yuan(i64::MAX).checked_mul(2), overflow);
    assert_eq!(yuan(1).checked_add(Money::new(1, JPY)), mixed);
    assert_eq!(yuan(1).checked_sub(Money::new(1, JPY)), mixed);
    let same_code = |exponent| Money::zero(Currency::own("POINTS", exponent).unwrap());
    assert!(same_code(0).checked_add(same_code(2)).is_err());
}

#[test]
fn splits_to_the_unit() {
    let amounts = |parts: Result<Vec<Money>, MoneyError>| -> Vec<i64> {
        parts.unwrap().iter().map(|part| part.amount).collect()
    };
    let yuan = |amount| Money::new(amount, CNY);
    assert_eq!(amounts(yuan(100).split(3)), [34, 33, 33]);
    assert_eq!(amounts(yuan(-100).split(3)), [-34, -33, -33]);
    assert_eq!(amounts(yuan(2).split(3)), [1, 1, 0]);
    assert_eq!(
        amounts(yuan(100).split_by_weights(&[1, 1, 1])),
        [34, 33, 33]
    );
    assert_eq!(
        amounts(yuan(100).split_by_weights(&[50, 30, 20])),
        [50, 30, 20]
    );
    assert_eq!(amounts(yuan(101).split_by_weights(&[0, 2, 1])), [0, 67, 34]);
    assert_eq!(
        amounts(yuan(-101).split_by_weights(&[0, 2, 1])),
        [0, -67, -34]
    );
    assert_eq!(
        amounts(yuan(i64::MIN).split_by_weights(&[u64::MAX])),
        [i64::MIN]
    );
    assert_eq!(yuan(1).split(0), Err(MoneyError::Parts { parts: 0 }));
    assert_eq!(
        yuan(1).split(10_001),
        Err(MoneyError::Parts { parts: 10_001 })
    );
    assert_eq!(
        yuan(1).split_by_weights(&[]),
        Err(MoneyError::Parts { parts: 0 })
    );
    assert_eq!(yuan(1).split_by_weights(&[0, 0]), Err(MoneyError::NoWeight));
}

#[test]
fn rounds_by_the_named_rule() {
    use Rounding::{Down, HalfEven, HalfUp, Up};
    let check = |numerator: i128, denominator: i128, expected: [i128; 4]| {
        for (rule, expected) in [HalfEven, HalfUp, Down, Up].into_iter().zip(expected) {
            assert_eq!(
                rule.divide(numerator, denominator),
                Some(expected),
                "{rule:?} {numerator}"
            );
            assert_eq!(
                rule.divide(-numerator, denominator),
                Some(-expected),
                "{rule:?} mirrored"
            );
            assert_eq!(
                rule.divide(numerator, -denominator),
                Some(-expected),
                "{rule:?} mirrored"
            );
        }
    };
    check(24, 10, [2, 2, 2, 3]);
    check(25, 10, [2, 3, 2, 3]);
    check(35, 10, [4, 4, 3, 4]);
    check(251, 100, [3, 3, 2, 3]);
    check(26, 10, [3, 3, 2, 3]);
    check(30, 10, [3, 3, 3, 3]);
    check(0, 10, [0, 0, 0, 0]);
    check(i128::MAX, 1, [i128::MAX; 4]);
    check(1, i128::MAX, [0, 0, 0, 1]);
    assert_eq!(HalfEven.divide(1, 0), None);
    assert_eq!(HalfEven.divide(i128::MIN, 1), Some(i128::MIN));
    assert_eq!(HalfEven.divide(i128::MIN, -1), None);
}

#[test]
fn a_fee_is_a_proportion() {
    let fee = |amount, rounding| Money::new(amount, CNY).proportion(60, 10_000, rounding);
    assert_eq!(fee(10_000, Rounding::HalfUp), Ok(Money::new(60, CNY)));
    assert_eq!(fee(1_250, Rounding::HalfUp), Ok(Money::new(8, CNY)));
    assert_eq!(fee(1_250, Rounding::HalfEven), Ok(Money::new(8, CNY)));
    assert_eq!(fee(1_250, Rounding::Down), Ok(Money::new(7, CNY)));
    assert_eq!(
        Money::new(i64::MIN, CNY).proportion(1, 1, Rounding::Up),
        Ok(Money::new(i64::MIN, CNY))
    );
    let overflow = Money::new(i64::MAX, CNY).proportion(u64::MAX, 1, Rounding::Down);
    assert_eq!(overflow, Err(MoneyError::Overflow { currency: CNY }));
    assert_eq!(
        Money::zero(CNY).proportion(1, 0, Rounding::Down),
        Err(MoneyError::ZeroDenominator)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn what_is_formatted_is_parsed_again(amount in any_amount(), currency in any_currency()) {
        let money = Money::new(amount, currency);
        prop_assert_eq!(Money::parse(&money.format_amount(), currency), Ok(money));
        prop_assert_eq!(postcard::from_bytes(&postcard::to_stdvec(&money).unwrap()), Ok(money));
    }

    #[test]
    fn parsing_agrees_with_a_naive_reader(text in "[-+]?[0-9]{0,21}(\\.[0-9]{0,10})?|\\PC{0,8}", currency in any_currency()) {
        prop_assert_eq!(Money::parse(&text, currency).ok().map(|m| m.amount), naive_parse(&text, currency.exponent()));
    }

    #[test]
    fn sums_agree_with_wide_integers(a in any_amount(), b in any_amount()) {
        let (left, right) = (Money::new(a, CNY), Money::new(b, CNY));
        let fits = |wide: i128| i64::try_from(wide).ok();
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let amount = |money: Result<Money, MoneyError>| money.ok().map(|m| m.amount);
        prop_assert_eq!(amount(left.checked_add(right)), fits(wide_a + wide_b));
        prop_assert_eq!(amount(left.checked_sub(right)), fits(wide_a - wide_b));
        prop_assert_eq!(amount(left.checked_mul(b)), fits(wide_a * wide_b));
        prop_assert_eq!(amount(left.checked_neg()), fits(-wide_a));
    }

    #[test]
    fn an_even_split_loses_nothing(amount in any_amount(), count in 1_u32..=600) {
        let parts = Money::new(amount, CNY).split(count).unwrap();
        prop_assert_eq!(parts.len(), count as usize);
        prop_assert_eq!(sum(&parts), i128::from(amount));
        let (least, most) = range(&parts);
        prop_assert!(most - least <= 1);
        prop_assert!(parts.iter().all(|part| part.amount == 0 || (part.amount < 0) == (amount < 0)));
        let by_weights = Money::new(amount, CNY).split_by_weights(&vec![7; count as usize]);
        prop_assert_eq!(by_weights, Ok(parts));
    }

    #[test]
    fn a_weighted_split_is_the_largest_remainder_method(
        amount in any_amount(),
        weights in prop::collection::vec(prop_oneof![0_u64..4, 1_u64..1_000_000, any::<u64>()], 1..40),
    ) {
        let parts = Money::new(amount, CNY).split_by_weights(&weights);
        let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
        if total == 0 {
            prop_assert_eq!(parts, Err(MoneyError::NoWeight));
            return Ok(());
        }
        let parts = parts.unwrap();
        prop_assert_eq!(sum(&parts), i128::from(amount));
        let size = u128::from(amount.unsigned_abs());
        let remainder = |i: usize| size * u128::from(weights[i]) % total;
        let extra = |i: usize| {
            u128::from(parts[i].amount.unsigned_abs()) - size * u128::from(weights[i]) / total
        };
        for i in 0..parts.len() {
            prop_assert!(extra(i) <= 1);
            for j in 0..i {
                // Whoever got a unit more had the larger remainder, or the same one and came first.
                if extra(j) < extra(i) {
                    prop_assert!(remainder(j) < remainder(i));
                }
                if extra(j) > extra(i) {
                    prop_assert!(remainder(j) >= remainder(i));
                }
            }
        }
    }

    #[test]
    fn division_is_the_nearest_on_the_right_side(n in any::<i64>(), d in 1_i64..=i64::MAX, shift in 0_u32..60) {
        let (n, d) = (i128::from(n), i128::from((d >> shift).max(1)));
        let down = Rounding::Down.divide(n, d).unwrap();
        let up = Rounding::Up.divide(n, d).unwrap();
        prop_assert_eq!(down, n / d);
        prop_assert_eq!(up, if n % d == 0 { n / d } else { n / d + n.signum() });
        for rule in [Rounding::HalfEven, Rounding::HalfUp] {
            let nearest = rule.divide(n, d).unwrap();
            prop_assert!(2 * (nearest * d - n).abs() <= d);
            if 2 * (nearest * d - n).abs() == d {
                let tie = if rule == Rounding::HalfEven { nearest % 2 == 0 } else { nearest == up };
                prop_assert!(tie);
            }
        }
    }
}

fn sum(parts: &[Money]) -> i128 {
    parts.iter().map(|part| i128::from(part.amount)).sum()
}

fn range(parts: &[Money]) -> (i64, i64) {
    let amounts = || parts.iter().map(|part| part.amount);
    (amounts().min().unwrap(), amounts().max().unwrap())
}

/// Reads an amount the slow way: checks the shape character by character, then shifts whole
/// strings.
fn naive_parse(text: &str, exponent: u8) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let places = match unsigned.find('.') {
        Some(dot) => unsigned.len() - dot - 1,
        None => 0,
    };
    let well_formed = unsigned.starts_with(|c: char| c.is_ascii_digit())
        && unsigned.ends_with(|c: char| c.is_ascii_digit())
        && unsigned.chars().all(|c| c.is_ascii_digit() || c == '.')
        && unsigned.matches('.').count() <= 1
        && places <= usize::from(exponent);
    if !well_formed {
        return None;
    }
    let shifted = unsigned.replace('.', "") + &"0".repeat(usize::from(exponent) - places);
    let size: i128 = shifted.parse().ok()?;
    i64::try_from(if text.starts_with('-') { -size } else { size }).ok()
}
