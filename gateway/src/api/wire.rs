//! What values look like on the wire, the same in every request and answer.
//!
//! | value | looks like |
//! |---|---|
//! | an amount | `{"amount": 1250, "currency": "CNY"}`, in minor units: 12.50 |
//! | an id | a prefix that says of what, `_`, 32 hexadecimal digits: `ord_0197…` |
//! | a time | RFC 3339 in UTC, to the microsecond: `2026-01-31T08:00:00.000000Z` |
//! | a place in the journal | opaque: `seq_…` |
//! | a cursor | opaque |
//!
//! These are types of the edge: the rules of `pay` know nothing of JSON.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use fx::{Currency, Money};
use ledger::{Sequence, Timestamp};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::pay::{
    BillId, BillerId, BookId, CombinedId, CouponId, DecisionId, DraftId, EndpointId, HoldName,
    KeyId, MandateId, MerchantId, MessageId, OrderId, PrintedCodeId, QuoteId, RedPacketId,
    RefundId, ShareId, TransactionName, TransferId, WalletId,
};

macro_rules! id_schemas {
    ($($id:ident $what:literal)*) => {$(
        impl PartialSchema for $id {
            fn schema() -> RefOr<Schema> {
                let prefix = $id::PREFIX;
                text_schema($what)
                    .pattern(Some(format!("^{prefix}_[0-9a-f]{{32}}$")))
                    .examples([json!(format!("{prefix}_0197a3e5c4b17f20a1b2c3d4e5f60718"))])
                    .into()
            }
        }

        impl ToSchema for $id {
            fn name() -> Cow<'static, str> {
                stringify!($id).into()
            }
        }
    )*};
}

id_schemas! {
    MerchantId "Names a merchant."
    WalletId "Names a wallet."
    KeyId "Names a key; it is the `keyid` of a signature."
    OrderId "Names an order."
    TransferId "Names a transfer from one person to another."
    RedPacketId "Names a red packet."
    BillId "Names a bill that people share."
    PrintedCodeId "Names a code that a shop prints once."
    RefundId "Names a refund."
    BillerId "Names whom people pay by a reference."
    MandateId "Names a payer's leave to be debited."
    ShareId "Names a part of an order's proceeds that its merchant passed on."
    CombinedId "Names orders of several merchants that are paid together."
    CouponId "Names a coupon that takes something off an order."
    QuoteId "Names a price that is locked for a wallet; its digits are those of the transaction that uses it."
    EndpointId "Names a webhook endpoint."
    BookId "Names a book: a ledger of its own."
    HoldName "Names a hold in a book."
    MessageId "Names a message to a webhook endpoint; it is the `webhook-id` header."
    TransactionName "Names a transaction of the ledger."
    DecisionId "Names what was decided about an attempt to pay, and the case that became of it."
    DraftId "Names a set of fraud rules that somebody proposes."
}

fn text_schema(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
}

/// An amount of money in minor units of its currency: 1250 CNY is 12.50.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"amount": 1250, "currency": "CNY"}))]
pub struct Amount {
    /// Minor units.
    #[schema(value_type = i64)]
    pub amount: i128,
    /// An ISO 4217 code or the code of a registered asset.
    pub currency: String,
}

impl Amount {
    pub fn new(amount: i128, currency: Currency) -> Self {
        Self {
            amount,
            currency: currency.code().to_owned(),
        }
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self::new(money.amount.into(), money.currency)
    }
}

/// An amount as a caller sends it, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedAmount {
    pub amount: Minor,
    pub currency: String,
}

impl PartialSchema for AskedAmount {
    fn schema() -> RefOr<Schema> {
        Amount::schema()
    }
}

impl ToSchema for AskedAmount {
    fn name() -> Cow<'static, str> {
        Amount::name()
    }
}

/// A count of minor units, or what was sent in its place. Any JSON value is read, so that each mistake gets the code
/// that explains it instead of a decoder's remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minor {
    Whole(i64),
    TooLarge,
    NotWhole,
}

/// As it was sent; what was no amount is nothing, because it never was accepted.
impl Serialize for Minor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(amount) => serializer.serialize_i64(*amount),
            Self::TooLarge | Self::NotWhole => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNumber;
        impl Visitor<'_> for AnyNumber {
            type Value = Minor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of minor units")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Minor, E> {
                Ok(Minor::Whole(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Minor, E> {
                Ok(i64::try_from(number).map_or(Minor::TooLarge, Minor::Whole))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Minor, E> {
                // Whole numbers beyond 64 bits reach us as floats; they are only compared, never computed with.
                let whole = number.fract() == 0.0 && number.abs() > 9e18;
                Ok(if whole {
                    Minor::TooLarge
                } else {
                    Minor::NotWhole
                })
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Minor, E> {
                Ok(Minor::NotWhole)
            }
        }
        deserializer.deserialize_any(AnyNumber)
    }
}

/// A moment, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp_nanos(self.0.0.cast_signed());
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(|_| {
            de::Error::custom(format_args!(
                "{text:?} is not a time such as 2026-01-31T08:00:00Z"
            ))
        })?;
        let nanos = time
            .timestamp_nanos_opt()
            .and_then(|nanos| u64::try_from(nanos).ok());
        let nanos = nanos.ok_or_else(|| de::Error::custom("a time is between 1970 and 2262"))?;
        Ok(Self(Timestamp(nanos)))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        text_schema("A moment, in UTC (RFC 3339).")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([json!("2026-01-31T08:00:00.000000Z")])
            .into()
    }
}

