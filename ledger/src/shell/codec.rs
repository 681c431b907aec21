//! The bytes of a row: how records are written into the journal and read back.
//!
//! ```text
//! payload = version (1 byte) · number of records (u32) · { length (u32) · record }*
//! ```
//!
//! Numbers are little-endian. A record is [postcard](https://postcard.jamesmunns.com/wire-format)
//! and stands apart from its neighbours, so that it is a leaf of the row's Merkle tree and can be
//! shown without them. Reading is strict about lengths: nothing is missing, nothing is left over. It
//! is not strict about numbers, which postcard also reads when they are written longer than need be;
//! what makes a payload the one that was written is its hash. A new form gets a new version, and
//! the old ones stay readable.

use crate::engine::Record;
use crate::machine::Machine;

/// Records in postcard, uncompressed. Versions 1 and 2, in which ids were written in other ways, are
/// from before the first release and are not read any more.
const VERSION: u8 = 3;
const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;
/// Room that is made before a record is written: more than nearly all of them need.
const ROOM_BYTES: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error(
        "the payload has format {0}, which this program does not read; a newer or older one may"
    )]
    Version(u8),
    #[error("the payload ends in the middle")]
    Short,
    #[error("{0} bytes follow after the last record")]
    Long(usize),
    #[error("record {record} is not readable: {error}")]
    Record {
        record: usize,
        error: postcard::Error,
    },
    #[error("more than 4 GiB in one row")]
    TooLarge,
}

/// A payload in the making.
#[derive(Debug)]
pub struct Encoder {
    /// The payload, and behind it room for the next record.
    bytes: Vec<u8>,
    used: usize,
    records: usize,
}

impl Encoder {
    /// An empty payload, with room for about so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut head = Vec::with_capacity(HEAD_BYTES + bytes + ROOM_BYTES);
        head.push(VERSION);
        head.extend([0; LENGTH_BYTES]);
        Self {
            bytes: head,
            used: HEAD_BYTES,
            records: 0,
        }
    }

    /// Adds a record. After an error the payload is of no use any more.
    pub fn push<M: Machine>(&mut self, record: &Record<M>) -> Result<(), CodecError> {
        let body = self.used + LENGTH_BYTES;
        let mut room = ROOM_BYTES;
        let written = loop {
            if self.bytes.len() < body + room {
                self.bytes.resize(body + room, 0);
            }
            match postcard::to_slice(record, &mut self.bytes[body..]) {
                Ok(written) => break written.len(),
                Err(postcard::Error::SerializeBufferFull) => room = 2 * self.bytes.len(),
                Err(error) => {
                    let record = self.records;
                    return Err(CodecError::Record { record, error });
                }
            }
        };
        self.bytes[self.used..body].copy_from_slice(&length(written)?);
        self.used = body + written;
        self.records += 1;
        self.bytes[1..HEAD_BYTES].copy_from_slice(&length(self.records)?);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// How many bytes there are by now.
    pub fn bytes(&self) -> usize {
        self.used
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.used);
        self.bytes
    }
}

/// Writes records as a payload.
pub fn encode<M: Machine>(records: &[Record<M>]) -> Result<Vec<u8>, CodecError> {
    let mut encoder = Encoder::with_capacity(records.len() * 128);
    for record in records {
        encoder.push(record)?;
    }
    Ok(encoder.finish())
}

fn length(count: usize) -> Result<[u8; LENGTH_BYTES], CodecError> {
    u32::try_from(count)
        .map(u32::to_le_bytes)
        .map_err(|_| CodecError::TooLarge)
}

/// The bytes of each record of a payload.
pub fn slices(payload: &[u8]) -> Result<Vec<&[u8]>, CodecError> {
    let (count, mut rest) = opened(payload)?;
    let mut records = Vec::with_capacity(count.min(rest.len() / LENGTH_BYTES));
    for _ in 0..count {
        records.push(take_slice(&mut rest)?);
    }
    match rest.len() {
        0 => Ok(records),
        left => Err(CodecError::Long(left)),
    }
}

/// How many records a payload has, and all that follows.
fn opened(payload: &[u8]) -> Result<(usize, &[u8]), CodecError> {
    let (version, mut rest) = payload.split_first().ok_or(CodecError::Short)?;
    if *version != VERSION {
        return Err(CodecError::Version(*version));
    }
    let count = take_length(&mut rest)?;
    Ok((count, rest))
}

fn take_slice<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], CodecError> {
    let length = take_length(rest)?;
    let (record, after) = rest.split_at_checked(length).ok_or(CodecError::Short)?;
    *rest = after;
    Ok(record)
}

fn take_length(rest: &mut &[u8]) -> Result<usize, CodecError> {
    let (length, after) = rest.split_first_chunk().ok_or(CodecError::Short)?;
    *rest = after;
    Ok(u32::from_le_bytes(*length) as usize)
}

