//! Which keys of the *once* index are not in the views, told without a look into them.

use std::sync::{Arc, PoisonError, RwLock};

use crate::machine::Sequence;
use crate::once::OnceKey;
use crate::shell::packed::{self, Filter};

/// Which keys of the *once* index may have left for the views, without a look into them: told by
/// the projector, read by those who submit. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnceFilters(Arc<RwLock<Arc<FiltersAt>>>);

/// The filters as they stood at one row of the journal.
#[derive(Debug, Default)]
pub(crate) struct FiltersAt {
    pub(crate) at: Sequence,
    runs: Vec<(i64, Arc<Filter>)>,
}

impl OnceFilters {
    pub(crate) fn set(&self, at: Sequence, runs: Vec<(i64, Arc<Filter>)>) {
        let filters = Arc::new(FiltersAt { at, runs });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = filters;
    }

    pub(crate) fn now(&self) -> Arc<FiltersAt> {
        let filters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        filters.clone()
    }
}

impl FiltersAt {
    /// Whether no run has this key, for sure.
    pub(crate) fn is_absent(&self, key: OnceKey) -> bool {
        let digest = packed::digest(key.scope, key.key);
        !self.runs.iter().any(|(_, filter)| filter.may_have(digest))
    }

    /// Whether a run may have this key; also one that is not known here may.
    pub(crate) fn may_have(&self, run: i64, key: OnceKey) -> bool {
        let known = self.runs.iter().find(|(known, _)| *known == run);
        known.is_none_or(|(_, filter)| filter.may_have(packed::digest(key.scope, key.key)))
    }
}
