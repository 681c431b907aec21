//! The cells of a file as people and programs write them.

use std::borrow::Cow;
use std::io::{self, Read};

/// How much of a file is looked at to find out what separates its cells.
const LOOKED_AT: usize = 64 * 1024;

/// How files begin that are not text as it is read here, and what to do about it.
const NOT_TEXT: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "it is compressed by gzip; unpack it first"),
    (
        b"PK\x03\x04",
        "it is a zip archive or a spreadsheet; unpack it, or save the sheet as CSV",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "it is compressed by zstd; unpack it first",
    ),
    (b"\xff\xfe", "it is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16; save it as UTF-8"),
    (b"{", LIKE_JSON),
    (b"[", LIKE_JSON),
];
const LIKE_JSON: &str = "it looks like JSON; write it as CSV or Parquet";

/// A file whose first line has been looked at.
pub(super) struct Sniffed<R> {
    start: io::Cursor<Vec<u8>>,
    rest: R,
}

impl<R: Read> Sniffed<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut start = Vec::new();
        input
            .by_ref()
            .take(LOOKED_AT as u64)
            .read_to_end(&mut start)?;
        if let Some((_, what)) = NOT_TEXT.iter().find(|(mark, _)| start.starts_with(mark)) {
            return Err(io::Error::other(*what));
        }
        Ok(Self {
            start: io::Cursor::new(start),
            rest: input,
        })
    }

    /// What separates the names in the first line: most often a comma, else a semicolon, tab or bar.
    pub(super) fn delimiter(&self) -> u8 {
        let start = self.start.get_ref();
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
        let mut quoted = false;
        let mut many = [(0, b'|'), (0, b'\t'), (0, b';'), (0, b',')];
        for byte in line {
            quoted ^= *byte == b'"';
            let found = many.iter_mut().find(|(_, mark)| mark == byte && !quoted);
            if let Some((count, _)) = found {
                *count += 1;
            }
        }
        many.into_iter()
            .max_by_key(|(count, _)| *count)
            .map_or(b',', |(_, mark)| mark)
    }
}

impl<R: Read> Read for Sniffed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.start.read(bytes)? {
            0 => self.rest.read(bytes),
            many => Ok(many),
        }
    }
}

/// A column's name, without the mark that some programs put before the first.
pub(super) fn name(bytes: &[u8]) -> String {
    text(bytes).trim_start_matches('\u{feff}').trim().to_owned()
}

/// A cell as text; what is no UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.trim_ascii())
}

