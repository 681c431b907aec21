//! Check characters: what tells a mistyped reference from a right one.
//!
//! | scheme | of | where |
//! |---|---|---|
//! | Luhn | digits; the last is the check digit | ISO/IEC 7812-1, annex B |
//! | MOD 11-2 | digits; the last is the check character, 0-9 or X | ISO/IEC 7064, pure system |
//! | MOD 97-10 | digits and letters; the last two are the check digits | ISO/IEC 7064, pure system |
//! | MOD 11,10 | digits; the last is the check digit | ISO/IEC 7064, hybrid system |
//! | MOD 37,36 | digits and letters; the last is the check character | ISO/IEC 7064, hybrid system |
//! | RF | `RF`, two check digits, then digits and letters | ISO 11649 |
//!
//! Each of them sees any one character that is mistyped. What stands between, such as hyphens, does not count.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckDigit {
    None,
    Luhn,
    Mod11_2,
    Mod97_10,
    Mod11_10,
    Mod37_36,
    Rf,
}

impl CheckDigit {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Luhn,
        Self::Mod11_2,
        Self::Mod97_10,
        Self::Mod11_10,
        Self::Mod37_36,
        Self::Rf,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Luhn => "luhn",
            Self::Mod11_2 => "mod_11_2",
            Self::Mod97_10 => "mod_97_10",
            Self::Mod11_10 => "mod_11_10",
            Self::Mod37_36 => "mod_37_36",
            Self::Rf => "rf",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether the text has the check characters that it must have.
    pub fn holds(self, text: &str) -> bool {
        let letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
        match self {
            Self::None => true,
            Self::Luhn => luhn(&letters),
            Self::Mod11_2 => mod_11_2(&letters),
            Self::Mod97_10 => letters.len() > 2 && mod_97(letters.iter().copied()) == Some(1),
            Self::Mod11_10 => hybrid(&letters, 10),
            Self::Mod37_36 => hybrid(&letters, 36),
            Self::Rf => rf(&letters),
        }
    }
}

/// What a character counts: 0-9 as they are, A-Z from 10 on.
const fn value(letter: u8) -> Option<u32> {
    match letter {
        b'0'..=b'9' => Some((letter - b'0') as u32),
        b'A'..=b'Z' => Some((letter - b'A') as u32 + 10),
        _ => None,
    }
}

fn luhn(letters: &[u8]) -> bool {
    let digits = letters.iter().rev().map(|letter| value(*letter));
    let mut sum = 0;
    for (place, digit) in digits.enumerate() {
        let Some(digit) = digit.filter(|digit| *digit < 10) else {
            return false;
        };
        let counted = if place % 2 == 1 { 2 * digit } else { digit };
        sum += counted / 10 + counted % 10;
    }
    letters.len() > 1 && sum % 10 == 0
}

fn mod_11_2(letters: &[u8]) -> bool {
    let Some((check, body)) = letters.split_last() else {
        return false;
    };
    let check = match check {
        b'X' => Some(10),
        digit => value(*digit).filter(|digit| *digit < 10),
    };
    let mut sum = 0;
    for letter in body {
        let Some(digit) = value(*letter).filter(|digit| *digit < 10) else {
            return false;
        };
        sum = (sum + digit) * 2 % 11;
    }
    !body.is_empty() && check.is_some_and(|check| (sum + check) % 11 == 1)
}

/// The number that the characters write, letters as two digits, modulo 97.
fn mod_97(letters: impl Iterator<Item = u8>) -> Option<u32> {
    let mut rest = 0;
    for letter in letters {
        let value = value(letter)?;
        let shift = if value < 10 { 10 } else { 100 };
        rest = (rest * shift + value) % 97;
    }
    Some(rest)
}

