//! Numbers of 128 bits as the journal has them: 16 bytes, most significant first. Ids and digests
//! are spread over all their bits, so a form that spares leading zeros would only be longer and
//! slower to read.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

pub(crate) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    number.to_be_bytes().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    <[u8; 16]>::deserialize(deserializer).map(u128::from_be_bytes)
}
