//! What the journal is, signed: published checkpoints, and proofs that a transaction is in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::Event;
use ledger::shell::Inclusion;
use ledger::shell::chain::hex;
use ledger::shell::ledger_read::transaction;
use ledger::shell::merkle;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Json, Replied, Reply};
use super::page::AtLeast;
use super::wire::SequenceToken;
use crate::app::views_problem;
use crate::pay::{Event as PayEvent, TransactionName};
use crate::problem::{Code, Problem};

/// A signed checkpoint (C2SP tlog-checkpoint).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckpointShown {
    /// The text with its signature: keep it, or publish it.
    checkpoint: String,
    /// The public key that checks it.
    #[schema(example = "jiaozi-5f0c2b1a+1b2c3d4e+AX…")]
    key: String,
    /// The trial balance that it vouches for, one line for each book and asset; for operators alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    sums: Option<String>,
    sequence: SequenceToken,
}

pub(super) async fn checkpoint(ask: Ask<(), AtLeast>) -> Replied<CheckpointShown> {
    let by_operator = ask.caller()?.is_operator();
    let at_least = ask.query.at_least.map(|token| token.0);
    let made = ask.app.checkpoint(at_least).await?;
    let sequence = made.note.statement.head.sequence;
    let shown = CheckpointShown {
        checkpoint: made.note.text.clone(),
        key: ask.app.checkpoints.key.public().to_string(),
        sums: by_operator.then(|| made.sums.clone()),
        sequence: SequenceToken(sequence),
    };
    Ok(Reply::as_of(sequence, Json(shown)))
}

/// Shows that a transaction is in the journal of a checkpoint; `docs/prove.py` checks it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerProof {
    id: TransactionName,
    checkpoint: String,
    key: String,
    /// The record as it stands in the journal, in base64.
    record: String,
    #[schema(inline)]
    row: ProofRow,
    /// The row in the tree over all rows.
    #[schema(inline)]
    tree: ProofPath,
}

/// The row of the journal that holds the record.
#[derive(Debug, Serialize, ToSchema)]
struct ProofRow {
    sequence: u64,
    epoch: u64,
    prev_hash: String,
    /// The record in the tree over the records of the row.
    #[schema(inline)]
    records: ProofPath,
}

/// A way from a leaf up to the root of a Merkle tree (RFC 6962).
#[derive(Debug, Serialize, ToSchema)]
struct ProofPath {
    index: u64,
    count: u64,
    /// Hashes of the neighbours, from the leaf upwards.
    beside: Vec<String>,
}

impl From<merkle::Path> for ProofPath {
    fn from(path: merkle::Path) -> Self {
        Self {
            index: path.index,
            count: path.count,
            beside: path.beside.iter().map(|hash| hex(hash)).collect(),
        }
    }
}

pub(super) async fn proof(ask: Ask<TransactionName, AtLeast>) -> Replied<LedgerProof> {
    let book = ask.caller()?.book()?;
    let at_least = ask.query.at_least.map(|token| token.0);
    let mut reading = ask.app.read_views(at_least).await?;
    let missing = || {
        let detail = "There is no such transaction, or it is not yours.";
        Problem::new(Code::TransactionNotFound, detail)
    };
    let no = transaction::number_of(&mut reading, book, ask.id.into()).await;
    let no = no
        .map_err(|error| views_problem(&error))?
        .ok_or_else(missing)?;
    let posted = transaction::find(&mut reading, no).await;
    let posted = posted.map_err(|error| views_problem(&error))?;
    let row = posted.ok_or_else(missing)?.sequence;
    let made = ask.app.checkpoint(Some(row)).await?;
    let through = made.note.statement.head.sequence;
    // The views have reached the checkpoint, which this reading may not have.
    let mut reading = ask.app.read_views(Some(through)).await?;
    let wanted = move |event: &PayEvent| match event {
        PayEvent::Ledger(Event::Posted { transaction, .. }) => transaction.no == no,
        _ => false,
    };
    let found = ask.app.handle.inclusion(&mut reading, row, through, wanted);
    let found = found.await.map_err(|error| Problem::internal(&error))?;
    let Inclusion { record, row } = found.ok_or_else(missing)?;
    let proof = LedgerProof {
        id: ask.id,
        checkpoint: made.note.text.clone(),
        key: ask.app.checkpoints.key.public().to_string(),
        row: ProofRow {
            sequence: record.sequence.0,
            epoch: record.epoch,
            prev_hash: hex(&record.prev_hash),
            records: record.path.into(),
        },
        record: STANDARD.encode(&record.record),
        tree: row.into(),
    };
    Ok(Reply::as_of(through, Json(proof)))
}
