//! The cells of a file as people and programs write them.

use std::borrow::Cow;
use std::io::{self, Read};

/// How much of a file is looked at to find out what separates its cells.
const LOOKED_AT: usize = 64 * 1024;

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
    const YES: [&str; 7] = ["1", "1.0", "true", "t", "yes", "y", "fraud"];
    const NO: [&str; 9] = [
        "0",
        "0.0",
        "false",
        "f",
        "no",
        "n",
        "genuine",
        "legit",
        "legitimate",
    ];
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match (is_one_of(&YES), is_one_of(&NO)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// An amount in hundredths; what is not a number counts as none.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast saturates, and NaN becomes 0"
)]
pub(super) fn hundredths(text: &str) -> i64 {
    let digits: Cow<'_, str> = if text.parse::<f64>().is_ok() {
        Cow::Borrowed(text)
    } else {
        let digit =
            |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | '-' | 'e' | 'E');
        Cow::Owned(text.chars().filter(digit).collect())
    };
    digits
        .parse::<f64>()
        .map_or(0, |amount| (amount * 100.0).round() as i64)
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
    fn amounts_are_read_with_their_signs_and_marks() {
        let cases = [
            ("12.5", 1_250),
            ("$1,234.50", 123_450),
            ("-3", -300),
            ("1e3", 100_000),
            ("€ 7", 700),
            ("", 0),
            ("nan", 0),
            ("much", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(hundredths(text), expected, "{text}");
        }
    }
}
