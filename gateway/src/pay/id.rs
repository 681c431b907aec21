//! Names of things. Outside, an id is a prefix and 32 hexadecimal digits (`ord_0197…`); inside, and in
//! the journal, the 128 bits. New ids are UUIDs of version 7, made by whoever asks, so a retry has the
//! same id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of this kind is `{prefix}_` and 32 hexadecimal digits")]
pub struct IdError {
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
        }

        /// Text where people read (JSON), the bits where machines do (the journal).
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    u128::deserialize(deserializer).map(Self)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:032x}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix).map(Self).ok_or(IdError { prefix: $prefix })
            }
        }
    };
}

id!(
    /// A merchant: who is paid.
    MerchantId, "mer"
);
id!(
    /// A wallet: who pays.
    WalletId, "wal"
);
id!(
    /// A key with which requests are signed.
    KeyId, "key"
);
id!(
    /// An order: what is to be paid, once.
    OrderId, "ord"
);
id!(
    /// A code that a shop prints once.
    PrintedCodeId, "cod"
);
id!(
    /// A coupon that takes something off an order.
    CouponId, "cpn"
);
id!(
    /// Orders of several merchants that are paid together.
    CombinedId, "cmb"
);
id!(
    /// A part of an order's proceeds that its merchant passes on.
    ShareId, "shr"
);
id!(
    /// A payer's leave to be debited.
    MandateId, "mdt"
);
id!(
    /// Whom people pay by a reference.
    BillerId, "blr"
);
id!(
    /// A refund of an order, whole or in part.
    RefundId, "ref"
);
id!(
    /// Money from one person to another.
    TransferId, "trf"
);
id!(
    /// A red packet: money for one or many people to take.
    RedPacketId, "rpk"
);
id!(
    /// A price that is locked for a wallet.
    QuoteId, "quo"
);
id!(
    /// A bill that people share.
    BillId, "bil"
);
id!(
    /// A webhook endpoint of a merchant.
    EndpointId, "whe"
);
id!(
    /// A book: a ledger of its own.
    BookId, "bok"
);
id!(
    /// A hold in a book, as callers name it.
    HoldName, "hld"
);
id!(
    /// A message to a webhook endpoint.
    MessageId, "msg"
);
id!(
    /// A transaction of the ledger, as callers name it.
    TransactionName, "txn"
);
id!(
    /// What was decided about one attempt to pay, and the case that became of it. Its bits are those of the transaction
    /// that moves the money if it does.
    DecisionId, "dec"
);
id!(
    /// A set of fraud rules that somebody proposes.
    DraftId, "dra"
);

impl From<ledger::TransactionId> for TransactionName {
    fn from(id: ledger::TransactionId) -> Self {
        Self(id.0)
    }
}

impl From<ledger::TransactionId> for DecisionId {
    fn from(id: ledger::TransactionId) -> Self {
        Self(id.0)
    }
}

impl From<DecisionId> for ledger::TransactionId {
    fn from(id: DecisionId) -> Self {
        Self(id.0)
    }
}

impl From<TransactionName> for ledger::TransactionId {
    fn from(name: TransactionName) -> Self {
        Self(name.0)
    }
}

impl From<ledger::TransactionId> for HoldName {
    fn from(id: ledger::TransactionId) -> Self {
        Self(id.0)
    }
}

impl From<HoldName> for ledger::TransactionId {
    fn from(name: HoldName) -> Self {
        Self(name.0)
    }
}

/// A merchant's place in the order of joining; short, for account ids and indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MerchantNo(pub u32);

/// A wallet's place in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WalletNo(pub u32);

fn parse(text: &str, prefix: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 32 || !digits.bytes().all(lower_hex) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bits_are_each_others_inverse() {
        let id = OrderId(0x0197_0000_0000_7000_8000_0000_0000_0001);
        assert_eq!(id.to_string(), "ord_01970000000070008000000000000001");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_text_is_no_id() {
        for text in [
            "",
            "ord_",
            "ord_123",
            "mer_01970000000070008000000000000001",
            "ord_0197000000007000800000000000000G",
            "ord_+1970000000070008000000000000001",
            "ord_0197000000007000800000000000000A",
        ] {
            assert_eq!(
                text.parse::<OrderId>(),
                Err(IdError { prefix: "ord" }),
                "{text:?}"
            );
        }
    }
}
