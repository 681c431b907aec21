//! Dates and times of day as people and programs write them, in seconds since 1970.
//!
//! A text is taken apart into numbers and words; what separates them does not matter. The first three say the day: year
//! first if it has four digits, a month by number or name, and otherwise day and month in an order that one cell alone may
//! not tell. The rest is a time of day, with seconds and halves of the day if they are there, and a zone.

use chrono::NaiveDate;

/// The seconds that a text means when a number before the year is read as the month, and as the day; both are the same
/// where nothing is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) month_first: Option<i64>,
    pub(super) day_first: Option<i64>,
}

/// Words that say nothing about when.
const NOISE: [&str; 5] = ["t", "z", "utc", "gmt", "at"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Profiles count seconds until the year 2106; what is said to be before 1900 is no payment.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2105;
/// Two digits of a year from this on are of the last century.
const LAST_CENTURY: i32 = 70;

/// Reads a written time; nothing if it is none.
pub(super) fn read(text: &str) -> Option<Written> {
    let (text, east) = zone(text)?;
    let (mut parts, noon) = parts(text);
    let year_comes_last =
        parts.len() > 3 && parts.first().is_some_and(|part| month(part).is_some());
    if year_comes_last && parts.last().is_some_and(|part| part.len() == 4) {
        let year = parts.pop()?;
        parts.insert(2, year);
    }
    let (day, time) = parts.split_at_checked(3)?;
    let of_day = i64::from(time_of_day(time, noon)?) - east;
    let since = |day: NaiveDate| {
        let days = day.signed_duration_since(NaiveDate::default()).num_days();
        days * 86_400 + of_day
    };
    let has_other_marks = text.chars().take(11).any(|mark| matches!(mark, '/' | '-'));
    let [month_first, day_first] = dates(day, text.contains('.') && !has_other_marks);
    (month_first.is_some() || day_first.is_some()).then(|| Written {
        month_first: month_first.map(since),
        day_first: day_first.map(since),
    })
}

/// The day that eight digits such as 20240131 say.
pub(super) fn compact(number: f64) -> Option<i64> {
    if !(19_000_000.0..21_060_000.0).contains(&number) || number.fract() != 0.0 {
        return None;
    }
    read(&format!("{number:.0}"))?.month_first
}

/// Splits off a zone such as `+02:00`; gives its seconds east of Greenwich.
fn zone(text: &str) -> Option<(&str, i64)> {
    let Some(colon) = text.find(':') else {
        return Some((text, 0));
    };
    let Some(sign) = text[colon..].rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (before, zone) = text.split_at(colon + sign);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    let east = (hours * 60 + minutes) * 60;
    Some((before, if zone.starts_with('-') { -east } else { east }))
}

/// The numbers and names of months in a text, and whether it says that it is after noon.
fn parts(text: &str) -> (Vec<String>, Option<bool>) {
    let (mut parts, mut noon) = (Vec::new(), None);
    let is_mark = |letter: char| !letter.is_ascii_alphanumeric();
    for run in text.split(is_mark).filter(|run| !run.is_empty()) {
        for part in runs(run) {
            let part = part.to_ascii_lowercase();
            match part.as_str() {
                "am" => noon = Some(false),
                "pm" => noon = Some(true),
                word if NOISE.contains(&word) || is_weekday(word) => {}
                digits if digits.len() > 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    parts.extend(pairs(digits, parts.is_empty()));
                }
                _ => parts.push(part),
            }
        }
    }
    (parts, noon)
}

/// Digits and letters apart: `20240131T1015` is a day, a mark and a time.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut start = 0;
    std::iter::from_fn(move || {
        let kind = bytes.get(start)?.is_ascii_digit();
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() == kind)
            .count();
        let run = text.get(start..start + length);
        start += length;
        run
    })
}

/// Digits without marks between them: a year of four, everything else of two.
fn pairs(digits: &str, with_year: bool) -> Vec<String> {
    let year = if with_year { 4.min(digits.len()) } else { 0 };
    let (year, rest) = digits.split_at(year);
    let rest = (0..rest.len()).step_by(2);
    let rest = rest.map(|from| {
        digits[year.len() + from..(year.len() + from + 2).min(digits.len())].to_owned()
    });
    let year = (!year.is_empty()).then(|| year.to_owned());
    year.into_iter().chain(rest).collect()
}

fn is_weekday(word: &str) -> bool {
    word.len() >= 3 && WEEKDAYS.iter().any(|day| word.starts_with(day)) && month(word).is_none()
}