/// Whether a cell says that nothing is known.
pub(super) fn is_missing(text: &str) -> bool {
    const WORDS: [&str; 7] = ["na", "n/a", "nan", "null", "none", "nil", "?"];
    text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Yes or no, in the ways files write it.
pub(super) fn truth(text: &str) -> Option<bool> {
    const YES: [&str; 10] = [
        "true",
        "t",
        "yes",
        "y",
        "fraud",
        "fraudulent",
        "suspicious",
        "scam",
        "illicit",
        "positive",
    ];
    const NO: [&str; 14] = [
        "false",
        "f",
        "no",
        "n",
        "genuine",
        "legit",
        "legitimate",
        "not fraud",
        "non fraud",
        "no fraud",
        "nonfraud",
        "normal",
        "licit",
        "negative",
    ];
    if let Ok(number) = text.parse::<f64>() {
        let (no, yes) = (
            number.total_cmp(&0.0).is_eq(),
            number.total_cmp(&1.0).is_eq(),
        );
        return (no || yes).then_some(yes);
    }
    let plain = text.replace(['_', '-'], " ");
    let is_one_of = |words: &[&str]| words.iter().any(|word| plain.eq_ignore_ascii_case(word));
    match (is_one_of(&YES), is_one_of(&NO)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// A number as programs and people write it: with signs of currencies, marks between thousands, a decimal comma, or in
/// brackets for what is below nought.
pub(super) fn number(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let digits: String = inner
        .unwrap_or(text)
        .chars()
        .filter(|letter| {
            !matches!(
                letter,
                '$' | '€' | '£' | '¥' | '₹' | '%' | '+' | '\'' | ' ' | '\u{a0}' | '\u{202f}'
            )
        })
        .collect();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (if inner.is_some() { -1.0 } else { 1.0 }, digits.as_str()),
    };
    let is_digits = |letter: char| letter.is_ascii_digit() || matches!(letter, ',' | '.');
    if !digits.contains(|letter: char| letter.is_ascii_digit()) || !digits.chars().all(is_digits) {
        return None;
    }
    let whole_and_part = decimal_mark(digits).map(|at| (&digits[..at], &digits[at + 1..]));
    let (whole, part) = whole_and_part.unwrap_or((digits, ""));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let number = format!("0{whole}.{part}0").parse::<f64>().ok()?;
    Some(sign * number)
}

/// Where the decimal mark of digits is: the last mark, unless it comes twice or is a comma before three digits.
fn decimal_mark(digits: &str) -> Option<usize> {
    let at = digits.rfind([',', '.'])?;
    let mark = &digits[at..=at];
    let many = digits.matches(mark).count();
    let other = if mark == "," { "." } else { "," };
    let is_between_thousands =
        many > 1 || (mark == "," && digits.len() - at == 4 && !digits.contains(other));
    (!is_between_thousands).then_some(at)
}

/// An amount in hundredths; nothing if it is no number.
#[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
pub(super) fn hundredths(text: &str) -> Option<i64> {
    let amount = number(text).or_else(|| number(without_currency(text)?));
    amount.map(|amount| (amount * 100.0).round() as i64)
}

/// An amount without the letters of its currency, as in `EUR 7`, `7 kr` or `CHF7`. Other letters are part of a name:
/// `u17` is no amount.
fn without_currency(text: &str) -> Option<&str> {
    let bare = text.trim_matches(char::is_alphabetic);
    let letters: String = text
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .collect();
    let is_code = letters.len() == 3 && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    let stands_apart = bare.starts_with(' ') || bare.ends_with(' ');
    (is_code || stands_apart && letters.chars().count() <= 3).then(|| bare.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_between_cells_is_found_outside_of_quotes() {
        let cases: [(&str, u8); 6] = [
            ("time,label\n1,0\n", b','),
            ("time;label;the amount, in euro\n", b';'),
            ("\"time, local; or not;\",label\n", b','),
            ("time\tlabel\n", b'\t'),
            ("time|label\n", b'|'),
            ("alone\n", b','),
        ];
        for (text, expected) in cases {
            let sniffed = Sniffed::new(text.as_bytes()).expect("a text can be read");
            assert_eq!(sniffed.delimiter(), expected, "{text}");
        }
    }

    #[test]
    fn labels_are_read_as_files_write_them() {
        for (text, expected) in [
            ("1", Some(true)),
            ("1.0", Some(true)),
            ("0.000", Some(false)),
            ("TRUE", Some(true)),
            ("Not Fraud", Some(false)),
            ("non-fraud", Some(false)),
            ("Fraud", Some(true)),
            ("-1", None),
            ("2", None),
            ("maybe", None),
        ] {
            assert_eq!(truth(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_told_from_words() {
        for (text, expected) in [
            ("1.234.567,5", Some(1_234_567.5)),
            ("1 234,50", Some(1_234.5)),
            ("1,234,567", Some(1_234_567.0)),
            ("12,5", Some(12.5)),
            ("-0,07", Some(-0.07)),
            ("12%", Some(12.0)),
            ("2019-01-01", None),
            ("shop 12", None),
            ("inf", None),
            (",", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn amounts_are_read_with_their_signs_and_marks() {
        let cases = [
            ("12.5", Some(1_250)),
            ("12,50", Some(1_250)),
            ("1.234,50 €", Some(123_450)),
            ("(3.10)", Some(-310)),
            ("EUR 7", Some(700)),
            ("$1,234.50", Some(123_450)),
            ("-3", Some(-300)),
            ("1e3", Some(100_000)),
            ("€ 7", Some(700)),
            ("CHF7", Some(700)),
            ("7 kr", Some(700)),
            ("u17", None),
            ("C1231006815", None),
            ("shop 12", None),
            ("", None),
            ("nan", None),
            ("much", None),
        ];
        for (text, expected) in cases {
            assert_eq!(hundredths(text), expected, "{text}");
        }
    }
}
