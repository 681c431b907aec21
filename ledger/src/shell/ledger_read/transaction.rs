//! Transactions: by number, by the caller's id, by reference and by metadata.

use sqlx::Row as _;

use super::column::{decoded, id, json, number, number_or_none, sql};
use crate::core::{Book, Metadata, Posting, TransactionId, TransactionNo};
use crate::machine::Sequence;
use crate::shell::views::Reading;
use crate::time::Timestamp;

/// A transaction as it was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub no: TransactionNo,
    pub book: Book,
    pub id: TransactionId,
    pub kind: u16,
    pub reference: Option<String>,
    pub at: Timestamp,
    pub sequence: Sequence,
    /// When it takes effect, if not when it was recorded.
    pub effective: Option<Timestamp>,
    pub postings: Vec<Posting>,
}

impl Posted {
    /// When it takes effect.
    pub fn effective_at(&self) -> Timestamp {
        self.effective.unwrap_or(self.at)
    }
}

/// What else is known of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostedDetails {
    pub metadata: Metadata,
    pub corrects: Option<TransactionId>,
    /// What it is a reversal of.
    pub reverses: Option<TransactionId>,
    pub reversed_by: Vec<TransactionId>,
    /// How much of each posting has been reversed; empty as long as nothing has.
    pub reversed: Vec<i64>,
    /// The hold that it captured.
    pub captures: Option<TransactionId>,
}

/// The number of the transaction that a caller named so.
pub async fn number_of(
    reading: &mut Reading,
    book: Book,
    name: TransactionId,
) -> Result<Option<TransactionNo>, sqlx::Error> {
    let no: Option<i64> = sqlx::query_scalar(
        "select transaction_no from transaction_ids where book = $1 and id = $2",
    )
    .bind(i64::from(book.0))
    .bind(name.0.to_be_bytes().to_vec())
    .fetch_optional(reading.connection())
    .await?;
    Ok(no.map(|no| TransactionNo(no.cast_unsigned())))
}

/// A transaction, if it is there.
pub async fn find(reading: &mut Reading, no: TransactionNo) -> Result<Option<Posted>, sqlx::Error> {
    let row = sqlx::query(
        "select t.transaction_no, t.book, t.id, t.kind, t.reference, t.at, t.seq, t.postings,
            d.effective
        from transactions t
        left join transaction_details d on d.transaction_no = t.transaction_no
        where t.transaction_no = $1",
    )
    .bind(sql(no.0))
    .fetch_optional(reading.connection())
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(Posted {
        no,
        book: Book(number(&row, "book")?),
        id: TransactionId(id(&row, "id")?),
        kind: number(&row, "kind")?,
        reference: row.try_get("reference")?,
        at: Timestamp(number(&row, "at")?),
        sequence: Sequence(number(&row, "seq")?),
        effective: number_or_none(&row, "effective")?.map(Timestamp),
        postings: decoded(&row, "postings")?,
    }))
}

/// What belongs to a transaction.
pub async fn details(
    reading: &mut Reading,
    no: TransactionNo,
) -> Result<PostedDetails, sqlx::Error> {
    let mut details = PostedDetails::default();
    let row =
        sqlx::query("select corrects, metadata from transaction_details where transaction_no = $1")
            .bind(sql(no.0))
            .fetch_optional(reading.connection())
            .await?;
    if let Some(row) = row {
        details.metadata = json(row.try_get("metadata")?, "metadata")?;
        if let Some(no) = number_or_none(&row, "corrects")? {
            details.corrects = name_of(reading, TransactionNo(no)).await?;
        }
    }
    let reverses: Option<i64> =
        sqlx::query_scalar("select transaction_no from transaction_reversals where by_no = $1")
            .bind(sql(no.0))
            .fetch_optional(reading.connection())
            .await?;
    if let Some(no) = reverses {
        details.reverses = name_of(reading, TransactionNo(no.cast_unsigned())).await?;
    }
    let by: Vec<i64> = sqlx::query_scalar(
        "select by_no from transaction_reversals where transaction_no = $1 order by by_no",
    )
    .bind(sql(no.0))
    .fetch_all(reading.connection())
    .await?;
    for by in by {
        details
            .reversed_by
            .extend(name_of(reading, TransactionNo(by.cast_unsigned())).await?);
    }
    let reversed = sqlx::query("select reversed from reversals where transaction_no = $1")
        .bind(sql(no.0))
        .fetch_optional(reading.connection())
        .await?;
    if let Some(row) = reversed {
        details.reversed = decoded(&row, "reversed")?;
    }
    let captured = sqlx::query("select id from hold_captures where transaction_no = $1")
        .bind(sql(no.0))
        .fetch_optional(reading.connection())
        .await?;
    let captured = captured.map(|row| id(&row, "id").map(TransactionId));
    details.captures = captured.transpose()?;
    Ok(details)
}

/// What a transaction's caller named it.
pub async fn name_of(
    reading: &mut Reading,
    no: TransactionNo,
) -> Result<Option<TransactionId>, sqlx::Error> {
    Ok(find(reading, no).await?.map(|posted| posted.id))
}

/// The last transaction recorded at this moment or before it. Transactions are numbered in the order of their times,
/// over all books, so this is a search by halves.
pub async fn last_through(
    reading: &mut Reading,
    at: Timestamp,
) -> Result<TransactionNo, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar("select max(transaction_no) from transactions")
        .fetch_one(reading.connection())
        .await?;
    let (mut low, mut high) = (0, last.unwrap_or(0));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let found: i64 =
            sqlx::query_scalar("select at from transactions where transaction_no = $1")
                .bind(middle)
                .fetch_one(reading.connection())
                .await?;
        if found.cast_unsigned() <= at.0 {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(TransactionNo(low.cast_unsigned()))
}

/// What transactions are looked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Reference(String),
    Metadata { key: String, value: String },
}

/// The transactions of a book that bear a mark, the newest first, before a number.
pub async fn marked(
    reading: &mut Reading,
    book: Book,
    mark: &Mark,
    before: TransactionNo,
    limit: u32,
) -> Result<Vec<TransactionNo>, sqlx::Error> {
    let query = match mark {
        Mark::Reference(reference) => sqlx::query_scalar(
            "select transaction_no from transaction_references
            where book = $1 and transaction_no < $2 and reference = $4
            order by transaction_no desc limit $3",
        )
        .bind(i64::from(book.0))
        .bind(sql(before.0))
        .bind(i64::from(limit))
        .bind(reference),
        Mark::Metadata { key, value } => sqlx::query_scalar(
            "select transaction_no from transaction_metadata
            where book = $1 and transaction_no < $2 and key = $4 and value = $5
            order by transaction_no desc limit $3",
        )
        .bind(i64::from(book.0))
        .bind(sql(before.0))
        .bind(i64::from(limit))
        .bind(key)
        .bind(value),
    };
    let found: Vec<i64> = query.fetch_all(reading.connection()).await?;
    let found = found
        .into_iter()
        .map(|no| TransactionNo(no.cast_unsigned()));
    Ok(found.collect())
}
