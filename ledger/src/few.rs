//! A list that mostly has a certain small length, and then needs no memory of its own.
//!
//! Of a million transfers nearly all have one key, one posting and two balances, and what one thread
//! reserves for them another gives back, which is the dearest way to use memory. A `Few` of the
//! usual length `N` holds its items itself; any other is a `Vec`. It is read as a slice and is
//! encoded as a `Vec` is.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone)]
pub struct Few<T, const N: usize>(Items<T, N>);

#[derive(Clone)]
enum Items<T, const N: usize> {
    Usual([T; N]),
    Other(Vec<T>),
}

impl<T, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self(Items::Other(Vec::new()))
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::Usual(items) => items,
            Items::Other(items) => items,
        }
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Items::Usual(items) => items,
            Items::Other(items) => items,
        }
    }
}

impl<T, const N: usize> From<[T; N]> for Few<T, N> {
    fn from(items: [T; N]) -> Self {
        Self(Items::Usual(items))
    }
}

impl<T, const N: usize> From<Vec<T>> for Few<T, N> {
    fn from(items: Vec<T>) -> Self {
        Self(match items.try_into() {
            Ok(items) => Items::Usual(items),
            Err(items) => Items::Other(items),
        })
    }
}

impl<T, const N: usize> Few<T, N> {
    /// Takes all items out of a vector, which keeps its memory if they are as many as usual.
    pub(crate) fn drained(items: &mut Vec<T>) -> Self {
        if items.len() != N {
            return std::mem::take(items).into();
        }
        let mut draining = items.drain(..);
        let next = |_| draining.next().expect("they were counted");
        std::array::from_fn(next).into()
    }
}

impl<T, const N: usize> From<Few<T, N>> for Vec<T> {
    fn from(few: Few<T, N>) -> Self {
        match few.0 {
            Items::Usual(items) => items.into(),
            Items::Other(items) => items,
        }
    }
}

impl<T, const N: usize> FromIterator<T> for Few<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a Few<T, N> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T, const N: usize> IntoIterator for Few<T, N> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self).into_iter()
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Few<T, N> {}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Serialize, const N: usize> Serialize for Few<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Reading(PhantomData))
    }
}

struct Reading<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Reading<T, N> {
    type Value = Few<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T, N>, A::Error> {
        if list.size_hint() != Some(N) {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                items.push(item);
            }
            return Ok(items.into());
        }
        let mut items = [const { None }; N];
        for (at, item) in items.iter_mut().enumerate() {
            *item = list.next_element()?;
            if item.is_none() {
                return Err(A::Error::invalid_length(at, &self));
            }
        }
        let whole = "a list that ends early was refused";
        Ok(items.map(|item| item.expect(whole)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_length_come_back_and_are_encoded_as_others_are() {
        for length in 0..5_u32 {
            let list: Vec<u32> = (0..length).collect();
            let few = Few::<u32, 2>::from(list.clone());
            assert_eq!(*few, *list);
            let bytes = postcard::to_stdvec(&few).expect("it encodes");
            assert_eq!(bytes, postcard::to_stdvec(&list).expect("it encodes"));
            let back: Few<u32, 2> = postcard::from_bytes(&bytes).expect("it decodes");
            assert_eq!(back, few);
            assert_eq!(format!("{few:?}"), format!("{list:?}"));
            assert_eq!(few.into_iter().collect::<Vec<_>>(), list);
        }
    }
}
