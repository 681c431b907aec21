//! How profiles are saved, so that a start need not replay months.
//!
//! What is empty is not written: of a month of days most entities know a few. What is read back is
//! brought into the bounds that the code relies on, so a damaged file can blur a profile but not stop
//! a payment.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entity::Entity;
use super::pair::Pair;
use super::table::{Table, Worth};
use super::{InFlight, Limits, Profiles};
use crate::attempt::Attempt;

/// What a ring may hold.
pub(crate) trait Saved: Copy + Default + PartialEq + Serialize + DeserializeOwned {}

impl<T: Copy + Default + PartialEq + Serialize + DeserializeOwned> Saved for T {}

/// Arrays as pairs of place and value, without those that are empty.
pub(crate) mod sparse {
    use super::{Deserialize, Deserializer, Saved, Serializer};

    pub(crate) fn serialize<S: Serializer, T: Saved, const N: usize>(
        array: &[T; N],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        let filled: Vec<(usize, T)> = array
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, value)| *value != T::default())
            .collect();
        out.collect_seq(filled)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Saved, const N: usize>(
        input: D,
    ) -> Result<[T; N], D::Error> {
        let mut array = [T::default(); N];
        for (place, value) in Vec::<(usize, T)>::deserialize(input)? {
            if let Some(slot) = array.get_mut(place) {
                *slot = value;
            }
        }
        Ok(array)
    }
}

impl<V: Worth + Serialize> Serialize for Table<V> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        struct Entries<'a, V>(&'a Table<V>);
        impl<V: Worth + Serialize> Serialize for Entries<'_, V> {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                let mut entries = out.serialize_seq(Some(self.0.len()))?;
                for entry in self.0.entries() {
                    entries.serialize_element(entry)?;
                }
                entries.end()
            }
        }
        let (capacity, evicted, draws) = self.counters();
        (capacity, evicted, draws, Entries(self)).serialize(out)
    }
}

impl<'de, V: Worth + Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let (capacity, evicted, draws, entries) =
            <(usize, u64, u64, Vec<(u64, V)>)>::deserialize(input)?;
        Ok(Self::restored((capacity, evicted, draws), entries))
    }
}

#[derive(Serialize)]
struct Outgoing<'a> {
    limits: Limits,
    roles: &'a [Table<Entity>; 5],
    pairs: &'a Table<Pair>,
    in_flight: Vec<&'a Attempt>,
}

#[derive(Deserialize)]
struct Incoming {
    limits: Limits,
    roles: [Table<Entity>; 5],
    pairs: Table<Pair>,
    in_flight: Vec<Attempt>,
}

impl Serialize for Profiles {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let in_flight = self
            .order
            .iter()
            .filter_map(|id| self.in_flight.get(id))
            .collect();
        Outgoing {
            limits: self.limits,
            roles: &self.roles,
            pairs: &self.pairs,
            in_flight,
        }
        .serialize(out)
    }
}

impl<'de> Deserialize<'de> for Profiles {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let Incoming {
            limits,
            roles,
            pairs,
            in_flight,
        } = Incoming::deserialize(input)?;
        let order: VecDeque<u128> = in_flight.iter().map(|attempt| attempt.id).collect();
        let in_flight: InFlight = in_flight
            .into_iter()
            .map(|attempt| (attempt.id, attempt))
            .collect();
        Ok(Self {
            roles,
            pairs,
            in_flight,
            order,
            limits,
        })
    }
}
