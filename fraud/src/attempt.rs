//! All that is known when money is about to move.
//!
//! An attempt is plain data. Ids are opaque 64-bit keys, so nothing personal enters a profile, and
//! amounts are already in the currency in which risk is measured: only then do sums over a day mean
//! anything. What the payer was really charged in stays as a code.

use serde::{Deserialize, Serialize};

/// An opaque name of a person, shop, device or anything else with a history.
///
/// Sixty-four bits are kept of any longer id: among a billion ids the chance that any two share a
/// profile is under three in a hundred, and the harm is one blurred profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub u64);

impl Key {
    /// The key of an id written as text. FNV-1a, then mixed, so that it is the same everywhere.
    pub fn of(text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(hash))
    }
}

impl From<u64> for Key {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl From<u128> for Key {
    fn from(id: u128) -> Self {
        let bytes = id.to_le_bytes();
        let half = |range: std::ops::Range<usize>| {
            bytes[range]
                .iter()
                .rev()
                .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
        };
        Self(mix(half(0..8)) ^ half(8..16))
    }
}

/// Spreads the bits of a key; a bijection (the finaliser of `SplitMix64`).
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A currency or asset code of up to eight characters, such as `CNY` or `POINTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CurrencyCode([u8; 8]);

impl CurrencyCode {
    /// The code made of the first eight bytes of `code`.
    pub fn new(code: &str) -> Self {
        let mut bytes = [0; 8];
        for (slot, byte) in bytes.iter_mut().zip(code.bytes()) {
            *slot = byte;
        }
        Self(bytes)
    }
}

/// What the payer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Paying a shop.
    Payment,
    /// Sending money to a person.
    Transfer,
    /// A shop or service pulls money by mandate or payment code.
    Charge,
    /// Money leaves for a bank.
    Withdrawal,
    /// Money arrives from a bank.
    TopUp,
    /// A gift to a group or a person.
    RedPacket,
}

impl Kind {
    /// The words for kinds, in the order of their places.
    pub const WORDS: [&str; 6] = [
        "payment",
        "transfer",
        "charge",
        "withdrawal",
        "top_up",
        "red_packet",
    ];

    /// Every kind, in the order of its place.
    pub const ALL: [Self; 6] = [
        Self::Payment,
        Self::Transfer,
        Self::Charge,
        Self::Withdrawal,
        Self::TopUp,
        Self::RedPacket,
    ];

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        let place = Self::WORDS.iter().position(|other| *other == word)?;
        Some(Self::ALL[place])
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// How the attempt came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The payer scanned a code that the shop shows.
    MerchantCode,
    /// The shop scanned a code that the payer shows.
    PaymentCode,
    /// Inside the app.
    App,
    /// A browser.
    Web,
    /// Another system's request.
    Api,
}

impl Channel {
    /// The words for channels, in the order of their places.
    pub const WORDS: [&str; 5] = ["merchant_code", "payment_code", "app", "web", "api"];

    /// Every channel, in the order of its place.
    pub const ALL: [Self; 5] = [
        Self::MerchantCode,
        Self::PaymentCode,
        Self::App,
        Self::Web,
        Self::Api,
    ];

    /// The channel of a word.
    pub fn of(word: &str) -> Option<Self> {
        let place = Self::WORDS.iter().position(|other| *other == word)?;
        Some(Self::ALL[place])
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// The part an entity plays in an attempt. Each role has its own table of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whose money it is.
    Payer,
    /// Who receives it: a person or a shop.
    Payee,
    /// The phone or browser.
    Device,
    /// The linked bank account or card that funds it or receives it.
    Link,
    /// The till, the static code, the area: where it happens.
    Place,
}

impl Role {
    /// Every role, in the order of its slot.
    pub const ALL: [Self; 5] = [
        Self::Payer,
        Self::Payee,
        Self::Device,
        Self::Link,
        Self::Place,
    ];

    /// The word used in feature names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payer => "payer",
            Self::Payee => "payee",
            Self::Device => "device",
            Self::Link => "link",
            Self::Place => "place",
        }
    }
}

/// Money about to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The order, transfer or withdrawal; names the attempt when its outcome comes.
    pub id: u128,
    /// Nanoseconds since 1970 in UTC. Profiles count in whole seconds, and forget what is too long before the newest moment
    /// that they have seen; so the caller lets no attempt through whose clock is ahead of the present.
    pub at: u64,
    /// What is being done.
    pub kind: Kind,
    /// How it came in.
    pub channel: Channel,
    /// Whose money it is.
    pub payer: Key,
    /// Who receives it, if it is anyone with a history.
    pub payee: Option<Key>,
    /// The phone or browser, if known.
    pub device: Option<Key>,
    /// The bank account or card involved, if any.
    pub link: Option<Key>,
    /// The till, static code or area, if known.
    pub place: Option<Key>,
    /// Minor units of the currency in which risk is measured; the caller converts at the mid rate.
    pub amount: i64,
    /// What the payer is charged in.
    pub currency: CurrencyCode,
}

impl Attempt {
    /// The entity that plays a role in this attempt.
    pub const fn entity(&self, role: Role) -> Option<Key> {
        match role {
            Role::Payer => Some(self.payer),
            Role::Payee => self.payee,
            Role::Device => self.device,
            Role::Link => self.link,
            Role::Place => self.place,
        }
    }

    /// The time in whole seconds, as profiles count it. Good until the year 2106.
    pub(crate) fn second(&self) -> u32 {
        u32::try_from(self.at / NANOS_PER_SECOND).unwrap_or(u32::MAX)
    }
}

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How an attempt ended, or what it turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money moved.
    Settled,
    /// It ended without money moving: declined, expired or withdrawn.
    Cancelled,
    /// Someone found out what it was, perhaps weeks later. The last word counts: the caller says which one stood before, and
    /// the same again changes nothing.
    Labelled {
        /// What it was taken for until now, if anyone had said so.
        was: Option<Label>,
        /// What it turned out to be.
        now: Label,
    },
}

/// What an attempt turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The payer did not want it, or was deceived.
    Fraud,
    /// It was what it seemed.
    Genuine,
}
