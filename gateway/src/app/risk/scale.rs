//! Amounts of all currencies on one scale, because a sum over a day means nothing otherwise: hundredths of a yuan.
//!
//! Risk asks how much it is, not how much exactly: a coarse table that is the same in every gateway will do, and an amount
//! stands in the journal as it was scored. The rates are those the European Central Bank published for 30 October 2026. An
//! operator adds assets of the house, or sets a rate anew, with `--risk-rate`. What is in neither counts unit for unit.

use std::collections::BTreeMap;

use fx::Money;

use crate::config::RiskRate;

/// Ten-thousandths of a unit that a euro bought.
const PER_EURO: [(&str, i64); 31] = [
    ("EUR", 10_000),
    ("USD", 11_172),
    ("JPY", 1_756_800),
    ("BGN", 19_558),
    ("CZK", 243_530),
    ("DKK", 74_735),
    ("GBP", 8_338),
    ("HUF", 3_663_300),
    ("PLN", 44_038),
    ("RON", 53_447),
    ("SEK", 109_780),
    ("CHF", 9_194),
    ("ISK", 1_360_000),
    ("NOK", 103_120),
    ("TRY", 558_015),
    ("AUD", 15_904),
    ("BRL", 60_692),
    ("CAD", 15_606),
    ("CNY", PER_EURO_CNY),
    ("HKD", 87_652),
    ("IDR", 202_751_700),
    ("ILS", 34_950),
    ("INR", 1_060_840),
    ("KRW", 14_917_600),
    ("MXN", 211_237),
    ("MYR", 45_325),
    ("NZD", 19_823),
    ("PHP", 711_430),
    ("SGD", 14_282),
    ("THB", 376_830),
    ("ZAR", 186_455),
];
const PER_EURO_CNY: i64 = 74_326;

/// What a unit of each currency is worth in yuan, as a fraction.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    yuan: BTreeMap<String, (i64, i64)>,
}

impl Scale {
    pub(crate) fn new(said: &[RiskRate]) -> Self {
        let known = PER_EURO.map(|(code, bought)| (code.to_owned(), (PER_EURO_CNY, bought)));
        let said = said
            .iter()
            .map(|rate| (rate.code.clone(), (rate.millionths, 1_000_000)));
        Self {
            yuan: known.into_iter().chain(said).collect(),
        }
    }

    /// An amount in hundredths of a yuan, cut off below.
    pub(crate) fn hundredths(&self, amount: Money) -> i64 {
        let (yuan, of) = self
            .yuan
            .get(amount.currency.code())
            .copied()
            .unwrap_or((1, 1));
        let units = i128::from(amount.currency.units()) * i128::from(of);
        // An amount and a rate have 63 bits each, and a hundred has seven; what does not fit is more than anything.
        let scaled = (i128::from(amount.amount) * 100).checked_mul(i128::from(yuan));
        let scaled = scaled.map(|scaled| scaled / units);
        scaled
            .and_then(|scaled| i64::try_from(scaled).ok())
            .unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use fx::Currency;

    use super::*;

    #[test]
    fn as_much_is_as_much_in_every_currency() {
        let scale = Scale::new(&[RiskRate {
            code: "POINTS".to_owned(),
            millionths: 10_000,
        }]);
        let points = Currency::own("POINTS", 0).expect("the code is sound");
        let other = Currency::own("MILES", 2).expect("the code is sound");
        let iso = |code| Currency::iso(code).expect("it is in the list");
        for (minor, currency, expected, why) in [
            (12_345, iso("CNY"), 12_345, "yuan are what they are"),
            (10_000, iso("USD"), 66_528, "a dollar was 6.65 yuan"),
            (10_000, iso("JPY"), 42_307, "yen have no hundredths"),
            (
                500,
                points,
                500,
                "the operator says that a point is a hundredth",
            ),
            (700, other, 700, "what nobody knows counts unit for unit"),
            (i64::MAX, iso("GBP"), i64::MAX, "more than anything"),
        ] {
            assert_eq!(
                scale.hundredths(Money::new(minor, currency)),
                expected,
                "{why}"
            );
        }
    }
}
