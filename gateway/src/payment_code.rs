//! Payment codes: 18 digits that a payer's phone makes without a network, and a till scans.
//!
//! | digits | what |
//! |---|---|
//! | 2 | [`NETWORK`]: whose codes these are |
//! | 8 | the device's handle, which the house gave it |
//! | 8 | a one-time password after RFC 6238, with SHA-256 and steps of [`STEP_SECS`] |
//!
//! The password's key is made of the device's secret, so that what a device signs to confirm is never a code. A code is
//! good for the minute it was made in and the one to either side, as clocks differ. That it is used once, and how often
//! somebody may guess, is for the rules of payments to say.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// No wallet that shows 18 digits begins with these: Alipay's begin with 25 to 30, WeChat Pay's with 10 to 15, and
/// `UnionPay`'s with 62.
pub const NETWORK: &str = "74";
pub const STEP_SECS: u64 = 60;
/// Steps to either side of the till's moment in which a code counts.
pub const SKEW_STEPS: u64 = 1;
/// Steps further back for which a code is told to be old rather than unknown: ten minutes.
const OLD_STEPS: u64 = 10;
/// What tells the key of codes from everything else that is made of a device's secret.
const PURPOSE: &[u8] = b"payment code";

const HANDLE_DIGITS: usize = 8;
const PASSWORD_DIGITS: usize = 8;
const DIGITS: usize = NETWORK.len() + HANDLE_DIGITS + PASSWORD_DIGITS;
/// One above the largest handle, and above the largest password.
pub const HANDLES: u32 = 100_000_000;
const PASSWORDS: u32 = 100_000_000;

/// A code as it was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentCode {
    /// Which device says it made the code.
    pub handle: u32,
    password: u32,
}

/// What a device's secret says of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was made in this step.
    Good {
        step: u64,
    },
    /// It was made by this device some minutes ago.
    Old,
    Wrong,
}

/// The step of a moment.
pub const fn step_at(unix_secs: u64) -> u64 {
    unix_secs / STEP_SECS
}

/// The key under which a device makes codes, so that it is worked out once for many steps.
struct CodeKey([u8; 32]);

impl CodeKey {
    fn of(secret: &Secret) -> Self {
        Self(hmac(secret.expose(), PURPOSE))
    }

    /// RFC 4226's truncation of the HMAC of the step.
    fn password(&self, step: u64) -> u32 {
        let digest = hmac(&self.0, &step.to_be_bytes());
        let offset = usize::from(digest[31] & 0xF);
        let four = [0, 1, 2, 3].map(|place| digest[offset + place]);
        (u32::from_be_bytes(four) & 0x7FFF_FFFF) % PASSWORDS
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

impl PaymentCode {
    /// The code of a device in a step, as its phone makes it.
    pub fn make(secret: &Secret, handle: u32, step: u64) -> Self {
        Self {
            handle,
            password: CodeKey::of(secret).password(step),
        }
    }

    /// Reads 18 digits of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(NETWORK)?;
        if text.len() != DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (handle, password) = digits.split_at(HANDLE_DIGITS);
        Some(Self {
            handle: handle.parse().ok()?,
            password: password.parse().ok()?,
        })
    }

    /// Whether a device's secret made it about now. Every step is looked at, so that the time taken tells nothing.
    pub fn check(self, secret: &Secret, now: u64) -> Verdict {
        let key = CodeKey::of(secret);
        let newest = now.saturating_add(SKEW_STEPS);
        let oldest_good = now.saturating_sub(SKEW_STEPS);
        let oldest = oldest_good.saturating_sub(OLD_STEPS);
        let mut verdict = Verdict::Wrong;
        // From the oldest on, so that the newest that fits is what is said.
        for step in oldest..=newest {
            if key.password(step) == self.password {
                verdict = if step >= oldest_good {
                    Verdict::Good { step }
                } else {
                    Verdict::Old
                };
            }
        }
        verdict
    }
}

impl fmt::Display for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, password } = self;
        write!(
            f,
            "{NETWORK}{handle:0HANDLE_DIGITS$}{password:0PASSWORD_DIGITS$}"
        )
    }
}

/// A handle as devices are told it: eight digits.
pub fn handle_text(handle: u32) -> String {
    format!("{handle:0HANDLE_DIGITS$}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6238, appendix B: the passwords of SHA-256 with eight digits, whose steps are half as long.
    #[test]
    fn passwords_are_those_of_the_standard() {
        let key = CodeKey(*b"12345678901234567890123456789012");
        for (unix_secs, expected) in [
            (59, 46_119_246),
            (1_111_111_109, 68_084_774),
            (1_111_111_111, 67_062_674),
            (1_234_567_890, 91_819_424),
            (2_000_000_000, 90_698_825),
            (20_000_000_000, 77_737_706),
        ] {
            assert_eq!(key.password(unix_secs / 30), expected, "{unix_secs}");
        }
    }

    #[test]
    fn only_eighteen_digits_of_ours_are_a_code() {
        for text in [
            "",
            "74",
            "740000001712345678 ",
            "7400000017123456789",
            "74000000171234567",
            "130000001712345678",
            "74000000171234567x",
            "74+000001712345678",
        ] {
            assert_eq!(PaymentCode::parse(text), None, "{text:?}");
        }
        let code = PaymentCode {
            handle: 17,
            password: 12_345_678,
        };
        assert_eq!(PaymentCode::parse("740000001712345678"), Some(code));
    }

    proptest! {
        #[test]
        fn a_code_is_good_about_when_it_was_made_and_old_for_some_minutes(
            secret in any::<[u8; 32]>(), handle in 0..HANDLES, step in 100u64..1 << 40, off in -20i64..20,
        ) {
            let secret = Secret::new(secret);
            let code = PaymentCode::make(&secret, handle, step);
            prop_assert_eq!(PaymentCode::parse(&code.to_string()), Some(code));
            let now = step.checked_add_signed(off).unwrap();
            let verdict = code.check(&secret, now);
            // Passwords of other steps may be the same by chance, once in some million cases.
            match off {
                -1..=1 => prop_assert!(matches!(verdict, Verdict::Good { .. }), "{:?}", verdict),
                2..=11 => prop_assert_ne!(verdict, Verdict::Wrong),
                _ => prop_assert_eq!(verdict, Verdict::Wrong),
            }
            let other = Secret::new(*b"another secret");
            prop_assert_eq!(code.check(&other, step), Verdict::Wrong);
        }
    }
}
