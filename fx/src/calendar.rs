//! Moments, days, and the days on which the euro's payment system is open.
//!
//! What: a [`Timestamp`] is nanoseconds since 1970 in UTC, given by the caller, since nothing here
//! asks a clock. A [`Day`] is a date; [`Day::is_target_open`] says whether the European Central
//! Bank publishes reference rates on it.
//!
//! Why a calendar: a fixing is up to five calendar days old in normal times (Good Friday to Easter
//! Monday). A rule such as "older than 24 hours is stale" refuses every Monday; a rule such as "up
//! to five days" accepts a feed that broke on Monday until Saturday.
//!
//! The closing days are those of the ECB's decision of 14 December 2000, in force since 2002
//! (<https://www.ecb.europa.eu/press/pr/date/2000/html/pr001214_4.en.html>), and the yearly
//! calendars before that. The tests compare them with every weekday without a fixing since 1999.
//!
//! Limits: the Gregorian calendar from 1970 to 2554, the reach of 64 bits of nanoseconds.

use std::fmt;

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

/// A date, counted in days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Timestamp {
    #[must_use]
    pub const fn plus_secs(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as u64 * NANOS_PER_SECOND))
    }

    /// Whole seconds since `earlier`; zero when it is not earlier.
    pub const fn secs_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / NANOS_PER_SECOND
    }

    pub fn day(self) -> Day {
        // 64 bits of nanoseconds hold 213,503 days.
        Day(u32::try_from(self.0 / NANOS_PER_SECOND / SECONDS_PER_DAY).unwrap_or(u32::MAX))
    }

    /// Whole seconds since midnight, UTC.
    pub const fn second_of_day(self) -> u64 {
        self.0 / NANOS_PER_SECOND % SECONDS_PER_DAY
    }

    /// Reads RFC 3339 in UTC: `2026-10-30T13:15:00Z`, with up to nine decimal places of a second.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (clock, fraction) = match time.split_once('.') {
            Some((clock, fraction)) if (1..=9).contains(&fraction.len()) => (clock, fraction),
            Some(_) => return None,
            None => (time, "0"),
        };
        let mut parts = clock.split(':').map(|part| number(part, 2));
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let places = u32::try_from(fraction.len()).ok()?;
        let nanos = u64::from(number(fraction, fraction.len())?) * 10_u64.pow(9 - places);
        let midnight = Day::parse(date)?.at(0);
        let seconds = u64::from(hour * 3600 + minute * 60 + second);
        midnight
            .0
            .checked_add(seconds * NANOS_PER_SECOND + nanos)
            .map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.second_of_day();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.day())?;
        match self.0 % NANOS_PER_SECOND {
            0 => f.write_str("Z"),
            nanos => write!(f, ".{nanos:09}Z"),
        }
    }
}

impl Day {
    /// The first day that nanoseconds in 64 bits cannot reach in full.
    const END: u32 = 213_503;

    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        if !(1970..2555).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        let days = days_since_1970(year, month, day);
        let found = Self(days);
        (days < Self::END && found.year_month_day() == (year, month, day)).then_some(found)
    }

    /// Reads `2026-10-30`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = number(parts.next()?, 4)?;
        let month = number(parts.next()?, 2)?;
        let day = number(parts.next()?, 2)?;
        if parts.next().is_some() {
            None
        } else {
            Self::new(year, month, day)
        }
    }

    /// The moment this many seconds after the day's midnight, UTC.
    pub const fn at(self, seconds: u32) -> Timestamp {
        Timestamp((self.0 as u64 * SECONDS_PER_DAY + seconds as u64) * NANOS_PER_SECOND)
    }

    /// The day before; the first day of all is its own predecessor.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Whether the ECB publishes reference rates on this day.
    pub fn is_target_open(self) -> bool {
        let (year, month, day) = self.year_month_day();
        // 1970-01-01 was a Thursday; counting from Monday, weekend days are 5 and 6.
        if (self.0 + 3) % 7 >= 5 {
            return false;
        }
        let easter = easter_sunday(year);
        let is_easter = year >= 2000 && (self.0 + 2 == easter || self.0 == easter + 1);
        let is_fixed = match (month, day) {
            (1, 1) | (12, 25) => true,
            (5, 1) | (12, 26) => year >= 2000,
            // The turn to the year 2000, and the last day before euro cash.
            (12, 31) => year == 1999 || year == 2001,
            _ => false,
        };
        !is_easter && !is_fixed
    }

    /// This day, or the latest before it, on which the ECB publishes.
    #[must_use]
    pub fn last_target_open(self) -> Self {
        let mut day = self;
        while !day.is_target_open() && day.0 > 0 {
            day = day.before();
        }
        day
    }

    /// The civil date, by Howard Hinnant's `civil_from_days`: years are counted from March, so that
    /// the leap day is a year's last day.
    fn year_month_day(self) -> (u32, u32, u32) {
        let days = self.0 + DAYS_BEFORE_1970;
        let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        (era * 400 + year_of_era + u32::from(month <= 2), month, day)
    }
}

/// Days in the 400 years after which the calendar repeats.
const DAYS_PER_ERA: u32 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u32 = 719_468;

/// The inverse of `year_month_day`, for dates from 1970 on.
fn days_since_1970(year: u32, month: u32, day: u32) -> u32 {
    let year = year - u32::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_PER_ERA + day_of_era).saturating_sub(DAYS_BEFORE_1970)
}

/// Easter Sunday of the Gregorian calendar in days since 1970, by the anonymous algorithm of 1876.
fn easter_sunday(year: u32) -> u32 {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let moon_correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century + 15 - century / 4 - moon_correction) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let days = epact + to_sunday + 114 - 7 * late;
    days_since_1970(year, days / 31, days % 31 + 1)
}

/// A decimal number of exactly this many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
