//! The Merkle tree over all rows of the journal, so that one row is proven to be in a journal of any length with a few
//! hashes.
//!
//! Its leaves are the hashes of the rows, and it is shaped as in RFC 6962, like the tree over the records of a row. Of
//! its nodes every fourth level is kept in the views, one node for sixteen below it: three bytes for each row. What
//! lies between is computed from at most sixteen neighbours.
//!
//! | table | one row for each | ordered by |
//! |---|---|---|
//! | `row_tree` | complete node four levels above another kept one | level (in steps of four), position |

use crate::machine::Sequence;
use crate::shell::chain::Row;
use crate::shell::journal::{JournalError, ReadJournal};
use crate::shell::merkle::{self, Hash, Path};
use crate::shell::past::{PastError, ReadPast};
use crate::shell::sql::{Connection, Query};
use crate::shell::table::{Column, Growth, Rows, Table};

/// Nodes that have one above them that is kept.
const FAN: u64 = 16;
const FAN_SHIFT: u32 = FAN.trailing_zeros();

pub(crate) static ROW_TREE: Table = Table {
    name: "row_tree",
    columns: &[
        Column::integer("level"),
        Column::integer("position"),
        Column::blob("hash"),
    ],
    key: 2,
    growth: Growth::Append,
    indexes: &[],
};

#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the tree over the rows cannot be read: {0}")]
    Views(#[from] sqlx::Error),
    #[error("row {0} of the journal is missing")]
    Missing(u64),
    #[error("node {position} of level {level} of the tree over the rows is missing")]
    Node { level: u32, position: u64 },
}

/// Where single rows are read from.
pub(crate) trait RowSource: Send {
    fn find(
        &mut self,
        sequence: Sequence,
    ) -> impl Future<Output = Result<Option<Row>, JournalError>> + Send;
}

impl<J: ReadJournal> RowSource for J {
    async fn find(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        self.row(sequence).await
    }
}

/// The rows of a journal that runs.
pub(crate) struct PastRows<'a>(pub(crate) &'a dyn ReadPast);

impl RowSource for PastRows<'_> {
    async fn find(&mut self, sequence: Sequence) -> Result<Option<Row>, JournalError> {
        match self.0.row(sequence).await {
            Ok(row) => Ok(Some(Row::clone(&row))),
            Err(PastError::Journal(error)) => Err(error),
            // The others speak of what is in a row.
            Err(_) => Ok(None),
        }
    }
}

/// The right edge of the tree: where the next row attaches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    /// For each kept level the nodes that have none above them yet: fewer than sixteen.
    open: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree over so many rows, from what is kept.
    pub(crate) async fn load(
        size: u64,
        connection: &mut Connection<'_>,
        journal: &mut impl RowSource,
    ) -> Result<Self, TreeError> {
        let mut open = Vec::new();
        for level in 0.. {
            let count = complete(size, level);
            if count == 0 {
                break;
            }
            open.push(nodes(level, count - count % FAN, count, connection, journal).await?);
        }
        Ok(Self { size, open })
    }

    /// Adds the next row, and puts what becomes complete by it where that is wanted.
    pub(crate) fn push(&mut self, row: &Hash, mut rows: Option<&mut Rows>) {
        self.size += 1;
        let mut node = merkle::leaf(row);
        for level in 0_u32.. {
            let index = level as usize;
            if self.open.len() == index {
                self.open.push(Vec::new());
            }
            let open = &mut self.open[index];
            open.push(node);
            if (open.len() as u64) < FAN {
                break;
            }
            node = merkle::root(std::mem::take(open));
            let position = complete(self.size, level + 1) - 1;
            let hash = node.as_slice().into();
            if let Some(rows) = &mut rows {
                rows.put(&ROW_TREE, [(level + 1).into(), position.into(), hash]);
            }
        }
    }

    /// The root of the tree as it is.
    pub(crate) fn root(&self) -> Hash {
        let mut below = None;
        for open in &self.open {
            let nodes: Vec<Hash> = open.iter().copied().chain(below).collect();
            below = (!nodes.is_empty()).then(|| merkle::root(nodes));
        }
        below.unwrap_or_else(|| merkle::root(Vec::new()))
    }
}

/// How many nodes of a kept level are complete.
const fn complete(size: u64, level: u32) -> u64 {
    match size.checked_shr(level * FAN_SHIFT) {
        Some(count) => count,
        None => 0,
    }
}

