//! Fetching from the views what has left memory, for a command that needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use sqlx::SqliteConnection;

use crate::machine::{Cold, Machine, Sequence};
use crate::once::{Fingerprint, OnceEntry, OnceKey, Place};
use crate::shell::sequencer::Missing;
use crate::shell::view::View;
use crate::shell::views::{Views, ViewsError};

/// How long a command waits for the views to reach what has left memory. Things leave only after
/// they are in the views, so this is long only while views are rebuilt.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(5);

type Found<M> = BTreeMap<<M as Machine>::Key, Option<<M as Machine>::Row>>;
type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// [`View::cold`] of a view that is not named, so that a handle is not bound to one.
pub(crate) trait ReadCold<M: Machine>: Send + Sync {
    fn read<'a>(
        &self,
        connection: &'a mut SqliteConnection,
        keys: &'a [M::Key],
    ) -> Reading<'a, Found<M>>;
}

pub(crate) struct ColdOf<V>(PhantomData<fn() -> V>);

impl<V> Default for ColdOf<V> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<V> fmt::Debug for ColdOf<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColdOf")
    }
}

impl<M: Machine, V: View<M>> ReadCold<M> for ColdOf<V> {
    fn read<'a>(
        &self,
        connection: &'a mut SqliteConnection,
        keys: &'a [M::Key],
    ) -> Reading<'a, Found<M>> {
        Box::pin(V::cold(connection, keys))
    }
}

/// Adds to submissions what they lack, all in one read transaction, and reads again what they had
/// brought before, so that everything one brings was read at one watermark.
pub(crate) async fn bring<M: Machine>(
    views: &Views,
    cold: &dyn ReadCold<M>,
    lacking: &mut [Missing<M>],
) -> Result<(), ViewsError> {
    let mut reading = views.read().await?;
    let read_at = reading.watermark();
    let connection = reading.connection();
    for Missing {
        submission,
        keys,
        once,
        ..
    } in lacking
    {
        keys.extend(std::mem::take(&mut submission.cold.rows).into_keys());
        once.extend(std::mem::take(&mut submission.once_cold).into_keys());
        for key in once {
            let entry = read_once(connection, *key).await?;
            submission.once_cold.insert(*key, entry);
        }
        let rows = if keys.is_empty() {
            BTreeMap::new()
        } else {
            cold.read(connection, keys).await?
        };
        submission.cold = Cold { read_at, rows };
    }
    Ok(())
}

async fn read_once(
    connection: &mut SqliteConnection,
    key: OnceKey,
) -> Result<Option<OnceEntry>, sqlx::Error> {
    let row: Option<(Vec<u8>, i64, u32)> =
        sqlx::query_as("select fingerprint, seq, record from once where scope = ? and key = ?")
            .bind(key.scope.cast_signed())
            .bind(key.key.to_be_bytes().to_vec())
            .fetch_optional(connection)
            .await?;
    let Some((fingerprint, sequence, record)) = row else {
        return Ok(None);
    };
    let fingerprint = fingerprint.try_into().map_err(|_| {
        sqlx::Error::Decode("the column fingerprint of once is not readable".into())
    })?;
    Ok(Some(OnceEntry {
        key,
        fingerprint: Fingerprint(u128::from_be_bytes(fingerprint)),
        place: Place {
            sequence: Sequence(sequence.cast_unsigned()),
            record,
        },
    }))
}
