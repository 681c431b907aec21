//! Days, months and years of a book, which lies at a fixed offset from UTC.
//!
//! A book has no time zone: daylight saving would make one day 23 hours long and another 25, and a
//! change of the zone's rules would change history.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const SECS_PER_DAY: i64 = 86_400;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// The number of days since 1970-01-01, in the time of a book.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Day(pub i32);

impl Day {
    /// The day of a moment where clocks are `offset_minutes` ahead of UTC.
    pub fn of(at: Timestamp, offset_minutes: i16) -> Self {
        let secs = i64::try_from(at.0 / NANOS_PER_SEC).unwrap_or(i64::MAX / 2);
        let local = secs + i64::from(offset_minutes) * 60;
        Self(i32::try_from(local.div_euclid(SECS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// The number of the year.
    pub const fn year(self) -> i32 {
        self.civil().0
    }

    /// The number of the month, counted on from January of the year 0.
    pub const fn month(self) -> i32 {
        let (year, month) = self.civil();
        year * 12 + month - 1
    }

    /// Year and month (1 to 12). Years are counted from March, so that the leap day comes last, in
    /// eras of 400 years, which are all equally long.
    const fn civil(self) -> (i32, i32) {
        const DAYS_TO_1970: i32 = 719_468;
        const DAYS_PER_ERA: i32 = 146_097;
        let days = self.0 + DAYS_TO_1970;
        let era = days.div_euclid(DAYS_PER_ERA);
        let day = days.rem_euclid(DAYS_PER_ERA);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        let year = era * 400 + year + if month <= 2 { 1 } else { 0 };
        (year, month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks through the days one by one, by the rule that everyone learns at school.
    #[test]
    fn months_and_years_are_those_of_the_calendar() {
        let mut day = Day(0);
        for year in 1970..2555 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (0..).zip(lengths) {
                for _ in 0..length {
                    assert_eq!(
                        (day.year(), day.month()),
                        (year, year * 12 + month),
                        "{day:?}"
                    );
                    day.0 += 1;
                }
            }
        }
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_book() {
        let hour = |hour: u64| Timestamp(hour * 3_600 * NANOS_PER_SEC);
        let shanghai = 8 * 60;
        assert_eq!(Day::of(hour(15), shanghai), Day(0));
        assert_eq!(Day::of(hour(16), shanghai), Day(1));
        assert_eq!(Day::of(hour(4), -5 * 60), Day(-1));
        assert_eq!(Day::of(hour(5), -5 * 60), Day(0));
        assert_eq!(Day::of(Timestamp(u64::MAX), 0).year(), 2554);
    }
}
