//! A queue in pieces of a fixed size. It takes as much memory as it has items and never moves one: a
//! ring in one piece doubles by copying everything to new memory, which the system must clear first,
//! and for a million keys that was a third of the writer's time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize, Serializer};

/// Items in a piece.
const PIECE: usize = 4_096;

/// Encoded as a `Vec` is.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Vec<T>")]
pub(crate) struct Queue<T> {
    /// All are full but the last.
    pieces: VecDeque<Vec<T>>,
    /// How many items of the first piece have been taken.
    taken: usize,
    /// The last piece that was used up, to be filled again.
    spare: Vec<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            pieces: VecDeque::new(),
            taken: 0,
            spare: Vec::new(),
        }
    }
}

impl<T> Queue<T> {
    pub(crate) fn len(&self) -> usize {
        let last = self.pieces.back().map_or(PIECE, Vec::len);
        self.pieces.len() * PIECE + last - PIECE - self.taken
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let at = self.taken + index;
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten().skip(self.taken)
    }

    pub(crate) fn push_back(&mut self, item: T) {
        match self.pieces.back_mut() {
            Some(last) if last.len() < PIECE => last.push(item),
            _ => {
                let mut piece = std::mem::take(&mut self.spare);
                piece.reserve_exact(PIECE);
                piece.push(item);
                self.pieces.push_back(piece);
            }
        }
    }

    /// Takes the first item away, if there is one.
    pub(crate) fn drop_front(&mut self) {
        if self.len() == 0 {
            return;
        }
        self.taken += 1;
        if self.taken == PIECE
            && let Some(mut piece) = self.pieces.pop_front()
        {
            piece.clear();
            self.spare = piece;
            self.taken = 0;
        }
    }
}

impl<T> From<Vec<T>> for Queue<T> {
    fn from(items: Vec<T>) -> Self {
        let mut queue = Self::default();
        for item in items {
            queue.push_back(item);
        }
        queue
    }
}

impl<T: Serialize> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self.iter() {
            items.serialize_element(item)?;
        }
        items.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes in and goes out over many pieces is what a ring of the library has.
    #[test]
    fn it_is_a_queue_and_is_encoded_as_a_list_is() {
        let (mut queue, mut ring) = (Queue::default(), VecDeque::new());
        // Filled, emptied to the last item, filled again, emptied beyond it.
        for (pushed, dropped) in [
            (0, 1),
            (3 * PIECE + 5, PIECE),
            (PIECE, 3 * PIECE + 4),
            (PIECE, 0),
            (1, PIECE + 2),
            (2, 0),
        ] {
            for item in 0..pushed {
                queue.push_back(item);
                ring.push_back(item);
            }
            for _ in 0..dropped {
                queue.drop_front();
                ring.pop_front();
            }
            assert_eq!(queue.len(), ring.len());
            assert!(queue.iter().eq(&ring));
            for index in [
                0,
                1,
                ring.len() / 2,
                ring.len().saturating_sub(1),
                ring.len(),
            ] {
                assert_eq!(queue.get(index), ring.get(index), "{index}");
            }
            let bytes = postcard::to_stdvec(&queue).expect("it encodes");
            assert_eq!(bytes, postcard::to_stdvec(&ring).expect("it encodes"));
            let back: Queue<usize> = postcard::from_bytes(&bytes).expect("it decodes");
            assert!(back.iter().eq(&ring));
        }
    }
}
