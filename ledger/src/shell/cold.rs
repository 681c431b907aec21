//! Fetching from the views what has left memory, for a command that needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use crate::machine::{Cold, Machine};
use crate::once::{OnceEntry, OnceKey, Unique};
use crate::shell::once_filter::{FiltersAt, OnceFilters};
use crate::shell::packed;
use crate::shell::past::{self, ReadPast};
use crate::shell::sequencer::Lacking;
use crate::shell::sql::Connection;
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
        connection: &'a mut Connection<'_>,
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
        connection: &'a mut Connection<'_>,
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
    past: &dyn ReadPast,
    filters: &OnceFilters,
    lacking: &mut [Lacking<M>],
) -> Result<(), ViewsError> {
    // Filters before tables: what they deny as of their row is denied, whatever comes later in the
    // tables was not there then.
    let filters = filters.now();
    let mut reading = views.read().await?;
    let read_at = reading.watermark().min(filters.at);
    let mut connection = reading.connection();
    for Lacking {
        submission, what, ..
    } in lacking
    {
        let (keys, once) = (&mut what.keys, &mut what.once);
        keys.extend(std::mem::take(&mut submission.cold.rows).into_keys());
        once.extend(std::mem::take(&mut submission.once_cold).into_keys());
        for key in once {
            let entry = read_once::<M>(&mut connection, &filters, past, *key).await?;
            submission.once_cold.insert(*key, entry);
        }
        let rows = if keys.is_empty() {
            BTreeMap::new()
        } else {
            cold.read(&mut connection, keys).await?
        };
        submission.cold = Cold { read_at, rows };
    }
    Ok(())
}

/// The entry of a key: the record in the journal where it was used, if it was.
async fn read_once<M: Machine>(
    connection: &mut Connection<'_>,
    filters: &FiltersAt,
    past: &dyn ReadPast,
    key: OnceKey,
) -> Result<Option<OnceEntry>, ViewsError> {
    if filters.is_absent(key) {
        return Ok(None);
    }
    let may_have = |run| filters.may_have(run, key);
    for place in packed::once(connection, key, may_have).await? {
        let unique = past::unique::<M>(past, place, key).await;
        let unique = unique.map_err(|error| sqlx::Error::Decode(error.to_string().into()))?;
        if let Some(Unique { fingerprint, .. }) = unique {
            return Ok(Some(OnceEntry {
                key,
                fingerprint,
                place,
            }));
        }
    }
    Ok(None)
}