/// Complete nodes of a kept level, from one position up to another.
async fn nodes(
    level: u32,
    from: u64,
    to: u64,
    connection: &mut Connection<'_>,
    journal: &mut impl RowSource,
) -> Result<Vec<Hash>, TreeError> {
    let mut found = Vec::with_capacity(usize::try_from(to - from).unwrap_or_default());
    if level == 0 {
        for number in from + 1..=to {
            let row = journal.find(Sequence(number)).await?;
            let row = row.ok_or(TreeError::Missing(number))?;
            found.push(merkle::leaf(&row.hash));
        }
        return Ok(found);
    }
    let query = Query::new(
        "select position, hash from row_tree
        where level = $1 and position >= $2 and position < $3 order by position",
    )
    .bind(level)
    .bind(from)
    .bind(to);
    let rows = connection.all(query).await?;
    let mut rows = rows.iter();
    for position in from..to {
        let lacking = || TreeError::Node { level, position };
        let row = rows.next().ok_or_else(lacking)?;
        if row.get::<u64>("position")? != position {
            return Err(lacking());
        }
        found.push(row.get("hash")?);
    }
    Ok(found)
}

/// The way from a row up to the root of the tree over the first `size` rows; none when the row is not among them.
pub(crate) async fn path(
    row: Sequence,
    size: u64,
    connection: &mut Connection<'_>,
    journal: &mut impl RowSource,
) -> Result<Option<Path>, TreeError> {
    let Some(index) = row.0.checked_sub(1).filter(|index| *index < size) else {
        return Ok(None);
    };
    let (mut at, mut beside, mut below) = (index, Vec::new(), None);
    for level in 0.. {
        let count = complete(size, level);
        let last = count / FAN;
        let mut group = nodes(level, last * FAN, count, connection, journal).await?;
        group.extend(below);
        let position = usize::try_from(at % FAN).unwrap_or_default();
        let whole = if at / FAN == last {
            group.clone()
        } else {
            let first = at - at % FAN;
            nodes(level, first, first + FAN, connection, journal).await?
        };
        beside.extend(
            Path::to(position, whole)
                .into_iter()
                .flat_map(|path| path.beside),
        );
        if last == 0 {
            break;
        }
        below = (!group.is_empty()).then(|| merkle::root(group));
        at /= FAN;
    }
    Ok(Some(Path {
        index,
        count: size,
        beside,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::journal::MemoryJournal;
    use crate::shell::sql::{Database, Session};

    #[tokio::test]
    async fn every_row_of_journals_of_any_length_is_proven_by_few_hashes() {
        let directory = tempfile::tempdir().unwrap();
        let area = Database::from(directory.path()).area("views");
        let mut session = Session::new(area);
        session.make(&[&ROW_TREE]).await.unwrap();
        let mut journal = MemoryJournal::default();
        let (mut edge, mut rows) = (Edge::default(), Rows::new(&[&ROW_TREE]));
        let mut leaves = Vec::new();
        for number in 1..=600_u64 {
            let hash = merkle::leaf(&number.to_be_bytes());
            journal.rows().push(Row {
                sequence: Sequence(number),
                epoch: 1,
                prev_hash: hash,
                hash,
                payload: Vec::new(),
            });
            leaves.push(merkle::leaf(&hash));
            edge.push(&hash, Some(&mut rows));
            let mut connection = session.connection().await.unwrap();
            for collected in rows.tables() {
                let rows = collected.take();
                connection.write(collected.table, rows).await.unwrap();
            }
            let root = merkle::root(leaves.clone());
            assert_eq!(edge.root(), root, "{number} rows");
            if number % 37 > 1 && number < 590 {
                continue;
            }
            let loaded = Edge::load(number, &mut connection, &mut journal)
                .await
                .unwrap();
            assert_eq!(loaded.root(), root, "{number} rows, loaded");
            for row in 1..=number {
                let path = path(Sequence(row), number, &mut connection, &mut journal).await;
                let path = path.unwrap().unwrap();
                let leaf = leaves[usize::try_from(row - 1).unwrap()];
                assert_eq!(path.root_from(leaf), Some(root), "row {row} of {number}");
            }
        }
        let mut connection = session.connection().await.unwrap();
        let beyond = path(Sequence(601), 600, &mut connection, &mut journal).await;
        assert_eq!(beyond.unwrap(), None);
    }
}
