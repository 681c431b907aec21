//! Times as files write them, in seconds.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// What a number in the time column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Found out from the numbers: nanoseconds, microseconds, milliseconds and seconds since 1970 by
    /// their size; small numbers are seconds, or hours if there are many rows to each number.
    #[default]
    Auto,
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

const FORMATS: [&str; 8] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
];

/// A larger number of seconds counts from 1970: it lies after 1979.
const SINCE_1970: f64 = 3.0e8;
/// Rows to a step from which on small numbers are taken for hours.
const CROWDED: f64 = 20.0;

/// A number, or seconds since 1970 of a written time.
pub(super) fn parse(text: &str) -> Option<f64> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.or_else(|| written(text).map(|seconds| seconds as f64))
}

fn written(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    let time = FORMATS
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let midnight = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    Some(time.or_else(midnight)?.and_utc().timestamp())
}

/// Whole seconds, moved so that none is near zero: profiles look back over weeks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
pub(super) fn seconds(times: &[f64], unit: TimeUnit) -> Vec<u32> {
    let first = times.iter().copied().fold(f64::INFINITY, f64::min);
    let last = times.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let factor = match unit {
        TimeUnit::Auto => guess(last, last - first, times.len()),
        TimeUnit::Seconds => 1.0,
        TimeUnit::Hours => 3_600.0,
        TimeUnit::Days => 86_400.0,
    };
    // A time since 1970 stays what it is, so that hours of the day keep their meaning.
    let offset = if first * factor > SINCE_1970 {
        0.0
    } else {
        1.0e9 - (1.0e9 % 86_400.0) - (first * factor / 86_400.0).floor() * 86_400.0
    };
    times
        .iter()
        .map(|time| (time * factor + offset) as u32)
        .collect()
}

fn guess(last: f64, span: f64, rows: usize) -> f64 {
    match last {
        last if last > 1e17 => 1e-9,
        last if last > 1e14 => 1e-6,
        last if last > 1e11 => 1e-3,
        last if last > SINCE_1970 => 1.0,
        _ if span > 0.0 && rows as f64 > CROWDED * span => 3_600.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_files_write_them() {
        let cases = [
            ("2019-01-01 00:00:18", Some(1_546_300_818.0)),
            ("2019-01-01T00:00:18Z", Some(1_546_300_818.0)),
            ("2019-01-01T02:00:18+02:00", Some(1_546_300_818.0)),
            ("2019-01-01 02:00:18+02:00", Some(1_546_300_818.0)),
            ("2019-01-01 00:00:18 UTC", Some(1_546_300_818.0)),
            ("2019-01-01T00:00", Some(1_546_300_800.0)),
            ("2019-01-01", Some(1_546_300_800.0)),
            ("01/02/2019 10:30", Some(1_546_425_000.0)),
            ("406.0", Some(406.0)),
            ("noon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn units_are_found_out_by_size() {
        let span = |times: &[f64]| {
            let seconds = seconds(times, TimeUnit::Auto);
            seconds[seconds.len() - 1] - seconds[0]
        };
        assert_eq!(
            span(&[1_546_300_800_000.0, 1_546_300_860_000.0]),
            60,
            "milliseconds"
        );
        assert_eq!(
            span(&[1_546_300_800.0, 1_546_300_860.0]),
            60,
            "seconds since 1970"
        );
        assert_eq!(span(&[0.0, 172_792.0]), 172_792, "seconds from a start");
        let crowd: Vec<f64> = (0..10_000)
            .map(|row| 1.5e9 + f64::from(row / 100))
            .collect();
        assert_eq!(span(&crowd), 99, "seconds since 1970, a hundred rows each");
        let steps: Vec<f64> = (0..10_000).map(|row| f64::from(row / 100)).collect();
        assert_eq!(span(&steps), 99 * 3_600, "hours, a hundred rows each");
    }
}
