//! What the journal is, in one short statement that can be published: whoever keeps it finds later whether anything
//! before it was changed or its end cut off, and proves with it that one record is in the journal.
//!
//! The statement is a checkpoint of a transparency log (<https://c2sp.org/tlog-checkpoint>) over the rows, with two
//! lines more: the hash of the last row, and the digest of the trial balance.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::core::{AccountNo, Balance, TrialBalance};
use crate::engine::{Digest, Record};
use crate::machine::{Machine, Sequence};
use crate::shell::chain::{Head, Proof};
use crate::shell::codec::{self, CodecError};
use crate::shell::journal::{JournalError, ReadJournal};
use crate::shell::merkle::{Hash, Path};
use crate::shell::packed::Balances;
use crate::shell::row_tree::{self, Edge, RowSource, TreeError};
use crate::shell::sql::Query;
use crate::shell::views::Reading;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the views cannot be read: {0}")]
    Views(#[from] sqlx::Error),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("row {0} of the journal is missing")]
    Missing(u64),
    #[error("the journal has another row {0} than the views")]
    Another(u64),
}

/// The journal up to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    pub head: Head,
    /// The root of the tree over all rows up to it.
    pub root: Hash,
    /// The digest of the sums of all accounts, by book and asset: see [`digest_of_sums`].
    pub sums: Digest,
}

/// The sums of all accounts of a book in an asset.
pub type Sums = BTreeMap<(u32, String), Balance>;

/// The sums as text, one line for each book and asset: its digest is in the statement.
pub fn text_of_sums(sums: &Sums) -> String {
    use std::fmt::Write as _;
    sums.iter()
        .fold(String::new(), |mut text, ((book, asset), sum)| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{book} {asset} {} {}", sum.debits, sum.credits);
            text
        })
}

pub fn digest_of_sums(sums: &Sums) -> Digest {
    Sha256::digest(text_of_sums(sums)).into()
}

/// The same sums, from a state in memory.
pub fn sums_of(trial: Vec<TrialBalance>) -> Sums {
    let sums = trial.into_iter();
    sums.map(|trial| ((trial.book.0, trial.currency.code().to_owned()), trial.sum))
        .collect()
}

/// The statement of the journal as far as the views have come, and the sums in it.
pub async fn state(
    reading: &mut Reading,
    journal: &mut impl ReadJournal,
) -> Result<(Statement, Sums), CheckpointError> {
    of(reading, journal).await
}

pub(crate) async fn of(
    reading: &mut Reading,
    journal: &mut impl RowSource,
) -> Result<(Statement, Sums), CheckpointError> {
    let head = reading.head();
    if head != Head::GENESIS {
        let row = journal.find(head.sequence).await?;
        let row = row.ok_or(CheckpointError::Missing(head.sequence.0))?;
        if row.hash != head.hash {
            return Err(CheckpointError::Another(head.sequence.0));
        }
    }
    let edge = Edge::load(head.sequence.0, &mut reading.connection(), journal).await?;
    let mut sums = Sums::new();
    let mut after = -1_i64;
    loop {
        let query = Query::new(
            "select account_no, book, currency from accounts
            where account_no > $1 order by account_no limit $2",
        )
        .bind(after)
        .bind(ACCOUNTS_READ);
        let rows = reading.connection().all(query).await?;
        let Some(last) = rows.last() else { break };
        after = last.get("account_no")?;
        let mut balances = Balances::default();
        for row in &rows {
            let account = AccountNo(row.get("account_no")?);
            let balance = balances.of(&mut reading.connection(), account).await?;
            let sum = sums.entry((row.get("book")?, row.get("currency")?));
            let sum = sum.or_default();
            sum.debits += balance.debits;
            sum.credits += balance.credits;
        }
    }
    let statement = Statement {
        head,
        root: edge.root(),
        sums: digest_of_sums(&sums),
    };
    Ok((statement, sums))
}

/// Accounts read at a time.
const ACCOUNTS_READ: i64 = 10_000;

/// Shows, to anyone who trusts a statement, that a record is in its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The record in its row.
    pub record: Proof,
    /// The row in the tree over all rows.
    pub row: Path,
}

/// The inclusion of the record of a row that has a wanted event, in the journal up to row `through`.
pub(crate) async fn inclusion<M: Machine>(
    reading: &mut Reading,
    journal: &mut impl RowSource,
    row: Sequence,
    through: Sequence,
    wanted: impl Fn(&M::Event) -> bool,
) -> Result<Option<Inclusion>, CheckpointError> {
    let found = journal.find(row).await?;
    let found = found.ok_or(CheckpointError::Missing(row.0))?;
    let records = codec::decode::<M>(&found.payload)?;
    let has = |record: &Record<M>| record.events().iter().any(&wanted);
    let Some(position) = records.iter().position(has) else {
        return Ok(None);
    };
    let path = row_tree::path(row, through.0, &mut reading.connection(), journal).await?;
    let proof = found.prove(position)?;
    Ok(proof
        .zip(path)
        .map(|(record, row)| Inclusion { record, row }))
}
