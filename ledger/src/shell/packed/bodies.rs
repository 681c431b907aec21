//! Transactions in the order in which they were posted, in blocks of up to 256.

use serde::{Deserialize, Serialize};

use crate::core::{Book, Posting, Transaction, TransactionId, TransactionNo};
use crate::machine::{Moment, Sequence};
use crate::shell::packed::TRANSACTIONS;
use crate::shell::packed::varint::{Numbers, put};
use crate::shell::sql::{Connection, Query};
use crate::shell::table::Value;
use crate::time::Timestamp;
use crate::wide;

/// Few enough to be rewritten while a block fills, and to be read for one of them.
const BLOCK_TRANSACTIONS: u64 = 256;

/// Blocks that are written by one statement.
const BLOCKS_AT_ONCE: usize = 64;

const DROP_TAIL: &str = "delete from transactions where first_no = $1";

/// A transaction as the views have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    pub no: TransactionNo,
    pub at: Timestamp,
    pub sequence: Sequence,
    pub book: Book,
    pub id: TransactionId,
    pub kind: u16,
    pub reference: Option<Box<str>>,
    pub postings: Vec<Posting>,
}

/// What a block holds of one transaction besides its number and time.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    sequence: u64,
    book: u32,
    #[serde(with = "wide")]
    id: u128,
    kind: u16,
    #[serde(borrow)]
    reference: Option<&'a str>,
    postings: std::borrow::Cow<'a, [Posting]>,
}

/// Transactions that are to be written.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    bytes: Vec<u8>,
    /// Number, time, and where its bytes end.
    ends: Vec<(u64, u64, usize)>,
}

impl Bodies {
    pub(crate) fn push(&mut self, moment: Moment, book: Book, transaction: &Transaction) {
        let body = Body {
            sequence: moment.sequence.0,
            book: book.0,
            id: transaction.id.0,
            kind: transaction.kind,
            reference: transaction.reference.as_deref(),
            postings: (&*transaction.postings).into(),
        };
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(&body, bytes).expect("memory can be written to");
        self.ends
            .push((transaction.no.0, moment.at.0, self.bytes.len()));
    }

    /// Each as number, time and bytes.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u64, u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, _, end)| *end));
        let ends = self.ends.iter();
        ends.zip(starts)
            .map(|((no, at, end), start)| (*no, *at, &self.bytes[start..*end]))
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// The last block, which is not full yet.
#[derive(Debug, Default)]
pub(super) struct Tail {
    first: Option<(u64, u64)>,
    last_no: u64,
    last_at: u64,
    body: Vec<u8>,
}

impl Tail {
    /// Writes transactions, the block that is not full yet among them.
    pub(super) async fn write(
        &mut self,
        connection: &mut Connection<'_>,
        bodies: &Bodies,
    ) -> Result<(), sqlx::Error> {
        let mut rows = Vec::new();
        let mut unwritten = false;
        for (no, at, bytes) in bodies.each() {
            let follows = self.first.is_some_and(|(first, _)| {
                no == self.last_no + 1 && no < first + BLOCK_TRANSACTIONS
            });
            if follows
                && !unwritten
                && let Some((first, _)) = self.first
            {
                // It is written again, longer.
                connection.run(Query::new(DROP_TAIL).bind(first)).await?;
            }
            if !follows {
                if std::mem::take(&mut unwritten) {
                    let body = std::mem::take(&mut self.body);
                    rows.extend(self.row(body));
                }
                if rows.len() == BLOCKS_AT_ONCE {
                    connection
                        .write(&TRANSACTIONS, std::mem::take(&mut rows))
                        .await?;
                }
                *self = Self {
                    first: Some((no, at)),
                    last_at: at,
                    ..Self::default()
                };
            }
            put(&mut self.body, at - self.last_at);
            put(&mut self.body, bytes.len() as u64);
            self.body.extend_from_slice(bytes);
            (self.last_no, self.last_at) = (no, at);
            unwritten = true;
        }
        if unwritten {
            rows.extend(self.row(self.body.clone()));
        }
        connection.write(&TRANSACTIONS, rows).await
    }

    fn row(&self, body: Vec<u8>) -> Option<Vec<Value>> {
        let (no, at) = self.first?;
        Some(vec![
            no.cast_signed().into(),
            self.last_no.cast_signed().into(),
            at.cast_signed().into(),
            body.into(),
        ])
    }
}

/// The transactions of a block, each as number, time and bytes; `None` when it is none.
pub(crate) fn decode_block(
    first_no: u64,
    first_at: u64,
    body: &[u8],
) -> Option<Vec<(u64, u64, &[u8])>> {
    let mut numbers = Numbers(body);
    let (mut no, mut at) = (first_no, first_at);
    let mut all = Vec::new();
    while !numbers.0.is_empty() {
        at = at.checked_add(numbers.next()?)?;
        let length = usize::try_from(numbers.next()?).ok()?;
        let (bytes, rest) = numbers.0.split_at_checked(length)?;
        numbers.0 = rest;
        all.push((no, at, bytes));
        no = no.checked_add(1)?;
    }
    Some(all)
}

impl StoredTransaction {
    pub(super) fn decode(no: u64, at: u64, bytes: &[u8]) -> Option<Self> {
        let body: Body<'_> = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            no: TransactionNo(no),
            at: Timestamp(at),
            sequence: Sequence(body.sequence),
            book: Book(body.book),
            id: TransactionId(body.id),
            kind: body.kind,
            reference: body.reference.map(Into::into),
            postings: body.postings.into_owned(),
        })
    }
}