impl ToSchema for Time {}

/// A place in the journal. Callers pass it back unchanged and read nothing into it: the digits hold a shard beside the
/// row, so that there may be more than one journal one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SequenceToken(pub Sequence);

/// The only shard there is.
const SHARD: u16 = 0;
const SHARD_DIGITS: usize = 4;
const ROW_DIGITS: usize = 16;

impl fmt::Display for SequenceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seq_{SHARD:0SHARD_DIGITS$x}{:0ROW_DIGITS$x}", self.0.0)
    }
}

impl FromStr for SequenceToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let row = text
            .strip_prefix("seq_")
            .filter(|digits| digits.len() == SHARD_DIGITS + ROW_DIGITS)
            .filter(|digits| {
                digits
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
            .map(|digits| digits.split_at(SHARD_DIGITS))
            .filter(|(shard, _)| u16::from_str_radix(shard, 16) == Ok(SHARD))
            .and_then(|(_, row)| u64::from_str_radix(row, 16).ok());
        row.map(|row| Self(Sequence(row)))
            .ok_or("a place in the journal is the sequence of an earlier answer, unchanged")
    }
}

impl Serialize for SequenceToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SequenceToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl PartialSchema for SequenceToken {
    fn schema() -> RefOr<Schema> {
        text_schema("A place in the journal, opaque: pass it as `at_least` to read what you wrote.")
            .pattern(Some("^seq_[0-9a-f]{20}$"))
            .examples([json!("seq_0000000000000000002a")])
            .into()
    }
}

impl ToSchema for SequenceToken {
    fn name() -> Cow<'static, str> {
        "Sequence".into()
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    pub sequence: SequenceToken,
}

/// Written out, because a list's schema is named after what is in it, and brings that along.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = text_schema("Pass it as `cursor` for the next page; absent on the last one.");
        ObjectBuilder::new()
            .description(Some(
                "One page of a list, as it was at this place in the journal.",
            ))
            .property(
                "data",
                ArrayBuilder::new().items(Ref::from_schema_name(T::name())),
            )
            .property("next_cursor", cursor)
            .property("sequence", Ref::from_schema_name(SequenceToken::name()))
            .required("data")
            .required("sequence")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
        schemas.push((SequenceToken::name().into_owned(), SequenceToken::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_for_an_amount_is_understood() {
        for (text, expected) in [
            ("1250", Minor::Whole(1250)),
            ("0", Minor::Whole(0)),
            ("-5", Minor::Whole(-5)),
            ("9223372036854775807", Minor::Whole(i64::MAX)),
            ("-9223372036854775808", Minor::Whole(i64::MIN)),
            ("9223372036854775808", Minor::TooLarge),
            ("99999999999999999999999", Minor::TooLarge),
            ("12.5", Minor::NotWhole),
            ("1250.0", Minor::NotWhole),
            ("1e3", Minor::NotWhole),
            ("\"1250\"", Minor::NotWhole),
        ] {
            assert_eq!(
                serde_json::from_str::<Minor>(text).unwrap(),
                expected,
                "{text}"
            );
        }
        for text in ["null", "true", "[1]", "{}"] {
            assert!(serde_json::from_str::<Minor>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_in_the_journal_is_read_back() {
        let token = SequenceToken(Sequence(u64::MAX - 1));
        assert_eq!(token.to_string().parse(), Ok(token));
        for text in [
            "",
            "seq_",
            "seq_0000",
            "seq_0001000000000000002a",
            "seq_0000000000000000002é",
            "ord_0000000000000000002a",
        ] {
            assert!(text.parse::<SequenceToken>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_in_utc() {
        let time = Time(Timestamp(1_769_846_400_123_456_789));
        assert_eq!(time.to_string(), "2026-01-31T08:00:00.123456Z");
        let read: Time = serde_json::from_str("\"2026-01-31T16:00:00.5+08:00\"").unwrap();
        assert_eq!(read.to_string(), "2026-01-31T08:00:00.500000Z");
        assert!(serde_json::from_str::<Time>("\"yesterday\"").is_err());
        assert!(serde_json::from_str::<Time>("\"1969-12-31T23:59:59Z\"").is_err());
    }
}