/// Reads the records of a payload one after the other.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
    next: usize,
    count: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Result<Self, CodecError> {
        let (count, rest) = opened(payload)?;
        Ok(Self {
            rest,
            next: 0,
            count,
        })
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.next == self.count
    }

    /// Puts the next records in place of those that are there, at most so many; none at the end.
    pub(crate) fn read<M: Machine>(
        &mut self,
        at_most: usize,
        records: &mut Vec<Record<M>>,
    ) -> Result<(), CodecError> {
        records.clear();
        while self.next < self.count && records.len() < at_most {
            records.push(read(self.next, take_slice(&mut self.rest)?)?);
            self.next += 1;
        }
        match self.rest.len() {
            left if left > 0 && self.is_at_end() => Err(CodecError::Long(left)),
            _ => Ok(()),
        }
    }
}

/// Reads a payload back.
pub fn decode<M: Machine>(payload: &[u8]) -> Result<Vec<Record<M>>, CodecError> {
    let slices = slices(payload)?.into_iter().enumerate();
    slices.map(|(record, bytes)| read(record, bytes)).collect()
}

/// Reads one record of a payload, if it has so many. What comes after it is not looked at.
pub fn decode_one<M: Machine>(
    payload: &[u8],
    record: usize,
) -> Result<Option<Record<M>>, CodecError> {
    let (count, mut rest) = opened(payload)?;
    if record >= count {
        return Ok(None);
    }
    for _ in 0..record {
        take_slice(&mut rest)?;
    }
    read(record, take_slice(&mut rest)?).map(Some)
}

fn read<M: Machine>(record: usize, bytes: &[u8]) -> Result<Record<M>, CodecError> {
    let error = |error| CodecError::Record { record, error };
    match postcard::take_from_bytes(bytes).map_err(error)? {
        (value, []) => Ok(value),
        (_, left) => Err(CodecError::Long(left.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        AccountNo, Book, Event, Ledger, Outcome, Posting, Transaction, TransactionId, TransactionNo,
    };
    use crate::once::{Fingerprint, OnceKey, Remember, Unique};
    use crate::time::Timestamp;

    fn records() -> Vec<Record<Ledger>> {
        let at = Timestamp(7);
        vec![
            Record::Seal { at, epoch: 300 },
            Record::Checkpoint {
                at: Timestamp(8),
                digest: [9; 32],
            },
        ]
    }

    /// How many records are read, or why none.
    fn read(payload: &[u8]) -> Result<usize, CodecError> {
        decode::<Ledger>(payload).map(|records| records.len())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for count in 0..=2 {
            let records = &records()[..count];
            let payload = encode(records).expect("it encodes");
            let back = decode::<Ledger>(&payload).expect("it decodes");
            assert_eq!(format!("{back:?}"), format!("{records:?}"));
        }
    }

    /// The bytes of this version, part by part: whoever changes them needs a new version.
    #[test]
    fn the_bytes_of_version_3_are_these() {
        let (id, print) = (0x0123_4567_89ab_cdef_u128, 0xfe_u128);
        let unique = Unique {
            key: OnceKey { scope: 1, key: id },
            fingerprint: Fingerprint(print),
            remember: Remember::Always,
        };
        let posting = Posting {
            debit: AccountNo(0),
            credit: AccountNo(300),
            amount: 250,
        };
        let transaction = Transaction {
            no: TransactionNo(3),
            id: TransactionId(id),
            kind: 5,
            reference: Some("rent".into()),
            postings: [posting].into(),
        };
        let record = Record::<Ledger>::Command {
            at: Timestamp(7),
            uniques: [unique].into(),
            outcome: Some(Outcome::Done),
            events: [Event::Posted {
                book: Book(1),
                transaction,
            }]
            .into(),
        };
        let body = [
            &[0, 7][..],               // a command, at 7
            &[1, 1, 16],               // one key, of scope 1
            &id.to_be_bytes(),         //
            &[16],                     //
            &print.to_be_bytes(),      //
            &[0, 1, 0],                // always remembered; an outcome: done
            &[1, 2, 1, 3, 16],         // one event: posted, in book 1, transaction 3
            &id.to_be_bytes(),         //
            &[5, 1, 4],                // of kind 5, with a reference of 4 bytes
            b"rent",                   //
            &[1, 0, 0xac, 2, 0xf4, 3], // one posting, from 0 to 300, of 250
        ]
        .concat();
        let length = u8::try_from(body.len()).expect("it is short");
        let head = [3, 1, 0, 0, 0, length, 0, 0, 0];
        let payload = encode(std::slice::from_ref(&record)).expect("it encodes");
        assert_eq!(payload, [&head[..], &body].concat());
        let back = decode::<Ledger>(&payload).expect("it decodes");
        assert_eq!(format!("{back:?}"), format!("{:?}", [record]));
    }

    #[test]
    fn cut_and_lengthened_payloads_are_errors() {
        let payload = encode(&records()).expect("it encodes");
        for end in 0..payload.len() {
            assert_eq!(read(&payload[..end]), Err(CodecError::Short));
        }
        let longer = [payload.as_slice(), &[0]].concat();
        assert_eq!(read(&longer), Err(CodecError::Long(1)));
        let mut newer = payload;
        newer[0] = 200;
        assert_eq!(read(&newer), Err(CodecError::Version(200)));
    }

    #[test]
    fn a_payload_that_promises_too_much_takes_no_memory() {
        let promising = [&[VERSION][..], &u32::MAX.to_le_bytes()].concat();
        assert_eq!(read(&promising), Err(CodecError::Short));
    }
}