fn month(word: &str) -> Option<u32> {
    let start = word.get(..3)?;
    let place = MONTHS.iter().position(|month| *month == start)?;
    u32::try_from(place + 1).ok()
}

/// The day with the month first, and with the day first.
fn dates(parts: &[String], by_dots: bool) -> [Option<NaiveDate>; 2] {
    let [first, second, third] = parts else {
        return [None, None];
    };
    let number = |part: &String| part.parse::<u32>().ok();
    let day = |year: &String, month: Option<u32>, day: &String| {
        let (digits, year) = (year.len(), year.parse::<i32>().ok()?);
        let year = match digits {
            4 => year,
            2 if year < LAST_CENTURY => 2000 + year,
            2 => 1900 + year,
            _ => return None,
        };
        let known = YEARS.contains(&year);
        NaiveDate::from_ymd_opt(year, month?, number(day)?).filter(|_| known)
    };
    if first.len() == 4 && number(first).is_some() {
        let named = month(second).or_else(|| number(second));
        return [day(first, named, third); 2];
    }
    match (month(first), month(second)) {
        (Some(named), _) => [day(third, Some(named), second); 2],
        (_, Some(named)) => [day(third, Some(named), first); 2],
        // Dots stand between day, month and year, in this order.
        _ if by_dots => [day(third, number(second), first); 2],
        _ => [
            day(third, number(first), second),
            day(third, number(second), first),
        ],
    }
}

/// Seconds since midnight; a fraction of a second is left out.
fn time_of_day(parts: &[String], afternoon: Option<bool>) -> Option<u32> {
    let mut of = [0_u32; 3];
    for (held, part) in of.iter_mut().zip(parts) {
        *held = part.parse().ok()?;
    }
    let [hours, minutes, seconds] = of;
    let hours = match afternoon {
        None => hours,
        Some(_) if !(1..=12).contains(&hours) => return None,
        Some(after) => hours % 12 + if after { 12 } else { 0 },
    };
    (hours < 24 && minutes < 60 && seconds <= 60).then_some(hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2019-02-03 04:05:06 and how it may be written; nothing open.
    #[test]
    fn a_time_is_the_same_however_it_is_written() {
        let whole = [
            "2019-02-03 04:05:06",
            "2019-02-03T04:05:06",
            "2019-02-03T04:05:06Z",
            "2019-02-03 04:05:06.123456",
            "2019-02-03 04:05:06 UTC",
            "2019-02-03T06:05:06+02:00",
            "2019-02-03 09:35:06+0530",
            "2019-02-02T23:05:06-05",
            "2019/02/03 04:05:06",
            "20190203T040506Z",
            "20190203040506",
            "3 Feb 2019 04:05:06",
            "03-FEB-19 04:05:06 AM",
            "Feb 3, 2019 4:05:06 am",
            "February 3 2019, 04:05:06",
            "Sun, 03 Feb 2019 04:05:06 +0000",
            "Sun Feb  3 04:05:06 2019",
            "03.02.2019 04:05:06",
            "2019年02月03日 04:05:06",
        ];
        for text in whole {
            let found = read(text).expect(text);
            assert_eq!(
                (found.month_first, found.day_first),
                (Some(1_549_166_706), Some(1_549_166_706)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_one_cell_leaves_open_stays_open() {
        let both = |text: &str| read(text).map(|it| (it.month_first, it.day_first));
        let (third_of_february, second_of_march) = (1_549_152_000, 1_551_484_800);
        assert_eq!(
            both("02/03/2019"),
            Some((Some(third_of_february), Some(second_of_march)))
        );
        assert_eq!(
            both("02-03-19"),
            Some((Some(third_of_february), Some(second_of_march)))
        );
        assert_eq!(both("13/02/2019"), Some((None, Some(1_550_016_000))));
        assert_eq!(
            both("02/13/2019 12:00 PM"),
            Some((Some(1_550_016_000 + 43_200), None))
        );
        assert_eq!(
            both("02/13/2019 12:30 AM"),
            Some((Some(1_550_016_000 + 1_800), None))
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "noon",
            "12:30",
            "2019",
            "2019-02-30",
            "31/31/2019",
            "2019-02-03 25:00",
            "3019-02-03",
            "shop 1 2 3",
            "1,2",
            "13:00 PM 1/1/2019",
            "zwölf Uhr, gegen Mittag",
            "ééééééééééééé.1.2",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(compact(20_190_203.0), Some(1_549_152_000));
        assert_eq!((compact(20_191_303.0), compact(5.0)), (None, None));
    }
}
