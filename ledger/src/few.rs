//! A list that is mostly short, and then needs no memory of its own.
//!
//! Of a million transfers nearly all have one key, one posting and two balances, and what one thread
//! reserves for them another gives back, which is the dearest way to use memory. Up to `N` items
//! stand in the list itself. It is read as a slice and encoded as a `Vec` is.

use smallvec::SmallVec;

pub type Few<T, const N: usize> = SmallVec<[T; N]>;

#[cfg(test)]
mod tests {
    use super::*;

    /// The journal's encoding must not depend on how lists are held in memory.
    #[test]
    fn lists_of_any_length_come_back_and_are_encoded_as_others_are() {
        for length in 0..5_u32 {
            let list: Vec<u32> = (0..length).collect();
            let few = Few::<u32, 2>::from(list.clone());
            let bytes = postcard::to_stdvec(&few).expect("it encodes");
            assert_eq!(bytes, postcard::to_stdvec(&list).expect("it encodes"));
            let back: Few<u32, 2> = postcard::from_bytes(&bytes).expect("it decodes");
            assert_eq!(back, few);
        }
    }
}
