//! The time column: numbers or written times, in seconds.

use serde::{Deserialize, Serialize};

use super::written;

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

/// A larger number of seconds counts from 1970: it lies after 1979.
const SINCE_1970: f64 = 3.0e8;
/// Rows to a step from which on small numbers are taken for hours.
const CROWDED: f64 = 20.0;

/// The time column while it is read.
///
/// Whether 02/03 is in February or in March is told by the whole column: one 13/02 is enough to know.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Each row with the month first, and with the day first.
    times: Vec<[f64; 2]>,
    /// How many rows make sense in one order only.
    month_first: usize,
    day_first: usize,
    /// How many rows are days of eight digits, such as 20240131.
    compact: usize,
}

impl Clock {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// Takes a row's time; whether it is one.
    pub(super) fn push(&mut self, text: &str) -> bool {
        let number = text.parse::<f64>().ok().filter(|it| it.is_finite());
        // Fourteen digits are a moment without marks between its parts.
        if let Some(number) = number.filter(|_| text.len() != 14) {
            self.compact += usize::from(written::compact(number).is_some());
            self.times.push([number; 2]);
            return true;
        }
        let Some(time) = written::read(text) else {
            return false;
        };
        let [month_first, day_first] = [time.month_first, time.day_first];
        self.month_first += usize::from(day_first.is_none());
        self.day_first += usize::from(month_first.is_none());
        let either = month_first.or(day_first).unwrap_or_default() as f64;
        self.times.push([
            month_first.map_or(either, |seconds| seconds as f64),
            day_first.map_or(either, |seconds| seconds as f64),
        ]);
        true
    }

    /// Forgets the newest row.
    pub(super) fn pop(&mut self) {
        self.times.pop();
    }

    /// Whole seconds of every row.
    pub(super) fn finish(self, unit: TimeUnit) -> Vec<u32> {
        let order = usize::from(self.day_first > self.month_first);
        let times = self.times.iter().map(|both| both[order]);
        if unit == TimeUnit::Auto && self.compact == self.times.len() {
            let day = |time: f64| written::compact(time).unwrap_or_default() as f64;
            return seconds(&times.map(day).collect::<Vec<_>>(), TimeUnit::Seconds);
        }
        seconds(&times.collect::<Vec<_>>(), unit)
    }
}

/// Whole seconds, moved so that none is near zero: profiles look back over weeks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
fn seconds(times: &[f64], unit: TimeUnit) -> Vec<u32> {
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

    fn read(cells: &[&str]) -> Vec<u32> {
        let mut clock = Clock::default();
        let all = cells.iter().all(|cell| clock.push(cell));
        assert!(all, "{cells:?}");
        clock.finish(TimeUnit::Auto)
    }

    #[test]
    fn times_are_read_as_files_write_them() {
        let moment = 1_546_300_818;
        for text in [
            "2019-01-01 00:00:18",
            "1546300818",
            "1546300818000",
            "20190101000018",
            "1546300818.5",
        ] {
            assert_eq!(read(&[text]), [moment], "{text}");
        }
        assert_eq!(
            read(&["20190101", "20190102"]),
            [1_546_300_800, 1_546_387_200]
        );
        let mut clock = Clock::default();
        assert!(!clock.push("noon") && !clock.push("") && clock.push("406.0"));
    }

    #[test]
    fn the_column_tells_days_from_months() {
        let february = 1_549_152_000;
        assert_eq!(
            read(&["02/03/2019"])[0],
            february,
            "the month first, if nothing says otherwise"
        );
        assert_eq!(read(&["02/03/2019", "02/13/2019"])[0], february);
        assert_eq!(read(&["03/02/2019", "13/02/2019"])[0], february);
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
