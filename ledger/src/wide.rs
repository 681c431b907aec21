//! Numbers of 128 bits as the journal has them: 16 bytes, most significant first, with their count
//! before them. Ids and digests are spread over all their bits, so a form that spares leading zeros
//! would only be longer and slower; and bytes with their count are moved at once, where an array of a
//! known length is written and read byte by byte.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(&number.to_be_bytes())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    struct Wide;

    impl Visitor<'_> for Wide {
        type Value = u128;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("16 bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<u128, E> {
            let bytes = bytes.try_into();
            bytes
                .map(u128::from_be_bytes)
                .map_err(|_| E::custom("a number of 128 bits has 16 bytes"))
        }
    }

    deserializer.deserialize_bytes(Wide)
}
