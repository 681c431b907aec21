//! Transactions: by number, by the caller's id, by reference and by metadata.

use super::column::{decoded, id, json, number_or_none, sql};
use crate::core::{Book, Metadata, Posting, TransactionId, TransactionNo};
use crate::machine::Sequence;
use crate::shell::packed;
use crate::shell::sql::Query;
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
    packed::transaction_no(&mut reading.connection(), book, name).await
}

/// A transaction, if it is there.
pub async fn find(reading: &mut Reading, no: TransactionNo) -> Result<Option<Posted>, sqlx::Error> {
    let mut connection = reading.connection();
    let Some(stored) = packed::transaction(&mut connection, no).await? else {
        return Ok(None);
    };
    let query = Query::new("select effective from transaction_details where transaction_no = $1");
    let effective: Option<(Option<u64>,)> = connection.first_as(query.bind(sql(no.0))).await?;
    let effective = effective.and_then(|(effective,)| effective.map(Timestamp));
    Ok(Some(Posted {
        no,
        book: stored.book,
        id: stored.id,
        kind: stored.kind,
        reference: stored.reference.map(Into::into),
        at: stored.at,
        sequence: stored.sequence,
        effective,
        postings: stored.postings,
    }))
}

/// What belongs to a transaction.
pub async fn details(
    reading: &mut Reading,
    no: TransactionNo,
) -> Result<PostedDetails, sqlx::Error> {
    let mut details = PostedDetails::default();
    let row = reading
        .connection()
        .first(
            Query::new(
                "select corrects, metadata from transaction_details where transaction_no = $1",
            )
            .bind(sql(no.0)),
        )
        .await?;
    if let Some(row) = row {
        details.metadata = json(&row.get::<String>("metadata")?, "metadata")?;
        if let Some(no) = number_or_none(&row, "corrects")? {
            details.corrects = name_of(reading, TransactionNo(no)).await?;
        }
    }
    let reverses: Option<i64> = reading
        .connection()
        .first_as(
            Query::new("select transaction_no from transaction_reversals where by_no = $1")
                .bind(sql(no.0)),
        )
        .await?
        .map(|(value,)| value);
    if let Some(no) = reverses {
        details.reverses = name_of(reading, TransactionNo(no.cast_unsigned())).await?;
    }
    let by: Vec<i64> = reading
        .connection()
        .all_as(
            Query::new(
                "select by_no from transaction_reversals where transaction_no = $1 order by by_no",
            )
            .bind(sql(no.0)),
        )
        .await?
        .into_iter()
        .map(|(value,)| value)
        .collect();
    for by in by {
        details
            .reversed_by
            .extend(name_of(reading, TransactionNo(by.cast_unsigned())).await?);
    }
    let reversed = reading
        .connection()
        .first(
            Query::new("select reversed from reversals where transaction_no = $1").bind(sql(no.0)),
        )
        .await?;
    if let Some(row) = reversed {
        details.reversed = decoded(&row, "reversed")?;
    }
    let captured = reading
        .connection()
        .first(Query::new("select id from hold_captures where transaction_no = $1").bind(sql(no.0)))
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

/// The last transaction recorded at this moment or before it.
pub async fn last_through(
    reading: &mut Reading,
    at: Timestamp,
) -> Result<TransactionNo, sqlx::Error> {
    packed::last_through(&mut reading.connection(), at).await
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
        Mark::Reference(reference) => Query::new(
            "select transaction_no from transaction_references
            where book = $1 and transaction_no < $2 and reference = $4
            order by transaction_no desc limit $3",
        )
        .bind(i64::from(book.0))
        .bind(sql(before.0))
        .bind(i64::from(limit))
        .bind(reference.as_str()),
        Mark::Metadata { key, value } => Query::new(
            "select transaction_no from transaction_metadata
            where book = $1 and transaction_no < $2 and key = $4 and value = $5
            order by transaction_no desc limit $3",
        )
        .bind(i64::from(book.0))
        .bind(sql(before.0))
        .bind(i64::from(limit))
        .bind(key.as_str())
        .bind(value.as_str()),
    };
    let found: Vec<(u64,)> = reading.connection().all_as(query).await?;
    Ok(found.into_iter().map(|(no,)| TransactionNo(no)).collect())
}
