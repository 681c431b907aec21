//! Dates, times of day, and the days on which the ECB publishes.

use fx::{Day, Timestamp};
use proptest::prelude::*;

use crate::CASES;

/// Every weekday since 1999 without a row in the history of the euro's reference rates.
const WITHOUT_FIXING: &str = include_str!("../fixtures/weekdays_without_fixing.txt");

fn day(text: &str) -> Day {
    Day::parse(text).unwrap_or_else(|| panic!("{text} is a date"))
}

#[test]
fn the_target_calendar_is_the_history_of_fixings() {
    let missing: Vec<Day> = WITHOUT_FIXING.lines().map(day).collect();
    assert_eq!(missing.len(), 134);
    // The history begins on a Monday and ends on a Friday.
    let (first, last) = (day("1999-01-04"), day("2026-10-30"));
    let mut weekday = 4;
    let mut date = last;
    while date >= first {
        let is_open = weekday < 5 && !missing.contains(&date);
        assert_eq!(date.is_target_open(), is_open, "{date}");
        weekday = (weekday + 6) % 7;
        date = date.before();
    }
    assert_eq!(weekday, 6, "the walk ends before a Monday");
}

#[test]
fn the_last_open_day_skips_weekends_and_easter() {
    let check =
        |date: &str, expected: &str| assert_eq!(day(date).last_target_open(), day(expected));
    check("2026-10-30", "2026-10-30");
    check("2026-11-01", "2026-10-30");
    check("2026-04-06", "2026-04-02");
    check("2027-01-01", "2026-12-31");
}

#[test]
fn only_real_dates_and_times_are_read() {
    for text in [
        "",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-04-31",
        "26-10-30",
        "2026-1-01",
        "2026-10-30-1",
        "1969-12-31",
        "2555-01-01",
        "+026-10-30",
        "2026/10/30",
    ] {
        assert_eq!(Day::parse(text), None, "{text:?}");
    }
    assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
    for text in [
        "2026-10-30T13:15:00",
        "2026-10-30 13:15:00Z",
        "2026-10-30T24:00:00Z",
        "2026-10-30T13:60:00Z",
        "2026-10-30T13:15Z",
        "2026-10-30T13:15:00.Z",
        "2026-10-30T13:15:00.1234567890Z",
        "2026-10-30T13:15:00+01:00",
        "2026-10-30T13:15:00:00Z",
        "T13:15:00Z",
        "Z",
    ] {
        assert_eq!(Timestamp::parse(text), None, "{text:?}");
    }
    let check = |text: &str, nanos: u64| {
        assert_eq!(Timestamp::parse(text), Some(Timestamp(nanos)), "{text}");
    };
    check("1970-01-01T00:00:00Z", 0);
    check("2026-10-30T13:15:00Z", 1_793_366_100_000_000_000);
    check("2026-10-30T13:15:00.5Z", 1_793_366_100_500_000_000);
    check("2026-10-30T13:15:00.000000001Z", 1_793_366_100_000_000_001);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_timestamp_is_read_as_it_is_shown(nanos in 0..213_503_u64 * 86_400_000_000_000) {
        let time = Timestamp(nanos);
        prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        prop_assert_eq!(Day::parse(&time.day().to_string()), Some(time.day()));
        let midnight = time.day().at(0);
        prop_assert_eq!(midnight.secs_since(Timestamp(0)) + time.second_of_day(), time.secs_since(Timestamp(0)));
    }
}