/// A hybrid system of so many characters.
fn hybrid(letters: &[u8], size: u32) -> bool {
    let Some((check, body)) = letters.split_last() else {
        return false;
    };
    let of = |letter: u8| value(letter).filter(|value| *value < size);
    let mut product = size;
    for letter in body {
        let Some(value) = of(*letter) else {
            return false;
        };
        let sum = (product + value) % size;
        let sum = if sum == 0 { size } else { sum };
        product = sum * 2 % (size + 1);
    }
    !body.is_empty() && of(*check).is_some_and(|check| (product + check) % size == 1)
}

fn rf(letters: &[u8]) -> bool {
    let Some((head, body)) = letters.split_at_checked(4) else {
        return false;
    };
    let is_head = head.starts_with(b"RF") && head[2..].iter().all(u8::is_ascii_digit);
    let turned = body.iter().chain(head).copied();
    is_head && !body.is_empty() && mod_97(turned) == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_hold() {
        for (scheme, text) in [
            // The examples of the standards themselves, or of those who use them.
            (CheckDigit::Luhn, "79927398713"),
            (CheckDigit::Luhn, "4111 1111 1111 1111"),
            (CheckDigit::Mod11_2, "07940"),
            (CheckDigit::Mod11_2, "079X"),
            // An ISNI (ISO 27729) and an ORCID.
            (CheckDigit::Mod11_2, "0000 0001 2103 2683"),
            (CheckDigit::Mod11_2, "0000-0002-1825-0097"),
            (CheckDigit::Mod97_10, "79444"),
            (CheckDigit::Mod11_10, "07945"),
            // A German tax number.
            (CheckDigit::Mod11_10, "86095742719"),
            // A Global Release Identifier.
            (CheckDigit::Mod37_36, "A1-2425G-ABC1234002-M"),
            (CheckDigit::Rf, "RF18539007547034"),
            (CheckDigit::Rf, "RF18 5390 0754 7034"),
            (CheckDigit::None, "anything"),
        ] {
            assert!(scheme.holds(text), "{scheme:?} {text}");
        }
    }

    #[test]
    fn what_is_too_short_or_of_other_characters_does_not_hold() {
        for scheme in CheckDigit::ALL.into_iter().skip(1) {
            for text in ["", "0", "1", "-", "é", "RF18"] {
                assert!(!scheme.holds(text), "{scheme:?} {text}");
            }
        }
        for (scheme, text) in [
            (CheckDigit::Luhn, "7992739871A"),
            (CheckDigit::Mod11_2, "07A40"),
            (CheckDigit::Mod11_10, "0794A"),
            (CheckDigit::Rf, "RG18539007547034"),
        ] {
            assert!(!scheme.holds(text), "{scheme:?} {text}");
        }
    }

    #[test]
    fn any_one_character_that_is_mistyped_is_seen() {
        const ALL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for (scheme, text) in [
            (CheckDigit::Luhn, "79927398713"),
            (CheckDigit::Mod11_2, "0000000121032683"),
            (CheckDigit::Mod97_10, "79444"),
            (CheckDigit::Mod11_10, "86095742719"),
            (CheckDigit::Mod37_36, "A12425GABC1234002M"),
            (CheckDigit::Rf, "RF18539007547034"),
        ] {
            for place in 0..text.len() {
                for other in ALL.iter().filter(|other| **other != text.as_bytes()[place]) {
                    let mut mistyped = text.as_bytes().to_vec();
                    mistyped[place] = *other;
                    let mistyped = String::from_utf8(mistyped).unwrap();
                    let of_digits = !matches!(
                        scheme,
                        CheckDigit::Mod37_36 | CheckDigit::Mod97_10 | CheckDigit::Rf
                    );
                    // A letter writes two digits in these, so only a digit for a digit is one mistyped character.
                    let counts = of_digits
                        || scheme == CheckDigit::Mod37_36
                        || (other.is_ascii_digit() && text.as_bytes()[place].is_ascii_digit());
                    assert!(!counts || !scheme.holds(&mistyped), "{scheme:?} {mistyped}");
                }
            }
        }
    }
}
